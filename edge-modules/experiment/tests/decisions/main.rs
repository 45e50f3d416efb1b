//! What the module decides about whole requests.
#![allow(clippy::unwrap_used)]

mod assignment;
mod messages;

use experiment::{Experiment, sign_force};
use proptest::prelude::*;
use std::collections::BTreeMap;
use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Module, NoCounters, Verdict};

const SECRET: &str = "sixteen characters";

struct Bench {
    module: Experiment,
    host: TestHost<NoCounters>,
}

/// What became of a request.
#[derive(Debug, Default, Clone, PartialEq)]
struct Passed {
    variant: Option<String>,
    removed: Vec<String>,
    target: Option<String>,
    response: Vec<(String, String)>,
}

impl Bench {
    fn new(config: &str) -> Self {
        Self {
            module: Experiment::configure(config).unwrap_or_else(|error| panic!("{error}")),
            host: TestHost {
                now_ns: 1_799_999_000_000_000_000,
                ..TestHost::default()
            },
        }
    }

    fn at(config: &str, seconds: u64) -> Self {
        let mut bench = Self::new(config);
        bench.host.now_ns = seconds * 1_000_000_000;
        bench
    }

    fn ask(&mut self, target: &str, headers: &[(&str, &str)]) -> Passed {
        let verdict = decide(&mut self.module, &mut self.host, "GET", target, headers);
        let Verdict::Pass(edits) = verdict else {
            panic!("{verdict:?}")
        };
        let mut passed = Passed::default();
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        for edit in edits.iter() {
            match edit {
                Edit::SetRequest("weir-variant", value) => passed.variant = Some(text(value)),
                Edit::RemoveRequest(name) => passed.removed.push(name.to_owned()),
                Edit::SetTarget(target) => passed.target = Some(target.to_owned()),
                Edit::SetResponse(name, value) | Edit::AppendResponse(name, value) => {
                    passed.response.push((name.to_owned(), text(value)));
                }
                other => panic!("{other:?}"),
            }
        }
        passed
    }

    fn variant(&mut self, subject: &str) -> Option<String> {
        self.ask("/vod/film/seg-1.m4s", &[("weir-subject", subject)])
            .variant
    }
}

impl Passed {
    fn response(&self, name: &str) -> Vec<&str> {
        let named = self.response.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

const TWO: &str =
    "[[experiments]]\nname = 'ladder'\nvariants = [{ name = 'usual' }, { name = 'low' }]\n";

fn shares(config: &str, viewers: u32) -> BTreeMap<Option<String>, u32> {
    let mut bench = Bench::new(config);
    let mut counts = BTreeMap::new();
    for viewer in 0..viewers {
        *counts
            .entry(bench.variant(&format!("viewer-{viewer}")))
            .or_default() += 1;
    }
    counts
}
