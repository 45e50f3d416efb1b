//! Requests and responses of `wasi:http` to and from the SDK's types. Headers of a message in flight are immutable, so an edit
//! builds a new message around the same body handle; the body's bytes stay outside.

use wasip3::http::types::{ErrorCode, Method, Request, Response, Scheme, Trailers};
use wasip3::wit_bindgen::rt::async_support::FutureReader;
use wasip3::wit_future;

use super::headers::Headers;
use crate::wire::WireError;
use crate::{Answer, Edit, Edits, HeadBuffer, HeaderNames, REQUEST_ID};

/// A request that came in, with what was read of it already.
pub(super) struct Incoming {
    pub(super) request: Request,
    pub(super) method: Method,
    pub(super) headers: Headers,
}

impl Incoming {
    pub(super) fn read(request: Request) -> Self {
        Self {
            method: request.get_method(),
            headers: Headers::of_request(&request),
            request,
        }
    }

    pub(super) fn id(&self) -> Option<String> {
        String::from_utf8(self.headers.first(REQUEST_ID)?.to_vec()).ok()
    }

    pub(super) fn asked_head(&self) -> bool {
        matches!(self.method, Method::Head)
    }

    /// The flat head, with only the headers that the module asked for.
    pub(super) fn head(&self, names: &HeaderNames) -> Result<HeadBuffer, WireError> {
        let mut buffer = HeadBuffer::default();
        let target = self.request.get_path_with_query();
        let target = target.as_deref().filter(|target| !target.is_empty());
        buffer.start(method_name(&self.method), target.unwrap_or("/"))?;
        for (index, name) in (0_u8..).zip(names.as_slice()) {
            match name.as_str() {
                ":authority" => {
                    if let Some(authority) = self.request.get_authority() {
                        buffer.header(index, authority.as_bytes())?;
                    }
                }
                ":scheme" => {
                    if let Some(scheme) = self.request.get_scheme() {
                        buffer.header(index, scheme_name(&scheme).as_bytes())?;
                    }
                }
                name => {
                    for value in self.headers.values(name) {
                        buffer.header(index, value)?;
                    }
                }
            }
        }
        Ok(buffer)
    }

    /// Applies the request edits; the same handle comes back when no header changes.
    pub(super) fn edited(mut self, edits: &Edits) -> Request {
        let changed = self.headers.edit_request(edits);
        let target = edits.iter().filter_map(|edit| match edit {
            Edit::SetTarget(target) => Some(target),
            _ => None,
        });
        let target = target.last();
        if changed {
            return self.rebuilt(target);
        }
        if let Some(target) = target {
            let _ = self.request.set_path_with_query(Some(target));
        }
        self.request
    }

    /// The same request with other headers. A GET or HEAD that announces no body gets none, so that nothing is sent chunked.
    fn rebuilt(self, target: Option<&str>) -> Request {
        let Self {
            request,
            method,
            headers,
        } = self;
        let own = match target {
            None => request.get_path_with_query(),
            Some(_) => None,
        };
        let (scheme, authority, options) = (
            request.get_scheme(),
            request.get_authority(),
            request.get_options(),
        );
        let bodiless = matches!(method, Method::Get | Method::Head)
            && headers.first("content-length").is_none()
            && headers.first("transfer-encoding").is_none();
        let (contents, trailers) = if bodiless {
            drop(request);
            (None, no_trailers())
        } else {
            let (contents, trailers) = Request::consume_body(request, accepted());
            (Some(contents), trailers)
        };
        let (rebuilt, _sent) = Request::new(headers.into_fields(), contents, trailers, options);
        // A new request is a GET.
        if !matches!(method, Method::Get) {
            let _ = rebuilt.set_method(&method);
        }
        let _ = rebuilt.set_path_with_query(target.or(own.as_deref()));
        let _ = rebuilt.set_scheme(scheme.as_ref());
        let _ = rebuilt.set_authority(authority.as_deref());
        rebuilt
    }
}

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

fn scheme_name(scheme: &Scheme) -> &str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
        Scheme::Other(name) => name,
    }
}

/// Applies the response edits, one list after the other; the body's handle goes on as it is.
pub(super) fn edit_response(response: Response, lists: &[&Edits]) -> Response {
    if !lists
        .iter()
        .any(|edits| edits.any(|edit| edit.is_response_header()))
    {
        return response;
    }
    let mut headers = Headers::of_response(&response);
    for edits in lists {
        headers.edit_response(edits);
    }
    let status = response.get_status_code();
    let (contents, trailers) = Response::consume_body(response, accepted());
    let (rebuilt, _sent) = Response::new(headers.into_fields(), Some(contents), trailers);
    let _ = rebuilt.set_status_code(status);
    rebuilt
}

/// A response of the module's own. `content-length` is always sent, on empty bodies too: hosts without TCP_NODELAY stall on
/// chunked ones.
pub(super) fn answer(made: Answer, id: Option<&str>, asked_head: bool) -> Response {
    let (status, headers, body) = made.render(id);
    let mut fields = Headers::from(headers);
    if asked_head {
        // The body that a GET would get is not sent; its length may not be announced without it on every host.
        return finish(status, fields, None);
    }
    if status != 204 && status != 304 {
        fields.set("content-length", body.len().to_string().as_bytes());
    }
    let body = (!body.is_empty()).then_some(body);
    finish(status, fields, body)
}

/// A response with these headers.
pub(super) fn finish(status: u16, headers: Headers, body: Option<Vec<u8>>) -> Response {
    let contents = body.map(super::body::from_bytes);
    let (response, _sent) = Response::new(headers.into_fields(), contents, no_trailers());
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
