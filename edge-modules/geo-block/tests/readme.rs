//! The README is true: every key that it names is read, every key that is read stands there, and the examples answer as shown.
#![allow(clippy::unwrap_used)]

mod bench;

use bench::{Bench, answer, body, header};
use geo_block::GeoBlock;
use weir_location::testing as mmdb;
use weir_module::Module;

const README: &str = include_str!("../README.md");

fn blocks() -> Vec<&'static str> {
    let starts = README.split("```toml\n").skip(1);
    starts
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[test]
fn every_documented_key_is_read_and_the_values_are_the_defaults() {
    let blocks = blocks();
    assert_eq!(blocks.len(), 3);
    let shown = |text: &str| {
        format!(
            "{:#?}",
            GeoBlock::configure(text).unwrap_or_else(|error| panic!("{error}"))
        )
    };
    let rule = &blocks[1][blocks[1].find("[[rules]]").unwrap()..];
    assert_eq!(shown(blocks[1]), shown(rule));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        mmdb::write("Test", &[("192.0.2.0/24", mmdb::country("DE"))]),
    )
    .unwrap();
    let whole = blocks[2].replace("/geo/country.mmdb", &file.path().display().to_string());
    assert_eq!(
        shown(&whole),
        shown(&whole.replace("\nmax-age = 86400 ", "\n# "))
    );
    GeoBlock::configure(blocks[0]).unwrap();
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    // A key that does not exist is refused with the list of those that do.
    for text in [
        "no-such-key = 1",
        "[headers]\nno-such-key = 1",
        "[[databases]]\nno-such-key = 1",
        "[areas.a]\nno-such-key = 1",
        "[areas.a]\ncircles = [{ no-such-key = 1 }]",
        "[[rules]]\nno-such-key = 1",
        "[[rules]]\nexcept = { no-such-key = 1 }",
    ] {
        let error = GeoBlock::configure(text).unwrap_err().to_string();
        let expected = error
            .split("expected")
            .nth(1)
            .unwrap_or_else(|| panic!("{error}"));
        let keys: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert!(keys.len() > 1, "{error}");
        for key in keys {
            let documented = README.contains(&format!("{key} = "))
                || ["[", "[[", "[rules."]
                    .iter()
                    .any(|open| README.contains(&format!("\n{open}{key}")));
            assert!(documented, "`{key}` stands nowhere in the README");
        }
    }
}

#[test]
fn the_example_requests_answer_as_shown() {
    let mut bench = Bench::new(blocks()[0]);
    let path = "/vod/film/main.m3u8";
    assert_eq!(bench.outcome(path, &[("weir-country", "AT")]), "pass");
    let refused = answer(bench.ask(path, &[("weir-country", "FR")]));
    assert!(README.contains(&format!(
        "{}, `Link: {}`",
        refused.status,
        header(&refused, "link").unwrap()
    )));
    let text = body(refused);
    for part in [
        "\"type\":\"urn:weir:problem:location-not-allowed\"",
        "\"rule\":\"licence\"",
        "\"country\":\"FR\"",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(bench.outcome(path, &[]), "location-unknown");
}
