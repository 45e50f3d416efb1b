//! Checks playback tokens: who may watch this path.
//!
//! The module [`TokenCheck`] takes a request head and lets it pass, with what the token says about the viewer, or refuses it with a stable
//! reason. Nothing here knows of WASI, a runtime or a network, so the origin uses the same crate to [`mint`] what
//! the edge verifies.
//!
//! The way of a request: [`path`] makes one reading of the path, [`carrier`] finds the token, [`format`](mod@format) checks it with
//! [`keys`] and [`signature`], and gives a [`grant`], whose limits are held against the request.
#![deny(missing_docs)]

pub mod carrier;
pub mod cbor;
mod clean_url;
pub mod client;
pub mod config;
pub mod cose;
pub mod coverage;
pub mod earth;
pub mod format;
mod format_config;
mod forwarded;
pub mod fuzz;
pub mod grant;
mod inspect;
mod jose_config;
mod json;
pub mod jwe;
mod key_source;
pub mod keys;
pub mod matching;
mod media_cdn_config;
pub mod mint;
mod module;
pub mod network;
pub mod path;
pub mod pattern;
mod query;
pub mod reason;
mod refusal;
mod remembered;
mod renewal;
mod replay;
pub mod restriction;
mod revocation;
mod sharing;
pub mod signature;
pub mod surroundings;
#[cfg(test)]
mod test_keys;
pub mod uri_part;
mod url;
mod vendor_config;

pub use self::inspect::{Inspection, inspect};
pub use self::key_source::KeyConfig;
pub use self::module::TokenCheck;
pub use self::refusal::Cors;
pub use self::revocation::{RevocationConfig, UntilLoaded};
pub use self::signature::{Algorithm, SigningKey, VerifyingKey};

/// The module's name; its configuration stands in `TOKEN_CHECK`.
pub const NAME: &str = "token-check";

// Stateful for tokens of one use and for sharing.
weir_module::export!(TokenCheck, stateful);
