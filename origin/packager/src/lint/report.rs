//! The result of a run.

use std::fmt;

use serde::Serialize;

use super::finding::Finding;
use super::rule::{Concern, Severity};

/// What a run found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Address of the playlist that was checked.
    pub url: String,
    /// Playlists read.
    pub playlists: usize,
    /// Media segments read.
    pub segments: usize,
    /// Broken rules: what must be mended first.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// A resource that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Its address.
    pub url: String,
    /// Why not.
    pub reason: String,
}

impl Report {
    /// True when no rule is broken and everything was read.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.unread.is_empty()
    }

    /// Number of findings of a severity, those that are only counted included.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity() == severity)
            .map(|finding| 1 + finding.more)
            .sum()
    }

    /// What must be mended by `concern`.
    pub fn violations(&self, concern: Concern) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| {
            finding.severity() == Severity::Must && finding.rule.concern == concern
        })
    }

    /// The same without what others than `concern` can mend.
    #[must_use]
    pub fn only(mut self, concern: Concern) -> Self {
        self.findings
            .retain(|finding| finding.rule.concern == concern);
        self
    }

    /// Exit code of a command line: 1 when a MUST is broken, else 2 when something could not be read, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.count(Severity::Must) > 0 {
            1
        } else if self.unread.is_empty() {
            0
        } else {
            2
        }
    }
}

impl fmt::Display for Report {
    /// A finding takes two lines: where and what, then the rule, who can mend it and how.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            write!(f, "{}", finding.document)?;
            if let Some(line) = finding.line {
                write!(f, ":{line}")?;
            }
            write!(f, ": {} {}", finding.severity().as_str(), finding.message)?;
            if !finding.value.is_empty() {
                write!(f, " [{}]", finding.value)?;
            }
            if finding.more > 0 {
                write!(f, " (and {} more)", finding.more)?;
            }
            let rule = finding.rule;
            writeln!(
                f,
                "\n    {} ({}): {}",
                rule.id,
                rule.concern.as_str(),
                rule.fix
            )?;
        }
        for unread in &self.unread {
            writeln!(f, "{}: could not be read: {}", unread.url, unread.reason)?;
        }
        let broken = |concern| -> usize { self.violations(concern).map(|one| 1 + one.more).sum() };
        write!(
            f,
            "{} MUST ({} of packaging, {} of content, {} of delivery), {} SHOULD in {} playlists and {} segments",
            self.count(Severity::Must),
            broken(Concern::Packaging),
            broken(Concern::Content),
            broken(Concern::Delivery),
            self.count(Severity::Should),
            self.playlists,
            self.segments
        )?;
        if !self.unread.is_empty() {
            write!(f, "; {} not read", self.unread.len())?;
        }
        Ok(())
    }
}
