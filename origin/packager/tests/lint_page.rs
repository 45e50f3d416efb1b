//! The page of all rules is made from the rules. `WEIR_UPDATE=1` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::path::Path;

use weir_packager::lint::{Rule, Severity, rules};

#[test]
fn the_page_says_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint-rules.md");
    let wanted = page();
    if std::env::var("WEIR_UPDATE").as_deref() == Ok("1") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is out of date: run this test with WEIR_UPDATE=1",
        path.display()
    );
}

fn page() -> String {
    let all: Vec<&Rule> = rules().collect();
    let must = all
        .iter()
        .filter(|rule| rule.severity == Severity::Must)
        .count();
    let mut text = format!(
        "# What `weir-origin lint` checks\n\n\
         {} rules, {must} of them MUST: RFC 8216bis (`draft-pantos-hls-rfc8216bis-22`, section numbers) and Apple's HLS Authoring\n\
         Specification (revision 2025-06-26, item numbers). This page is made from the rules themselves;\n\
         `weir-origin lint --explain RULE` prints one of them. The last word says who can mend it: *packaging* (playlists and segments),\n\
         *content* (codecs, bit rates, renditions) or *delivery* (the server).\n",
        all.len()
    );
    for (title, prefix) in [
        ("RFC 8216bis", "rfc-"),
        ("Apple's HLS Authoring Specification", "apple-"),
    ] {
        write!(text, "\n## {title}\n\n| rule | | what is asked | how to mend it | who |\n|---|---|---|---|---|\n").unwrap();
        let mut group: Vec<_> = all
            .iter()
            .filter(|rule| rule.id.starts_with(prefix))
            .collect();
        group.sort_by_key(|rule| numbers(rule.id));
        for rule in group {
            let also = if rule.also.is_empty() {
                String::new()
            } else {
                format!(" ({})", rule.also.join(", "))
            };
            writeln!(
                text,
                "| `{}`{also} | {} | {} | {} | {} |",
                rule.id,
                rule.severity.as_str(),
                cell(rule.title),
                cell(rule.fix),
                rule.concern.as_str()
            )
            .unwrap();
        }
    }
    text
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The numbers of an identifier, to sort 4.4.10 after 4.4.9.
fn numbers(id: &str) -> (Vec<u32>, &str) {
    let number = id.split('-').nth(1).unwrap_or_default();
    let parts = number
        .split('.')
        .map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        })
        .collect();
    (parts, id)
}
