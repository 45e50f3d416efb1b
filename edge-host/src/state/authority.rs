//! The state authority: this node's counters for hosts that have none, over HTTP.
//!
//! `POST /counters` with `Authorization: Bearer <key>` and a body of [`weir_counters::wire`]; the adapter component `state-http`
//! speaks it from `wasmtime serve` and Spin.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use subtle::ConstantTimeEq as _;
use weir_counters::wire::{self, CONTENT_TYPE, MAX_BODY_BYTES};

use crate::guest::capabilities::SharedCounters;
use crate::server::side;

/// The path that adapters post to.
const PATH: &str = "/counters";

/// Answers one request.
pub(crate) async fn answer(
    request: Request<Incoming>,
    counters: SharedCounters,
    key: &str,
) -> Response<Full<Bytes>> {
    if !may_ask(&request, key) {
        let mut refusal = side::text(StatusCode::UNAUTHORIZED, "the key is missing or wrong\n");
        let scheme = header::HeaderValue::from_static("Bearer");
        refusal
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
        return refusal;
    }
    if request.uri().path() != PATH {
        return side::text(
            StatusCode::NOT_FOUND,
            "operations are posted to /counters\n",
        );
    }
    if request.method() != Method::POST {
        let mut refusal = side::text(StatusCode::METHOD_NOT_ALLOWED, "operations are posted\n");
        let allowed = header::HeaderValue::from_static("POST");
        refusal.headers_mut().insert(header::ALLOW, allowed);
        return refusal;
    }
    let body = match Limited::new(request.into_body(), MAX_BODY_BYTES)
        .collect()
        .await
    {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return side::text(StatusCode::PAYLOAD_TOO_LARGE, "no operation is that long\n");
        }
        Err(_) => return side::text(StatusCode::BAD_REQUEST, "the body broke off\n"),
    };
    let answer = wire::serve(&*counters, &body);
    side::answer(StatusCode::OK, CONTENT_TYPE, answer)
}

/// The key is asked for before anything else is told.
fn may_ask(request: &Request<Incoming>, key: &str) -> bool {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return false;
    };
    let value = value.as_bytes();
    // The scheme's name has no case (RFC 9110, section 11.1).
    let Some((scheme, given)) = value.split_at_checked(7) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(given.ct_eq(key.as_bytes()))
}
