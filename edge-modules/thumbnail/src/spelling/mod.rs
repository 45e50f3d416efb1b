//! Other services' spellings of the same options, so that a site can move here without changing its pages. Each is a file of its
//! own that turns one spelling into a [`Draft`]. What a service offers and this module does not is refused by name; what cannot
//! change a picture made here (metadata is always dropped, animation never kept) is accepted and ignored.

pub mod cloudflare;
pub mod fastly;
pub mod imgix;
pub mod imgproxy;
pub mod thumbor;

use crate::error::OptionError;
use crate::options::{Draft, query};

/// A path that holds options: the picture that it names, and what is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct InPath {
    /// The picture's path, with its first slash.
    pub source: String,
    /// What is asked.
    pub draft: Draft,
}

/// The source of a path spelling: a path on this host. An address of another host would make the edge an open proxy.
fn source(text: &str) -> Result<String, OptionError> {
    let decoded = query::decode(text)?;
    let elsewhere = decoded.starts_with("//") || decoded.contains("://") || decoded.contains('\\');
    let climbs = decoded
        .split('/')
        .any(|segment| matches!(segment, "." | ".."));
    if decoded.is_empty() || elsewhere || climbs {
        return Err(OptionError::Conflict(
            "the source must be a path on this host",
        ));
    }
    Ok(if text.starts_with('/') {
        text.to_owned()
    } else {
        format!("/{text}")
    })
}
