//! Who gets which variant: weights, groups, ramps, targets, units.

use super::*;

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
