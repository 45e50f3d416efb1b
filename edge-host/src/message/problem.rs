//! The node's own error responses (RFC 9457).

use http::header::{self, HeaderValue};
use http::{HeaderName, StatusCode};
use weir_module::{Answer, Problem};

use super::{Body, Response, fields};

/// Marks a response that stands for an origin that failed, so that the cache may serve what it has instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OriginFailed;

/// What went wrong, by fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The client's: the request cannot be read in one way only.
    AmbiguousPath(&'static str),
    /// The client's: no or several hosts.
    BadHost,
    /// The client's: more body than allowed.
    BodyTooLarge,
    /// The client's: its body ended before its end.
    BodyBroken,
    /// The client's: its body stood still for too long.
    BodyIdle,
    /// The client's: a head that no module could take.
    HeadTooLarge,
    /// The client's: a method that the node does not carry.
    Method,
    /// Nobody's: no route for this.
    NoRoute,
    /// The origin's: no connection, or it broke before a response.
    OriginUnreachable,
    /// The origin's: too slow.
    OriginTimeout,
    /// The module's: it trapped, ran too long, or answered nonsense.
    Module,
    /// The module's: it did not answer in time.
    ModuleTimeout,
    /// The client's: `only-if-cached`, and nothing is there (RFC 9111 section 5.2.1.7).
    NotCached,
}

impl Fault {
    /// The response. `id` is the request id.
    pub(crate) fn response(self, id: Option<&HeaderValue>) -> Response {
        let (status, code, title) = match &self {
            Self::AmbiguousPath(_) => (
                400,
                "ambiguous-path",
                "The path can be read in more than one way",
            ),
            Self::BadHost => (400, "bad-host", "The request does not name one host"),
            Self::BodyTooLarge => (413, "body-too-large", "The request body is too large"),
            Self::BodyBroken => (400, "body-broken-off", "The request body broke off"),
            Self::BodyIdle => (408, "body-timeout", "The request body did not come in time"),
            Self::HeadTooLarge => (
                431,
                "request-head-too-large",
                "The request head is too large",
            ),
            Self::Method => (501, "method-not-supported", "This method is not supported"),
            Self::NoRoute => (404, "no-route", "Nothing is served here"),
            Self::OriginUnreachable => (502, "origin-unreachable", "The origin cannot be reached"),
            Self::OriginTimeout => (504, "origin-timeout", "The origin did not answer in time"),
            Self::Module => (502, "module-failed", "A module of the edge failed"),
            Self::ModuleTimeout => (
                504,
                "module-timeout",
                "A module of the edge did not answer in time",
            ),
            Self::NotCached => (504, "not-cached", "The response is not in the cache"),
        };
        let mut problem = Problem::new(status, code, title);
        if let Self::AmbiguousPath(why) = &self {
            problem = problem.detail(*why);
        }
        let mut response = from_answer(problem.into_answer(), id);
        if matches!(self, Self::OriginUnreachable | Self::OriginTimeout) {
            response.extensions_mut().insert(OriginFailed);
        }
        response
    }
}

/// A module's answer as a response. A field that cannot be sent is left out.
pub(crate) fn from_answer(answer: Answer, id: Option<&HeaderValue>) -> Response {
    let (status, headers, body) = answer.render(id.and_then(|id| id.to_str().ok()));
    let length = body.len();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        let name = match name {
            std::borrow::Cow::Borrowed(name) => name.parse::<HeaderName>(),
            std::borrow::Cow::Owned(name) => name.parse::<HeaderName>(),
        };
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    fields::drop_hop_by_hop(response.headers_mut());
    let bodiless = status < 200 || status == 204 || status == 304;
    if bodiless {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    } else {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, fields::number(length));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fault_is_a_problem_body_with_the_request_id() {
        let id = HeaderValue::from_static("r-1");
        let response = Fault::OriginTimeout.response(Some(&id));
        assert_eq!(response.status(), 504);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert!(response.extensions().get::<OriginFailed>().is_some());
        let body = response.into_body().collect_up_to(10_000).await.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["type"], "urn:weir:problem:origin-timeout");
        assert_eq!(json["request_id"], "r-1");
    }
}
