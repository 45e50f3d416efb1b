//! The authority's counters, with its failures remembered for a while.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_counters::wire::{RemoteStore, Transport};
use weir_counters::{Clock as _, StoreError, WallClock};

use crate::config::Config;
use crate::exchange::exchange;

/// The counters of this instance.
pub(crate) fn store() -> RemoteStore<Authority> {
    RemoteStore(Authority)
}

/// The configured authority.
pub(crate) struct Authority;

impl Transport for Authority {
    fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        static CONFIG: LazyLock<Result<Config, StoreError>> = LazyLock::new(|| {
            Config::from_env().map_err(|error| StoreError::Unavailable(error.to_string()))
        });
        /// Before this time the authority is left alone: requests must not queue behind its time-outs.
        static LEFT_ALONE_UNTIL_NS: AtomicU64 = AtomicU64::new(0);

        let config = CONFIG.as_ref().map_err(Clone::clone)?;
        if WallClock.now_ns() < LEFT_ALONE_UNTIL_NS.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable(
                "the authority is left alone after a failure".to_owned(),
            ));
        }
        exchange(config, &body).map_err(|why| {
            let until = WallClock.now_ns().saturating_add(config.pause_ns);
            LEFT_ALONE_UNTIL_NS.store(until, Ordering::Relaxed);
            StoreError::Unavailable(format!("the authority {why}"))
        })
    }
}
