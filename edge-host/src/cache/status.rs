//! `cache-status` (RFC 9211): what the cache did, for viewers, logs and metrics.

use std::fmt::Write as _;
use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a request went on towards the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// The route does not cache, or the request wants none of it.
    Bypass,
    /// The method is not cached.
    Method,
    /// Nothing is stored for this target.
    UriMiss,
    /// Something is, for other request headers.
    VaryMiss,
    /// What is stored is stale.
    Stale,
    /// The request's own directives asked for it.
    Request,
}

/// What the cache did with a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CacheStatus {
    /// Answered from the store.
    pub(crate) hit: bool,
    /// Why it was sent on, when it was.
    pub(crate) forwarded: Option<Forwarded>,
    /// The status that came back, when it is not the one that goes out.
    pub(crate) forwarded_status: Option<u16>,
    /// The response is (being) stored.
    pub(crate) stored: bool,
    /// Another request's fetch was shared.
    pub(crate) collapsed: bool,
    /// Freshness left, in seconds; negative when stale.
    pub(crate) ttl: Option<i64>,
    /// A word more.
    pub(crate) detail: Option<&'static str>,
}

impl CacheStatus {
    /// Answered from the store.
    pub(crate) fn hit(ttl: i64) -> Self {
        Self {
            hit: true,
            ttl: Some(ttl),
            ..Self::default()
        }
    }

    /// Sent on.
    pub(crate) fn forwarded(why: Forwarded) -> Self {
        Self {
            forwarded: Some(why),
            ..Self::default()
        }
    }

    /// One word for logs and metrics.
    pub(crate) fn label(self) -> &'static str {
        match self.forwarded {
            None if self.ttl.is_some_and(|ttl| ttl < 0) => "stale",
            None => "hit",
            Some(Forwarded::Stale) if self.forwarded_status == Some(304) => "revalidated",
            Some(Forwarded::Bypass | Forwarded::Method) => "bypass",
            Some(_) if self.collapsed => "collapsed",
            Some(Forwarded::Stale) => "expired",
            Some(_) => "miss",
        }
    }

    /// Adds this cache's member to the field; those of caches nearer to the origin stand before it.
    pub(crate) fn write(self, node: &str, headers: &mut HeaderMap) {
        let mut text = String::with_capacity(48);
        text.push_str(node);
        if self.hit {
            text.push_str("; hit");
        }
        if let Some(why) = self.forwarded {
            text.push_str(match why {
                Forwarded::Bypass => "; fwd=bypass",
                Forwarded::Method => "; fwd=method",
                Forwarded::UriMiss => "; fwd=uri-miss",
                Forwarded::VaryMiss => "; fwd=vary-miss",
                Forwarded::Stale => "; fwd=stale",
                Forwarded::Request => "; fwd=request",
            });
        }
        // Writing to a string cannot fail.
        if let Some(status) = self.forwarded_status {
            let _ = write!(text, "; fwd-status={status}");
        }
        if let Some(ttl) = self.ttl {
            let _ = write!(text, "; ttl={ttl}");
        }
        if self.stored {
            text.push_str("; stored");
        }
        if self.collapsed {
            text.push_str("; collapsed");
        }
        if let Some(detail) = self.detail {
            let _ = write!(text, "; detail={detail}");
        }
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.append(CACHE_STATUS, value);
        }
    }
}

/// A time to live as `cache-status` counts it.
pub(crate) fn ttl(left: Option<Duration>, staleness: Duration) -> i64 {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match left {
        Some(left) => seconds(left),
        None => -seconds(staleness),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_reads_as_the_rfc_says() {
        let mut headers = HeaderMap::new();
        CacheStatus::hit(30).write("weir", &mut headers);
        assert_eq!(headers[CACHE_STATUS], "weir; hit; ttl=30");
        headers.clear();
        let revalidated = CacheStatus {
            forwarded_status: Some(304),
            ..CacheStatus::forwarded(Forwarded::Stale)
        };
        revalidated.write("weir", &mut headers);
        assert_eq!(headers[CACHE_STATUS], "weir; fwd=stale; fwd-status=304");
        assert_eq!(revalidated.label(), "revalidated");
    }
}
