//! The operator's endpoint on Spin, written with Spin's own SDK: health, versions of what is deployed, and revocations kept in
//! Spin's key-value store, behind a key.
//!
//! Routing, checks and documents are plain functions here; the component (feature `handler`) reads and writes the store.
#![deny(missing_docs)]

mod revocation;
mod route;

#[cfg(all(target_arch = "wasm32", feature = "handler"))]
mod component;

pub use revocation::{Kind, Revocation, list_document};
pub use route::{Route, authorised, route};
