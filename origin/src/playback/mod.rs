//! Signed playback URLs.

mod signing_keys;
mod url;

pub use signing_keys::{SigningKeyError, SigningKeys, new_key, store as store_key};
pub use url::{PlaybackGrant, PlaybackRequest, PlaybackUrl, Signer};
