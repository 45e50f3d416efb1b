//! Where a client is, by databases in the node's memory, told to the modules in headers.
//!
//! A module has its own memory on every thread and can hold no large database; here each stands once, whatever its size.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use tokio::task::JoinSet;
use weir_location::{Database, Location};

use crate::config::GeographyConfig;
use crate::watched::Watched;

/// ISO 3166-1 alpha-2: `DE`.
const COUNTRY: HeaderName = HeaderName::from_static("weir-country");
/// ISO 3166-2, widest first: `GB-ENG, GB-LND`.
const SUBDIVISION: HeaderName = HeaderName::from_static("weir-subdivision");
/// `64500`.
const ASN: HeaderName = HeaderName::from_static("weir-asn");
/// `latitude,longitude` in degrees.
const COORDINATES: HeaderName = HeaderName::from_static("weir-coordinates");
/// `1`: a hosting provider, proxy, VPN or Tor exit; `0`: none that is known.
const ANONYMOUS: HeaderName = HeaderName::from_static("weir-anonymous");

/// Most bytes of one database.
const MAX_BYTES: u64 = 1 << 30;

/// The databases, in the order in which they are asked.
pub(crate) struct Geography(Vec<Arc<Watched<Database>>>);

impl Geography {
    /// Reads the files.
    ///
    /// # Errors
    /// One that cannot be read or is no database, named with its key.
    pub(crate) fn load(config: &GeographyConfig) -> Result<Self, String> {
        if config.databases.is_empty() {
            return Err("key `geography.databases`: name at least one file".to_owned());
        }
        let mut databases = Vec::new();
        for (index, path) in config.databases.iter().enumerate() {
            let name = format!("database `{}`", path.display());
            let file = path.clone();
            let loaded = Watched::load(name, vec![path.clone()], config.reload.get(), move || {
                read(&file)
            });
            databases.push(loaded.map_err(|why| {
                let path = path.display();
                format!("key `geography.databases[{index}]`: `{path}`: {why}")
            })?);
        }
        Ok(Self(databases))
    }

    /// Renews in the background.
    pub(crate) fn keep_fresh(&self, tasks: &mut JoinSet<()>) {
        for database in &self.0 {
            database.keep_fresh(tasks);
        }
    }

    /// Writes where `client` is into a request. What is not known is not written.
    pub(crate) fn tell(&self, client: IpAddr, headers: &mut HeaderMap) {
        let mut location = Location::default();
        for database in &self.0 {
            location.complete(database.current().look_up(client));
        }
        let mut set = |name: HeaderName, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        };
        if let Some(country) = location.country {
            set(COUNTRY, country.as_str());
            let parts: Vec<String> = location
                .subdivisions
                .iter()
                .map(|part| format!("{}-{part}", country.as_str()))
                .collect();
            if !parts.is_empty() {
                set(SUBDIVISION, &parts.join(", "));
            }
        }
        if let Some(asn) = location.asn {
            set(ASN, &asn.to_string());
        }
        if let Some(point) = location.point {
            set(COORDINATES, &point.to_string());
        }
        if let Some(anonymous) = location.anonymous {
            set(ANONYMOUS, if anonymous { "1" } else { "0" });
        }
    }
}

fn read(path: &Path) -> Result<Database, String> {
    let data = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if data.len() > MAX_BYTES {
        return Err(format!(
            "{} bytes; at most {MAX_BYTES} are read",
            data.len()
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let database = Database::open(bytes)?;
    let (kind, made) = database.about();
    tracing::info!(kind, made, "database `{}` read", path.display());
    Ok(database)
}
