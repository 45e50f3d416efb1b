//! Databases in the MaxMind format (MMDB 2.0), of any maker: country, city, network and anonymity databases.

use weir_location::{Database, Location};
use weir_module::{ConfigError, DocumentNeed};

use crate::NAME;
use crate::document::Source;

/// The databases, in the order in which they are asked.
#[derive(Debug)]
pub(crate) struct Databases(Vec<Slot>);

/// One of them; none while it has not come.
#[derive(Debug)]
struct Slot {
    source: Source,
    reader: Option<Database>,
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
                    let opened = Database::open(bytes);
                    Some(opened.map_err(|why| ConfigError::new(NAME, format!("{key}.file"), why))?)
                }
                None => None,
            };
            all.push(Slot { source, reader });
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
        database.reader = Some(Database::open(body.to_vec())?);
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
        for database in self.0.iter().filter_map(|slot| slot.reader.as_ref()) {
            location.complete(database.look_up(address));
        }
        location
    }
}
