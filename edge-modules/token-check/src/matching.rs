//! String matches as Common Access Tokens write them: exact, prefix, suffix, contains, regular expression, hash.

use sha2::{Digest, Sha256, Sha512, Sha512_256};

/// One match rule.
#[derive(Debug, Clone)]
pub enum Match {
    /// The whole text.
    Exact(String),
    /// The beginning.
    Prefix(String),
    /// The end.
    Suffix(String),
    /// Any part.
    Contains(String),
    /// A regular expression somewhere in the text. Matching is linear in the text.
    Regex(Box<regex_lite::Regex>),
    /// SHA-256 of the whole text.
    Sha256(Vec<u8>),
    /// SHA-512/256 of the whole text (FIPS 180-4 section 5.3.6). Implementations disagree: some cut SHA-512 to 32 bytes, some
    /// compare all 64. A value of 32 bytes is held against both readings of that length, one of 64 against SHA-512.
    Sha512(Vec<u8>),
}

impl Match {
    /// A regular expression, bounded in size.
    pub fn regex(pattern: &str) -> Option<Self> {
        if pattern.len() > 1024 {
            return None;
        }
        let regex = regex_lite::RegexBuilder::new(pattern)
            .size_limit(64 * 1024)
            .nest_limit(32)
            .build()
            .ok()?;
        Some(Self::Regex(Box::new(regex)))
    }

    /// True when the text fits.
    pub fn fits(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => text == wanted,
            Self::Prefix(wanted) => text.starts_with(wanted.as_str()),
            Self::Suffix(wanted) => text.ends_with(wanted.as_str()),
            Self::Contains(wanted) => text.contains(wanted.as_str()),
            Self::Regex(regex) => regex.is_match(text),
            Self::Sha256(digest) => Sha256::digest(text)[..] == digest[..],
            Self::Sha512(digest) => match digest.len() {
                32 => {
                    Sha512_256::digest(text)[..] == digest[..]
                        || Sha512::digest(text)[..32] == digest[..]
                }
                64 => Sha512::digest(text)[..] == digest[..],
                _ => false,
            },
        }
    }
}

impl PartialEq for Match {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b))
            | (Self::Prefix(a), Self::Prefix(b))
            | (Self::Suffix(a), Self::Suffix(b))
            | (Self::Contains(a), Self::Contains(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            (Self::Sha256(a), Self::Sha256(b)) | (Self::Sha512(a), Self::Sha512(b)) => a == b,
            _ => false,
        }
    }
}
