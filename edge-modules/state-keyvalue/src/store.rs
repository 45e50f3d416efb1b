//! The cells in a bucket of the host.

use std::sync::LazyLock;

use weir_counters::cells::{CellStore, Cells};
use weir_counters::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, Standing, StoreError, WallClock,
};

use crate::config::Config;

mod bindings {
    #![allow(missing_docs, clippy::all, unreachable_pub)]
    wit_bindgen::generate!({ path: "../../wit/deps/wasi-keyvalue", world: "imports", generate_all });
}
use bindings::wasi::keyvalue::atomics::{self, Cas, CasError};
use bindings::wasi::keyvalue::store::{self as buckets, Bucket, Error};

/// The instance's counters.
pub(crate) fn store() -> Counters {
    static CONFIG: LazyLock<Result<Config, StoreError>> = LazyLock::new(|| {
        Config::from_env().map_err(|error| StoreError::Unavailable(error.to_string()))
    });
    Counters(&CONFIG)
}

/// The counters, or why there are none.
pub(crate) struct Counters(&'static Result<Config, StoreError>);

impl Counters {
    /// Opens the bucket for one call. A handle kept over calls would outlive the request that some hosts tie it to.
    fn open(&self) -> Result<CellStore<BucketCells, WallClock>, StoreError> {
        let config = self.0.as_ref().map_err(Clone::clone)?;
        let bucket =
            buckets::open(&config.store).map_err(|error| unavailable(&config.store, error))?;
        let cells = BucketCells {
            bucket,
            store: &config.store,
            count: config.cells,
        };
        Ok(CellStore::new(cells, config.cells, WallClock))
    }
}

struct BucketCells {
    bucket: Bucket,
    store: &'static str,
    count: u32,
}

impl Cells for BucketCells {
    type Token = Cas;

    fn read(&self, cell: u32) -> Result<(Vec<u8>, Cas), StoreError> {
        // The number of cells is part of the name: instances that disagree about it do not corrupt each other's cells.
        let key = format!("weir-counters/{}/{cell}", self.count);
        let failed = |error| unavailable(self.store, error);
        let cas = Cas::new(&self.bucket, &key).map_err(failed)?;
        if let Some(bytes) = cas.current().map_err(failed)? {
            return Ok((bytes, cas));
        }
        drop(cas);
        // Two first writers of a key may both win on Spin's SQLite store: its swap of an absent key is a plain upsert. Incrementing by 0
        // makes the key in one transaction, and from then on swaps are exact.
        let made = atomics::increment(&self.bucket, &key, 0);
        let cas = Cas::new(&self.bucket, &key).map_err(failed)?;
        match (cas.current().map_err(failed)?, made) {
            // Another instance may have made the key and written a cell into it by now: then it is no number any more.
            (Some(bytes), _) => Ok((bytes, cas)),
            (None, Ok(_)) => Ok((Vec::new(), cas)),
            (None, Err(error)) => Err(failed(error)),
        }
    }

    fn swap(&self, cas: Cas, value: &[u8]) -> Result<bool, StoreError> {
        match atomics::swap(cas, value) {
            Ok(()) => Ok(true),
            Err(CasError::CasFailed(_)) => Ok(false),
            Err(CasError::StoreError(error)) => Err(unavailable(self.store, error)),
        }
    }
}

fn unavailable(store: &str, error: Error) -> StoreError {
    StoreError::Unavailable(match error {
        Error::NoSuchStore => format!("the host has no key-value store `{store}`"),
        Error::AccessDenied => {
            format!(
                "no access to the key-value store `{store}`: the component must be given it (Spin: `key_value_stores`)"
            )
        }
        Error::Other(why) => format!("key-value store `{store}`: {why}"),
    })
}

impl CounterStore for Counters {
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        self.open()?.take(limits)
    }

    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError> {
        self.open()?.lease(request)
    }

    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        self.open()?.release(set, holder)
    }

    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        self.open()?.increment(key, by, ttl_ns)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.open()?.get(key)
    }

    fn put_if(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        self.open()?.put_if(key, expected, value, ttl_ns)
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.open()?.delete(key)
    }
}
