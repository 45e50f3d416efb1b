//! What the module decides about whole requests.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use experiment::{Experiment, sign_force};
use proptest::prelude::*;
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

#[test]
fn weights_are_kept() {
    let config = TWO.replace("{ name = 'usual' }", "{ name = 'usual', weight = 3 }");
    let counts = shares(&config, 8_000);
    // 6,000 and 2,000, standard deviation 39; the hash is fixed, so this holds always or never.
    let low = counts[&Some("ladder:low".to_owned())];
    assert!(low.abs_diff(2_000) < 200, "{counts:?}");
    assert_eq!(counts.values().sum::<u32>(), 8_000);
    let none = shares(
        &TWO.replace("{ name = 'low' }", "{ name = 'low', weight = 0 }"),
        500,
    );
    assert_eq!(none.len(), 1, "a weight of 0 gets nobody: {none:?}");
}

#[test]
fn every_instance_answers_the_same_in_any_order() {
    let viewers: Vec<String> = (0..500).map(|viewer| format!("viewer-{viewer}")).collect();
    let (mut one, mut other) = (Bench::new(TWO), Bench::at(TWO, 7));
    let forward: Vec<_> = viewers.iter().map(|viewer| one.variant(viewer)).collect();
    let mut backward: Vec<_> = viewers
        .iter()
        .rev()
        .map(|viewer| other.variant(viewer))
        .collect();
    backward.reverse();
    assert_eq!(forward, backward);
}

#[test]
fn a_share_that_grows_moves_nobody() {
    let with = |percent: &str| format!("{TWO}percent = {percent}\n");
    let mut benches: Vec<Bench> = ["0", "0.5", "10", "40.125", "100"]
        .iter()
        .map(|percent| Bench::new(&with(percent)))
        .collect();
    let mut joined = [0_u32; 5];
    for viewer in 0..3_000 {
        let viewer = format!("viewer-{viewer}");
        let got: Vec<_> = benches
            .iter_mut()
            .map(|bench| bench.variant(&viewer))
            .collect();
        for (at, variant) in got.iter().enumerate() {
            joined[at] += u32::from(variant.is_some());
            if variant.is_some() {
                assert!(
                    got[at..].iter().all(|later| later == variant),
                    "{viewer}: {got:?}"
                );
            }
        }
    }
    assert_eq!((joined[0], joined[4]), (0, 3_000));
    assert!(
        joined[2].abs_diff(300) < 90 && joined[3].abs_diff(1_204) < 150,
        "{joined:?}"
    );
}

#[test]
fn a_group_gives_one_experiment_at_most() {
    let config = "[groups.g]\n\
        [[experiments]]\nname = 'a'\ngroup = 'g'\nslot = [0, 30]\nvariants = [{ name = 'x' }]\n\
        [[experiments]]\nname = 'b'\ngroup = 'g'\nslot = [30, 90]\nvariants = [{ name = 'x' }]\n\
        [[experiments]]\nname = 'c'\nvariants = [{ name = 'x' }]\npercent = 50\n";
    let counts = shares(config, 6_000);
    assert!(
        counts
            .keys()
            .flatten()
            .all(|told| !(told.contains("a:") && told.contains("b:")))
    );
    let of = |name: &str| -> u32 {
        let has = counts
            .iter()
            .filter(|(told, _)| told.as_deref().is_some_and(|told| told.contains(name)));
        has.map(|(_, count)| count).sum()
    };
    assert!(
        of("a:x").abs_diff(1_800) < 200 && of("b:x").abs_diff(3_600) < 200,
        "{counts:?}"
    );
    // Outside the group nothing changes: half of each.
    assert!(
        counts[&Some("a:x, c:x".to_owned())].abs_diff(900) < 150,
        "{counts:?}"
    );
}

#[test]
fn ramps_and_windows_follow_the_clock() {
    let config = format!(
        "{TWO}starts = '2026-12-01T00:00:00Z'\nends = '2026-12-03T00:00:00Z'\n\
         ramp = [{{ at = '2026-12-01T12:00:00Z', percent = 100 }}]\n"
    );
    let day = 1_796_083_200; // 2026-12-01T00:00:00Z
    for (seconds, runs) in [
        (day, false),
        (day + 43_199, false),
        (day + 43_200, true),
        (day + 172_799, true),
        (day + 172_800, false),
    ] {
        assert_eq!(
            Bench::at(&config, seconds).variant("ada").is_some(),
            runs,
            "{seconds}"
        );
    }
}

