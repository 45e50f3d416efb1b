//! `weir:state/counters` of an authority over HTTP: an adapter component for fleets of hosts without shared state.
//!
//! Each operation is one POST of a small body (`weir_counters::wire`) to an authority, such as Weir's node. It speaks `wasi:http` 0.2,
//! whose calls a component can wait for, so that the interface stays synchronous.
#![deny(missing_docs)]

pub mod config;
#[cfg(target_arch = "wasm32")]
mod exchange;
#[cfg(target_arch = "wasm32")]
mod store;

#[cfg(target_arch = "wasm32")]
weir_counters::export_counters!(store::store());
