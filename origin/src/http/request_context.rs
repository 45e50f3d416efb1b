//! What every request gets: an id, a log line, figures, and a body for its error.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::App;
use super::problem::Problem;
use crate::random;

/// The header that carries a request's id (see [`accepted_id`]).
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Longest id that is taken over from a client.
const MAX_ID_LENGTH: usize = 128;

/// The outermost layer.
pub(super) async fn with_context(State(app): State<App>, request: Request, next: Next) -> Response {
    let id =
        accepted_id(request.headers().get(&REQUEST_ID)).unwrap_or_else(|| random::hex_string(12));
    let trace_id = request.headers().get(&TRACEPARENT).and_then(trace_id_of);
    let method = method_name(request.method());
    // The pattern, never the path: paths name assets, and tokens may stand in them.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let span =
        tracing::info_span!("request", id = %id, trace_id = trace_id.as_deref(), method, route);
    let _active = app.metrics.request_begins();
    let started = Instant::now();
    async {
        let mut response = next.run(request).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            response = rendered(&problem, &id, &response);
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let status = response.status().as_u16();
        app.metrics
            .request(method, &route, status, started.elapsed());
        let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
        if status >= 500 {
            tracing::error!(status, milliseconds, "answered");
        } else {
            tracing::debug!(status, milliseconds, "answered");
        }
        response
    }
    .instrument(span)
    .await
}

/// The problem's body under the headers that inner layers have set (CORS, `Content-Range`, `WWW-Authenticate`).
fn rendered(problem: &Problem, id: &str, inner: &Response) -> Response {
    let mut response = problem.render(id);
    for (name, value) in inner.headers() {
        if !response.headers().contains_key(name) && name != axum::http::header::CONTENT_LENGTH {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// A client's id is taken over when it is short and plain; it goes into logs.
fn accepted_id(value: Option<&HeaderValue>) -> Option<String> {
    let text = value?.to_str().ok()?;
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    (plain && (8..=MAX_ID_LENGTH).contains(&text.len())).then(|| text.to_owned())
}

/// The trace id out of `traceparent` (W3C Trace Context, 3.2): `00-<32 hex>-<16 hex>-<2 hex>`.
fn trace_id_of(value: &HeaderValue) -> Option<String> {
    let mut parts = value.to_str().ok()?.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_set = |text: &str| text.bytes().any(|byte| byte != b'0');
    (is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_set(trace)
        && is_hex(parent, 16)
        && is_set(parent))
    .then(|| trace.to_owned())
}

/// Known methods only: a metric's labels must be bounded.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        let accepted = |text: &'static str| accepted_id(Some(&HeaderValue::from_static(text)));
        assert_eq!(accepted("a1b2c3d4-e5"), Some("a1b2c3d4-e5".to_owned()));
        for text in ["short", "with space in it", "quote\"quote\"quote", ""] {
            assert_eq!(accepted(text), None, "{text}");
        }
    }

    #[test]
    fn trace_ids_follow_the_standard() {
        let trace = |text: &'static str| trace_id_of(&HeaderValue::from_static(text));
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            trace(good).as_deref(),
            Some("4bf92f3577b34da6a3ce929d0e0e4736")
        );
        assert_eq!(
            trace("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
            None
        );
        assert_eq!(
            trace("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            None
        );
        assert_eq!(trace("nonsense"), None);
    }
}
