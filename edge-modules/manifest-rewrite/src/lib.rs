//! Rewrites HLS and DASH manifests for one viewer while they stream through.
//!
//! The way of a manifest: [`module`] decides that a request is for one and works out a [`plan`] from the settings ([`config`]) and the
//! [`viewer`]; when the response comes, [`body`] unpacks it. An MPD goes to [`dash`]. A playlist goes through the stages of
//! [`playlist::rewriter`] as blocks of whole lines: those of [`media`], and last the one that lets the policy of [`uri`] write every URI.
//! A multivariant playlist is held ([`multivariant::stage`]), edited as a whole by what [`select`], [`steering`] and the rest of
//! [`multivariant`] say, and goes on through the same stages.
#![deny(missing_docs)]

pub mod body;
pub mod config;
pub mod dash;
pub mod encoding;
pub mod error;
pub mod exchange;
pub mod fingerprint;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod media;
pub mod module;
pub mod multivariant;
pub mod plan;
pub mod playlist;
pub mod select;
pub mod steering;
pub mod uri;
pub mod viewer;

pub use module::ManifestRewrite;

/// The module's name; its configuration stands in the variable `MANIFEST_REWRITE`.
pub const NAME: &str = "manifest-rewrite";

weir_module::export!(ManifestRewrite);
