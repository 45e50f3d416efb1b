//! `weir:state/counters` for both hosts, over the in-memory store.

use std::sync::Arc;

use weir_counters::{CounterStore as _, LeaseRequest, ManualClock, MemoryStore};

use bindings::weir::state::counters as wit;

mod bindings {
    #![allow(missing_docs, unreachable_pub)]
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "package weir:host; world counting { import weir:state/counters@0.1.0; }",
        world: "weir:host/counting",
    });
}

/// The counters of one host under test, shared by its instances.
///
/// Their clock stands still: two hosts that are asked the same things, one after the other, must answer the same, and a quota
/// that refills in between would tell them apart.
#[derive(Debug, Clone)]
pub(super) struct HostCounters(Arc<MemoryStore>);

impl Default for HostCounters {
    fn default() -> Self {
        let clock = ManualClock::at_secs(crate::tokens::now_ns() / 1_000_000_000);
        Self(Arc::new(MemoryStore::builder().clock(clock).build()))
    }
}

/// Gives a linker the interface.
pub(super) fn add_to_linker<T: 'static>(
    linker: &mut wasmtime::component::Linker<T>,
    counters: fn(&mut T) -> &mut HostCounters,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, wasmtime::component::HasSelf<HostCounters>>(linker, counters)
}

fn error(error: weir_counters::StoreError) -> wit::StoreError {
    match error {
        weir_counters::StoreError::Invalid(text) => wit::StoreError::Invalid(text),
        weir_counters::StoreError::Unavailable(text) => wit::StoreError::Unavailable(text),
    }
}

impl wit::Host for HostCounters {
    fn take(&mut self, limits: Vec<wit::Limit>) -> Result<Vec<wit::Standing>, wit::StoreError> {
        let limits: Vec<_> = limits
            .iter()
            .map(|limit| weir_counters::Limit {
                key: &limit.key,
                interval_ns: limit.interval_ns,
                burst: limit.burst,
                cost: limit.cost,
            })
            .collect();
        let standings = self.0.take(&limits).map_err(error)?;
        Ok(standings
            .into_iter()
            .map(|standing| wit::Standing {
                allowed: standing.allowed,
                remaining: standing.remaining,
                retry_after_ns: standing.retry_after_ns,
                reset_after_ns: standing.reset_after_ns,
            })
            .collect())
    }

    fn lease(
        &mut self,
        set: Vec<u8>,
        holder: Vec<u8>,
        capacity: u32,
        ttl_ns: u64,
        takeover: wit::Takeover,
    ) -> Result<wit::LeaseOutcome, wit::StoreError> {
        let takeover = match takeover {
            wit::Takeover::RefuseNewest => weir_counters::Takeover::RefuseNewest,
            wit::Takeover::DropOldest => weir_counters::Takeover::DropOldest,
        };
        let request = LeaseRequest {
            set: &set,
            holder: &holder,
            capacity,
            ttl_ns,
            takeover,
        };
        let outcome = self.0.lease(request).map_err(error)?;
        Ok(wit::LeaseOutcome {
            granted: outcome.granted,
            active: outcome.active,
            dropped: outcome.dropped,
            retry_after_ns: outcome.retry_after_ns,
        })
    }

    fn release(&mut self, set: Vec<u8>, holder: Vec<u8>) -> Result<bool, wit::StoreError> {
        self.0.release(&set, &holder).map_err(error)
    }

    fn increment(&mut self, key: Vec<u8>, by: i64, ttl_ns: u64) -> Result<i64, wit::StoreError> {
        self.0.increment(&key, by, ttl_ns).map_err(error)
    }

    fn get(&mut self, key: Vec<u8>) -> Result<Option<Vec<u8>>, wit::StoreError> {
        self.0.get(&key).map_err(error)
    }

    fn put_if(
        &mut self,
        key: Vec<u8>,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_ns: u64,
    ) -> Result<bool, wit::StoreError> {
        self.0
            .put_if(&key, expected.as_deref(), &value, ttl_ns)
            .map_err(error)
    }

    fn delete(&mut self, key: Vec<u8>) -> Result<bool, wit::StoreError> {
        self.0.delete(&key).map_err(error)
    }
}
