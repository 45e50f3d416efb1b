//! What the module decides about whole requests, with places told by headers.
#![allow(clippy::unwrap_used)]

mod bench;

use bench::{Bench, READ_ALL, answer, body, header};
use proptest::prelude::*;
use weir_module::testing::decide;
use weir_module::{Level, Verdict};

fn rules(text: &str) -> String {
    // Areas and rules of a document come after its plain keys.
    format!("{READ_ALL}{text}")
}

const DE: (&str, &str) = ("weir-country", "DE");
const FR: (&str, &str) = ("weir-country", "FR");

#[test]
fn allow_deny_and_what_is_not_known() {
    let allow = "[[rules]]\nname = 'r'\nallow = ['DE', 'CH-GR', 'AS64500']\n";
    let deny = "[[rules]]\nname = 'r'\ndeny = ['DE', 'AS64500']\n";
    let both = "[[rules]]\nname = 'r'\nallow = ['DE']\ndeny = ['DE-BY']\n";
    let as1 = ("weir-asn", "AS1");
    let hosting = ("weir-asn", "64500");
    let no = "location-not-allowed";
    let unknown = "location-unknown";
    for (rule, headers, expected) in [
        (allow, vec![DE], "pass"),
        (allow, vec![("weir-country", "de")], "pass"),
        (allow, vec![FR, as1], no),
        (allow, vec![FR, hosting], "pass"),
        (allow, vec![FR], unknown),
        (allow, vec![], unknown),
        (allow, vec![("weir-country", "XX"), as1], unknown),
        (allow, vec![("weir-country", "T1"), as1], unknown),
        (allow, vec![("weir-country", "CH"), ("x-sub", "GR")], "pass"),
        (
            allow,
            vec![("weir-country", "CH"), ("x-sub", "ch-gr")],
            "pass",
        ),
        (
            allow,
            vec![("weir-country", "CH"), ("x-sub", "ZH"), as1],
            no,
        ),
        (
            allow,
            vec![("weir-country", "CH"), ("x-sub", "DE-GR"), as1],
            unknown,
        ),
        (deny, vec![FR, as1], "pass"),
        (deny, vec![FR], unknown),
        (deny, vec![DE], no),
        (deny, vec![hosting], no),
        (deny, vec![DE, FR, as1], unknown),
        (both, vec![DE, ("x-sub", "BE")], "pass"),
        (both, vec![DE, ("x-sub", "BY")], no),
        (both, vec![DE], unknown),
        (both, vec![FR], no),
    ] {
        assert_eq!(
            Bench::new(&rules(rule)).outcome("/vod/a", &headers),
            expected,
            "{rule}{headers:?}"
        );
    }
    let lenient = rules(&format!("{deny}unknown = 'allow'\n"));
    assert_eq!(Bench::new(&lenient).outcome("/", &[]), "pass");
    assert_eq!(Bench::new(&lenient).outcome("/", &[hosting]), no);
}

#[test]
fn every_rule_that_covers_must_let_pass() {
    let config = rules(
        "[[rules]]\nname = 'licence'\npaths = ['/vod/*']\nnot-paths = ['/vod/trailers/*']\nallow = ['DE']\n\
         [[rules]]\nname = 'proxies'\ndeny = ['anonymous']\nunknown = 'allow'\n",
    );
    let mut bench = Bench::new(&config);
    let hidden = ("x-anon", "yes");
    for (path, headers, expected) in [
        ("/vod/a", vec![DE], "pass"),
        ("/vod/a", vec![FR], "location-not-allowed"),
        ("/vod/trailers/a", vec![FR], "pass"),
        ("/live/a", vec![FR], "pass"),
        ("/live/a", vec![DE, hidden], "location-not-allowed"),
        ("/vod/a", vec![DE, hidden], "location-not-allowed"),
        // A certain refusal is told before an unknown place.
        ("/vod/a", vec![hidden], "location-not-allowed"),
        ("/vod/a", vec![], "location-unknown"),
    ] {
        assert_eq!(
            bench.outcome(path, &headers),
            expected,
            "{path} {headers:?}"
        );
    }
}

