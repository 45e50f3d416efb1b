//! What edits mean, written from their definition in the SDK, for comparing a door with a handler.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use weir_module::{Edit, Edits};

/// Changes a request as the edits say.
///
/// # Panics
/// An edit that no HTTP message can carry.
pub fn apply_to_request<B>(edits: &Edits, request: &mut http::Request<B>) {
    for edit in edits.iter() {
        match edit {
            Edit::SetRequest(header, value) => drop(
                request
                    .headers_mut()
                    .insert(name(header), self::value(value)),
            ),
            Edit::RemoveRequest(header) => drop(request.headers_mut().remove(name(header))),
            Edit::SetTarget(target) => {
                let mut parts = std::mem::take(request.uri_mut()).into_parts();
                parts.path_and_query = Some(
                    target
                        .parse()
                        .unwrap_or_else(|error| panic!("target `{target}`: {error}")),
                );
                *request.uri_mut() = http::Uri::from_parts(parts)
                    .unwrap_or_else(|error| panic!("target `{target}`: {error}"));
            }
            Edit::AppendResponse(..)
            | Edit::SetResponse(..)
            | Edit::RemoveResponse(_)
            | Edit::Watch(_) => {}
        }
    }
}

/// Changes response headers as the edits say.
///
/// # Panics
/// An edit that no HTTP message can carry.
pub fn apply_to_response(edits: &Edits, headers: &mut HeaderMap) {
    for edit in edits.iter() {
        match edit {
            Edit::AppendResponse(header, value) => {
                headers.append(name(header), self::value(value));
            }
            Edit::SetResponse(header, value) => {
                drop(headers.insert(name(header), self::value(value)))
            }
            Edit::RemoveResponse(header) => drop(headers.remove(name(header))),
            Edit::SetRequest(..) | Edit::RemoveRequest(_) | Edit::SetTarget(_) | Edit::Watch(_) => {
            }
        }
    }
}

/// Headers as a list that can be compared: sorted by name, the order of equal names kept.
pub fn sorted(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut list: Vec<_> = headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    list.sort_by(|one, other| one.0.cmp(&other.0));
    list
}

fn name(text: &str) -> HeaderName {
    text.parse()
        .unwrap_or_else(|error| panic!("header name `{text}`: {error}"))
}

fn value(bytes: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(bytes).unwrap_or_else(|error| {
        panic!("header value {:?}: {error}", String::from_utf8_lossy(bytes))
    })
}
