//! Who asks, as the policy sees it. Every attribute that is read is remembered, since it decides who may share the result.

pub mod cmcd;

use std::cell::Cell;

use weir_module::RequestHead;

use crate::playlist::attributes::is_quotable;
use crate::uri::reference::{UriReference, resolve_path};

/// Request headers that a policy can depend on.
pub const HEADERS: &[&str] = &[
    ":authority",
    ":scheme",
    "accept-encoding",
    "if-none-match",
    "user-agent",
    "cmcd-request",
    "cmcd-session",
    "cmcd-status",
    "cmcd-object",
    "weir-client-ip",
    "weir-country",
    "weir-entitlements",
    "weir-session",
    "weir-subject",
    "weir-tier",
    "weir-variant",
];

/// One viewer's request.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    /// `http` or `https`.
    pub scheme: String,
    /// Host and port of the request.
    pub authority: String,
    /// The path, without the query.
    pub path: String,
    /// The query as it came, without the question mark.
    pub query: String,
    headers: Vec<(&'static str, String)>,
    personal: Cell<bool>,
}

impl Viewer {
    /// Takes what a policy may need out of a request head.
    pub fn new(head: &RequestHead<'_>) -> Self {
        let headers = HEADERS
            .iter()
            .filter(|name| !name.starts_with(':'))
            .filter_map(|name| Some((*name, head.header_str(name)?.to_owned())))
            .collect();
        Self {
            scheme: head.header_str(":scheme").unwrap_or("https").to_owned(),
            authority: head.header_str(":authority").unwrap_or_default().to_owned(),
            path: head.path().to_owned(),
            query: head.query().unwrap_or_default().to_owned(),
            headers,
            personal: Cell::new(false),
        }
    }

    /// A viewer of whom only the request's query is known.
    pub fn from_query(query: &str) -> Self {
        Self {
            path: "/".to_owned(),
            query: query.to_owned(),
            ..Self::default()
        }
    }

    /// The viewer with one more request header.
    #[cfg(test)]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// A URI of the configuration as an absolute one, where a tag asks for that: resolved against the request's own URL (RFC 3986
    /// section 5.2). As it is when the host is not known.
    pub fn absolute(&self, uri: &str) -> String {
        let parts = UriReference::split(uri.as_bytes());
        if parts.scheme.is_some() {
            return uri.to_owned();
        }
        if parts.authority.is_some() {
            return format!("{}:{uri}", self.scheme);
        }
        if self.authority.is_empty() || !is_quotable(&self.authority) {
            return uri.to_owned();
        }
        let path = resolve_path(self.path.as_bytes(), parts.path);
        let rest = &uri[parts.path.len()..];
        let path = String::from_utf8_lossy(&path);
        format!("{}://{}{path}{rest}", self.scheme, self.authority)
    }

    /// A request header; reading it makes the result personal.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.personal.set(true);
        self.shared_header(name)
    }

    /// A request header that shared caches know how to handle (`accept-encoding`, conditions).
    pub fn shared_header(&self, name: &str) -> Option<&str> {
        debug_assert!(HEADERS.contains(&name), "`{name}` is not asked for");
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// What tells this viewer from others, best first: session, subject, client address.
    pub fn identity(&self) -> Option<&str> {
        ["weir-session", "weir-subject", "weir-client-ip"]
            .into_iter()
            .find_map(|name| self.header(name))
    }

    /// A query parameter, percent-decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameters(&self.query)
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// How often a query parameter stands in the query.
    pub fn parameter_count(&self, name: &str) -> usize {
        parameters(&self.query)
            .filter(|(known, _)| known == name)
            .count()
    }

    /// Says that the result must not be shared.
    pub fn make_personal(&self) {
        self.personal.set(true);
    }

    /// True when something was read that other viewers of the same URL do not have in common.
    pub fn is_personal(&self) -> bool {
        self.personal.get()
    }
}

/// The pairs of a query, percent-decoded; a name without `=` has an empty value. `+` is a plus, as in RFC 3986.
pub fn parameters(query: &str) -> impl Iterator<Item = (String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

/// The query without some parameters; all others keep their bytes and their order.
pub fn without_parameters(query: &str, names: impl Fn(&str) -> bool) -> String {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            !names(&decoded(
                pair.split_once('=').map_or(pair, |(name, _)| name),
            ))
        })
        .collect();
    kept.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_made_absolute() {
        let viewer = Viewer {
            scheme: "https".into(),
            authority: "edge.example:8443".into(),
            path: "/vod/a/index.m3u8".into(),
            ..Viewer::default()
        };
        for (uri, expected) in [
            (
                "ad.m3u8?x=1#f",
                "https://edge.example:8443/vod/a/ad.m3u8?x=1#f",
            ),
            ("../ad.m3u8", "https://edge.example:8443/vod/ad.m3u8"),
            ("/ad.m3u8", "https://edge.example:8443/ad.m3u8"),
            ("//ads.example/ad.m3u8", "https://ads.example/ad.m3u8"),
            ("http://ads.example/ad.m3u8", "http://ads.example/ad.m3u8"),
        ] {
            assert_eq!(viewer.absolute(uri), expected, "{uri}");
        }
        assert_eq!(Viewer::from_query("").absolute("ad.m3u8"), "ad.m3u8");
    }

    #[test]
    fn parameters_are_decoded_and_taken_out() {
        let viewer = Viewer {
            query: "a=1%2B2&b&a=3&c%20d=x".into(),
            ..Viewer::default()
        };
        assert_eq!(viewer.parameter("a").as_deref(), Some("1+2"));
        assert_eq!(viewer.parameter("b").as_deref(), Some(""));
        assert_eq!(viewer.parameter("c d").as_deref(), Some("x"));
        assert_eq!(viewer.parameter_count("a"), 2);
        assert_eq!(
            without_parameters(&viewer.query, |name| name == "a" || name == "c d"),
            "b"
        );
        assert!(!viewer.is_personal());
        viewer.header("weir-tier");
        assert!(viewer.is_personal());
    }
}
