//! Places from databases in the MaxMind format and lists, as files and as documents.
#![allow(clippy::unwrap_used)]

mod bench;

use bench::{Bench, answer, header};
use geo_block::GeoBlock;
use proptest::prelude::*;
use weir_location::testing::{self as mmdb, Value, country, one};
use weir_module::Module;

const RULE: &str = "[[rules]]\nname = 'r'\n";

fn city(code: &'static str, subdivision: &'static str, latitude: f64, longitude: f64) -> Value {
    Value::Map(vec![
        ("country", one("iso_code", Value::Text(code))),
        (
            "subdivisions",
            Value::List(vec![one("iso_code", Value::Text(subdivision))]),
        ),
        (
            "location",
            Value::Map(vec![
                ("latitude", Value::Double(latitude)),
                ("longitude", Value::Double(longitude)),
            ]),
        ),
    ])
}

fn cities() -> Vec<u8> {
    mmdb::write(
        "Test-City",
        &[
            ("192.0.2.0/24", city("DE", "BE", 52.52, 13.40)),
            ("192.0.2.128/25", city("DE", "BY", 48.14, 11.58)),
            ("2001:db8::/32", country("FR")),
            ("198.51.100.0/24", one("country_code", Value::Text("AT"))),
            (
                "203.0.113.0/24",
                one("country", one("iso_code", Value::Unsigned(7))),
            ),
        ],
    )
}

fn asns() -> Vec<u8> {
    mmdb::write(
        "Test-ASN",
        &[
            (
                "192.0.2.0/24",
                one("autonomous_system_number", Value::Unsigned(64_500)),
            ),
            ("198.51.100.0/24", one("asn", Value::Text("AS64501"))),
        ],
    )
}

/// A file with these bytes, and its path for a configuration.
fn file(bytes: &[u8]) -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let path = file.path().display().to_string();
    (file, path)
}

#[test]
fn a_file_places_addresses() {
    let (_kept, cities) = file(&cities());
    let (_too, asns) = file(&asns());
    let config = format!(
        "client-address = 'weir-client-ip'\n[[databases]]\nfile = '{cities}'\n[[databases]]\nfile = '{asns}'\n{RULE}"
    );
    let outcome = |rule: &str, address: &str| {
        Bench::new(&format!("{config}{rule}")).outcome("/", &[("weir-client-ip", address)])
    };
    for (rule, address, expected) in [
        ("allow = ['DE']", "192.0.2.1", "pass"),
        ("allow = ['DE']", "::ffff:192.0.2.1", "pass"),
        ("allow = ['DE']", "2001:db8::9", "location-not-allowed"),
        ("allow = ['DE']", "10.0.0.1", "location-unknown"),
        ("allow = ['DE']", "", "location-unknown"),
        ("allow = ['AT']", "198.51.100.7", "pass"),
        ("allow = ['DE']", "203.0.113.1", "location-unknown"),
        ("deny = ['DE-BY']", "192.0.2.1", "pass"),
        ("deny = ['DE-BY']", "192.0.2.200", "location-not-allowed"),
        ("deny = ['AS64500']", "192.0.2.1", "location-not-allowed"),
        ("deny = ['AS64500']", "198.51.100.7", "pass"),
        ("deny = ['AS64500']", "2001:db8::9", "location-unknown"),
    ] {
        assert_eq!(outcome(rule, address), expected, "{rule} {address}");
    }
    let area = "[areas.a]\ncircles = [{ latitude = 48.2, longitude = 11.6, radius-km = 50 }]\n";
    let config = config.replace(RULE, &format!("{area}{RULE}deny = ['area:a']"));
    for (address, expected) in [
        ("192.0.2.1", "pass"),
        ("192.0.2.200", "location-not-allowed"),
        ("2001:db8::9", "location-unknown"),
    ] {
        assert_eq!(
            Bench::new(&config).outcome("/", &[("weir-client-ip", address)]),
            expected,
            "{address}"
        );
    }
}

#[test]
fn headers_win_and_databases_fill_in() {
    let (_kept, cities) = file(&cities());
    let config = format!(
        "client-address = 'weir-client-ip'\n[headers]\ncountry = 'x-country'\n[[databases]]\nfile = '{cities}'\n{RULE}deny = ['DE-BY']\n"
    );
    let mut bench = Bench::new(&config);
    let bavarian = ("weir-client-ip", "192.0.2.200");
    assert_eq!(bench.outcome("/", &[bavarian]), "location-not-allowed");
    assert_eq!(
        bench.outcome("/", &[bavarian, ("x-country", "DE")]),
        "location-not-allowed",
        "the same country: filled in"
    );
    assert_eq!(
        bench.outcome("/", &[bavarian, ("x-country", "FR")]),
        "pass",
        "another: the header's"
    );
}

