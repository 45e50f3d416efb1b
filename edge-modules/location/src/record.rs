//! What a record of a database says of an address, before it is judged.

use maxminddb::{LookupResult, PathElement};
use serde::Deserialize;

/// The fields that are read, of all kinds of databases.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Record<'a> {
    /// The country's code: `country.iso_code`, else `country_code`.
    pub country: [Option<&'a str>; 2],
    /// The subdivisions' codes, widest first.
    pub subdivisions: Vec<&'a str>,
    /// `autonomous_system_number`.
    pub system: Option<u32>,
    /// `asn`, with or without `AS` in front.
    pub asn: Option<&'a str>,
    /// `location.latitude` and `location.longitude`.
    pub point: [Option<f64>; 2],
    /// Whether any of the flags is set; none where there is none.
    pub anonymous: Option<bool>,
}

impl<'a> Record<'a> {
    /// Reads the whole record in one pass. None when a field is of another type than expected.
    ///
    /// A pass costs as much as looking for one field that is not there, of which [`Record::by_fields`] looks for twenty.
    pub(crate) fn at_once(found: &LookupResult<'a, Vec<u8>>) -> Option<Self> {
        let whole: Whole<'a> = found.decode().ok()??;
        let Position {
            latitude,
            longitude,
        } = whole.location.unwrap_or_default();
        let traits = whole.traits.unwrap_or_default();
        let flags = Flags {
            is_anonymous: whole.is_anonymous,
            is_anonymous_vpn: whole.is_anonymous_vpn,
            is_hosting_provider: whole.is_hosting_provider,
            is_public_proxy: whole.is_public_proxy,
            is_residential_proxy: whole.is_residential_proxy,
            is_tor_exit_node: whole.is_tor_exit_node,
            is_anonymous_proxy: whole.is_anonymous_proxy,
        };
        Some(Self {
            country: [
                whole.country.and_then(|coded| coded.iso_code),
                whole.country_code,
            ],
            subdivisions: codes(whole.subdivisions),
            system: whole.autonomous_system_number,
            asn: whole.asn,
            point: [latitude, longitude],
            anonymous: any_of(flags.all().into_iter().chain(traits.all())),
        })
    }

    /// Reads each field for itself. A field of another type than expected, as a damaged file may have, is not known.
    pub(crate) fn by_fields(found: &LookupResult<'a, Vec<u8>>) -> Self {
        let text =
            |path: &[&str]| -> Option<&'a str> { found.decode_path(&keys(path)).ok().flatten() };
        let number =
            |path: &[&str]| -> Option<f64> { found.decode_path(&keys(path)).ok().flatten() };
        let flag =
            |path: &[&str]| -> Option<bool> { found.decode_path(&keys(path)).ok().flatten() };
        let flags = FLAGS
            .iter()
            .flat_map(|name| [flag(&[name]), flag(&["traits", name])]);
        Self {
            country: [text(&["country", "iso_code"]), text(&["country_code"])],
            subdivisions: codes(found.decode_path(&keys(&["subdivisions"])).ok().flatten()),
            system: found
                .decode_path(&keys(&["autonomous_system_number"]))
                .ok()
                .flatten(),
            asn: text(&["asn"]),
            point: [
                number(&["location", "latitude"]),
                number(&["location", "longitude"]),
            ],
            anonymous: any_of(flags),
        }
    }
}

fn codes(list: Option<Vec<Coded<'_>>>) -> Vec<&str> {
    let list = list.into_iter().flatten();
    list.filter_map(|one| one.iso_code).collect()
}

fn any_of(flags: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    flags.flatten().reduce(|one, other| one || other)
}

fn keys<'a>(path: &[&'a str]) -> Vec<PathElement<'a>> {
    path.iter().map(|&key| PathElement::Key(key)).collect()
}

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    country: Option<Coded<'a>>,
    country_code: Option<&'a str>,
    #[serde(borrow)]
    subdivisions: Option<Vec<Coded<'a>>>,
    autonomous_system_number: Option<u32>,
    asn: Option<&'a str>,
    location: Option<Position>,
    traits: Option<Flags>,
    // Not flattened, which would copy the whole record.
    is_anonymous: Option<bool>,
    is_anonymous_vpn: Option<bool>,
    is_hosting_provider: Option<bool>,
    is_public_proxy: Option<bool>,
    is_residential_proxy: Option<bool>,
    is_tor_exit_node: Option<bool>,
    is_anonymous_proxy: Option<bool>,
}

