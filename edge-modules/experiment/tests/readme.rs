//! The README is true: every key that it names is read, every key that is read stands there, and the examples answer as shown.
#![allow(clippy::unwrap_used)]

use experiment::{Experiment, sign_force};
use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Module, NoCounters, Verdict};

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
    for block in &blocks {
        Experiment::configure(block).unwrap_or_else(|error| panic!("{error}"));
    }
    let shown = |text: &str| format!("{:#?}", Experiment::configure(text).unwrap());
    assert_eq!(shown(blocks[1]), shown(""));
    // What a comment calls a default.
    let with = |more: &str| {
        format!("[[experiments]]\nname = 'ladder'\nvariants = [{{ name = 'a' }}]\n{more}")
    };
    for same in [
        "salt = 'ladder'",
        "percent = 100",
        "ramp-shape = 'steps'",
        "unit = ['subject', 'session', 'device']",
        "[experiments.exclude]\ndevices = ['bot']",
    ] {
        assert_eq!(shown(&with(same)), shown(&with("")), "{same}");
    }
    let group = "[groups.startup]\n";
    assert_eq!(
        shown(group),
        shown(&format!("{group}salt = 'group/startup'\n"))
    );
    let force = blocks[2].split("[force]").nth(1).unwrap();
    assert_eq!(
        shown(&format!("[force]\n{}", force.split_once('\n').unwrap().1)),
        shown("[force]\nsecrets = ['sixteen characters']")
    );
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    // A key that does not exist is refused with the list of those that do.
    for text in [
        "no-such-key = 1",
        "[exposure]\nno-such-key = 1",
        "[force]\nno-such-key = 1",
        "[[experiments]]\nno-such-key = 1",
        "[[experiments]]\nvariants = [{ no-such-key = 1 }]",
        "[[experiments]]\nramp = [{ no-such-key = 1 }]",
        "[[experiments]]\n[experiments.target]\nno-such-key = 1",
    ] {
        let error = Experiment::configure(text).unwrap_err().to_string();
        let expected = error
            .split("expected")
            .nth(1)
            .unwrap_or_else(|| panic!("{error}"));
        let keys: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert!(keys.len() > 1, "{error}");
        for key in keys {
            let documented = README.contains(&format!("{key} = "))
                || ["[", "[[", "[experiments."]
                    .iter()
                    .any(|open| README.contains(&format!("\n{open}{key}")));
            assert!(documented, "`{key}` stands nowhere in the README");
        }
    }
}

fn passed(target: &str, headers: &[(&str, &str)]) -> (String, Option<String>, Vec<String>) {
    let mut module = Experiment::configure(blocks()[0]).unwrap();
    let mut host = TestHost::<NoCounters> {
        now_ns: 1_799_999_000_000_000_000,
        ..TestHost::default()
    };
    let Verdict::Pass(edits) = decide(&mut module, &mut host, "GET", target, headers) else {
        panic!("refused")
    };
    let variant = edits.iter().find_map(|edit| match edit {
        Edit::SetRequest("weir-variant", value) => Some(String::from_utf8(value.to_vec()).unwrap()),
        _ => None,
    });
    let target = edits.iter().find_map(|edit| match edit {
        Edit::SetTarget(target) => Some(target.to_owned()),
        _ => None,
    });
    let lines = host.logged.into_iter().map(|(_, line)| line).collect();
    (variant.unwrap(), target, lines)
}

#[test]
fn the_example_requests_answer_as_shown() {
    let ada = [("weir-subject", "ada")];
    let (variant, _, lines) = passed("/vod/film/main.m3u8", &ada);
    assert!(
        README.contains(&format!(
            "| `GET /vod/film/main.m3u8` of subject `ada` | with `weir-variant: {variant}`"
        )),
        "{variant}"
    );
    assert!(
        README.contains(&format!("a line `{}`", lines[0])),
        "{lines:?}"
    );
    let (variant, _, lines) = passed("/vod/film/seg-1.m4s", &ada);
    assert!(
        README.contains(&format!("| with `weir-variant: {variant}`; segments")) && lines.is_empty()
    );
    let text = sign_force("sixteen characters", "ladder:usual", 1_800_000_000);
    assert!(README.contains(&format!("weir-force={text}`")), "{text}");
    assert!(README.contains(&format!("\n{}\n", text.rsplit('.').next().unwrap())));
    let (variant, target, _) = passed(&format!("/vod/film/main.m3u8?weir-force={text}"), &[]);
    assert_eq!(
        (variant.as_str(), target.as_deref()),
        ("ladder:usual", Some("/vod/film/main.m3u8"))
    );
}
