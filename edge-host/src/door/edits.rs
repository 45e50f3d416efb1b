//! Applies a module's edits to messages.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use weir_module::{Edit, Edits};

/// A change that cannot be made: the module wrote a name, value or target that no message may carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("edit of `{0}` cannot be sent")]
pub(crate) struct BadEdit(String);

/// Changes the request. The parts that frame a message are not a module's to change.
///
/// # Errors
/// [`BadEdit`]; some edits may have been made.
pub(crate) fn apply_to_request(edits: &Edits, request: &mut Parts) -> Result<(), BadEdit> {
    for edit in edits.iter() {
        match edit {
            Edit::SetRequest(name, value) => {
                let (name, value) = field(name, value)?;
                request.headers.insert(name, value);
            }
            Edit::RemoveRequest(name) => {
                if let Some(name) = changeable(name) {
                    request.headers.remove(name);
                }
            }
            Edit::SetTarget(target) => {
                let bad = || BadEdit("target".to_owned());
                let target = PathAndQuery::try_from(target).map_err(|_| bad())?;
                if !target.path().starts_with('/') {
                    return Err(bad());
                }
                let mut uri = std::mem::take(&mut request.uri).into_parts();
                uri.path_and_query = Some(target);
                request.uri = http::Uri::from_parts(uri).map_err(|_| bad())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Changes the response's headers.
///
/// # Errors
/// [`BadEdit`].
pub(crate) fn apply_to_response(edits: &Edits, headers: &mut HeaderMap) -> Result<(), BadEdit> {
    for edit in edits.iter() {
        match edit {
            Edit::AppendResponse(name, value) => {
                let (name, value) = field(name, value)?;
                headers.append(name, value);
            }
            Edit::SetResponse(name, value) => {
                let (name, value) = field(name, value)?;
                headers.insert(name, value);
            }
            Edit::RemoveResponse(name) => {
                if let Some(name) = changeable(name) {
                    headers.remove(name);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn field(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), BadEdit> {
    let bad = || BadEdit(name.to_owned());
    let name = changeable(name).ok_or_else(bad)?;
    Ok((name, HeaderValue::from_bytes(value).map_err(|_| bad())?))
}

/// None for what frames a message or belongs to a connection.
fn changeable(name: &str) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let fixed = matches!(
        name,
        header::CONNECTION
            | header::CONTENT_LENGTH
            | header::HOST
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
            | header::UPGRADE
    );
    (!fixed).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(list: &[Edit<'_>]) -> Edits {
        let mut edits = Edits::none();
        for edit in list {
            edits.push(*edit).unwrap();
        }
        edits
    }

    #[test]
    fn a_request_is_changed_and_its_framing_is_not() {
        let (mut parts, ()) = http::Request::get("http://h/a?token=x")
            .header("cookie", "a")
            .body(())
            .unwrap()
            .into_parts();
        let list = edits(&[
            Edit::SetTarget("/a"),
            Edit::RemoveRequest("cookie"),
            Edit::SetRequest("weir-subject", b"ada"),
            Edit::AppendResponse("x", b"1"),
        ]);
        apply_to_request(&list, &mut parts).unwrap();
        assert_eq!(parts.uri, "http://h/a");
        assert_eq!(parts.headers.len(), 1);
        for bad in [
            Edit::SetRequest("content-length", b"1"),
            Edit::SetRequest("a b", b"1"),
            Edit::SetRequest("a", b"1\r\nx: y"),
            Edit::SetTarget("//\u{7f}"),
            Edit::SetTarget("x"),
        ] {
            assert!(
                apply_to_request(&edits(&[bad]), &mut parts).is_err(),
                "{bad:?}"
            );
        }
    }
}
