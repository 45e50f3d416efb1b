//! Concurrent streams, abuse patterns and the penalty box, as viewers and attackers meet them.
#![allow(clippy::unwrap_used)]

mod bench;

use bench::{Bench, SECOND, answer, header, problem};
use weir_module::{Edit, Ended, Module, Verdict};

const STREAMS: &str = "[streams]\nenabled = true\n[tiers.free]\nrate = 'unlimited'\n";

fn viewer<'a>(session: &'a str, address: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("weir-subject", "ada"),
        ("weir-session", session),
        ("weir-client-ip", address),
        ("user-agent", "player"),
    ]
}

#[test]
fn a_fourth_stream_is_refused_until_one_falls_silent() {
    let mut bench = Bench::new(STREAMS);
    for (session, address) in [
        ("tv", "192.0.2.1"),
        ("phone", "192.0.2.2"),
        ("tablet", "192.0.2.3"),
    ] {
        assert!(bench.passes("/a/1.m4s", &viewer(session, address)));
    }
    let refused = answer(bench.ask("/a/main.m3u8", &viewer("laptop", "192.0.2.4")));
    assert_eq!(
        (refused.status, header(&refused, "retry-after")),
        (429, Some("45"))
    );
    assert_eq!(
        header(&refused, "ratelimit-policy"),
        Some("\"streams\";q=3;qu=\"concurrent-requests\"")
    );
    assert_eq!(
        problem(&refused)["violated-policies"],
        serde_json::json!(["streams"])
    );
    assert!(
        bench.passes("/api/list", &viewer("laptop", "192.0.2.4")),
        "what is no playback needs no place"
    );
    for _ in 0..4 {
        bench.wait(12 * SECOND);
        assert!(bench.passes("/a/2.m4s", &viewer("tv", "192.0.2.1")));
        assert!(bench.passes("/a/2.m4s", &viewer("phone", "192.0.2.2")));
    }
    assert!(
        bench.passes("/a/main.m3u8", &viewer("laptop", "192.0.2.4")),
        "the tablet went silent 48 s ago"
    );
    assert!(!bench.passes("/a/3.m4s", &viewer("tablet", "192.0.2.3")));
}

#[test]
fn renewals_ask_the_store_once_in_a_while() {
    let mut bench = Bench::new(STREAMS);
    for _ in 0..50 {
        assert!(bench.passes("/a/1.m4s", &viewer("tv", "192.0.2.1")));
    }
    // One look for the former session, its note, one lease: the rest is remembered.
    assert_eq!(bench.host.counters.calls(), 3);
    bench.wait(10 * SECOND);
    assert!(bench.passes("/a/1.m4s", &viewer("tv", "192.0.2.1")));
    assert_eq!(bench.host.counters.calls(), 4);
}

#[test]
fn zapping_gives_the_former_place_back() {
    let mut bench = Bench::new(STREAMS);
    for channel in 0..10 {
        assert!(
            bench.passes(
                "/live/main.m3u8",
                &viewer(&format!("channel-{channel}"), "192.0.2.1")
            ),
            "channel {channel}"
        );
    }
    let mut bench = Bench::new(&STREAMS.replace("enabled = true", "enabled = true\nzap = false"));
    assert_eq!(
        (0..10)
            .filter(|n| bench.passes("/live/main.m3u8", &viewer(&format!("c{n}"), "192.0.2.1")))
            .count(),
        3
    );
}

#[test]
fn the_newest_may_take_over_and_the_loser_stays_out() {
    let mut bench = Bench::new(&STREAMS.replace(
        "enabled = true",
        "enabled = true\nlimit = 1\ntakeover = 'drop-oldest'",
    ));
    assert!(bench.passes("/a/1.m4s", &viewer("tv", "192.0.2.1")));
    bench.wait(11 * SECOND);
    assert!(bench.passes("/a/1.m4s", &viewer("phone", "192.0.2.2")));
    bench.wait(11 * SECOND);
    for _ in 0..5 {
        assert!(
            !bench.passes("/a/2.m4s", &viewer("tv", "192.0.2.1")),
            "no tug of war"
        );
        assert!(bench.passes("/a/2.m4s", &viewer("phone", "192.0.2.2")));
        bench.wait(11 * SECOND);
    }
}

