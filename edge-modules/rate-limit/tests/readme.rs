//! The README is true: every key that it names is read, and every key that is read has its default there.
#![allow(clippy::unwrap_used)]

mod bench;

use bench::{Bench, answer, header, response_edit};
use rate_limit::RateLimit;
use weir_module::Module;

const README: &str = include_str!("../README.md");

fn toml_blocks() -> Vec<&'static str> {
    README
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[test]
fn every_documented_key_is_read() {
    let blocks = toml_blocks();
    assert_eq!(blocks.len(), 2);
    RateLimit::configure(blocks[0]).unwrap();
    RateLimit::configure(blocks[1]).unwrap();
    // The commented keys too.
    let uncommented: String = blocks[0]
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") => rest.replace('…', "sixteen characters"),
            _ => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n");
    RateLimit::configure(&uncommented).unwrap();
    assert!(uncommented.contains("\nburst = 100") && uncommented.contains("\ndebug-key = "));
}

#[test]
fn the_documented_values_are_the_defaults() {
    let documented = RateLimit::configure(toml_blocks()[0]).unwrap();
    let shipped = RateLimit::configure("").unwrap();
    let shown = |module: &RateLimit| {
        // Sets print in no order; they are empty here. The rest prints in full.
        format!("{module:#?}")
    };
    assert_eq!(shown(&documented), shown(&shipped));
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    // A key that does not exist is refused with the list of those that do.
    for (context, text) in [
        ("", "no-such-key = 1"),
        ("tiers.free", "[tiers.free]\nno-such-key = 1"),
        ("client", "[client]\nno-such-key = 1"),
        ("token", "[token]\nno-such-key = 1"),
        ("costs", "[costs]\nno-such-key = 1"),
        ("streams", "[streams]\nno-such-key = 1"),
        ("abuse", "[abuse]\nno-such-key = 1"),
        ("abuse.ranges", "[abuse]\nranges = { no-such-key = 1 }"),
        ("policies", "[[policies]]\nno-such-key = 1"),
        ("classes", "[[classes]]\nno-such-key = 1"),
        ("routes", "[[routes]]\nno-such-key = 1"),
    ] {
        let error = RateLimit::configure(text).unwrap_err().to_string();
        let expected = error
            .split("expected")
            .nth(1)
            .unwrap_or_else(|| panic!("{context}: {error}"));
        let keys: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert!(keys.len() > 1, "{error}");
        for key in keys {
            let documented =
                README.contains(&format!("{key} = ")) || README.contains(&format!("[{key}"));
            assert!(
                documented,
                "`{key}` of `{context}` stands nowhere in the README"
            );
        }
    }
}

#[test]
fn the_example_requests_answer_as_shown() {
    let mut bench = Bench::new("");
    let first = bench.ask("/vod/film/main.m3u8", &[("weir-client-ip", "192.0.2.7")]);
    let policy = response_edit(&first, "ratelimit-policy").unwrap();
    let limit = response_edit(&first, "ratelimit").unwrap();
    assert!(README.contains(&format!("ratelimit-policy: {policy}\nratelimit: {limit}\n")));
    while bench.passes("/vod/film/seg-7.m4s", &[("weir-client-ip", "192.0.2.7")]) {}
    let refused = answer(bench.ask("/vod/film/seg-7.m4s", &[("weir-client-ip", "192.0.2.7")]));
    for name in [
        "retry-after",
        "ratelimit-policy",
        "ratelimit",
        "access-control-allow-origin",
    ] {
        let line = format!("{name}: {}\n", header(&refused, name).unwrap());
        assert!(README.contains(&line), "{line}");
    }
}
