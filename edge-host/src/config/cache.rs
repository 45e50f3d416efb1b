//! The cache of the node and its policy on a route.

use serde::Deserialize;

use super::{Bytes, Span};

/// `[cache]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CacheConfig {
    /// The most memory for stored responses. 0: no cache. Default `256MiB`.
    pub max_bytes: Bytes,
    /// The largest response that is stored. Default `32MiB`.
    pub max_object: Bytes,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            max_bytes: Bytes::new(256 << 20),
            max_object: Bytes::new(32 << 20),
        }
    }
}

/// `[routes.cache]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouteCache {
    /// Whether responses of this route are stored. Default true.
    pub enabled: bool,
    /// Freshness of a 200 that says nothing of its own. Default none: the heuristic of RFC 9111 section 4.2.2.
    pub default_ttl: Option<Span>,
    /// Freshness of a 404 or 410 that says nothing of its own. Default `1s`.
    pub negative_ttl: Span,
    /// Stale while revalidating when the response does not say (RFC 5861). Default `0s`.
    pub stale_while_revalidate: Span,
    /// Stale when the origin fails and the response does not say (RFC 5861). Default `1h`.
    pub stale_if_error: Span,
    /// Query parameters that are left out of the cache key, and of the request to the origin. Default none.
    pub ignore_query: Vec<String>,
    /// Whether `cache-control` of a request can force a trip to the origin. Default false: viewers could load the origin at will.
    pub request_directives: bool,
    /// Whether `cache-status` (RFC 9211) is sent to viewers. Default true.
    pub status_header: bool,
}

impl Default for RouteCache {
    fn default() -> Self {
        Self {
            enabled: true,
            default_ttl: None,
            negative_ttl: Span::secs(1),
            stale_while_revalidate: Span::secs(0),
            stale_if_error: Span::secs(3_600),
            ignore_query: Vec::new(),
            request_directives: false,
            status_header: true,
        }
    }
}
