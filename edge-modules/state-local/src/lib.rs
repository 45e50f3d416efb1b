//! `weir:state/counters` in the memory of one instance: an adapter component for hosts without shared state.
//!
//! Approximate on purpose: every instance counts for itself and forgets when the host drops it, so a limit holds for each
//! instance and not for all together. Fit for `wasmtime serve` on one machine, for development, and for nothing that must be
//! exact; see `state-keyvalue` and `state-http` for that.
#![deny(missing_docs)]

use std::sync::LazyLock;

use weir_counters::MemoryStore;

/// Memory of one instance's counters. Small: a host may run many instances.
const MAX_BYTES: usize = 2 << 20;

/// The instance's counters.
pub fn store() -> &'static MemoryStore {
    static STORE: LazyLock<MemoryStore> = LazyLock::new(|| {
        MemoryStore::builder()
            .shards(1)
            .max_bytes(MAX_BYTES)
            .build()
    });
    &STORE
}

weir_counters::export_counters!(store());
