//! A playlist or package that breaks it, for every rule of the linter.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_cases;
mod lint_support;
mod support;

use std::collections::BTreeSet;

use lint_cases::{Case, delivery, low_latency, media, multivariant, package_cases, playlists};
use lint_support::{lint, listed};
use weir_packager::lint::rules;

fn all() -> Vec<Case> {
    let mut cases = playlists::cases();
    cases.extend(low_latency::cases());
    cases.extend(multivariant::cases());
    cases.extend(media::cases());
    cases.extend(package_cases::cases());
    cases
}

#[test]
fn every_broken_presentation_is_caught() {
    let mut failures = String::new();
    for case in all() {
        let report = lint(&case.files, &case.start);
        let found = report.findings.iter().find(|finding| {
            finding.rule.id == case.rule && (case.line.is_none() || finding.line == case.line)
        });
        if found.is_none() {
            failures.push_str(&format!(
                "{} at line {:?} was not found; there were\n{}\n",
                case.rule,
                case.line,
                listed(&report)
            ));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_rule_has_a_broken_presentation() {
    let covered: BTreeSet<&str> = all()
        .iter()
        .map(|case| case.rule)
        .chain(delivery::RULES.iter().copied())
        .collect();
    let missing: Vec<&str> = rules()
        .map(|rule| rule.id)
        .filter(|id| !covered.contains(id))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "rules without a test");
    let unknown: Vec<&&str> = covered
        .iter()
        .filter(|id| rules().all(|rule| rule.id != **id))
        .collect();
    assert_eq!(unknown, Vec::<&&str>::new(), "tests of no rule");
}

#[test]
fn deliveries_are_judged() {
    delivery::check();
}
