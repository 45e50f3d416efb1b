//! A wrong configuration is refused and never half understood: a limit that was misspelt must not be a limit that is not there.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rate_limit::RateLimit;
use weir_module::Module;

const README: &str = include_str!("../README.md");

/// The documents of the README: every key once, with its default or an example.
fn documents() -> impl Iterator<Item = String> {
    README
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
}

/// Every line that sets a key, by its number, with the key and what stands before the `=`.
fn settings(document: &str) -> Vec<(usize, String)> {
    let set = |line: &str| {
        line.split_once(" = ")
            .map(|(key, _)| key.to_owned())
            .filter(|key| !key.starts_with('#'))
    };
    document
        .lines()
        .enumerate()
        .filter_map(|(number, line)| Some((number, set(line)?)))
        .collect()
}

fn with_line(document: &str, number: usize, line: &str) -> String {
    let lines = document
        .lines()
        .enumerate()
        .map(|(at, old)| if at == number { line } else { old });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_misspelt_key_is_refused() {
    for document in documents() {
        for (number, key) in settings(&document) {
            let line = document.lines().nth(number).unwrap();
            for misspelt in [
                format!("{key}s"),
                key[1..].to_owned() + "x",
                key.to_uppercase(),
                key.replace('-', "_") + "_",
            ] {
                let text = with_line(&document, number, &line.replacen(&key, &misspelt, 1));
                let error = RateLimit::configure(&text)
                    .expect_err(&misspelt)
                    .to_string();
                assert!(error.starts_with("RATE_LIMIT: "), "{error}");
            }
        }
    }
}

#[test]
fn no_key_takes_a_value_that_means_nothing() {
    for document in documents() {
        for (number, key) in settings(&document) {
            for value in [
                "'nonsense value'",
                "''",
                "-1",
                "1.5",
                "[[]]",
                "{ nonsense = 1 }",
                "nan",
                "1979-05-27",
                "99999999999999999999",
            ] {
                // Free texts and lists of names take what looks like one; an empty list of names is refused nowhere.
                let free = matches!(
                    key.as_str(),
                    "paths" | "methods" | "extensions" | "exempt-methods"
                );
                if free && value.starts_with('\'') {
                    continue;
                }
                let text = with_line(&document, number, &format!("{key} = {value}"));
                assert!(
                    RateLimit::configure(&text).is_err(),
                    "`{key} = {value}` was accepted"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn mutated_documents_are_read_or_refused(
        which in 0usize..2,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[\\x00-\\x7fäé€]{0,3}", 0usize..4), 1..6),
    ) {
        let mut text: Vec<char> = documents().nth(which).unwrap().chars().collect();
        for (at, insert, remove) in cuts {
            let at = at.index(text.len());
            let end = (at + remove).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = RateLimit::configure(&text) {
            prop_assert!(error.to_string().starts_with("RATE_LIMIT: "));
        }
    }
}
