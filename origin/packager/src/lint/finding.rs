//! What the linter finds.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::rule::{Rule, Severity};

/// Most findings of one rule in one document; the rest are counted.
const MAX_OF_A_KIND: usize = 10;

/// One place where a rule is broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Address of the playlist or segment.
    pub document: String,
    /// Line in the playlist, counted from 1; `None` when it is about the whole.
    pub line: Option<usize>,
    /// What stands there.
    pub value: String,
    /// What is wrong with it.
    pub message: String,
    /// How many more places of the same document break the same rule without being listed.
    pub more: usize,
}

impl Finding {
    /// How binding the rule is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.rule.severity
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Finding", 11)?;
        out.serialize_field("rule", self.rule.id)?;
        out.serialize_field("also", self.rule.also)?;
        out.serialize_field("severity", &self.rule.severity)?;
        out.serialize_field("concern", &self.rule.concern)?;
        out.serialize_field("title", self.rule.title)?;
        out.serialize_field("document", &self.document)?;
        out.serialize_field("line", &self.line)?;
        out.serialize_field("value", &self.value)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("fix", self.rule.fix)?;
        out.serialize_field("more", &self.more)?;
        out.end()
    }
}

/// Collects findings.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    /// How many of a rule a document has, and where the last of them stands in the list.
    kinds: BTreeMap<&'static str, BTreeMap<String, (usize, usize)>>,
}

impl Findings {
    /// Adds a finding, or counts it when the document has many of its kind.
    pub(super) fn add(
        &mut self,
        rule: &'static Rule,
        document: &str,
        line: impl Into<Option<usize>>,
        value: impl AsRef<str>,
        message: impl Into<String>,
    ) {
        let documents = self.kinds.entry(rule.id).or_default();
        match documents.get_mut(document) {
            Some((MAX_OF_A_KIND, last)) => {
                self.list[*last].more += 1;
                return;
            }
            Some((count, last)) => (*count, *last) = (*count + 1, self.list.len()),
            None => {
                documents.insert(document.to_owned(), (1, self.list.len()));
            }
        }
        self.list.push(Finding {
            rule,
            document: document.to_owned(),
            line: line.into(),
            value: shorten(value.as_ref()),
            message: message.into(),
            more: 0,
        });
    }

    /// The findings: what must be mended first, then by document and line.
    pub(super) fn finish(mut self, order: impl Fn(&str) -> usize) -> Vec<Finding> {
        self.list.sort_by_key(|finding| {
            (
                finding.rule.severity,
                order(&finding.document),
                finding.line,
            )
        });
        self.list
    }
}

/// A value as it is shown: printable, and not longer than a line.
fn shorten(value: &str) -> String {
    const MOST: usize = 160;
    let clean: String = value
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(MOST + 1)
        .collect();
    if clean.chars().count() <= MOST {
        return clean;
    }
    let cut: String = clean.chars().take(MOST - 1).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::rules::delivery::GZIP;

    #[test]
    fn many_of_a_kind_are_counted() {
        let mut findings = Findings::default();
        for line in 1..=MAX_OF_A_KIND + 5 {
            findings.add(&GZIP, "a", line, "x\n\u{1b}[31m", "");
        }
        findings.add(&GZIP, "b", None, "y".repeat(500), "");
        let list = findings.finish(|document| usize::from(document == "b"));
        assert_eq!(list.len(), MAX_OF_A_KIND + 1);
        assert_eq!(list[MAX_OF_A_KIND - 1].more, 5);
        assert_eq!(list[0].value, "x\u{fffd}\u{fffd}[31m");
        assert!(list[MAX_OF_A_KIND].value.ends_with('…'));
    }
}
