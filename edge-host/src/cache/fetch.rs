//! A miss: ask the origin, store what may be stored while it is served.

use std::sync::Arc;
use std::time::SystemTime;

use http::header;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;

use super::conditional::{self, VIEWER_CONDITIONS};
use super::directives::Directives;
use super::fill::Fill;
use super::flight::{Landing, Pilot, Seat, Shared};
use super::freshness::Freshness;
use super::key::Vary;
use super::object::{Object, Stored};
use super::storable::{self, Asked, Refusal};
use super::{Cache, CacheStatus, Call, Forwarded, Miss, variant};
use crate::message::problem::OriginFailed;
use crate::message::{Body, Request, Response, fields};

/// A request meets another variant's fetch at most this often before it goes on its own.
const ROUNDS: usize = 2;

impl Cache {
    /// Fetches for one request, together with others that want the same.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        mut miss: Miss,
        request: Request,
        call: Call,
    ) -> (Response, CacheStatus) {
        let (parts, _) = request.into_parts();
        if miss.alone {
            let response = call.upstream.send(again(&parts)).await;
            return (response, CacheStatus::forwarded(miss.why));
        }
        for _ in 0..ROUNDS {
            let (passenger, alone) = match self.flights.join(&miss.key) {
                Seat::Passenger(passenger) => (passenger, None),
                Seat::Pilot(pilot, passenger) => {
                    let (sender, receiver) = oneshot::channel();
                    let fetch = Fetch::new(self, &miss, &parts, &call);
                    tokio::spawn(fetch.run(pilot, Some(sender)));
                    (passenger, Some(receiver))
                }
            };
            let collapsed = alone.is_none();
            match passenger.landing().await {
                Landing::Shared(shared) => {
                    let vary = Vary::of(&shared.object.headers);
                    if variant(vary.as_ref(), &miss.primary, &parts.headers) == shared.variant {
                        return answer(&shared, &parts, miss.why, collapsed);
                    }
                    // Another variant: look again, now that it is known what varies.
                    let now = SystemTime::now();
                    let found = self.index.find(&miss.primary, &parts.headers, now);
                    miss.key = if found.key == miss.key {
                        variant(vary.as_ref(), &miss.primary, &parts.headers)
                    } else {
                        found.key
                    };
                    miss.why = Forwarded::VaryMiss;
                    miss.stale = None;
                }
                Landing::Alone => {
                    let response = match alone {
                        Some(receiver) => receiver.await.ok(),
                        None => None,
                    };
                    return own_answer(response, &parts, &call, miss.why).await;
                }
            }
        }
        let response = call.upstream.send(again(&parts)).await;
        (response, CacheStatus::forwarded(miss.why))
    }

    /// Fetches in the background what is stale, unless somebody does already.
    pub(super) fn revalidate(self: &Arc<Self>, miss: Miss, request: &Parts, call: Call) {
        if let Seat::Pilot(pilot, _) = self.flights.join(&miss.key) {
            let fetch = Fetch::new(self, &miss, request, &call);
            tokio::spawn(fetch.run(pilot, None));
        }
    }
}

/// The shared response, as this request wants it.
fn answer(
    shared: &Shared,
    request: &Parts,
    why: Forwarded,
    collapsed: bool,
) -> (Response, CacheStatus) {
    let now = SystemTime::now();
    let object = &shared.object;
    let revalidated = shared.status == StatusCode::NOT_MODIFIED.as_u16();
    let old = revalidated || shared.instead_of_failure || !object.freshness.initial_age.is_zero();
    let response = if old {
        object.respond(&request.method, &request.headers, now)
    } else {
        object.respond_without_age(&request.method, &request.headers)
    };
    let ttl = super::status::ttl(object.freshness.left(now), object.freshness.staleness(now));
    let mut status = CacheStatus {
        forwarded_status: (shared.status != object.status.as_u16()).then_some(shared.status),
        stored: shared.stored,
        collapsed,
        ttl: Some(ttl),
        ..CacheStatus::forwarded(why)
    };
    if shared.instead_of_failure {
        status.detail = Some("stale-if-error");
    }
    (response, status)
}