#[test]
fn tiers_have_streams_of_their_own() {
    let mut bench =
        Bench::new("[streams]\nenabled = true\n[tiers.premium]\nrate = 'unlimited'\nstreams = 5");
    let admitted = (0..10)
        .filter(|n| {
            let (session, address) = (format!("s{n}"), format!("192.0.2.{n}"));
            let headers = [
                ("weir-subject", "ada"),
                ("weir-tier", "premium"),
                ("weir-session", session.as_str()),
                ("weir-client-ip", address.as_str()),
            ];
            bench.passes("/a/1.m4s", &headers)
        })
        .count();
    assert_eq!(admitted, 5);
}

const ENFORCE: &str = "[tiers.free]\nrate = 'unlimited'\n[abuse]\nmode = 'enforce'\n";

fn from(address: &str) -> [(&str, &str); 1] {
    [("weir-client-ip", address)]
}

#[test]
fn too_many_requests_a_second_lead_to_the_box_and_longer_each_time() {
    let mut bench = Bench::new(ENFORCE);
    let until_refused = |bench: &mut Bench| {
        (0..200)
            .take_while(|_| bench.passes("/api", &from("192.0.2.1")))
            .count()
    };
    assert_eq!(until_refused(&mut bench), 50);
    let refused = answer(bench.ask("/api", &from("192.0.2.1")));
    assert_eq!(
        (refused.status, header(&refused, "retry-after")),
        (429, Some("60"))
    );
    assert_eq!(
        problem(&refused)["type"],
        "https://iana.org/assignments/http-problem-types#abnormal-usage-detected"
    );
    assert_eq!(
        problem(&refused)["violated-policies"],
        serde_json::json!(["penalty-box"])
    );
    assert!(bench.passes("/api", &from("192.0.2.2")));
    bench.wait(59 * SECOND);
    assert!(!bench.passes("/api", &from("192.0.2.1")));
    bench.wait(SECOND);
    assert_eq!(until_refused(&mut bench), 50);
    let again = answer(bench.ask("/api", &from("192.0.2.1")));
    assert_eq!(
        header(&again, "retry-after"),
        Some("120"),
        "the second offence"
    );
}

#[test]
fn monitoring_refuses_nobody_but_counts_all_the_same() {
    let mut bench = Bench::new(&ENFORCE.replace("enforce", "monitor"));
    for _ in 0..200 {
        assert!(bench.passes("/api", &from("192.0.2.1")));
    }
    let lines: Vec<&str> = bench
        .host
        .logged
        .iter()
        .map(|(_, line)| line.as_str())
        .collect();
    assert_eq!(
        lines,
        ["abuse: request-rate: monitor: would box a client for 60 s (1 since the last line)"]
    );
}

#[test]
fn scanning_many_paths_is_told_from_watching_one() {
    let mut bench = Bench::new(ENFORCE);
    for _ in 0..3 {
        for part in 0..15 {
            assert!(
                bench.passes(&format!("/a/{part}.json"), &from("192.0.2.1")),
                "the same paths again"
            );
        }
    }
    let admitted = (0..40)
        .take_while(|n| bench.passes(&format!("/scan/{n}"), &from("192.0.2.9")))
        .count();
    assert_eq!(admitted, 20);
}

#[test]
fn failures_are_held_against_a_client() {
    let mut bench = Bench::new(ENFORCE);
    let mut failed = 0;
    loop {
        match bench.ask("/secret", &from("192.0.2.1")) {
            Verdict::Pass(edits) => {
                let note = edits.iter().find_map(|edit| {
                    if let Edit::Watch(note) = edit {
                        Some(note.to_vec())
                    } else {
                        None
                    }
                });
                bench.module.ended(
                    &note.unwrap(),
                    Ended {
                        status: 403,
                        bytes: 0,
                    },
                    &mut bench.host,
                );
                failed += 1;
                bench.wait(100_000_000);
            }
            _ => break,
        }
        assert!(failed < 50);
    }
    assert_eq!(failed, 11, "ten are forgiven");
    for _ in 0..40 {
        if let Verdict::Pass(edits) = bench.ask("/ok", &from("192.0.2.7")) {
            let note = edits.iter().find_map(|edit| {
                if let Edit::Watch(note) = edit {
                    Some(note.to_vec())
                } else {
                    None
                }
            });
            bench.module.ended(
                &note.unwrap(),
                Ended {
                    status: 200,
                    bytes: 5,
                },
                &mut bench.host,
            );
        }
    }
    assert!(bench.passes("/ok", &from("192.0.2.7")));
}

