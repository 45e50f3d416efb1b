//! What a rule is.

use std::fmt;

use serde::Serialize;

/// How binding a rule is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// MUST, MUST NOT, SHALL, REQUIRED.
    Must,
    /// SHOULD, SHOULD NOT, RECOMMENDED.
    Should,
}

impl Severity {
    /// The key word in capitals.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

/// Who can mend what a rule finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Concern {
    /// Whoever writes playlists and cuts segments: the packager.
    Packaging,
    /// Whoever chooses codecs, bit rates and renditions: another encoding is needed, or one more.
    Content,
    /// Whoever runs the server.
    Delivery,
}

impl Concern {
    /// Lower-case name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Packaging => "packaging",
            Self::Content => "content",
            Self::Delivery => "delivery",
        }
    }
}

/// One requirement of a specification.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// `rfc-` and the section of RFC 8216bis with a word of what is asked, or `apple-` and the number in Apple's HLS
    /// Authoring Specification.
    pub id: &'static str,
    /// Other numbers under which the same is asked.
    pub also: &'static [&'static str],
    /// How binding it is.
    pub severity: Severity,
    /// Who can mend it.
    pub concern: Concern,
    /// What is asked, in one sentence.
    pub title: &'static str,
    /// What goes wrong otherwise.
    pub why: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

impl Rule {
    /// True when `name` is the rule's identifier or one of its other numbers, in any case.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name)
            || self
                .also
                .iter()
                .any(|other| other.eq_ignore_ascii_case(name))
    }

    /// The document that asks it.
    #[must_use]
    pub fn source(&self) -> String {
        match self.id.split_once('-') {
            Some(("apple", number)) => {
                format!("Apple HLS Authoring Specification (2025-06-26), {number}")
            }
            Some(("rfc", rest)) => {
                let section = rest.split('-').next().unwrap_or(rest);
                format!("RFC 8216bis (draft-pantos-hls-rfc8216bis-22), section {section}")
            }
            _ => self.id.to_owned(),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl fmt::Display for Rule {
    /// The text of `--explain`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ({}, {})",
            self.id,
            self.severity.as_str(),
            self.concern.as_str()
        )?;
        writeln!(f, "{}", self.source())?;
        if !self.also.is_empty() {
            writeln!(f, "also: {}", self.also.join(", "))?;
        }
        write!(f, "\n{}\n{}\n\nFix: {}", self.title, self.why, self.fix)
    }
}

/// Declares the rules of a file: a constant for each, and `RULES` with all of them.
macro_rules! rules {
    ($($name:ident: $severity:ident $concern:ident $id:literal $([$($also:literal),+])?
        $title:literal $why:literal $fix:literal;)+) => {
        $(
            pub(in crate::lint) static $name: $crate::lint::rule::Rule = $crate::lint::rule::Rule {
                id: $id,
                also: &[$($($also),+)?],
                severity: $crate::lint::rule::Severity::$severity,
                concern: $crate::lint::rule::Concern::$concern,
                title: $title,
                why: $why,
                fix: $fix,
            };
        )+
        /// The rules of this file.
        pub(in crate::lint) static RULES: &[&$crate::lint::rule::Rule] = &[$(&$name),+];
    };
}
pub(super) use rules;
