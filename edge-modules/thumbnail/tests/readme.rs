//! The README says what is: every option and every key in it is parsed, and nothing that is parsed is left out.
#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

use thumbnail::config::Config;
use thumbnail::options::query;
use thumbnail::signature::SigningKey;

const README: &str = include_str!("../README.md");

fn section(title: &str) -> &'static str {
    let start = README.find(title).unwrap() + title.len();
    let rest = &README[start..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

fn code(section: &str, fence: &str) -> String {
    let start = section.find(fence).unwrap() + fence.len();
    let rest = &section[start..];
    rest[..rest.find("```").unwrap()].to_owned()
}

#[test]
fn every_example_of_an_option_is_read() {
    let rows: Vec<&str> = section("\n## Options")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let mut named: Vec<String> = Vec::new();
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        named.extend(
            cells[0]
                .split(", ")
                .map(|name| name.trim().trim_matches('`').to_owned()),
        );
        let example = cells.last().unwrap().trim().trim_matches('`');
        let draft = query::read(example).unwrap_or_else(|error| panic!("{example}: {error}"));
        draft
            .finish(8192)
            .unwrap_or_else(|error| panic!("{example}: {error}"));
    }
    let mut known: Vec<String> = query::NAMES.split(", ").map(str::to_owned).collect();
    named.sort();
    known.sort();
    assert_eq!(named, known);
}

#[test]
fn the_three_requests_are_ours() {
    let config = Config::parse("").unwrap();
    let text = code(section("\n## Three requests"), "```\n");
    let requests: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("GET ")?.split_whitespace().next())
        .collect();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert!(
            thumbnail::request::read(&config, request, 0, None)
                .unwrap()
                .is_some(),
            "{request}"
        );
    }
}

#[test]
fn the_configuration_is_the_defaults() {
    let text = code(section("\n## Configuration"), "```toml\n");
    let documented = Config::parse(&text).unwrap();
    assert_eq!(
        format!("{documented:?}"),
        format!("{:?}", Config::parse("").unwrap())
    );
    // What is commented out is valid too.
    let shown = text
        .replace(
            "[presets]                                           # card",
            "[presets]\ncard",
        )
        .replace("# [[keys]]", "[[keys]]")
        .replace("\n# id", "\nid")
        .replace("\n# secret", "\nsecret");
    let shown = Config::parse(&shown).unwrap();
    assert_eq!((shown.presets.len(), shown.keys.len()), (1, 1));
}

#[test]
fn every_key_is_documented() {
    let text = code(section("\n## Configuration"), "```toml\n");
    // An unknown key's error lists the known ones.
    let error = Config::parse("no-such-key = 1").unwrap_err().to_string();
    let known: Vec<&str> = error
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|key| *key != "no-such-key")
        .collect();
    assert!(known.len() >= 18, "{error}");
    for key in known {
        let present = text
            .lines()
            .any(|line| line.trim_start_matches(['#', ' ', '[']).starts_with(key));
        assert!(present, "`{key}` is not in the README");
    }
}

#[test]
fn the_signature_is_right() {
    let key = SigningKey::new("k1", "0123456789abcdef").unwrap();
    let signature = key.sign(
        "/img/a.jpg",
        &[("w".into(), "320".into()), ("q".into(), "80".into())],
    );
    assert!(README.contains(&format!("/img/a.jpg?w=320&q=80&s={signature}")));
}
