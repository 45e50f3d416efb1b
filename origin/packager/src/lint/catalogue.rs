//! All rules.

use super::rule::Rule;
use super::rules::GROUPS;

/// Every rule, in the order of the specifications.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    GROUPS.iter().flat_map(|group| group.rules.iter().copied())
}

/// The rule of that identifier or number: `rfc-4.4.3.1-required`, `apple-7.7`.
#[must_use]
pub fn rule(name: &str) -> Option<&'static Rule> {
    rules()
        .find(|rule| rule.id.eq_ignore_ascii_case(name))
        .or_else(|| rules().find(|rule| rule.is_called(name)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_says_all() {
        let mut seen = BTreeSet::new();
        for rule in rules() {
            assert!(seen.insert(rule.id), "{} is declared twice", rule.id);
            assert!(
                rule.id.starts_with("rfc-") || rule.id.starts_with("apple-"),
                "{}",
                rule.id
            );
            for text in [rule.title, rule.why, rule.fix] {
                assert!(
                    text.ends_with('.') && text.len() > 5,
                    "{}: `{text}`",
                    rule.id
                );
            }
        }
        assert!(
            rule("APPLE-7.7").is_some() && rule("apple-9.13").is_some() && rule("none").is_none()
        );
    }
}
