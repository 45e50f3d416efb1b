//! Weir's edge node: runs modules in front of a cache in front of origins.
//!
//! A request's life: `server` takes the connection; the front of the `node` makes the request safe and unambiguous and finds
//! its route; the viewer modules decide, each through its fast `door` or, when it must see the response, its standard
//! `handler`; the `cache` answers or asks the origin modules and the `origin`; the response goes back the same way.
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cache;
pub mod compose;
pub mod config;
mod documents;
mod door;
mod guest;
mod handler;
mod message;
mod node;
mod observe;
mod origin;
mod server;
mod state;
mod watched;

pub use node::{BuildError, ModuleReport, Node};
pub use observe::log::start as start_log;
pub use server::{ServeError, Server};
