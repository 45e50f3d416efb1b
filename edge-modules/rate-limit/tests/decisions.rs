//! The module as a host runs it: configuration and heads in, verdicts out, counters in memory.
#![allow(clippy::unwrap_used)]

mod bench;

use bench::{Bench, SECOND, answer, header, problem, response_edit};
use rate_limit::RateLimit;
use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Ended, Module, NoCounters, Verdict};

const ADA: [(&str, &str); 1] = [("weir-subject", "ada")];

#[test]
fn a_free_viewer_has_100_a_minute_and_is_told_so() {
    let mut bench = Bench::new("");
    let first = bench.ask("/vod/a/main.m3u8", &ADA);
    assert_eq!(
        response_edit(&first, "ratelimit-policy").as_deref(),
        Some("\"free\";q=100;w=60")
    );
    assert_eq!(
        response_edit(&first, "ratelimit").as_deref(),
        Some("\"free\";r=99;t=60")
    );
    for _ in 1..100 {
        assert!(bench.passes("/vod/a/1.m4s", &ADA));
    }
    let refused = answer(bench.ask("/vod/a/2.m4s", &ADA));
    assert_eq!(refused.status, 429);
    assert_eq!(header(&refused, "retry-after"), Some("1"));
    assert_eq!(header(&refused, "ratelimit"), Some("\"free\";r=0;t=1"));
    assert_eq!(
        header(&refused, "ratelimit-policy"),
        Some("\"free\";q=100;w=60")
    );
    assert_eq!(header(&refused, "cache-control"), Some("no-store"));
    assert_eq!(header(&refused, "access-control-allow-origin"), Some("*"));
    let body = problem(&refused);
    assert_eq!(
        body["type"],
        "https://iana.org/assignments/http-problem-types#quota-exceeded"
    );
    assert_eq!(body["violated-policies"], serde_json::json!(["free"]));
    assert_eq!(body["request_id"], "r-1");
    assert!(
        bench.passes("/vod/a/2.m4s", &[("weir-subject", "grace")]),
        "another viewer is not concerned"
    );
    bench.wait(SECOND);
    assert!(
        bench.passes("/vod/a/2.m4s", &ADA),
        "who waits as told is let through"
    );
}

/// Neither a cheaper class nor a fresh quota is to be had by writing a path in another way.
#[test]
fn another_spelling_is_no_other_path() {
    let config = "[[classes]]\nname = \"search\"\npaths = [\"/search*\"]\ncost = 10\n\
        [[policies]]\nname = \"each\"\nrate = \"20/1m\"\nkey = \"path\"\n";
    let spellings = [
        "/search",
        "//search",
        "/./search",
        "/%73earch",
        "/x/../search",
        "/search",
    ];
    let mut bench = Bench::new(config);
    let passed: Vec<bool> = spellings.map(|path| bench.passes(path, &[])).into();
    assert_eq!(passed, [true, true, false, false, false, false]);
    assert!(bench.passes("/other", &[]));
}

#[test]
fn blocked_calls_consume_nothing() {
    let mut bench = Bench::new("");
    while bench.passes("/x", &ADA) {}
    for _ in 0..1_000 {
        assert!(!bench.passes("/x", &ADA));
    }
    bench.wait(600_000_000);
    assert!(bench.passes("/x", &ADA));
    assert!(!bench.passes("/x", &ADA));
}

#[test]
fn tiers_come_from_the_token_and_unknown_ones_are_the_default() {
    let mut bench = Bench::new("[tiers.gold]\nrate = '7/1m'\n[tiers.staff]\nrate = 'unlimited'");
    let admitted = |bench: &mut Bench, who: &str, tier: &str| {
        (0..1_200)
            .filter(|_| bench.passes("/x", &[("weir-subject", who), ("weir-tier", tier)]))
            .count()
    };
    assert_eq!(admitted(&mut bench, "a", "gold"), 7);
    assert_eq!(admitted(&mut bench, "b", "premium"), 1_000);
    assert_eq!(admitted(&mut bench, "c", "no-such-tier"), 100);
    assert_eq!(admitted(&mut bench, "d", "staff"), 1_200);
}

