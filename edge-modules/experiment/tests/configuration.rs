//! A wrong configuration is refused and never half understood.
#![allow(clippy::unwrap_used)]

use experiment::Experiment;
use proptest::prelude::*;
use weir_module::Module;

const README: &str = include_str!("../README.md");

fn documents() -> impl Iterator<Item = String> {
    let starts = README.split("```toml\n").skip(1);
    starts.map(|rest| rest.split("```").next().unwrap().to_owned())
}

#[test]
fn every_misspelt_key_is_refused() {
    for document in documents() {
        let lines: Vec<&str> = document.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((key, rest)) = line
                .split_once(" = ")
                .filter(|(key, _)| !key.starts_with([' ', '#', '[']))
            else {
                continue;
            };
            for misspelt in [format!("{key}s"), key.to_uppercase(), format!("{key}_")] {
                let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
                lines[at] = format!("{misspelt} = {rest}");
                let error = Experiment::configure(&lines.join("\n"))
                    .expect_err(&misspelt)
                    .to_string();
                assert!(error.starts_with("EXPERIMENT: "), "{error}");
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let mut wrong = Vec::new();
    let with = |more: &str| {
        format!("[groups.g]\n[[experiments]]\nname = 'a'\nvariants = [{{ name = 'x' }}]\n{more}")
    };
    for (text, key) in [
        ("unit = []", "unit"),
        ("unit = ['who']", "unit"),
        ("[groups.'a b']", "groups.a b"),
        ("[groups.a]\nsalt = ''", "groups.a.salt"),
        (&with("group = 'g'"), "experiments[0]"),
        (&with("slot = [0, 10]"), "experiments[0]"),
        (&with("group = 'h'\nslot = [0, 10]"), "experiments[0].group"),
        (&with("group = 'g'\nslot = [10, 10]"), "experiments[0].slot"),
        (&with("unit = []"), "experiments[0].unit"),
        (&with("percent = 101"), "experiments[0].percent"),
        (&with("percent = nan"), "experiments[0].percent"),
        (
            &with("percent = 1\nramp = [{ at = '2026-01-01T00:00:00Z', percent = 1 }]"),
            "experiments[0]",
        ),
        (
            &with("[experiments.target]\ncountries = ['de']"),
            "experiments[0].target.countries",
        ),
        (
            &with("[experiments.target]\ndevices = ['watch']"),
            "experiments[0].target.devices",
        ),
        (
            &with("[experiments.exclude]\ntiers = ['']"),
            "experiments[0].exclude.tiers",
        ),
        (
            &with("[experiments.target]\npaths = ['vod']"),
            "experiments[0].target.paths",
        ),
        (
            &with("[[experiments]]\nname = 'a'\nvariants = [{ name = 'x' }]"),
            "experiments[1].name",
        ),
        (
            &with(
                "group = 'g'\nslot = [0, 50]\n[[experiments]]\nname = 'b'\ngroup = 'g'\nslot = [49.999, 60]\nvariants = [{ name = 'x' }]",
            ),
            "experiments[1].slot",
        ),
        (
            "[[experiments]]\nname = 'a'\nvariants = []",
            "experiments[0].variants",
        ),
        (
            "[[experiments]]\nname = 'a:b'\nvariants = [{ name = 'x' }]",
            "experiments[0].name",
        ),
        (
            "[[experiments]]\nname = 'a'\nvariants = [{ name = 'x' }, { name = 'x' }]",
            "experiments[0].variants[1].name",
        ),
        (
            "[[experiments]]\nname = 'a'\nvariants = [{ name = 'x', weight = 0 }]",
            "experiments[0].variants",
        ),
        (
            "[[experiments]]\nname = 'a'\nvariants = [{ name = 'x', weight = 1000001 }]",
            "experiments[0].variants[0].weight",
        ),
        ("[force]\nsecrets = []", "force.secrets"),
        ("[force]\nsecrets = ['short']", "force.secrets"),
        (
            "[force]\nsecrets = ['sixteen characters']\nparameter = 'a=b'",
            "force.parameter",
        ),
        (
            "[force]\nsecrets = ['sixteen characters']\nlongest = '0s'",
            "force.longest",
        ),
        ("[exposure]\nheader = 'Weir-Variant'", "exposure.header"),
        ("[exposure]\ncookie = 'a;b'", "exposure.cookie"),
        (
            "[exposure]\ncookie-attributes = \"Path=/\\r\\nx: y\"",
            "exposure.cookie-attributes",
        ),
        ("[exposure]\nlog-again = '-1s'", "exposure.log-again"),
    ] {
        let error = Experiment::configure(text).expect_err(text);
        if error.key() != key {
            wrong.push(format!("{key}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "other keys named:\n{}", wrong.join("\n"));
}

proptest! {
    #[test]
    fn mutated_documents_are_read_or_refused(
        which in 0_usize..3,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[\\x00-\\x7fäé€]{0,3}", 0_usize..4), 1..6),
    ) {
        let mut text: Vec<char> = documents().nth(which).unwrap().chars().collect();
        for (at, insert, remove) in cuts {
            let at = at.index(text.len());
            let end = (at + remove).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = Experiment::configure(&text) {
            prop_assert!(error.to_string().starts_with("EXPERIMENT: "));
        }
    }
}
