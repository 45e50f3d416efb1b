//! Where a client is, by databases in the node's memory, told to the modules in headers.
//!
//! A module has its own memory on every thread and can hold no large database; here each stands once, whatever its size.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use tokio::task::JoinSet;
use weir_location::{Database, Location};

use crate::config::GeographyConfig;

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
#[derive(Clone)]
pub(crate) struct Geography {
    files: Arc<Vec<File>>,
    reload: Duration,
}

struct File {
    path: PathBuf,
    current: RwLock<(Option<Stamp>, Arc<Database>)>,
}

/// What tells a file from the one that was there before.
type Stamp = (SystemTime, u64);

impl Geography {
    /// Reads the files.
    ///
    /// # Errors
    /// One that cannot be read or is no database, named with its key.
    pub(crate) fn load(config: &GeographyConfig) -> Result<Self, String> {
        if config.databases.is_empty() {
            return Err("key `geography.databases`: name at least one file".to_owned());
        }
        let mut files = Vec::new();
        for (index, path) in config.databases.iter().enumerate() {
            let stamp = stamp(path);
            let database = read(path).map_err(|why| {
                format!(
                    "key `geography.databases[{index}]`: `{}`: {why}",
                    path.display()
                )
            })?;
            tell_of(path, &database);
            files.push(File {
                path: path.clone(),
                current: RwLock::new((stamp, Arc::new(database))),
            });
        }
        Ok(Self {
            files: Arc::new(files),
            reload: config.reload.get().max(Duration::from_secs(1)),
        })
    }

    /// Renews in the background. A file that cannot be used is told and the last good one stays.
    pub(crate) fn keep_fresh(&self, tasks: &mut JoinSet<()>) {
        let this = self.clone();
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(this.reload).await;
                let files = Arc::clone(&this.files);
                // Reading some hundred megabytes must not hold a thread of the requests.
                let _ =
                    tokio::task::spawn_blocking(move || files.iter().for_each(File::look)).await;
            }
        });
    }

    /// Writes where `client` is into a request. What is not known is not written.
    pub(crate) fn tell(&self, client: IpAddr, headers: &mut HeaderMap) {
        let mut location = Location::default();
        for file in self.files.iter() {
            let current = file.current.read().unwrap_or_else(PoisonError::into_inner);
            location.complete(current.1.look_up(client));
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

impl File {
    fn look(&self) {
        let now = stamp(&self.path);
        let seen = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        if now.is_none() || now == seen {
            return;
        }
        match read(&self.path) {
            Ok(database) => {
                tell_of(&self.path, &database);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) =
                    (now, Arc::new(database));
            }
            Err(why) => tracing::error!(
                "database `{}` not renewed, the last one stays: {why}",
                self.path.display()
            ),
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = std::fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

fn read(path: &Path) -> Result<Database, String> {
    let data = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if data.len() > MAX_BYTES {
        return Err(format!(
            "{} bytes; at most {MAX_BYTES} are read",
            data.len()
        ));
    }
    Database::open(std::fs::read(path).map_err(|error| error.to_string())?)
}

fn tell_of(path: &Path, database: &Database) {
    let (kind, made) = database.about();
    tracing::info!(kind, made, "database `{}` read", path.display());
}
