//! Weir's origin: takes video in, packages HLS, publishes it to object storage and serves it.
#![deny(missing_docs)]

pub mod auth;
pub mod catalogue;
pub mod config;
pub mod http;
pub mod jobs;
pub mod media_type;
pub mod metrics;
pub mod packaging;
pub mod playback;
pub mod protection;
pub mod random;
pub mod storage;
pub mod telemetry;
pub mod transcode;
