//! Requests and responses of `wasi:http` to and from the SDK's types. Headers of a message in flight are immutable, so an edit
//! builds a new message around the same body handle; the body's bytes stay outside.

use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme, Trailers};
use wasip3::wit_bindgen::rt::async_support::FutureReader;
use wasip3::wit_future;

use crate::wire::WireError;
use crate::{Answer, Edit, Edits, HeadBuffer, HeaderNames, REQUEST_ID};

/// Headers that belong to one connection (RFC 9110 section 7.6.1) and must not be copied to the next.
pub(super) const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn method_name(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    }
}

pub(super) fn request_id(request: &Request) -> Option<String> {
    String::from_utf8(request.get_headers().get(REQUEST_ID).into_iter().next()?).ok()
}

/// The flat head, with only the headers that the module asked for.
pub(super) fn head(request: &Request, names: &HeaderNames) -> Result<HeadBuffer, WireError> {
    let mut buffer = HeadBuffer::default();
    let target = request
        .get_path_with_query()
        .filter(|target| !target.is_empty());
    buffer.start(
        method_name(&request.get_method()),
        target.as_deref().unwrap_or("/"),
    )?;
    let headers = request.get_headers();
    for (index, name) in (0_u8..).zip(names.as_slice()) {
        match name.as_str() {
            ":authority" => {
                if let Some(authority) = request.get_authority() {
                    buffer.header(index, authority.as_bytes())?;
                }
            }
            ":scheme" => {
                if let Some(scheme) = request.get_scheme() {
                    buffer.header(index, scheme_name(&scheme).as_bytes())?;
                }
            }
            name => {
                for value in headers.get(name) {
                    buffer.header(index, &value)?;
                }
            }
        }
    }
    Ok(buffer)
}

fn scheme_name(scheme: &Scheme) -> &str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
        Scheme::Other(name) => name,
    }
}

/// Applies the request edits; the same handle comes back when only the target changes.
pub(super) fn edit_request(request: Request, edits: &Edits) -> Request {
    let request = if edits.any(|edit| edit.is_request_header()) {
        let headers = Fields::new();
        for (name, value) in request.get_headers().copy_all() {
            if !HOP_BY_HOP.contains(&name.as_str()) {
                let _ = headers.append(&name, &value);
            }
        }
        for edit in edits.iter() {
            let _ = match edit {
                Edit::SetRequest(name, value) => headers.set(name, &[value.to_vec()]),
                Edit::RemoveRequest(name) => headers.delete(name),
                _ => Ok(()),
            };
        }
        rebuild(request, headers)
    } else {
        request
    };
    for edit in edits.iter() {
        if let Edit::SetTarget(target) = edit {
            let _ = request.set_path_with_query(Some(target));
        }
    }
    request
}

/// The same request with other headers. A GET or HEAD that announces no body gets none, so that nothing is sent chunked.
fn rebuild(request: Request, headers: Fields) -> Request {
    let (method, target) = (request.get_method(), request.get_path_with_query());
    let (scheme, authority, options) = (
        request.get_scheme(),
        request.get_authority(),
        request.get_options(),
    );
    let bodiless = matches!(method, Method::Get | Method::Head)
        && !headers.has("content-length")
        && !request.get_headers().has("transfer-encoding");
    let (contents, trailers) = if bodiless {
        drop(request);
        (None, no_trailers())
    } else {
        let (contents, trailers) = Request::consume_body(request, accepted());
        (Some(contents), trailers)
    };
    let (rebuilt, _sent) = Request::new(headers, contents, trailers, options);
    let _ = rebuilt.set_method(&method);
    let _ = rebuilt.set_path_with_query(target.as_deref());
    let _ = rebuilt.set_scheme(scheme.as_ref());
    let _ = rebuilt.set_authority(authority.as_deref());
    rebuilt
}

/// Applies the response edits; the body's handle goes on as it is.
pub(super) fn edit_response(response: Response, edits: &Edits) -> Response {
    if !edits.any(|edit| edit.is_response_header()) {
        return response;
    }
    let headers = edited_response_headers(&response, edits);
    let status = response.get_status_code();
    let (contents, trailers) = Response::consume_body(response, accepted());
    let (rebuilt, _sent) = Response::new(headers, Some(contents), trailers);
    let _ = rebuilt.set_status_code(status);
    rebuilt
}

/// A copy of a response's headers with the edits applied and without hop-by-hop names.
pub(super) fn edited_response_headers(response: &Response, edits: &Edits) -> Fields {
    let headers = Fields::new();
    for (name, value) in response.get_headers().copy_all() {
        if !HOP_BY_HOP.contains(&name.as_str()) {
            let _ = headers.append(&name, &value);
        }
    }
    for edit in edits.iter() {
        let _ = match edit {
            Edit::AppendResponse(name, value) => headers.append(name, value),
            Edit::SetResponse(name, value) => headers.set(name, &[value.to_vec()]),
            Edit::RemoveResponse(name) => headers.delete(name),
            _ => Ok(()),
        };
    }
    headers
}

pub(super) fn content_length(response: &Response) -> Option<u64> {
    let value = response
        .get_headers()
        .get("content-length")
        .into_iter()
        .next()?;
    std::str::from_utf8(&value).ok()?.trim().parse().ok()
}

/// A response of the module's own. `content-length` is always sent, on empty bodies too: hosts without TCP_NODELAY stall on
/// chunked ones.
pub(super) fn answer(made: Answer, id: Option<&str>, asked_head: bool) -> Response {
    let (status, headers, body) = made.render(id);
    let fields = Fields::new();
    for (name, value) in &headers {
        let _ = fields.append(name, value);
    }
    if asked_head {
        // The body that a GET would get is not sent; its length may not be announced without it on every host.
        return finish(status, fields, None);
    }
    if status != 204 && status != 304 {
        let _ = fields.set("content-length", &[body.len().to_string().into_bytes()]);
    }
    let body = (!body.is_empty()).then_some(body);
    finish(status, fields, body)
}

/// A response with these headers.
pub(super) fn finish(status: u16, fields: Fields, body: Option<Vec<u8>>) -> Response {
    let contents = body.map(super::body::from_bytes);
    let (response, _sent) = Response::new(fields, contents, no_trailers());
    let _ = response.set_status_code(status);
    response
}

/// A future that says: no trailers, all is well.
pub(super) fn no_trailers() -> FutureReader<Result<Option<Trailers>, ErrorCode>> {
    let (writer, reader) = wit_future::new(|| Ok(None));
    drop(writer);
    reader
}

/// A future that tells the sender of a body: it was taken.
pub(super) fn accepted() -> FutureReader<Result<(), ErrorCode>> {
    let (writer, reader) = wit_future::new(|| Ok(()));
    drop(writer);
    reader
}