#[test]
fn other_spellings_of_a_path_meet_the_same_rule() {
    let config = rules("[[rules]]\nname = 'r'\npaths = ['/vod/film/*']\nallow = ['DE']\n");
    let mut bench = Bench::new(&config);
    for path in [
        "/vod/film/a",
        "/vod/%66ilm/a",
        "//vod//film/a",
        "/vod/./film/a",
        "/live/../vod/film/a",
        "/vod/x/%2e%2e/film/a",
    ] {
        assert_eq!(bench.outcome(path, &[FR]), "location-not-allowed", "{path}");
        assert_eq!(bench.outcome(path, &[DE]), "pass", "{path}");
    }
    for path in [
        "/vod%2ffilm/a",
        "/vod/film;x/a",
        "/vod\\film/a",
        "/vod/%2566ilm/a",
        "/../vod/film/a",
        "/vod/film/%00",
        "*",
    ] {
        assert_eq!(bench.outcome(path, &[DE]), "path-ambiguous", "{path}");
    }
}

#[test]
fn exceptions_open_one_rule() {
    let config = rules(
        "[[rules]]\nname = 'r'\nallow = ['DE']\n\
         except = { entitlements = ['roaming'], tiers = ['staff'], subjects = ['ada'], networks = ['192.0.2.0/24'] }\n",
    );
    let mut bench = Bench::new(&config);
    for (more, passes) in [
        (("weir-entitlements", "hdr, roaming"), true),
        (("weir-entitlements", "roaming2"), false),
        (("weir-tier", "staff"), true),
        (("weir-tier", "Staff"), false),
        (("weir-subject", "ada"), true),
        (("weir-client-ip", "192.0.2.200"), true),
        (("weir-client-ip", "192.0.3.1"), false),
    ] {
        assert_eq!(
            bench.outcome("/", &[FR, more]) == "pass",
            passes,
            "{more:?}"
        );
    }
}

#[test]
fn circles_and_areas() {
    let config = rules(
        "[areas.stadium]\ncircles = [{ latitude = 48.2188, longitude = 11.6247, radius-km = 75 }]\n\
         [areas.home]\nplaces = ['AT']\ncircles = [{ latitude = 47.37, longitude = 8.54, radius-km = 60 }]\n\
         [[rules]]\nname = 'r'\nallow = ['DE', 'area:home']\ndeny = ['area:stadium']\n",
    );
    let mut bench = Bench::new(&config);
    let at = |point| ("x-geo", point);
    for (headers, expected) in [
        (vec![DE, at("52.52,13.40")], "pass"),
        (vec![DE, at("48.14, 11.58")], "location-not-allowed"),
        (vec![("weir-country", "CH"), at("47.40;8.50")], "pass"),
        (
            vec![("weir-country", "CH"), at("46.20,6.14")],
            "location-not-allowed",
        ),
        (vec![DE], "location-unknown"),
        (vec![DE, at("north")], "location-unknown"),
    ] {
        assert_eq!(bench.outcome("/", &headers), expected, "{headers:?}");
    }
}

#[test]
fn embargoes_begin_and_end() {
    let config = rules(
        "[[rules]]\nname = 'premiere'\npaths = ['/finale/*']\ndeny = ['*']\nfrom = '2026-12-01T00:00:00Z'\nuntil = '2026-12-01T19:00:00Z'\n\
         except = { entitlements = ['press'] }\n",
    );
    let day = 1_796_083_200;
    let hours = |hours: u64| day + hours * 3_600;
    for (seconds, expected) in [
        (day - 1, "pass"),
        (day, "embargoed"),
        (hours(19) - 1, "embargoed"),
        (hours(19), "pass"),
    ] {
        assert_eq!(
            Bench::new(&config).at(seconds).outcome("/finale/a", &[]),
            expected,
            "{seconds}"
        );
    }
    let mut bench = Bench::new(&config);
    assert_eq!(
        bench.outcome("/finale/a", &[("weir-entitlements", "press")]),
        "pass"
    );
    assert_eq!(bench.outcome("/other/a", &[]), "pass");
    let text = body(answer(bench.ask("/finale/a", &[])));
    assert!(
        text.contains("\"until\":\"2026-12-01T19:00:00Z\""),
        "{text}"
    );
}

