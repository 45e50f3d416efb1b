//! Databases in the MaxMind format (MMDB 2.0), of any maker: country, city, network and anonymity databases.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use maxminddb::{LookupResult, Reader};

use crate::country::Country;
use crate::location::{self, Location};
use crate::point::Point;
use crate::record::Record;

/// A database in memory.
#[derive(Debug)]
pub struct Database {
    reader: Reader<Vec<u8>>,
    /// Whether its records have been read in one pass so far.
    is_plain: AtomicBool,
}

impl Database {
    /// Opens the bytes of a file.
    ///
    /// # Errors
    /// They are no such database.
    pub fn open(bytes: Vec<u8>) -> Result<Self, String> {
        Reader::from_source(bytes)
            .map(|reader| Self {
                reader,
                is_plain: AtomicBool::new(true),
            })
            .map_err(|error| format!("not a database in the MaxMind format: {error}"))
    }

    /// What it is and when it was made: `GeoLite2-City`, seconds since 1970.
    #[must_use]
    pub fn about(&self) -> (&str, u64) {
        let metadata = self.reader.metadata();
        (&metadata.database_type, metadata.build_epoch)
    }

    /// What it knows of an address. A field of another type than expected, as a damaged file may have, is not known.
    #[must_use]
    pub fn look_up(&self, address: IpAddr) -> Location {
        let reader = &self.reader;
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
        let record = self.record(&found);
        let country = record.country[0]
            .or(record.country[1])
            .and_then(Country::read);
        Location {
            address: None,
            country,
            subdivisions: record
                .subdivisions
                .into_iter()
                .filter_map(|code| location::subdivision(code, country))
                .collect(),
            asn: record
                .system
                .filter(|asn| *asn != 0)
                .or_else(|| record.asn.and_then(location::asn)),
            point: record.point[0]
                .zip(record.point[1])
                .and_then(|(latitude, longitude)| Point::new(latitude, longitude)),
            anonymous: record
                .anonymous
                .or_else(|| lists_the_anonymous.then_some(true)),
        }
    }

    fn record<'a>(&'a self, found: &LookupResult<'a, Vec<u8>>) -> Record<'a> {
        if self.is_plain.load(Ordering::Relaxed) {
            if let Some(record) = Record::at_once(found) {
                return record;
            }
            // A database is made of records of one kind: the next ones are not tried.
            self.is_plain.store(false, Ordering::Relaxed);
        }
        Record::by_fields(found)
    }
}
