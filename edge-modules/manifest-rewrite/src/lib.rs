//! Rewrites HLS and DASH manifests for one viewer while they stream through.
//!
//! The way of a manifest: [`module`] decides that a request is for one and works out a [`plan`] from the settings ([`config`]) and the
//! [`viewer`]; when the response comes, [`body`] unpacks it. An MPD goes to [`dash`]. A playlist goes through the stages of
//! [`playlist`] as blocks of whole lines, the last of which ([`uri_stage`]) lets the [`uri_policy`] write every URI; a multivariant
//! playlist is held by [`multivariant_stage`], edited as a whole ([`multivariant_policy`]) and goes on through the same stages.
#![deny(missing_docs)]

pub mod attributes;
pub mod blackout;
pub mod body;
pub mod carrier;
pub mod clip;
pub mod clip_stage;
pub mod cmcd;
pub mod codec;
pub mod config;
pub mod dash;
pub mod datetime;
pub mod define_stage;
pub mod delta_stage;
pub mod device;
pub mod error;
pub mod expression;
pub mod fingerprint;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod hosts;
pub mod interstitial;
pub mod interstitial_stage;
pub mod lines;
pub mod manifest_filter;
pub mod media;
pub mod module;
pub mod multivariant;
pub mod multivariant_policy;
pub mod multivariant_stage;
pub mod order;
pub mod pathways;
pub mod places;
pub mod plan;
pub mod playlist;
pub mod scopes;
pub mod select_policy;
pub mod selection;
pub mod session;
pub mod steering;
pub mod token;
pub mod uri;
pub mod uri_policy;
pub mod uri_stage;
pub mod variables;
pub mod viewer;
pub mod watermark;
pub mod xml;

pub use module::ManifestRewrite;

/// The module's name; its configuration stands in the variable `MANIFEST_REWRITE`.
pub const NAME: &str = "manifest-rewrite";

weir_module::export!(ManifestRewrite);
