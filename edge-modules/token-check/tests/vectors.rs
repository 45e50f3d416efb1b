//! Tokens that other programs made, after what the vendors and standards publish, with keys made for them, and what must become of each.
//! A file of `vectors/` holds one format; each of its sets names its source and the configuration that its requests meet.
#![allow(clippy::unwrap_used)] // A test: a failure here is a failed test.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use serde::Deserialize;
use token_check::TokenCheck;
use weir_counters::{ManualClock, MemoryStore};
use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Module, Verdict};

/// Vectors of one source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    source: String,
    config: String,
    cases: Vec<Case>,
}

/// One request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    what: String,
    target: String,
    /// `pass`, or the code of the refusal.
    expect: String,
    /// Unix time in seconds.
    #[serde(default = "usual_time")]
    now: u64,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The target that goes on.
    goes_on: Option<String>,
}

fn usual_time() -> u64 {
    1_800_000_000
}

#[test]
fn every_vector_is_judged_as_its_source_has_it() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let sets: Vec<Set> = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for set in &sets {
            let mut module = TokenCheck::configure(&set.config)
                .unwrap_or_else(|error| panic!("{}: {error}", set.source));
            let mut host = TestHost {
                now_ns: 0,
                // Its clock stands still: what is counted once stays counted however slow the test is.
                counters: Arc::new(MemoryStore::builder().clock(ManualClock::default()).build()),
                refreshed: Vec::new(),
                logged: Vec::new(),
            };
            for case in &set.cases {
                count += 1;
                host.now_ns = case.now * 1_000_000_000;
                let found = judged(&mut module, &mut host, case);
                if let Err(found) = found {
                    let Case {
                        what,
                        expect,
                        target,
                        ..
                    } = case;
                    wrong.push(format!(
                        "{}: {what}: {found} and not {expect}: {target}",
                        set.source
                    ));
                }
            }
        }
    }
    assert!(count > 500, "{count} vectors were found");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn judged(
    module: &mut TokenCheck,
    host: &mut TestHost<Arc<MemoryStore>>,
    case: &Case,
) -> Result<(), String> {
    let headers: Vec<(&str, &str)> = case
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (found, target) = match decide(module, host, "GET", &case.target, &headers) {
        Verdict::Pass(edits) => {
            let target = edits.iter().find_map(|edit| match edit {
                Edit::SetTarget(target) => Some(target.to_owned()),
                _ => None,
            });
            ("pass".to_owned(), target)
        }
        Verdict::Answer(answer) => {
            let reason = answer
                .headers
                .iter()
                .find(|(name, _)| name == "weir-reason");
            let (_, reason) = reason.unwrap();
            (String::from_utf8(reason.clone()).unwrap(), None)
        }
        Verdict::Exchange(..) => unreachable!("token-check asks for no response"),
    };
    if found != case.expect {
        return Err(found);
    }
    match &case.goes_on {
        Some(wanted) if target.as_ref() != Some(wanted) => Err(format!("{target:?} goes on")),
        _ => Ok(()),
    }
}
