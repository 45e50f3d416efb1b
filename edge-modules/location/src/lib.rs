//! Where a viewer is: countries, subdivisions, networks and points, and the databases in the MaxMind format that know them.
//!
//! Shared by the `geo-block` module and the node, so that both read the same database in the same way.
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod country;
mod database;
mod location;
mod point;
mod record;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use country::Country;
pub use database::Database;
pub use location::{Location, asn, is_subdivision, subdivision};
pub use point::Point;
