//! The end of a chain on Spin and `wasmtime serve`: sends each request to the configured origins, in order, with time-outs,
//! retries of what may be sent twice, and a circuit breaker for each origin. The node does this natively.
//!
//! The logic here decides; the component (feature `handler`) sends.
#![deny(missing_docs)]

mod attempt;
mod breaker;
mod config;
mod headers;

#[cfg(all(target_arch = "wasm32", feature = "handler"))]
mod component;

pub use attempt::{Attempt, Attempts};
pub use breaker::Breaker;
pub use config::{Config, NAME, Origin, Scheme};
pub use headers::{request_headers, response_headers, response_needs_cleaning};
