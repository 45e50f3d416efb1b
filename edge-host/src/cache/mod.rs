//! The cache between the modules and the origin: a shared HTTP cache (RFC 9111) in memory.
//!
//! The parts decide and know no I/O: [`directives`], [`freshness`], [`storable`], [`conditional`], [`range`], [`key`]. This file
//! ties them to the index, and [`fetch`] to the origin.

mod conditional;
mod directives;
mod fetch;
mod fill;
mod flight;
mod freshness;
mod index;
mod key;
mod object;
mod range;
mod status;
mod storable;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use http::Method;
use http::header;
use http::request::Parts;

use crate::config::{CacheConfig, RouteCache};
use crate::message::problem::Fault;
use crate::message::{Request, Response};
use directives::Directives;
use flight::Flights;
use index::Index;
use key::Vary;
use object::Object;

pub(crate) use fill::Reader;
pub(crate) use status::{CacheStatus, Forwarded};

/// What lies behind the cache: the origin modules and the origin. A failure is a response too (see [`crate::message::problem`]).
pub(crate) trait Upstream: Send + Sync + 'static {
    /// Sends a request.
    fn send(&self, request: Request) -> BoxFuture<'static, Response>;
}

/// What the cache knows of a request besides the request.
#[derive(Clone)]
pub(crate) struct Call {
    /// Names the route, and the host where it matters; targets of different scopes do not meet.
    pub(crate) scope: Arc<str>,
    /// The route's policy.
    pub(crate) policy: Arc<RouteCache>,
    /// Where to ask.
    pub(crate) upstream: Arc<dyn Upstream>,
}

/// The cache of a node.
pub(crate) struct Cache {
    index: Index,
    flights: Flights,
    max_object: u64,
}

/// What the store says about a request.
pub(crate) enum Lookup {
    /// Here it is.
    Hit(Response, CacheStatus),
    /// It must go on.
    Miss(Miss),
}

/// A request that must go on, with what is known about it.
pub(crate) struct Miss {
    why: Forwarded,
    /// The key of the target and, below it, of the variant.
    primary: Vec<u8>,
    key: Vec<u8>,
    /// What is stored but may not be served as it is.
    stale: Option<Arc<Object>>,
    /// The last response could not be shared, so nobody should wait for the next.
    alone: bool,
    only_if_cached: bool,
}

impl Cache {
    pub(crate) fn new(config: &CacheConfig) -> Arc<Self> {
        let max_object = config.max_object.get().min(config.max_bytes.get() / 2);
        Arc::new(Self {
            index: Index::new(config.max_bytes.get(), max_object),
            flights: Flights::default(),
            max_object,
        })
    }

    /// Bytes and entries in the store.
    pub(crate) fn usage(&self) -> (u64, u64) {
        self.index.usage()
    }

    /// Looks a request up. Nothing is waited for; a stale response that may be served while it is fetched anew is a hit, and the
    /// fetch is started.
    pub(crate) fn lookup(
        self: &Arc<Self>,
        request: &Parts,
        has_body: bool,
        call: impl FnOnce() -> Call,
        scope: &str,
        policy: &RouteCache,
    ) -> Lookup {
        let mut miss = Miss {
            why: Forwarded::Bypass,
            primary: Vec::new(),
            key: Vec::new(),
            stale: None,
            alone: true,
            only_if_cached: false,
        };
        if !policy.enabled || self.max_object == 0 {
            return Lookup::Miss(miss);
        }
        let target = request
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        miss.primary = key::primary(scope, target);
        let cacheable = matches!(request.method, Method::GET | Method::HEAD);
        if !cacheable || has_body {
            miss.why = Forwarded::Method;
            return Lookup::Miss(miss);
        }
        let wishes = if policy.request_directives {
            Directives::of_request(&request.headers)
        } else {
            Directives::default()
        };
        let conditions_for_the_origin = request.headers.contains_key(header::IF_MATCH)
            || request.headers.contains_key(header::IF_UNMODIFIED_SINCE);
        if wishes.no_store || conditions_for_the_origin {
            return Lookup::Miss(miss);
        }
        miss.only_if_cached = wishes.only_if_cached;
        let now = SystemTime::now();
        let found = self.index.find(&miss.primary, &request.headers, now);
        miss.key = found.key;
        miss.why = found.why;
        miss.alone = found.alone;
        let Some(object) = found.object else {
            return Lookup::Miss(miss);
        };
        let left = object.freshness.left(now);
        let staleness = object.freshness.staleness(now);
        let asked_for = refuses(&wishes, &object, now);
        let hit = |object: &Object| {
            Lookup::Hit(
                object.respond(&request.method, &request.headers, now),
                CacheStatus::hit(status::ttl(left, staleness)),
            )
        };
        if !asked_for && !object.freshness.always_ask {
            if left.is_some() || accepts_stale(&wishes, &object, staleness) {
                return hit(&object);
            }
            if staleness < object.freshness.stale_while_revalidate {
                let answer = hit(&object);
                miss.stale = Some(object);
                self.revalidate(miss, request, call());
                return answer;
            }
        }
        miss.why = if asked_for {
            Forwarded::Request
        } else {
            Forwarded::Stale
        };
        miss.stale = Some(object);
        Lookup::Miss(miss)
    }