#[derive(Deserialize)]
struct Coded<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Deserialize, Default)]
struct Position {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

/// Names of flags in anonymity databases and in the `traits` of others.
const FLAGS: [&str; 7] = [
    "is_anonymous",
    "is_anonymous_vpn",
    "is_hosting_provider",
    "is_public_proxy",
    "is_residential_proxy",
    "is_tor_exit_node",
    "is_anonymous_proxy",
];

#[derive(Deserialize, Default)]
#[allow(clippy::struct_field_names)] // The names are the format's.
struct Flags {
    is_anonymous: Option<bool>,
    is_anonymous_vpn: Option<bool>,
    is_hosting_provider: Option<bool>,
    is_public_proxy: Option<bool>,
    is_residential_proxy: Option<bool>,
    is_tor_exit_node: Option<bool>,
    is_anonymous_proxy: Option<bool>,
}

impl Flags {
    fn all(&self) -> [Option<bool>; 7] {
        [
            self.is_anonymous,
            self.is_anonymous_vpn,
            self.is_hosting_provider,
            self.is_public_proxy,
            self.is_residential_proxy,
            self.is_tor_exit_node,
            self.is_anonymous_proxy,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Value, one, write};
    use maxminddb::Reader;
    use proptest::prelude::*;

    /// A record with a field of every kind.
    fn rich() -> Value {
        let coded = |code| one("iso_code", Value::Text(code));
        Value::Map(vec![
            ("autonomous_system_number", Value::Unsigned(64_500)),
            ("asn", Value::Text("AS64501")),
            ("city", one("names", one("en", Value::Text("Munich")))),
            ("country", coded("DE")),
            ("country_code", Value::Text("AT")),
            ("is_anonymous_vpn", Value::Flag(false)),
            (
                "location",
                Value::Map(vec![
                    ("latitude", Value::Double(48.1)),
                    ("longitude", Value::Double(11.6)),
                ]),
            ),
            (
                "subdivisions",
                Value::List(vec![coded("BY"), one("other", Value::Flag(true))]),
            ),
            ("traits", one("is_anonymous_proxy", Value::Flag(true))),
        ])
    }

    fn both(bytes: Vec<u8>) -> Option<()> {
        let reader = Reader::from_source(bytes).ok()?;
        let found = reader.lookup("192.0.2.1".parse().unwrap()).ok()?;
        if let Some(at_once) = Record::at_once(&found) {
            assert_eq!(at_once, Record::by_fields(&found));
        }
        Some(())
    }

    #[test]
    fn one_pass_reads_what_the_fields_say() {
        let bytes = write("Test", &[("192.0.2.0/24", rich())]);
        both(bytes.clone()).unwrap();
        let reader = Reader::from_source(bytes).unwrap();
        let found = reader.lookup("192.0.2.1".parse().unwrap()).unwrap();
        let record = Record {
            country: [Some("DE"), Some("AT")],
            subdivisions: vec!["BY"],
            system: Some(64_500),
            asn: Some("AS64501"),
            point: [Some(48.1), Some(11.6)],
            anonymous: Some(true),
        };
        assert_eq!(Record::at_once(&found), Some(record));
    }

    #[test]
    fn a_field_of_another_type_is_left_to_the_other_way() {
        let odd = Value::Map(vec![
            ("country", Value::Text("Germany")),
            ("country_code", Value::Text("DE")),
        ]);
        let reader = Reader::from_source(write("Test", &[("192.0.2.0/24", odd)])).unwrap();
        let found = reader.lookup("192.0.2.1".parse().unwrap()).unwrap();
        assert_eq!(Record::at_once(&found), None);
        assert_eq!(Record::by_fields(&found).country, [None, Some("DE")]);
    }

    proptest! {
        /// A damaged record is read the same both ways, or not at once.
        #[test]
        fn damage_makes_no_difference(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
            let mut bytes = write("Test", &[("192.0.2.0/24", rich())]);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            both(bytes);
        }
    }
}