#[test]
fn targets_and_exclusions() {
    let phone = ("user-agent", "Mozilla/5.0 (iPhone) Mobile");
    let de = ("weir-country", "de");
    let who = ("weir-subject", "ada");
    for (more, headers, takes_part) in [
        (
            "[experiments.target]\ncountries = ['DE']",
            vec![who, de],
            true,
        ),
        ("[experiments.target]\ncountries = ['DE']", vec![who], false),
        (
            "[experiments.target]\ncountries = ['DE']\ndevices = ['tv']",
            vec![who, de, phone],
            false,
        ),
        (
            "[experiments.target]\ncountries = ['DE']\ndevices = ['tv', 'phone']",
            vec![who, de, phone],
            true,
        ),
        (
            "[experiments.target]\ntiers = ['free']",
            vec![who, ("weir-tier", "free")],
            true,
        ),
        (
            "[experiments.target]\ntiers = ['free']",
            vec![who, ("weir-tier", "premium")],
            false,
        ),
        (
            "[experiments.target]\nentitlements = ['hdr']",
            vec![who, ("weir-entitlements", "4k, hdr")],
            true,
        ),
        (
            "[experiments.target]\nentitlements = ['hdr']",
            vec![who, ("weir-entitlements", "hdr10")],
            false,
        ),
        (
            "[experiments.target]\npaths = ['/live/*']",
            vec![who],
            false,
        ),
        (
            "[experiments.exclude]\ncountries = ['DE']",
            vec![who, de],
            false,
        ),
        ("[experiments.exclude]\ncountries = ['DE']", vec![who], true),
        ("", vec![who, ("user-agent", "Googlebot/2.1")], false),
        (
            "[experiments.exclude]",
            vec![who, ("user-agent", "Googlebot/2.1")],
            true,
        ),
    ] {
        let passed = Bench::new(&format!("{TWO}{more}\n")).ask("/vod/film/a.m3u8", &headers);
        assert_eq!(passed.variant.is_some(), takes_part, "{more}\n{headers:?}");
    }
}

#[test]
fn the_first_unit_that_is_there_counts() {
    let mut bench = Bench::new(&format!(
        "unit = ['subject', 'header:x-id', 'query:id', 'cookie:id', 'device']\n{TWO}"
    ));
    // Whoever has no subject is told apart by what there is; the text alone enters the hash.
    for viewer in 0..40 {
        let id = format!("viewer-{viewer}");
        let by_subject = bench.variant(&id);
        let cookie = format!("a=b; id={id}");
        for (target, headers) in [
            (
                "/x.m4s".to_owned(),
                vec![("x-id", id.as_str()), ("weir-client-ip", "192.0.2.1")],
            ),
            (format!("/x.m4s?z=1&id={id}"), vec![]),
            ("/x.m4s".to_owned(), vec![("cookie", cookie.as_str())]),
        ] {
            assert_eq!(
                bench.ask(&target, &headers).variant,
                by_subject,
                "{target} {headers:?}"
            );
        }
    }
    let nobody = bench.ask("/x.m4s", &[("weir-subject", " ")]);
    assert_eq!(nobody.variant, None);
    let device = bench.ask(
        "/x.m4s",
        &[
            ("spin-client-addr", "6.6.6.6:1"),
            ("spin-client-addr", "192.0.2.7:4711"),
        ],
    );
    let again = bench.ask("/x.m4s", &[("weir-client-ip", "192.0.2.7")]);
    assert!(device.variant.is_some());
    assert_eq!(
        device.variant, again.variant,
        "the port changes, the device does not"
    );
}

#[test]
fn what_a_client_says_of_itself_never_gets_through() {
    let mut bench = Bench::new(&format!("{TWO}percent = 0\n"));
    let passed = bench.ask(
        "/a.m3u8",
        &[("weir-subject", "ada"), ("weir-variant", "ladder:low")],
    );
    assert_eq!(passed.removed, ["weir-variant"]);
    let mut bench = Bench::new(TWO);
    let passed = bench.ask(
        "/a.m3u8",
        &[("weir-subject", "ada"), ("weir-variant", "x:y")],
    );
    assert!(passed.variant.unwrap().starts_with("ladder:"), "replaced");
}