    /// Sends a request on, stores what may be stored, shares what may be shared.
    pub(crate) async fn forward(
        self: &Arc<Self>,
        miss: Miss,
        request: Request,
        call: Call,
        id: Option<&http::HeaderValue>,
    ) -> (Response, CacheStatus) {
        if miss.only_if_cached {
            let status = CacheStatus::forwarded(miss.why);
            return (Fault::NotCached.response(id), status);
        }
        match miss.why {
            Forwarded::Bypass => {
                let response = call.upstream.send(request).await;
                (response, CacheStatus::forwarded(miss.why))
            }
            Forwarded::Method => self.pass(miss, request, &call).await,
            _ if *request.method() == Method::HEAD => {
                // A response to HEAD is not stored; it says nothing about the body's bytes.
                let response = call.upstream.send(request).await;
                (response, CacheStatus::forwarded(miss.why))
            }
            _ => self.fetch(miss, request, call).await,
        }
    }

    /// An unsafe method that succeeds makes what is stored invalid (RFC 9111 section 4.4).
    async fn pass(&self, miss: Miss, request: Request, call: &Call) -> (Response, CacheStatus) {
        let unsafe_method = !request.method().is_safe();
        let own = request.uri().clone();
        let response = call.upstream.send(request).await;
        let succeeded = response.status().is_success() || response.status().is_redirection();
        if unsafe_method && succeeded {
            self.index.remove(&miss.primary);
            for name in [header::LOCATION, header::CONTENT_LOCATION] {
                if let Some(target) = response
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .and_then(|place| same_host(place, &own))
                {
                    self.index.remove(&key::primary(&call.scope, &target));
                }
            }
        }
        (response, CacheStatus::forwarded(miss.why))
    }
}

/// Takes parameters that do not matter out of a URI.
pub(crate) fn leave_out_parameters(uri: &mut http::Uri, ignored: &[String]) {
    let Some(target) = uri.path_and_query() else {
        return;
    };
    let Some(kept) = key::without_parameters(target.as_str(), ignored) else {
        return;
    };
    let mut parts = std::mem::take(uri).into_parts();
    // A part of a target is a target.
    parts.path_and_query = kept.parse().ok().or(parts.path_and_query);
    *uri = http::Uri::from_parts(parts).unwrap_or_default();
}

/// The client's own directives want more than this response has.
fn refuses(wishes: &Directives, object: &Object, now: SystemTime) -> bool {
    let age = object.freshness.age(now);
    let left = object.freshness.left(now).unwrap_or_default();
    wishes.no_cache
        || wishes
            .max_age
            .is_some_and(|most| age > Duration::from_secs(most))
        || wishes
            .min_fresh
            .is_some_and(|least| left < Duration::from_secs(least))
}

/// The client takes a stale response, and the origin did not forbid it.
fn accepts_stale(wishes: &Directives, object: &Object, staleness: Duration) -> bool {
    !object.freshness.never_stale
        && wishes
            .max_stale
            .is_some_and(|most| staleness <= Duration::from_secs(most))
}

/// Path and query of a URI reference, when it stays on the host of `own`.
fn same_host(reference: &str, own: &http::Uri) -> Option<String> {
    if reference.starts_with('/') && !reference.starts_with("//") {
        return Some(reference.to_owned());
    }
    if let Ok(uri) = reference.parse::<http::Uri>()
        && uri.scheme().is_some()
    {
        return (uri.authority() == own.authority()).then(|| {
            uri.path_and_query()
                .map(|target| target.as_str().to_owned())
        })?;
    }
    // A relative path: beside the request's own.
    let folder = own.path().rsplit_once('/')?.0;
    Some(format!("{folder}/{reference}"))
}

/// The variant that a request selects once the response says what it varies on.
fn variant(vary: Option<&Vary>, primary: &[u8], headers: &http::HeaderMap) -> Vec<u8> {
    match vary {
        Some(vary) => vary.secondary(primary, headers),
        None => primary.to_vec(),
    }
}
