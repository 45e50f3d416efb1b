//! Databases in the MaxMind format (MMDB 2.0), of any maker: country, city, network and anonymity databases.

use std::net::IpAddr;

use maxminddb::{PathElement, Reader};
use serde::Deserialize;

use crate::country::Country;
use crate::location::{self, Location};
use crate::point::Point;

/// A database in memory.
#[derive(Debug)]
pub struct Database(Reader<Vec<u8>>);

impl Database {
    /// Opens the bytes of a file.
    ///
    /// # Errors
    /// They are no such database.
    pub fn open(bytes: Vec<u8>) -> Result<Self, String> {
        Reader::from_source(bytes)
            .map(Self)
            .map_err(|error| format!("not a database in the MaxMind format: {error}"))
    }

    /// What it is and when it was made: `GeoLite2-City`, seconds since 1970.
    #[must_use]
    pub fn about(&self) -> (&str, u64) {
        let metadata = self.0.metadata();
        (&metadata.database_type, metadata.build_epoch)
    }

    /// What it knows of an address. A field of another type than expected, as a damaged file may have, is not known.
    #[must_use]
    pub fn look_up(&self, address: IpAddr) -> Location {
        let reader = &self.0;
        // An IPv6 address in a database of IPv4 alone is an error: not known.
        let Ok(found) = reader.lookup(address) else {
            return Location::default();
        };
        let lists_the_anonymous = reader.metadata().database_type.contains("Anonymous");
        if !found.has_data() {
            return Location {
                // Such a database lists those that are, and nobody else.
                anonymous: lists_the_anonymous.then_some(false),
                ..Location::default()
            };
        }
        let text =
            |path: &[&str]| -> Option<&str> { found.decode_path(&keys(path)).ok().flatten() };
        let number =
            |path: &[&str]| -> Option<f64> { found.decode_path(&keys(path)).ok().flatten() };
        let flag =
            |path: &[&str]| -> Option<bool> { found.decode_path(&keys(path)).ok().flatten() };
        let country = text(&["country", "iso_code"])
            .or_else(|| text(&["country_code"]))
            .and_then(Country::read);
        let subdivisions: Option<Vec<Subdivision<'_>>> =
            found.decode_path(&keys(&["subdivisions"])).ok().flatten();
        let asn: Option<u32> = found
            .decode_path(&keys(&["autonomous_system_number"]))
            .ok()
            .flatten();
        let flags = FLAGS
            .iter()
            .flat_map(|name| [flag(&[name]), flag(&["traits", name])])
            .flatten();
        Location {
            address: None,
            country,
            subdivisions: subdivisions
                .into_iter()
                .flatten()
                .filter_map(|one| location::subdivision(one.iso_code?, country))
                .collect(),
            asn: asn
                .filter(|asn| *asn != 0)
                .or_else(|| text(&["asn"]).and_then(location::asn)),
            point: number(&["location", "latitude"])
                .zip(number(&["location", "longitude"]))
                .and_then(|(latitude, longitude)| Point::new(latitude, longitude)),
            anonymous: flags
                .reduce(|one, other| one || other)
                .or_else(|| lists_the_anonymous.then_some(true)),
        }
    }
}

#[derive(Deserialize)]
struct Subdivision<'a> {
    iso_code: Option<&'a str>,
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

fn keys<'a>(path: &[&'a str]) -> Vec<PathElement<'a>> {
    path.iter().map(|&key| PathElement::Key(key)).collect()
}