#[test]
fn a_refusal_says_who_blocks_and_lets_the_page_read_it() {
    let config = format!(
        "blocked-by = 'https://tv.example/legal'\n{}",
        rules(
            "[[rules]]\nname = 'r'\nallow = ['DE']\ndetail = 'Not licensed here.'\n[[rules]]\nname = 's'\npaths = ['/s/*']\ndeny = ['FR']\nstatus = 403\nblocked-by = 'https://studio.example'\n"
        )
    );
    let mut bench = Bench::new(&config);
    let refused = answer(bench.ask("/a", &[FR, ("origin", "https://player.example")]));
    assert_eq!(refused.status, 451);
    assert_eq!(
        header(&refused, "link"),
        Some("<https://tv.example/legal>; rel=\"blocked-by\"")
    );
    assert_eq!(header(&refused, "cache-control"), Some("no-store"));
    assert_eq!(header(&refused, "access-control-allow-origin"), Some("*"));
    let json: serde_json::Value = serde_json::from_str(&body(refused)).unwrap();
    assert_eq!(
        (&json["rule"], &json["country"], &json["detail"]),
        (&"r".into(), &"FR".into(), &"Not licensed here.".into())
    );

    // The first of two certain refusals; the second rule alone has its own status.
    let only = config.replace("allow = ['DE']", "allow = ['FR']");
    let refused = answer(Bench::new(&only).ask("/s/a", &[FR]));
    assert_eq!(
        (refused.status, header(&refused, "link")),
        (403, Some("<https://studio.example>; rel=\"blocked-by\""))
    );
}

#[test]
fn preflights_pass_and_monitoring_refuses_nothing_but_ambiguity() {
    let config = rules("[[rules]]\nname = 'r'\nallow = ['DE']\n");
    let mut bench = Bench::new(&config);
    let verdict = decide(&mut bench.module, &mut bench.host, "OPTIONS", "/a", &[FR]);
    assert!(matches!(verdict, Verdict::Pass(_)), "{verdict:?}");
    let mut bench = Bench::new(&format!("mode = 'monitor'\n{config}"));
    assert_eq!(bench.outcome("/a", &[FR]), "pass");
    assert_eq!(bench.outcome("/a", &[FR]), "pass");
    assert_eq!(
        bench.host.logged,
        [(
            Level::Info,
            "monitor: would refuse by rule r (1 since the last line)".to_owned()
        )]
    );
    assert_eq!(bench.outcome("/a%2fb", &[DE]), "path-ambiguous");
}

#[test]
fn the_next_modules_hear_only_what_is_trusted() {
    let pass = "[[rules]]\nname = 'r'\npaths = ['/none']\ndeny = ['*']\n";
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // The trusted header is another one: what stands in `weir-country` is the client's.
    let mut bench = Bench::new(&format!("[headers]\ncountry = 'cf-ipcountry'\n{pass}"));
    assert_eq!(
        bench.told(&[("cf-ipcountry", "DE"), ("weir-country", "US")]),
        [pair("weir-country", "DE")]
    );
    assert_eq!(
        bench.told(&[("weir-country", "US"), ("weir-asn", "1")]),
        [pair("weir-country", ""), pair("weir-asn", "")]
    );
    let mut bench = Bench::new(&rules(pass));
    assert_eq!(bench.told(&[DE]), []);
    assert_eq!(
        bench.told(&[("weir-country", "de")]),
        [pair("weir-country", "DE")]
    );
    assert_eq!(bench.told(&[DE, FR]), [pair("weir-country", "")]);
    assert_eq!(bench.told(&[DE, DE]), [pair("weir-country", "DE")]);
}

proptest! {
    #[test]
    fn whoever_is_not_surely_allowed_is_refused(
        country in "[A-Za-z]{0,3}",
        again in prop::option::of("[A-Za-z]{2}"),
        path in "[a-z/%.0-9]{0,20}",
        noise in "\\PC{0,20}",
    ) {
        let mut bench = Bench::new(&rules("[[rules]]\nname = 'r'\nallow = ['DE']\n"));
        let mut headers = vec![("weir-country", country.as_str()), ("x-sub", &noise), ("weir-asn", &noise), ("x-geo", &noise)];
        if let Some(again) = &again {
            headers.push(("weir-country", again));
        }
        let passes = bench.outcome(&format!("/{path}"), &headers) == "pass";
        let surely = country.eq_ignore_ascii_case("DE") && again.is_none_or(|again| again == country);
        prop_assert!(!passes || surely);
    }
}