#[test]
fn several_policies_hold_at_once_and_classes_have_costs() {
    let mut bench = Bench::new(
        "costs = { thumbnail = 5 }\n\
         [[policies]]\nname = 'pictures'\nkey = 'client-ip'\nrate = '50/10s'\nclasses = ['thumbnail']\n\
         [[policies]]\nname = 'per-route'\nkey = 'route+client-ip'\nrate = '3/1s'\nroutes = ['admin']\nclasses = ['api']\n\
         [[routes]]\nname = 'admin'\npaths = ['/admin/*']",
    );
    let headers = [("weir-subject", "ada"), ("weir-client-ip", "192.0.2.1")];
    let first = bench.ask("/a.jpg", &headers);
    assert_eq!(
        response_edit(&first, "ratelimit").as_deref(),
        Some("\"free\";r=95;t=57, \"pictures\";r=45;t=9")
    );
    assert_eq!(
        (0..20).filter(|_| bench.passes("/a.jpg", &headers)).count(),
        9
    );
    let refused = answer(bench.ask("/a.jpg", &headers));
    assert_eq!(
        header(&refused, "ratelimit"),
        Some("\"pictures\";r=0;t=1"),
        "only what was violated"
    );
    assert_eq!(header(&refused, "retry-after"), Some("1"));
    assert!(bench.passes("/a.m4s", &headers), "segments are no pictures");
    assert_eq!(
        (0..5)
            .filter(|_| bench.passes("/admin/x", &headers))
            .count(),
        3
    );
}

#[test]
fn bytes_are_charged_when_the_response_has_ended() {
    let mut bench = Bench::new(
        "[[policies]]\nname = 'volume'\nkey = 'subject'\nrate = '1M/10s'\nunit = 'content-bytes'",
    );
    let Verdict::Pass(edits) = bench.ask("/a.m4s", &ADA) else {
        panic!("passes")
    };
    let note: Vec<u8> = edits
        .iter()
        .find_map(|edit| {
            if let Edit::Watch(note) = edit {
                Some(note.to_vec())
            } else {
                None
            }
        })
        .unwrap();
    bench.module.ended(
        &note,
        Ended {
            status: 200,
            bytes: 3_000_000,
        },
        &mut bench.host,
    );
    let refused = answer(bench.ask("/a.m4s", &ADA));
    assert_eq!(header(&refused, "retry-after"), Some("21"));
    assert!(
        header(&refused, "ratelimit-policy")
            .unwrap()
            .contains("\"volume\";q=1000000;qu=\"content-bytes\";w=10")
    );
    bench.wait(21 * SECOND);
    assert!(bench.passes("/a.m4s", &ADA));
    bench.module.ended(
        &[1, 2, 3],
        Ended {
            status: 200,
            bytes: 9,
        },
        &mut bench.host,
    );
}

#[test]
fn lists_and_exempt_methods_come_first() {
    let mut bench = Bench::new(
        "allow = ['10.0.0.0/8']\ndeny = ['203.0.113.0/24', '10.6.6.6']\n[tiers.free]\nrate = '1/1h'",
    );
    let from = |address| [("weir-client-ip", address)];
    assert_eq!(
        (0..5)
            .filter(|_| bench.passes("/x", &from("10.1.2.3")))
            .count(),
        5
    );
    let denied = answer(bench.ask("/x", &from("203.0.113.9")));
    assert_eq!(
        (denied.status, header(&denied, "weir-reason")),
        (403, Some("client-denied"))
    );
    assert!(!bench.passes("/x", &from("10.6.6.6")), "deny wins");
    assert!(bench.passes("/x", &from("192.0.2.1")));
    assert!(!bench.passes("/x", &from("192.0.2.1")));
    let options = decide(
        &mut bench.module,
        &mut bench.host,
        "OPTIONS",
        "/x",
        &from("192.0.2.1"),
    );
    assert!(
        matches!(options, Verdict::Pass(_)),
        "a preflight carries no token and asks for nothing"
    );
}

#[test]
fn monitor_mode_refuses_nobody_and_says_what_it_would_do() {
    let mut bench = Bench::new("mode = 'monitor'\n[tiers.free]\nrate = '2/1m'");
    for _ in 0..10 {
        let verdict = bench.ask("/a.m4s", &ADA);
        assert_eq!(response_edit(&verdict, "ratelimit"), None);
        assert!(matches!(verdict, Verdict::Pass(_)));
    }
    let lines: Vec<&str> = bench
        .host
        .logged
        .iter()
        .map(|(_, line)| line.as_str())
        .collect();
    assert_eq!(
        lines,
        ["monitor: would refuse a segment request over free (1 since the last line)"]
    );
}

#[test]
fn a_store_that_does_not_answer_has_three_outcomes() {
    let outcome = |mode: &str| {
        let mut module = RateLimit::configure(&format!(
            "on-store-error = '{mode}'\n[tiers.free]\nrate = '3/1m'"
        ))
        .unwrap();
        let mut host = TestHost {
            now_ns: 1_000 * SECOND,
            counters: NoCounters,
            refreshed: Vec::new(),
            logged: Vec::new(),
        };
        let verdicts: Vec<Verdict> = (0..10)
            .map(|_| decide(&mut module, &mut host, "GET", "/x", &ADA))
            .collect();
        assert_eq!(
            host.logged.len(),
            1,
            "a failing store does not flood the log"
        );
        verdicts
    };
    let passed = |verdicts: &[Verdict]| {
        verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Verdict::Pass(_)))
            .count()
    };
    assert_eq!(passed(&outcome("allow")), 10);
    assert_eq!(passed(&outcome("local")), 3);
    let denied = outcome("deny");
    assert_eq!(passed(&denied), 0);
    let refused = answer(denied.into_iter().next().unwrap());
    assert_eq!(
        (refused.status, header(&refused, "retry-after")),
        (503, Some("1"))
    );
}

