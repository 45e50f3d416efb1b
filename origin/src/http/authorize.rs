//! The gate before the API: who is it, may they, and not too often.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use subtle::ConstantTimeEq;

use super::App;
use super::problem::Problem;
use crate::auth::Role;
use crate::config::LimitSettings;
use crate::storage::s3::Secret;

/// The header in which the edge proves itself.
pub(super) const EDGE_SECRET: &str = "weir-edge-secret";
/// The header in which the edge says who its client is.
const CLIENT_ADDRESS: &str = "weir-client-ip";
/// Keys remembered by a limiter before the idle ones are dropped.
const MAX_KEYS: usize = 10_000;

/// Limits on API requests.
#[derive(Debug)]
pub(super) struct ApiLimits {
    requests: Option<DefaultKeyedRateLimiter<String>>,
    failures: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl ApiLimits {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        Self {
            requests: NonZeroU32::new(settings.api_per_minute)
                .map(|rate| RateLimiter::keyed(Quota::per_minute(rate))),
            failures: NonZeroU32::new(settings.failures_per_minute)
                .map(|rate| RateLimiter::keyed(Quota::per_minute(rate))),
        }
    }

    fn request(&self, caller: &str) -> Result<(), u64> {
        check(self.requests.as_ref(), &caller.to_owned())
    }

    fn failure(&self, address: IpAddr) -> Result<(), u64> {
        check(self.failures.as_ref(), &group(address))
    }
}

/// Seconds to wait when the key has used up its share.
fn check<K: std::hash::Hash + Eq + Clone>(
    limiter: Option<&DefaultKeyedRateLimiter<K>>,
    key: &K,
) -> Result<(), u64> {
    let Some(limiter) = limiter else {
        return Ok(());
    };
    if limiter.len() > MAX_KEYS {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|until| {
        until
            .wait_time_from(DefaultClock::default().now())
            .as_secs()
            + 1
    })
}

/// One subscriber usually holds a whole IPv6 /64.
fn group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// The layer before every `/v1` route.
pub(super) async fn authorize(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let credential = bearer(request.headers()).map(str::to_owned);
    let Some(caller) =
        credential.and_then(|credential| app.authenticator.authenticate(&credential))
    else {
        app.metrics.refused("unauthenticated");
        if let Err(seconds) = app.limits.failure(client_address(
            &app.config.server.edge_secret,
            request.headers(),
            peer,
        )) {
            return too_many(seconds);
        }
        let problem = Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "This needs an administrator's key",
        )
        .with_detail("send it as `Authorization: Bearer <key>`");
        let mut response = problem.into_response();
        response.headers_mut().insert(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"weir-origin\""),
        );
        return response;
    };
    let needed = required_role(request.method());
    if caller.role < needed {
        app.metrics.refused("forbidden");
        let detail = format!(
            "the call needs the role {needed:?}, the key has {:?}",
            caller.role
        )
        .to_lowercase();
        return Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "The key's role does not allow this",
        )
        .with_detail(detail)
        .into_response();
    }
    if let Err(seconds) = app.limits.request(&caller.id) {
        app.metrics.refused("rate-limited");
        return too_many(seconds);
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// The least role that a method needs. Deleting is the one thing that cannot be made good again.
fn required_role(method: &Method) -> Role {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => Role::Guest,
        Method::DELETE => Role::Admin,
        _ => Role::User,
    }
}

fn too_many(seconds: u64) -> Response {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate-limited",
        "Too many requests",
    )
    .retry_after(seconds)
    .into_response()
}

/// The credential of `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credential) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| credential.trim())
}

/// Whether the request comes from our edge.
pub(super) fn is_from_edge(secret: &Secret, headers: &HeaderMap) -> bool {
    let sent = headers
        .get(EDGE_SECRET)
        .map_or(&b""[..], HeaderValue::as_bytes);
    !secret.is_empty() && bool::from(sent.ct_eq(secret.reveal().as_bytes()))
}

/// The client's address: what the edge says when it has proved itself, else the connection's.
pub(super) fn client_address(secret: &Secret, headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
    let told = is_from_edge(secret, headers)
        .then(|| headers.get(CLIENT_ADDRESS)?.to_str().ok()?.parse().ok())
        .flatten();
    told.unwrap_or_else(|| peer.ip())
}

/// The layer before media when a secret is configured: viewers must not go round the edge.
pub(super) async fn require_edge(State(app): State<App>, request: Request, next: Next) -> Response {
    let secret = &app.config.server.edge_secret;
    if secret.is_empty() || is_from_edge(secret, request.headers()) {
        return next.run(request).await;
    }
    app.metrics.refused("edge-secret");
    Problem::new(
        StatusCode::FORBIDDEN,
        "not-through-the-edge",
        "Media is served through the edge only",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_believed_only_with_its_secret() {
        let peer = SocketAddr::from(([10, 0, 0, 1], 1));
        let mut headers = HeaderMap::new();
        headers.insert(CLIENT_ADDRESS, HeaderValue::from_static("192.0.2.7"));
        let secret = Secret::new("shared");
        assert_eq!(client_address(&secret, &headers, peer), peer.ip());
        headers.insert(EDGE_SECRET, HeaderValue::from_static("shared"));
        assert_eq!(
            client_address(&secret, &headers, peer),
            IpAddr::from([192, 0, 2, 7])
        );
        assert!(
            !is_from_edge(&Secret::default(), &headers),
            "no secret configured: nobody is the edge"
        );
    }

    #[test]
    fn failures_are_counted_by_network() {
        let limits = ApiLimits::new(&LimitSettings {
            failures_per_minute: 2,
            ..LimitSettings::default()
        });
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(limits.failure(address("2001:db8::1")).is_ok());
        assert!(limits.failure(address("2001:db8::2")).is_ok());
        assert!(
            limits
                .failure(address("2001:db8::3"))
                .is_err_and(|seconds| seconds >= 1)
        );
        assert!(limits.failure(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn bearer_credentials_are_found() {
        let with = |value: &'static str| {
            HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))])
        };
        assert_eq!(bearer(&with("Bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("bearer  abc")), Some("abc"));
        assert_eq!(bearer(&with("Basic abc")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