#[test]
fn video_patterns_each_trip_their_meter() {
    let trips = |target: &dyn Fn(u32) -> String, pause: u64, headers: &[(&str, &str)]| {
        let mut bench = Bench::new(&format!(
            "{ENFORCE}distinct-paths = {{ threshold = 0, window = '1s' }}"
        ));
        let mut all = vec![("weir-client-ip", "192.0.2.1")];
        all.extend_from_slice(headers);
        for n in 0..400 {
            if let Verdict::Answer(answer) = bench.ask(&target(n), &all) {
                return Some((
                    n,
                    problem(&answer)["violated-policies"][0]
                        .as_str()
                        .unwrap()
                        .to_owned(),
                ));
            }
            bench.wait(pause);
        }
        None
    };
    let millis = SECOND / 1_000;
    let poll = |_| "/live/main.m3u8".to_owned();
    assert_eq!(
        trips(&poll, 1_000 * millis, &[]),
        Some((5, "manifest-polls".into()))
    );
    assert_eq!(
        trips(&poll, 3_000 * millis, &[]),
        None,
        "half a target duration is allowed"
    );
    let blocking = |n| format!("/live/main.m3u8?_HLS_msn={n}");
    assert_eq!(
        trips(&blocking, 500 * millis, &[]),
        None,
        "low-latency reloads are no polling"
    );
    let segments = |n| format!("/vod/1080p/{n}.m4s");
    assert_eq!(
        trips(&segments, 100 * millis, &[]).map(|(_, pattern)| pattern),
        Some("segment-speed".into())
    );
    assert_eq!(
        trips(&segments, 1_000 * millis, &[]),
        None,
        "six times real time"
    );
    let switching = |n: u32| format!("/vod/v{}/{n}.m4s", n % 30);
    assert_eq!(
        trips(&switching, 200 * millis, &[]).map(|(_, pattern)| pattern),
        Some("variants".into())
    );
    let same = |_| "/vod/film.mp4x".to_owned();
    assert_eq!(
        trips(&same, 100 * millis, &[("range", "bytes=0-0,2-2")]).map(|(_, pattern)| pattern),
        Some("ranges".into())
    );
    assert_eq!(
        trips(&same, 100 * millis, &[("range", "bytes=0-1048575")]),
        None
    );
}

#[test]
fn an_ipv6_site_is_boxed_as_a_whole_when_its_networks_take_turns() {
    let mut bench = Bench::new(ENFORCE);
    let mut boxed = 0;
    for network in 0..8 {
        let address = format!("2001:db8:1:{network:x}::1");
        let admitted = (0..60)
            .take_while(|_| bench.passes("/api", &from(&address)))
            .count();
        boxed += usize::from(admitted == 50);
        assert!(admitted == 50 || admitted == 0);
    }
    assert_eq!(
        boxed, 5,
        "four are borne with, the fifth brings the /48 down"
    );
    assert!(
        bench.passes("/api", &from("2001:db8:2::1")),
        "the neighbours are not concerned"
    );
}

#[test]
fn shared_addresses_are_given_more() {
    let mut bench = Bench::new(&format!(
        "{ENFORCE}[client]\nshared = ['192.0.2.0/24']\nshared-factor = 4"
    ));
    assert_eq!(
        (0..400)
            .take_while(|_| bench.passes("/api", &from("192.0.2.1")))
            .count(),
        200
    );
    assert_eq!(
        (0..400)
            .take_while(|_| bench.passes("/api", &from("198.51.100.1")))
            .count(),
        50
    );
}
