//! Where viewers are: databases of the node's own, read by the built geo-block.

use std::time::Duration;

use crate::modules::{compiled, table};
use crate::support::{Origin, Running, dist, whole};
use weir_location::testing::{Value, country, one, write};

/// More than a module can be given.
const LARGE: usize = 6 << 20;

fn cities() -> Vec<u8> {
    let place = |code, part, latitude, longitude| {
        Value::Map(vec![
            ("country", one("iso_code", Value::Text(code))),
            (
                "subdivisions",
                Value::List(vec![one("iso_code", Value::Text(part))]),
            ),
            (
                "location",
                Value::Map(vec![
                    ("latitude", Value::Double(latitude)),
                    ("longitude", Value::Double(longitude)),
                ]),
            ),
        ])
    };
    let networks = [
        ("192.0.2.0/24", place("DE", "BY", 48.1, 11.6)),
        ("198.51.100.0/24", place("FR", "75C", 48.9, 2.4)),
        ("2001:db8::/32", place("AT", "9", 48.2, 16.4)),
    ];
    let mut database = write("GeoLite2-City", &networks);
    let marker = database
        .windows(14)
        .rposition(|part| part == b"\xab\xcd\xefMaxMind.com");
    let marker = marker.unwrap();
    database.splice(marker..marker, std::iter::repeat_n(0, LARGE));
    database
}

const RULES: &str = r#"
[modules.geo-block.config.headers]
country = "weir-country"
subdivision = "weir-subdivision"
asn = "weir-asn"
coordinates = "weir-coordinates"
anonymous = "weir-anonymous"
[[modules.geo-block.config.rules]]
name = "country"
paths = ["/country"]
allow = ["DE"]
[[modules.geo-block.config.rules]]
name = "subdivision"
paths = ["/subdivision"]
allow = ["DE-BY"]
[[modules.geo-block.config.rules]]
name = "network"
paths = ["/network"]
deny = ["AS64500", "anonymous"]
[modules.geo-block.config.areas.near]
circles = [{ latitude = 48.0, longitude = 11.0, radius-km = 100 }]
[[modules.geo-block.config.rules]]
name = "near"
paths = ["/near"]
allow = ["area:near"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_database_of_the_node_tells_geo_block() {
    let Some(folder) = dist() else { return };
    let files = tempfile::tempdir().unwrap();
    let (city, networks) = (
        files.path().join("city.mmdb"),
        files.path().join("asn.mmdb"),
    );
    std::fs::write(&city, cities()).unwrap();
    let asn = |number| one("autonomous_system_number", Value::Unsigned(number));
    let known = [
        ("192.0.2.0/25", asn(64_500)),
        ("192.0.2.128/25", asn(64_501)),
    ];
    let with_flags = write("ISP", &known);
    std::fs::write(&networks, with_flags).unwrap();
    let anonymous = files.path().join("anonymous.mmdb");
    let listed = [("192.0.2.200/32", one("is_anonymous", Value::Flag(true)))];
    std::fs::write(&anonymous, write("GeoIP2-Anonymous-IP", &listed)).unwrap();
    let origin = Origin::start(|_| whole(200, &[], "film")).await;
    for (door, handler) in [(true, false), (false, true)] {
        // Tables come last in the text.
        let more = format!(
            "[client]\ntrusted-hops = 1\n[geography]\ndatabases = [{city:?}, {networks:?}, {anonymous:?}]\nreload = \"1s\"\n{}{}",
            compiled(),
            table("geo-block", &folder, door, handler, RULES)
        );
        let node = Running::start(&origin, &more, "viewer = [\"geo-block\"]").await;
        let status = async |path: &str, client: &str| {
            let said = [
                ("x-forwarded-for", client),
                // Nobody speaks for the node.
                ("weir-country", "DE"),
                ("weir-subdivision", "DE-BY"),
                ("weir-anonymous", "0"),
            ];
            node.get(path, &said).await.status().as_u16()
        };
        for (path, client, want) in [
            ("/country", "192.0.2.1", 200),
            ("/country", "198.51.100.1", 451),
            ("/country", "203.0.113.1", 451),
            ("/subdivision", "192.0.2.1", 200),
            ("/subdivision", "2001:db8::1", 451),
            ("/network", "192.0.2.1", 451),
            ("/network", "192.0.2.129", 200),
            ("/network", "192.0.2.200", 451),
            ("/near", "192.0.2.1", 200),
            ("/near", "198.51.100.1", 451),
        ] {
            assert_eq!(status(path, client).await, want, "{path} {client}");
        }
        // A file that is no database is left; a good one is taken in a moment.
        std::fs::write(&city, "nonsense").unwrap();
        assert_eq!(status("/country", "192.0.2.1").await, 200);
        let moved = [("192.0.2.0/24", country("FR"))];
        let renewed = files.path().join("renewed");
        std::fs::write(&renewed, write("GeoLite2-City", &moved)).unwrap();
        std::fs::rename(&renewed, &city).unwrap();
        let taken = async {
            while status("/country", "192.0.2.1").await != 451 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let taken = tokio::time::timeout(Duration::from_secs(60), taken).await;
        assert!(taken.is_ok(), "the new database was never read");
        std::fs::write(&city, cities()).unwrap();
    }
}

#[test]
fn a_missing_or_wrong_database_is_named() {
    let files = tempfile::tempdir().unwrap();
    let wrong = files.path().join("wrong.mmdb");
    std::fs::write(&wrong, "nonsense").unwrap();
    for (path, why) in [
        (files.path().join("none.mmdb"), "No such file"),
        (wrong, "not a database in the MaxMind format"),
    ] {
        let text = format!(
            "[geography]\ndatabases = [{path:?}]\n[origins.main]\nurls = [\"http://127.0.0.1:9\"]\n\
             [[routes]]\nname = \"all\"\norigin = \"main\"\n"
        );
        let config = weir_edge::config::Config::from_text(&text).unwrap();
        let Err(error) = weir_edge::Node::build(config) else {
            panic!("a node with {path:?}")
        };
        let error = error.to_string();
        assert!(
            error.contains("geography.databases[0]") && error.contains(why),
            "{error}"
        );
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}