#[test]
fn instances_of_one_store_admit_burst_plus_rate_times_time() {
    // Sixteen instances on one store, and the time moves in uneven steps.
    let mut bench = Bench::new("[tiers.free]\nrate = '600/1m'\nburst = 50");
    let mut others: Vec<RateLimit> = (0..15)
        .map(|_| RateLimit::configure("[tiers.free]\nrate = '600/1m'\nburst = 50").unwrap())
        .collect();
    let (mut admitted, mut elapsed) = (0, 0);
    for step in 0..2_000_u64 {
        let pause = (step * 7_919) % 97 * 1_000_000;
        bench.wait(pause);
        elapsed += pause;
        for module in others.iter_mut().chain([&mut bench.module]) {
            if matches!(
                decide(module, &mut bench.host, "GET", "/x", &ADA),
                Verdict::Pass(_)
            ) {
                admitted += 1;
            }
        }
    }
    assert_eq!(admitted, 50 + elapsed / 100_000_000);
}

#[test]
fn ipv6_clients_cannot_multiply_themselves_inside_their_64() {
    let mut bench = Bench::new("");
    let admitted = (0..300_u32)
        .filter(|host| {
            bench.passes(
                "/x",
                &[(
                    "weir-client-ip",
                    &format!("2001:db8:0:1:{:x}::{:x}", host % 7, host),
                )],
            )
        })
        .count();
    assert_eq!(admitted, 100);
    assert!(bench.passes("/x", &[("weir-client-ip", "2001:db8:0:2::1")]));
}

#[test]
fn a_reflected_origin_is_for_pages_with_credentials() {
    let mut bench = Bench::new("cors = 'reflect'\n[tiers.free]\nrate = '1/1m'");
    bench.passes("/x", &ADA);
    let refused = answer(bench.ask(
        "/x",
        &[
            ("weir-subject", "ada"),
            ("origin", "https://player.example"),
        ],
    ));
    assert_eq!(
        header(&refused, "access-control-allow-origin"),
        Some("https://player.example")
    );
    assert_eq!(
        header(&refused, "access-control-allow-credentials"),
        Some("true")
    );
    let mut bench = Bench::new("cors = 'off'\nfields = 'never'\n[tiers.free]\nrate = '1/1m'");
    bench.passes("/x", &ADA);
    let refused = answer(bench.ask("/x", &ADA));
    assert_eq!(
        (
            header(&refused, "access-control-allow-origin"),
            header(&refused, "ratelimit")
        ),
        (None, None)
    );
}

#[test]
fn wrong_configurations_name_their_key() {
    for (text, key) in [
        ("mode = 'off'", "mode"),
        ("default-tier = 'gold'", "default-tier"),
        ("tier-key = 'subjekt'", "tier-key"),
        ("[tiers.free]\nrate = '100'", "tiers.free.rate"),
        ("[tiers.free]\nrate = '1/1m'\nbrust = 2", "tiers.free.brust"),
        ("costs = { api = 101 }", "tiers.free.burst"),
        (
            "[[policies]]\nname = 'free'\nkey = 'everyone'\nrate = '1/1s'",
            "policies[0].name",
        ),
        (
            "[[policies]]\nname = 'a\"b'\nkey = 'everyone'\nrate = '1/1s'",
            "policies[0].name",
        ),
        (
            "[[policies]]\nname = 'a'\nkey = 'everyone'\nrate = '1/1s'\nclasses = ['x']",
            "policies[0].classes",
        ),
        (
            "[[policies]]\nname = 'a'\nkey = 'everyone'\nrate = '1/1s'\ntiers = ['x']",
            "policies[0].tiers",
        ),
        ("deny = ['10.0.0.0/33']", "deny"),
        ("[client]\nhops = 0", "client.hops"),
        ("[client]\nipv6-prefix = 129", "client.ipv6-prefix"),
        ("[[classes]]\nname = 'x'", "classes[0]"),
        ("debug-key = 'short'", "debug-key"),
    ] {
        let error = RateLimit::configure(text).expect_err(text);
        assert!(error.to_string().contains(key), "{text}: {error}");
    }
}
