//! `MATRIX.md` says what the code does. `WEIR_WRITE_MATRIX=1 cargo test -p token-check --test matrix` writes it anew.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use std::fmt::Write as _;

use token_check::TokenCheck;
use token_check::coverage::{FORMATS, ROWS};
use token_check::format::cat::label::{self, Enforced};
use weir_module::Module;

fn matrix() -> String {
    let mut text = String::from(
        "# What is enforced\n\nWritten from `src/coverage.rs` and `src/format/cat/label.rs` by the test `matrix`; change those, not this page.\n\n\
         - **enforced**: the request is held to it.\n\
         - **when told**: held to it when a header of `client-headers` tells the place or the connection; else the token is refused, naming the claim.\n\
         - **told**: goes on to the next modules.\n\
         - **refused**: the token is refused, naming the claim (Common Access Token below).\n\
         - empty: the format cannot say it.\n\n",
    );
    let _ = writeln!(text, "| what a token says | {} |", FORMATS.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(FORMATS.len()));
    for (what, fates) in ROWS {
        let cells: Vec<&str> = fates.iter().map(|fate| fate.as_str()).collect();
        let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
    }
    text.push_str(
        "\n## Common Access Token, claim by claim\n\n| claim | number | |\n|---|---|---|\n",
    );
    for (number, name, enforced) in label::ALL {
        let fate = match enforced {
            Enforced::Yes => "enforced",
            Enforced::WhenTold => "when told",
            Enforced::No => "refused",
        };
        let _ = writeln!(text, "| {name} | {number} | {fate} |");
    }
    text
}

#[test]
fn the_page_is_what_the_code_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/MATRIX.md");
    if std::env::var_os("WEIR_WRITE_MATRIX").is_some() {
        std::fs::write(file, matrix()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        matrix(),
        "WEIR_WRITE_MATRIX=1 writes it anew"
    );
}

#[test]
fn every_format_has_its_column() {
    // A format that does not exist is refused with the list of those that do.
    let error = TokenCheck::configure("[formats.x]\ntype = \"no-such-format\"\n")
        .err()
        .unwrap();
    let error = error.to_string();
    let expected = error
        .split("expected one of")
        .nth(1)
        .unwrap_or_else(|| panic!("{error}"));
    let mut known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let mut columns = FORMATS.to_vec();
    known.sort_unstable();
    columns.sort_unstable();
    assert_eq!(known, columns);
}
