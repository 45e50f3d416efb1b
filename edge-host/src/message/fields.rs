//! Header fields that belong to one connection, and small things about others.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// What a module tells the next one begins so; a client's own are dropped.
pub(crate) const INTERNAL: &str = "weir-";
/// The client's address, for modules.
pub(crate) const CLIENT_IP: HeaderName = HeaderName::from_static("weir-client-ip");
/// The code of a problem, for logs and metrics.
pub(crate) const REASON: HeaderName = HeaderName::from_static(weir_module::REASON);
/// The request id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static(weir_module::REQUEST_ID);

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// True for a field of RFC 9110 section 7.6.1.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    *name == KEEP_ALIVE
        || *name == PROXY_CONNECTION
        || matches!(
            *name,
            header::CONNECTION
                | header::TE
                | header::TRAILER
                | header::TRANSFER_ENCODING
                | header::UPGRADE
                | header::PROXY_AUTHENTICATE
                | header::PROXY_AUTHORIZATION
        )
}

/// Drops the fields that belong to one connection: those of RFC 9110 section 7.6.1 and those that `connection` names.
pub(crate) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    // Most messages have none of them, and one look at each name costs less than a search for each of theirs.
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // These say how long a message is and whom it is for; a `connection` that names them lies.
        .filter(|name| {
            !matches!(
                *name,
                header::CONTENT_LENGTH | header::HOST | header::CACHE_CONTROL
            )
        })
        .collect();
    let own: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_hop_by_hop(name))
        .cloned()
        .collect();
    for name in named.into_iter().chain(own) {
        headers.remove(name);
    }
}

/// Drops what only modules may say.
pub(crate) fn drop_internal(headers: &mut HeaderMap) {
    if headers
        .keys()
        .any(|name| name.as_str().starts_with(INTERNAL))
    {
        let names: Vec<HeaderName> = headers
            .keys()
            .filter(|name| name.as_str().starts_with(INTERNAL))
            .cloned()
            .collect();
        for name in names {
            headers.remove(name);
        }
    }
}

/// A number as a header value.
pub(crate) fn number(value: u64) -> HeaderValue {
    HeaderValue::from(value)
}

/// The first value of a field as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `content-length`, when it is one number.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, &header::CONTENT_LENGTH)?.trim().parse().ok()
}

/// Adds this node to `via` (RFC 9110 section 7.6.3).
pub(crate) fn add_via(headers: &mut HeaderMap, version: http::Version, node: &str) {
    let version = match version {
        http::Version::HTTP_2 => "2.0",
        http::Version::HTTP_10 => "1.0",
        _ => "1.1",
    };
    if let Ok(value) = HeaderValue::try_from(format!("{version} {node}")) {
        headers.append(header::VIA, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn what_belongs_to_one_connection_stays_there() {
        let mut headers = map(&[
            ("connection", "close, X-Mine, content-length"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("content-length", "3"),
            ("accept", "*/*"),
        ]);
        drop_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("content-length", "3"), ("accept", "*/*")]));
    }

    #[test]
    fn the_node_and_the_modules_have_one_list() {
        for name in weir_module::HOP_BY_HOP {
            assert!(is_hop_by_hop(&HeaderName::from_static(name)), "{name}");
        }
        assert!(!is_hop_by_hop(&header::CONTENT_LENGTH));
    }

    #[test]
    fn a_client_cannot_speak_for_a_module() {
        let mut headers = map(&[
            ("weir-subject", "admin"),
            ("weir-client-ip", "1.2.3.4"),
            ("accept", "*/*"),
        ]);
        drop_internal(&mut headers);
        assert_eq!(headers, map(&[("accept", "*/*")]));
    }
}
