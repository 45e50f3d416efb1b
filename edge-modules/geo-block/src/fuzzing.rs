//! What the fuzz targets run: every reader of outside bytes, and the invariants that must hold whatever comes.
//!
//! A target is one line that calls one of these with the fuzzer's bytes; the tests below call them with saved inputs and mutations of them.

use weir_module::testing::{TestHost, decide};
use weir_module::{Module, Verdict};

use crate::GeoBlock;
use crate::area::List;

const NOW_NS: u64 = 1_800_000_000_000_000_000;

/// Nobody but viewers in Germany gets anything: by a header, a database and a list of networks that are fetched.
const HOME: &str = "client-address = 'weir-client-ip'
[headers]
country = 'weir-country'
[[databases]]
url = 'https://origin.example/db.mmdb'
[areas.hosting]
url = 'https://origin.example/hosting.txt'
[[rules]]
name = 'home'
allow = ['DE']
[[rules]]
name = 'hosting'
deny = ['area:hosting']
";

fn ask(module: &mut GeoBlock, target: &str, headers: &[(&str, &str)]) -> Verdict {
    let mut host: TestHost = TestHost {
        now_ns: NOW_NS,
        ..TestHost::default()
    };
    decide(module, &mut host, "GET", target, headers)
}

fn module() -> GeoBlock {
    GeoBlock::configure(HOME).expect("the configuration above is good")
}

/// A configuration is refused, or its module answers.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(mut module) = GeoBlock::configure(text) {
        let headers = [("weir-client-ip", "192.0.2.1"), ("weir-country", "DE")];
        let _ = ask(&mut module, "/vod/a.m3u8?x=1", &headers);
        let _ = ask(&mut module, "/", &[]);
    }
}

/// A database is refused, or looked up without trouble; a country that it makes up is one of two letters.
///
/// # Panics
/// When something else goes on as a country.
pub fn database(bytes: &[u8]) {
    let mut module = module();
    let needs = module.documents();
    let [database, hosting] = needs.as_slice() else {
        panic!("the configuration above fetches a database and a list");
    };
    if module.load_document(&database.name, bytes).is_err() {
        return;
    }
    let list = module.load_document(&hosting.name, b"203.0.113.0/24");
    assert_eq!(list, Ok(()));
    for address in [
        "192.0.2.1",
        "1.1.1.1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "255.255.255.255",
    ] {
        if let Verdict::Pass(edits) = ask(&mut module, "/a", &[("weir-client-ip", address)]) {
            let german = weir_module::Edit::SetRequest("weir-country", b"DE");
            assert!(
                edits.any(|edit| edit == german),
                "{address} passed without a country"
            );
        }
    }
}

/// A list is refused or read.
pub fn list(bytes: &[u8]) {
    let _ = List::read(bytes);
}

/// Lines: the target, then the values of the headers. Without a list of networks nobody passes, whatever a request says.
///
/// # Panics
/// When a request passes.
pub fn request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let target = lines.next().unwrap_or_default();
    let names = [
        "weir-client-ip",
        "weir-country",
        "weir-asn",
        "weir-entitlements",
        "origin",
    ];
    let headers: Vec<(&str, &str)> = names.into_iter().zip(lines).collect();
    let fits = |text: &str| text.len() < 65_536;
    if fits(target) && headers.iter().all(|(_, value)| fits(value)) {
        let verdict = ask(&mut module(), target, &headers);
        assert!(
            matches!(verdict, Verdict::Answer(_)),
            "{target:?} {headers:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weir_location::testing as mmdb;
    use weir_module::testing::damage;

    fn seeds() -> Vec<Vec<u8>> {
        let networks = [
            ("192.0.2.0/24", mmdb::country("DE")),
            ("2001:db8::/32", mmdb::country("FR")),
        ];
        let texts = [
            HOME,
            "192.0.2.0/24 # a\n2001:db8::/32\nAS64500\n",
            "/vod/%2e%2e/a?x=1\n192.0.2.1:80\nDE\n64500\nhdr\nhttps://a",
        ];
        let mut seeds: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).into();
        seeds.push(mmdb::write("Test-Country", &networks));
        seeds
    }

    fn all(bytes: &[u8]) {
        configuration(bytes);
        database(bytes);
        list(bytes);
        request(bytes);
    }

    /// A good database lets somebody pass: the invariant of [`database`] is not empty.
    #[test]
    fn a_good_database_places_viewers() {
        let mut module = module();
        let needs = module.documents();
        let [database, hosting] = needs.as_slice() else {
            panic!("{needs:?}");
        };
        let networks = [("192.0.2.0/24", mmdb::country("DE"))];
        module
            .load_document(&database.name, &mmdb::write("Test-Country", &networks))
            .unwrap();
        module
            .load_document(&hosting.name, b"203.0.113.0/24")
            .unwrap();
        let verdict = ask(&mut module, "/a", &[("weir-client-ip", "192.0.2.1")]);
        assert!(matches!(verdict, Verdict::Pass(_)), "{verdict:?}");
    }

    #[test]
    fn saved_inputs_are_no_trouble() {
        seeds().iter().for_each(|seed| all(seed));
    }

    proptest! {
        #[test]
        fn changed_inputs_are_refused_quietly(
            seed in prop::sample::select(seeds()),
            changes in prop::collection::vec(any::<(usize, u8, u8)>(), 0..6),
        ) {
            let mut bytes = seed;
            damage(&mut bytes, &changes);
            all(&bytes);
        }
    }
}