/// The response that only this request can have. Its own conditions and ranges were left out for storing. A condition is met
/// here; for a range the request is sent again as it was, since a part of a large response must not cost all of it.
async fn own_answer(
    response: Option<(Response, Option<Refusal>)>,
    request: &Parts,
    call: &Call,
    why: Forwarded,
) -> (Response, CacheStatus) {
    let mut status = CacheStatus::forwarded(why);
    let Some((mut response, refusal)) = response else {
        return (call.upstream.send(again(request)).await, status);
    };
    status.detail = refusal.map(Refusal::as_str);
    if response.status() == StatusCode::OK {
        if conditional::not_modified(&request.headers, response.headers()) {
            let headers = conditional::not_modified_headers(response.headers());
            *response.headers_mut() = headers;
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::Empty;
        } else if request.headers.contains_key(header::RANGE) {
            drop(response);
            response = call.upstream.send(again(request)).await;
        }
    }
    (response, status)
}

/// The same request once more; it has no body.
fn again(parts: &Parts) -> Request {
    let mut request = Request::new(Body::Empty);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    *request.version_mut() = parts.version;
    request
}

/// One fetch.
struct Fetch {
    cache: Arc<Cache>,
    call: Call,
    request: Request,
    /// The headers that select a variant: the client's.
    headers: HeaderMap,
    primary: Vec<u8>,
    key: Vec<u8>,
    stale: Option<Arc<Object>>,
}

impl Fetch {
    fn new(cache: &Arc<Cache>, miss: &Miss, parts: &Parts, call: &Call) -> Self {
        let mut request = again(parts);
        for name in VIEWER_CONDITIONS {
            request.headers_mut().remove(name);
        }
        if let Some(stale) = &miss.stale {
            conditional::ask_about(request.headers_mut(), &stale.headers);
        }
        Self {
            cache: Arc::clone(cache),
            call: call.clone(),
            stale: miss.stale.clone(),
            headers: parts.headers.clone(),
            primary: miss.primary.clone(),
            key: miss.key.clone(),
            request,
        }
    }

    /// Asks, tells everyone what came, and stays until the body is stored. Not bound to any one request: it goes on when the
    /// client that caused it is gone.
    async fn run(self, pilot: Pilot, alone: Option<oneshot::Sender<(Response, Option<Refusal>)>>) {
        let Self {
            cache,
            call,
            request,
            headers,
            primary,
            key,
            stale,
        } = self;
        let asked = SystemTime::now();
        let mut response = call.upstream.send(request).await;
        let arrived = SystemTime::now();
        if let Some(stale) = &stale
            && let Some(shared) = from_stale(stale, &response, &call, asked, arrived)
        {
            let object = Arc::clone(&shared.object);
            if shared.stored {
                cache.index.insert(&primary, &headers, object);
            }
            let vary = Vary::of(&shared.object.headers);
            let variant = variant(vary.as_ref(), &primary, &headers);
            pilot.land(Landing::Shared(Arc::new(Shared { variant, ..shared })));
            return;
        }
        complete_head(&mut response, arrived);
        let directives = Directives::of_response(response.headers());
        let freshness = Freshness::of(
            response.status(),
            response.headers(),
            &directives,
            &call.policy,
            asked,
            arrived,
        );
        let length = fields::content_length(response.headers());
        let checked = storable::check(
            Asked {
                method: &Method::GET,
                headers: &headers,
            },
            response.status(),
            response.headers(),
            &directives,
            !freshness.lifetime.is_zero(),
        );
        let failed = response.extensions().get::<OriginFailed>().is_some();
        let refusal = match checked {
            Ok(()) if length.is_some_and(|length| length > cache.max_object) => {
                Some(Refusal::TooLarge)
            }
            Ok(()) if failed => Some(Refusal::Status),
            Ok(()) => None,
            Err(refusal) => Some(refusal),
        };
        if let Some(refusal) = refusal {
            if !response.status().is_server_error() {
                cache.index.mark_alone(&key, arrived);
            }
            pilot.land(Landing::Alone);
            if let Some(alone) = alone {
                // The one who asked may be gone.
                let _ = alone.send((response, Some(refusal)));
            }
            return;
        }

        let (parts, body) = response.into_parts();
        let fill = Fill::new(length);
        let mut kept = parts.headers;
        kept.remove(header::AGE);
        let object = Object {
            status: parts.status,
            headers: kept,
            freshness,
            body: Stored::Growing(Arc::clone(&fill), length),
        };
        let vary = Vary::of(&object.headers);
        let shared = Shared {
            variant: variant(vary.as_ref(), &primary, &headers),
            status: object.status.as_u16(),
            object: Arc::new(object.clone()),
            stored: true,
            instead_of_failure: false,
        };
        pilot.land(Landing::Shared(Arc::new(shared)));
        let pilot = pump(body, &fill, cache.max_object, pilot).await;
        if pilot.is_some()
            && let Some(pieces) = fill.whole()
        {
            let object = Object {
                body: Stored::from_pieces(pieces),
                ..object
            };
            cache.index.insert(&primary, &headers, Arc::new(object));
        }
        // The pilot leaves only now, so that nobody fetches what is about to be stored.
        drop(pilot);
    }
}