#[test]
fn forced_by_a_signed_query_and_kept_by_a_cookie() {
    let config = format!("{TWO}percent = 0\n[force]\nsecrets = ['{SECRET}']\n");
    let mut bench = Bench::new(&config);
    let text = sign_force(SECRET, "other:x,ladder:low", 1_800_000_000);
    let first = bench.ask(&format!("/a.m3u8?x=1&weir-force={text}&y"), &[]);
    assert_eq!(first.variant.as_deref(), Some("ladder:low"));
    assert_eq!(first.target.as_deref(), Some("/a.m3u8?x=1&y"));
    let cookies = first.response("set-cookie");
    assert_eq!(
        cookies,
        [format!(
            "weir-force={text}; Max-Age=1000; Path=/; Secure; HttpOnly; SameSite=Lax"
        )]
    );
    assert_eq!(first.response("cache-control"), ["private, no-store"]);
    assert_eq!(first.response("weir-variant"), ["ladder:low"]);
    assert!(
        bench.host.logged.is_empty(),
        "what is forced is no exposure: {:?}",
        bench.host.logged
    );

    let cookie = format!("weir-force={text}");
    let next = bench.ask("/seg-1.m4s", &[("cookie", &cookie)]);
    assert_eq!(next.variant.as_deref(), Some("ladder:low"));
    assert!(
        next.response.is_empty() && next.target.is_none(),
        "{next:?}"
    );

    bench.host.now_ns = 1_800_000_000_000_000_000;
    assert_eq!(
        bench.ask("/seg-1.m4s", &[("cookie", &cookie)]).variant,
        None
    );
    assert!(
        bench.host.logged.is_empty(),
        "a cookie that ran out is no news"
    );
    let late = bench.ask(&format!("/a.m3u8?weir-force={text}"), &[]);
    assert_eq!(
        (late.variant, late.target.as_deref()),
        (None, Some("/a.m3u8"))
    );
    assert_eq!(bench.host.logged.len(), 1, "{:?}", bench.host.logged);
    let forged = bench.ask("/a.m3u8?weir-force=ladder:low.1900000000.00", &[]);
    assert_eq!(
        (forged.variant, bench.host.logged.len()),
        (None, 1),
        "one line in ten seconds"
    );
}

#[test]
fn without_force_nothing_is_read_or_taken_off() {
    let mut bench = Bench::new(&format!("{TWO}percent = 0\n"));
    let text = sign_force(SECRET, "ladder:low", 1_800_000_000);
    let passed = bench.ask(&format!("/a.m3u8?weir-force={text}"), &[]);
    assert_eq!(passed, Passed::default());
}

#[test]
fn exposure_is_told_once_to_each() {
    let config = "unit = ['cookie:weir-unit', 'device']\n[exposure]\ncookie = 'weir-variant'\nremember-device = 'weir-unit'\n";
    let mut bench = Bench::new(&format!("{config}{TWO}"));
    let address = ("weir-client-ip", "192.0.2.1");
    let segment = bench.ask("/seg-1.m4s", &[address]);
    assert!(
        segment.response.is_empty() && bench.host.logged.is_empty(),
        "a segment exposes nothing"
    );
    let first = bench.ask("/a.m3u8", &[address, ("origin", "https://player.example")]);
    let told = first.variant.clone().unwrap();
    assert_eq!(first.response("weir-variant"), [told.as_str()]);
    assert_eq!(
        first.response("access-control-expose-headers"),
        ["weir-variant"]
    );
    let cookies = first.response("set-cookie");
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(
        cookies
            .iter()
            .all(|cookie| cookie.ends_with("; Path=/; Max-Age=2592000; Secure; SameSite=Lax"))
    );
    assert_eq!(first.response("cache-control"), ["private, no-store"]);
    let kept: Vec<&str> = cookies
        .iter()
        .filter_map(|cookie| cookie.split(';').next())
        .collect();
    // From another address, with the cookies: the same unit, nothing to set.
    let moved = bench.ask(
        "/a.m3u8",
        &[
            ("weir-client-ip", "198.51.100.9"),
            ("cookie", &kept.join("; ")),
        ],
    );
    assert_eq!(moved.variant.as_deref(), Some(told.as_str()));
    assert!(moved.response("set-cookie").is_empty() && moved.response("cache-control").is_empty());
    assert_eq!(bench.host.logged.len(), 1, "{:?}", bench.host.logged);
    let line = &bench.host.logged[0].1;
    let (name, variant) = told.split_once(':').unwrap();
    assert!(
        line.starts_with(&format!(
            "exposure experiment={name} variant={variant} unit="
        )),
        "{line}"
    );
    assert!(!line.contains("192.0.2.1"));
    bench.host.now_ns += 3_600_000_000_000;
    bench.ask("/a.m3u8", &[address]);
    assert_eq!(bench.host.logged.len(), 2, "again after an hour");
}

proptest! {
    #[test]
    fn any_request_passes_and_the_parameter_never_does(
        query in "[a-z=&%.:;-]{0,40}",
        cookie in "\\PC{0,40}",
        subject in "\\PC{0,20}",
    ) {
        let mut bench = Bench::new(&format!("{TWO}[force]\nsecrets = ['{SECRET}']\nparameter = 'f'\ncookie = 'f'\n"));
        let target = format!("/a.m3u8?{query}&f={query}");
        let passed = bench.ask(&target, &[("cookie", &cookie), ("weir-subject", &subject)]);
        let left = passed.target.unwrap();
        prop_assert!(left.split(['?', '&']).skip(1).all(|pair| pair.split('=').next() != Some("f")), "{}", left);
        prop_assert!(passed.variant.is_none_or(|told| told == "ladder:usual" || told == "ladder:low"));
    }
}
