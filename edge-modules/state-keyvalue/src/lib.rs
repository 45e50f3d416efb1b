//! `weir:state/counters` over `wasi:keyvalue@0.2.0-draft2`: an adapter component for Spin and every host with that draft.
//!
//! All instances of a store count together, exactly. Each operation is a compare-and-swap on one of a fixed number of values
//! (`weir_counters::cells`), so the store stays small and nothing has to expire there.
#![deny(missing_docs)]

pub mod config;
#[cfg(target_arch = "wasm32")]
mod store;

#[cfg(target_arch = "wasm32")]
weir_counters::export_counters!(store::store());
