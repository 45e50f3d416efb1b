//! Cache keys: which requests ask for the same thing.

use std::collections::HashMap;

use http::header::{self, HeaderMap, HeaderName};

/// The bytes of a key.
pub(crate) type Key = Box<[u8]>;

/// The key of a target: the scope (the route, and the host where it matters), then path and query.
pub(crate) fn primary(scope: &str, target: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(scope.len() + target.len() + 33);
    key.extend_from_slice(scope.as_bytes());
    key.push(b'\n');
    key.extend_from_slice(target.as_bytes());
    key
}

/// The header names that select among the variants of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vary(Box<[HeaderName]>);

impl Vary {
    /// Reads `vary`; none when nothing varies. `*` is refused before (see [`super::storable`]).
    pub(crate) fn of(response: &HeaderMap) -> Option<Self> {
        let mut names: Vec<HeaderName> = response
            .get_all(header::VARY)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .collect();
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        (!names.is_empty()).then(|| Self(names.into()))
    }

    /// The key of the variant that a request selects (RFC 9111 section 4.1).
    pub(crate) fn secondary(&self, primary: &[u8], request: &HeaderMap) -> Vec<u8> {
        let mut key = primary.to_vec();
        for name in &self.0 {
            key.push(b'\n');
            key.extend_from_slice(name.as_str().as_bytes());
            key.push(b':');
            key.extend_from_slice(&normalized(name, request));
        }
        key
    }
}

/// A field's values in one form: whitespace around commas does not matter, and for the negotiation fields neither do case and
/// order.
fn normalized(name: &HeaderName, request: &HeaderMap) -> Vec<u8> {
    let unordered = matches!(
        *name,
        header::ACCEPT_ENCODING | header::ACCEPT_LANGUAGE | header::ACCEPT
    );
    let mut parts: Vec<Vec<u8>> = request
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(|part| {
            let part = part.trim_ascii();
            if unordered {
                part.iter()
                    .filter(|byte| !byte.is_ascii_whitespace())
                    .map(u8::to_ascii_lowercase)
                    .collect()
            } else {
                part.to_vec()
            }
        })
        .collect();
    if unordered {
        parts.sort_unstable();
        parts.dedup();
    }
    let absent: &[u8] = if request.contains_key(name) {
        b"="
    } else {
        b"-"
    };
    let mut out = absent.to_vec();
    out.extend_from_slice(&parts.join(b",".as_slice()));
    out
}

/// Leaves query parameters out, by name, in the order that the others have.
pub(crate) fn without_parameters(target: &str, ignored: &[String]) -> Option<String> {
    let (path, query) = target.split_once('?')?;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            !ignored.iter().any(|ignored| ignored == name)
        })
        .collect();
    if kept.len() == query.split('&').count() {
        return None;
    }
    Some(if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    })
}

/// What is being fetched, by key.
pub(crate) type ByKey<T> = HashMap<Key, T>;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn secondary(vary: &'static str, fields: &[(&'static str, &'static str)]) -> Vec<u8> {
        let mut response = HeaderMap::new();
        response.insert(header::VARY, HeaderValue::from_static(vary));
        let mut request = HeaderMap::new();
        for &(name, value) in fields {
            request.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        Vary::of(&response)
            .unwrap()
            .secondary(&primary("o", "/a"), &request)
    }

    #[test]
    fn variants_are_told_apart_by_meaning() {
        let gzip = secondary("Accept-Encoding", &[("accept-encoding", "gzip, br")]);
        for same in ["br,GZIP", "br , gzip", "gzip,br,gzip"] {
            assert_eq!(
                secondary("accept-encoding", &[("accept-encoding", same)]),
                gzip
            );
        }
        assert_ne!(secondary("accept-encoding", &[]), gzip);
        assert_ne!(
            secondary("foo", &[("foo", "1, 2")]),
            secondary("foo", &[("foo", "2, 1")])
        );
        assert_eq!(
            secondary("foo", &[("foo", "1, 2")]),
            secondary("foo", &[("foo", "1"), ("foo", "2")])
        );
        assert_ne!(secondary("foo", &[]), secondary("foo", &[("foo", "")]));
    }

    #[test]
    fn parameters_can_be_left_out() {
        let ignored = ["CMCD".to_owned(), "t".to_owned()];
        for (target, want) in [
            ("/a?CMCD=x%2Cy&b=1", Some("/a?b=1")),
            ("/a?t", Some("/a")),
            ("/a?b=1&t=2&c", Some("/a?b=1&c")),
            ("/a?tt=1", None),
            ("/a", None),
        ] {
            assert_eq!(
                without_parameters(target, &ignored).as_deref(),
                want,
                "{target}"
            );
        }
    }
}
