//! Databases in the MaxMind format (MMDB 2.0), of any maker: country, city, network and anonymity databases.

use std::net::IpAddr;

use maxminddb::{PathElement, Reader};
use serde::Deserialize;
use weir_module::{ConfigError, DocumentNeed};

use crate::NAME;
use crate::circle::Point;
use crate::country::Country;
use crate::document::Source;
use crate::location::{self, Location};

/// The databases, in the order in which they are asked.
#[derive(Debug)]
pub(crate) struct Databases(Vec<Database>);

#[derive(Debug)]
struct Database {
    source: Source,
    reader: Option<Reader<Vec<u8>>>,
}

impl Databases {
    /// Reads those that are files; those by URL come later.
    ///
    /// # Errors
    /// A file that cannot be read or is no database.
    pub(crate) fn new(sources: Vec<Source>) -> Result<Self, ConfigError> {
        let mut all = Vec::new();
        for (index, source) in sources.into_iter().enumerate() {
            let key = format!("databases[{index}]");
            let reader = match source.read(&key)? {
                Some(bytes) => {
                    let opened = open(bytes);
                    Some(opened.map_err(|why| ConfigError::new(NAME, format!("{key}.file"), why))?)
                }
                None => None,
            };
            all.push(Database { source, reader });
        }
        Ok(Self(all))
    }

    /// What the host is asked for.
    pub(crate) fn documents(&self) -> impl Iterator<Item = DocumentNeed> {
        self.0.iter().filter_map(|database| database.source.need())
    }

    /// Takes a new copy.
    ///
    /// # Errors
    /// It is no database; the last good one stays.
    pub(crate) fn load(&mut self, name: &str, body: &[u8]) -> Result<(), String> {
        let mut all = self.0.iter_mut();
        let database = all
            .find(|database| database.source.is(name))
            .ok_or("no database of this name")?;
        database.reader = Some(open(body.to_vec())?);
        Ok(())
    }

    /// True when each is there.
    pub(crate) fn are_complete(&self) -> bool {
        self.0.iter().all(|database| database.reader.is_some())
    }

    /// Fills in what the headers did not tell. A country or subdivision is never mixed from two sources: the first that knows the
    /// country tells both.
    pub(crate) fn complete(&self, mut location: Location) -> Location {
        let Some(address) = location.address else {
            return location;
        };
        for reader in self
            .0
            .iter()
            .filter_map(|database| database.reader.as_ref())
        {
            let found = look_up(reader, address);
            if location.country.is_none() {
                location.country = found.country;
                location.subdivisions = found.subdivisions;
            } else if location.subdivisions.is_empty() && location.country == found.country {
                location.subdivisions = found.subdivisions;
            }
            location.asn = location.asn.or(found.asn);
            location.point = location.point.or(found.point);
            location.anonymous = match (location.anonymous, found.anonymous) {
                // One list that names the address is enough.
                (Some(true), _) | (_, Some(true)) => Some(true),
                (known, other) => known.or(other),
            };
        }
        location
    }
}

fn open(bytes: Vec<u8>) -> Result<Reader<Vec<u8>>, String> {
    Reader::from_source(bytes)
        .map_err(|error| format!("not a database in the MaxMind format: {error}"))
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

/// What one database knows. A field of another type than expected, as a damaged file may have, is not known.
fn look_up(reader: &Reader<Vec<u8>>, address: IpAddr) -> Location {
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
    let text = |path: &[&str]| -> Option<&str> { found.decode_path(&keys(path)).ok().flatten() };
    let number = |path: &[&str]| -> Option<f64> { found.decode_path(&keys(path)).ok().flatten() };
    let flag = |path: &[&str]| -> Option<bool> { found.decode_path(&keys(path)).ok().flatten() };
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

fn keys<'a>(path: &[&'a str]) -> Vec<PathElement<'a>> {
    path.iter().map(|&key| PathElement::Key(key)).collect()
}