#[test]
fn anonymity_by_header_flag_or_list() {
    let anonymous = mmdb::write(
        "Test-Anonymous-IP",
        &[
            (
                "192.0.2.0/24",
                one("is_hosting_provider", Value::Flag(true)),
            ),
            (
                "198.51.100.0/24",
                one("is_tor_exit_node", Value::Flag(false)),
            ),
        ],
    );
    let (_kept, path) = file(&anonymous);
    let config = format!(
        "client-address = 'weir-client-ip'\n[[databases]]\nfile = '{path}'\n{RULE}deny = ['anonymous']\n"
    );
    for (address, expected) in [
        ("192.0.2.1", "location-not-allowed"),
        ("198.51.100.1", "pass"),
        ("10.0.0.1", "pass"),
        ("", "location-unknown"),
    ] {
        assert_eq!(
            Bench::new(&config).outcome("/", &[("weir-client-ip", address)]),
            expected,
            "{address}"
        );
    }
    let traits = mmdb::write(
        "Test-Country",
        &[(
            "192.0.2.0/24",
            one("traits", one("is_anonymous_proxy", Value::Flag(true))),
        )],
    );
    let (_kept, path) = file(&traits);
    let config = format!(
        "client-address = 'weir-client-ip'\n[[databases]]\nfile = '{path}'\n{RULE}deny = ['anonymous']\n"
    );
    assert_eq!(
        Bench::new(&config).outcome("/", &[("weir-client-ip", "192.0.2.1")]),
        "location-not-allowed"
    );
    assert_eq!(
        Bench::new(&config).outcome("/", &[("weir-client-ip", "10.0.0.1")]),
        "location-unknown"
    );
}

#[test]
fn documents_close_until_they_are_there_and_keep_the_last_good_copy() {
    let config = format!(
        "client-address = 'weir-client-ip'\n[[databases]]\nurl = 'https://o.example/c.mmdb'\n\
         [areas.hosting]\nurl = 'https://o.example/h.txt'\nmax-age = 3600\n{RULE}allow = ['DE']\ndeny = ['area:hosting']\nunknown = 'allow'\n"
    );
    let mut bench = Bench::new(&config);
    let wanted = bench.module.documents();
    let wanted: Vec<_> = wanted
        .iter()
        .map(|need| (need.name.as_str(), need.url.as_str(), need.max_age))
        .collect();
    assert_eq!(
        wanted,
        [
            ("database-0", "https://o.example/c.mmdb", 86_400),
            ("area-hosting", "https://o.example/h.txt", 3_600)
        ]
    );
    let berlin = [("weir-client-ip", "192.0.2.1")];
    let missing = answer(bench.ask("/", &berlin));
    assert_eq!(
        (missing.status, header(&missing, "retry-after")),
        (503, Some("5"))
    );
    bench.module.load_document("database-0", &cities()).unwrap();
    assert_eq!(
        bench.outcome("/", &berlin),
        "location-data-unavailable",
        "the list is still missing"
    );
    bench
        .module
        .load_document("area-hosting", b"198.51.100.0/24\n")
        .unwrap();
    assert_eq!(bench.outcome("/", &berlin), "pass");
    assert!(
        bench
            .module
            .load_document("database-0", b"no database")
            .is_err()
    );
    assert!(
        bench
            .module
            .load_document("area-hosting", b"<html>")
            .is_err()
    );
    assert!(bench.module.load_document("other", b"").is_err());
    assert_eq!(
        bench.outcome("/", &berlin),
        "pass",
        "the last good copies stay"
    );
    bench
        .module
        .load_document("area-hosting", b"192.0.2.0/30\n")
        .unwrap();
    assert_eq!(bench.outcome("/", &berlin), "location-not-allowed");
}

#[test]
fn a_file_that_is_missing_or_none_is_refused_by_name() {
    let (_kept, junk) = file(b"junk");
    let (_too, list) = file(b"junk");
    for (text, key) in [
        (
            "[[databases]]\nfile = '/no/such/file'".to_owned(),
            "databases[0].file",
        ),
        (
            format!("[[databases]]\nfile = '{junk}'"),
            "databases[0].file",
        ),
        (format!("[areas.a]\nfile = '{list}'"), "areas.a.file"),
        (
            "[areas.a]\nfile = '/no/such/file'".to_owned(),
            "areas.a.file",
        ),
    ] {
        let error = GeoBlock::configure(&format!(
            "client-address = 'weir-client-ip'\n{text}\n{RULE}deny = ['*']"
        ))
        .unwrap_err();
        assert_eq!(error.key(), key, "{error}");
        assert!(
            !error.to_string().contains("/no/such"),
            "a path of the machine: {error}"
        );
    }
}

proptest! {
    #[test]
    fn a_damaged_database_never_panics_and_never_opens(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
        address in any::<[u8; 4]>(),
    ) {
        let mut bytes = cities();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let config = format!("client-address = 'weir-client-ip'\n[[databases]]\nurl = 'https://o.example/c.mmdb'\n{RULE}allow = ['AQ']\n");
        let mut bench = Bench::new(&config);
        let _ = bench.module.load_document("database-0", &bytes);
        let address = std::net::Ipv4Addr::from(address).to_string();
        for address in [address.as_str(), "192.0.2.1", "192.0.2.200", "2001:db8::1", "198.51.100.1"] {
            // No change of a byte or few makes `AQ` of what is there, so nobody is surely there.
            let outcome = bench.outcome("/", &[("weir-client-ip", address)]);
            prop_assert!(outcome != "pass", "{}", outcome);
        }
    }
}
