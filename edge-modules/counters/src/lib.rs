//! The arithmetic and the stores behind `weir:state/counters`.
//!
//! Modules ask for four things: a place in a quota (`take`), a place among concurrent streams (`lease`), a number that expires
//! (`increment`) and a few bytes under compare-and-swap (`put-if`). This crate answers them in three layers.
//!
//! - **Arithmetic**, pure and without a clock: [`gcra`] and [`lease`].
//! - **Stores**, all with the same operations ([`CounterStore`]): [`MemoryStore`] for one process, shared by its threads; the `redis`
//!   module (feature `redis`) for many nodes; `cells` (feature `cells`) over any key-value store that has compare-and-swap.
//! - **The wire** ([`wire`]): the operations as bytes, so that a state authority can serve them over HTTP.
//!
//! ```
//! use weir_counters::{CounterStore, Limit, ManualClock, MemoryStore};
//!
//! let store = MemoryStore::builder().clock(ManualClock::at_secs(1_000)).build();
//! // Five at once, then one each second.
//! let limit = Limit { key: b"demo", interval_ns: 1_000_000_000, burst: 5, cost: 1 };
//! for left in (0..5).rev() {
//!     let standing = store.take(&[limit]).unwrap()[0];
//!     assert!(standing.allowed);
//!     assert_eq!(standing.remaining, left);
//! }
//! let refused = store.take(&[limit]).unwrap()[0];
//! assert!(!refused.allowed);
//! assert_eq!(refused.retry_after_ns, 1_000_000_000);
//! ```
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

#[doc(hidden)]
pub mod adapter;
#[cfg(feature = "cells")]
pub mod cells;
mod clock;
#[cfg(feature = "testing")]
pub mod conformance;
mod digest;
mod fields;
pub mod gcra;
pub mod lease;
mod memory;
mod operations;
#[cfg(feature = "redis")]
pub mod redis;
mod table;
pub mod wire;

#[cfg(feature = "redis")]
pub use crate::redis::{ReconciledStore, RedisOptions, RedisStore};
pub use clock::{Clock, ManualClock, SystemClock, WallClock};
pub use memory::{MemoryStore, MemoryStoreBuilder, Usage};
pub use operations::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, MAX_KEY_BYTES, MAX_LEASE_CAPACITY, MAX_LIMITS,
    MAX_VALUE_BYTES, Standing, StoreError, Takeover,
};