/// What a stale object becomes: renewed by a 304, or served because the origin failed.
fn from_stale(
    stale: &Arc<Object>,
    response: &Response,
    call: &Call,
    asked: SystemTime,
    arrived: SystemTime,
) -> Option<Shared> {
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED {
        let mut said = response.headers().clone();
        fields::drop_hop_by_hop(&mut said);
        let mut headers = stale.headers.clone();
        conditional::freshen(&mut headers, &said);
        if !said.contains_key(header::DATE) {
            set_date(&mut headers, arrived);
        }
        let directives = Directives::of_response(&headers);
        let freshness = Freshness::of(
            stale.status,
            &headers,
            &directives,
            &call.policy,
            asked,
            arrived,
        );
        headers.remove(header::AGE);
        let object = Object {
            status: stale.status,
            headers,
            freshness,
            body: stale.body.clone(),
        };
        return Some(Shared {
            object: Arc::new(object),
            variant: Vec::new(),
            status: status.as_u16(),
            stored: !directives.no_store && !directives.private,
            instead_of_failure: false,
        });
    }
    let failed = response.extensions().get::<OriginFailed>().is_some()
        || matches!(status.as_u16(), 500 | 502 | 503 | 504);
    let freshness = &stale.freshness;
    let allowed = freshness.staleness(arrived) < freshness.stale_if_error;
    (failed && allowed).then(|| Shared {
        object: Arc::clone(stale),
        variant: Vec::new(),
        status: status.as_u16(),
        stored: false,
        instead_of_failure: true,
    })
}

/// What a stored response must have: a date (RFC 9110 section 6.6.1), no fields of the connection.
fn complete_head(response: &mut Response, arrived: SystemTime) {
    fields::drop_hop_by_hop(response.headers_mut());
    if !response.headers().contains_key(header::DATE) {
        set_date(response.headers_mut(), arrived);
    }
}

fn set_date(headers: &mut HeaderMap, at: SystemTime) {
    // An HTTP date is ASCII.
    if let Ok(date) = http::HeaderValue::try_from(httpdate::fmt_http_date(at)) {
        headers.insert(header::DATE, date);
    }
}

/// Moves a body into a fill. Gives the pilot back when the body came whole and may be stored.
///
/// A body without announced length may outgrow the cache. From then on nobody new may join, it goes no faster than its slowest
/// reader, and what all have read is forgotten.
async fn pump(mut body: Body, fill: &Fill, max_object: u64, pilot: Pilot) -> Option<Pilot> {
    let mut pilot = Some(pilot);
    let result = loop {
        match body.frame().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error.to_string()),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data()
                    && fill.push(&data) > max_object
                {
                    pilot = None;
                    if !fill.room(max_object).await {
                        break Err("nobody reads it any more".to_owned());
                    }
                }
            }
        }
    };
    let result = fill.checked(result);
    if let Err(why) = &result {
        tracing::debug!(why, "a response was not stored");
        // Before the readers learn of it: one that asks again at once must not meet this fetch again.
        pilot = None;
    }
    fill.end(result);
    pilot
}
