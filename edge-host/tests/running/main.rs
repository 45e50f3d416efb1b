//! A running node: what viewers and origins see of it, and the built modules in it.
#![allow(missing_docs, clippy::unwrap_used)]

mod geography;
mod key_endpoint;
mod modules;
mod shared_state;
mod support;
mod tls;
mod unruly;
mod viewer;
