//! What the fuzz targets run: every reader of outside bytes, and the invariants that must hold whatever comes.
//!
//! A target is one line that calls one of these with the fuzzer's bytes; the tests below call them with saved inputs and mutations of them.

use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Module, Verdict};

use crate::Experiment;

const NOW_NS: u64 = 1_800_000_000_000_000_000;

/// Everybody gets `a:x`; `a:y` only by force.
const ONE: &str = "unit = ['subject', 'cookie:unit', 'device']
[[experiments]]
name = 'a'
variants = [{ name = 'x' }, { name = 'y', weight = 0 }]
exclude = {}
[force]
secrets = ['sixteen characters']
[exposure]
remember-device = 'unit'
";

fn ask(module: &mut Experiment, target: &str, headers: &[(&str, &str)]) -> Verdict {
    let mut host: TestHost = TestHost {
        now_ns: NOW_NS,
        ..TestHost::default()
    };
    decide(module, &mut host, "GET", target, headers)
}

/// A configuration is refused, or its module lets requests pass: an experiment is no access rule.
///
/// # Panics
/// When a request is refused.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(mut module) = Experiment::configure(text) {
        let headers = [("weir-subject", "ada"), ("weir-country", "DE")];
        for target in ["/vod/a.m3u8?x=1", "/"] {
            let verdict = ask(&mut module, target, &headers);
            assert!(matches!(verdict, Verdict::Pass(_)), "{verdict:?}");
        }
    }
}

/// Nobody forces a variant without the secret.
///
/// # Panics
/// When the text forces one.
pub fn force(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let target = format!("/a?weir-force={}", text.replace(['&', '\n'], ""));
    if target.len() < 65_536 {
        unforced(&target, &[("weir-subject", "ada")]);
    }
}

/// Lines: the target, then the values of the headers. Whatever a request says, it passes with the one variant that there is.
///
/// # Panics
/// When it does not.
pub fn request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let target = lines.next().unwrap_or_default();
    let names = [
        "weir-subject",
        "cookie",
        "weir-client-ip",
        "user-agent",
        "weir-variant",
        "origin",
    ];
    let headers: Vec<(&str, &str)> = names.into_iter().zip(lines).collect();
    let fits = |text: &str| text.len() < 65_536;
    if fits(target) && headers.iter().all(|(_, value)| fits(value)) {
        unforced(target, &headers);
    }
}

fn unforced(target: &str, headers: &[(&str, &str)]) {
    let mut module = Experiment::configure(ONE).expect("the configuration above is good");
    let Verdict::Pass(edits) = ask(&mut module, target, headers) else {
        panic!("{target:?} was refused");
    };
    let told = edits.iter().filter_map(|edit| match edit {
        Edit::SetRequest("weir-variant", value) => Some(value.to_vec()),
        _ => None,
    });
    for told in told {
        assert_eq!(told, b"a:x", "{target:?} {headers:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weir_module::testing::damage;

    /// The force of another secret, the one of this secret for a name that does not exist, and the pieces that they are made of.
    fn seeds() -> Vec<Vec<u8>> {
        let forced = crate::sign_force("another secret of 16", "a:y", 1_800_000_100);
        let texts = [
            ONE.to_owned(),
            forced,
            "/vod/a?x=1&weir-force=a:y.1800000100.00\nada\nunit=b; weir-force=a:y.1.00\n192.0.2.1\ntv\na:y\nhttps://a".to_owned(),
        ];
        texts.map(String::into_bytes).into()
    }

    fn all(bytes: &[u8]) {
        configuration(bytes);
        force(bytes);
        request(bytes);
    }

    #[test]
    fn saved_inputs_are_no_trouble() {
        seeds().iter().for_each(|seed| all(seed));
    }

    /// The right secret does force: the invariant above is not empty.
    #[test]
    fn the_right_secret_forces() {
        let forced = crate::sign_force("sixteen characters", "a:y", 1_800_000_100);
        let mut module = Experiment::configure(ONE).unwrap();
        let verdict = ask(&mut module, &format!("/a?weir-force={forced}"), &[]);
        let Verdict::Pass(edits) = verdict else {
            panic!("{verdict:?}");
        };
        assert!(edits.any(|edit| edit == Edit::SetRequest("weir-variant", b"a:y")));
    }

    proptest! {
        #[test]
        fn changed_inputs_are_no_trouble(
            seed in prop::sample::select(seeds()),
            changes in prop::collection::vec(any::<(usize, u8, u8)>(), 0..6),
        ) {
            let mut bytes = seed;
            damage(&mut bytes, &changes);
            all(&bytes);
        }
    }
}
