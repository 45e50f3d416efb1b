//! The origins: pooled connections, time-outs, retries, failover.

pub(crate) mod connector;
mod request;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::config::OriginConfig;
use crate::message::body::{BodyError, BodyLimits};
use crate::message::problem::{Fault, OriginFailed};
use crate::message::{Body, Request, Response, fields};
use connector::{ConnectionPolicy, HttpClient};
use request::{Base, Outgoing};

/// How long a server that could not be reached is passed over while another can.
const DOWN: Duration = Duration::from_secs(5);
/// The first pause before every server was tried once and is tried again; it doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// One origin: one or several servers that hold the same.
pub(crate) struct Origin {
    name: Arc<str>,
    node: Arc<str>,
    servers: Vec<Server>,
    client: HttpClient,
    outgoing: Outgoing,
    head_timeout: Duration,
    body: BodyLimits,
    attempts: usize,
    start: Instant,
}

struct Server {
    base: Base,
    /// Milliseconds since `start` until which it is passed over.
    down_until: AtomicU64,
}

/// Why an attempt gave no response.
enum Failure {
    Unreachable(String),
    Timeout,
    /// The request's body could not be sent, by no fault of the origin.
    Sender(Fault),
}

impl Origin {
    /// `node` is the name for `via`.
    ///
    /// # Errors
    /// A URL or header that cannot be used, or no system roots.
    pub(crate) fn new(name: &str, node: &str, config: &OriginConfig) -> Result<Self, String> {
        let client = connector::client(ConnectionPolicy {
            connect_timeout: config.connect_timeout.get(),
            idle_connections: config.idle_connections,
        })
        .map_err(|error| format!("the system's certificates cannot be read: {error}"))?;
        let servers = config
            .urls
            .iter()
            .map(|url| {
                Ok(Server {
                    base: Base::parse(url)?,
                    down_until: AtomicU64::new(0),
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        let retries = usize::try_from(config.retries).unwrap_or(usize::MAX);
        Ok(Self {
            name: name.into(),
            node: node.into(),
            attempts: retries.saturating_add(1).max(servers.len()),
            servers,
            client,
            outgoing: Outgoing::new(config)?,
            head_timeout: config.head_timeout.get(),
            body: BodyLimits {
                max_bytes: u64::MAX,
                idle: config.idle_timeout.get(),
            },
            start: Instant::now(),
        })
    }

    /// The name of this node.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Sends a request; a failure is a problem response marked [`OriginFailed`].
    pub(crate) async fn send(&self, request: Request) -> Response {
        let id = request.headers().get(fields::REQUEST_ID).cloned();
        let again = is_idempotent(request.method()) && request.body().is_empty();
        let attempts = if again { self.attempts } else { 1 };
        let (mut parts, body) = request.into_parts();
        self.outgoing.prepare(&mut parts, &self.node);
        let mut body = Some(body);
        let mut last = Failure::Unreachable("no attempt".to_owned());
        let order = self.order();
        for attempt in 0..attempts {
            let server = &self.servers[order[attempt % order.len()]];
            if attempt > 0 && attempt % order.len() == 0 {
                tokio::time::sleep(pause(attempt / order.len())).await;
            }
            let request = match self.outgoing.address(&parts, &server.base) {
                Ok(address) => address.map(|()| body.take().unwrap_or_default()),
                Err(why) => {
                    tracing::warn!(origin = &*self.name, "request cannot be addressed: {why}");
                    break;
                }
            };
            match self.attempt(request).await {
                Ok(response) => {
                    server.down_until.store(0, Ordering::Relaxed);
                    let next_may_do_better = self.servers.len() > 1
                        && attempt + 1 < attempts.min(self.servers.len())
                        && matches!(response.status().as_u16(), 502..=504);
                    if !next_may_do_better {
                        return response;
                    }
                }
                // Nothing is known about the origin, and there is no body left to try again with.
                Err(Failure::Sender(fault)) => return fault.response(id.as_ref()),
                Err(failure) => {
                    let until = self.start.elapsed() + DOWN;
                    let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
                    server.down_until.store(until, Ordering::Relaxed);
                    let why = match &failure {
                        Failure::Unreachable(why) => why,
                        Failure::Timeout => "no response head in time",
                        Failure::Sender(_) => "the request body broke off",
                    };
                    tracing::warn!(
                        origin = &*self.name,
                        server = server.base.authority(),
                        attempt,
                        "origin failed: {why}"
                    );
                    last = failure;
                }
            }
        }
        match last {
            Failure::Unreachable(_) => Fault::OriginUnreachable,
            Failure::Timeout => Fault::OriginTimeout,
            Failure::Sender(fault) => fault,
        }
        .response(id.as_ref())
    }

    async fn attempt(&self, request: Request) -> Result<Response, Failure> {
        let response = self.patiently(request).await?;
        let version = response.version();
        let mut response = response.map(|body| Body::limited(body, self.body));
        // The connection's version is no business of the viewer's connection.
        *response.version_mut() = http::Version::HTTP_11;
        fields::drop_hop_by_hop(response.headers_mut());
        fields::drop_internal(response.headers_mut());
        fields::add_via(response.headers_mut(), version, &self.node);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Failure::Unreachable("it switched protocols".to_owned()));
        }
        response.extensions_mut().remove::<OriginFailed>();
        Ok(response)
    }

    /// Sends a request and waits for the response head. The time for the head counts from the last piece of the request's body
    /// that was taken: an upload may last as long as it moves.
    async fn patiently(
        &self,
        request: Request,
    ) -> Result<http::Response<hyper::body::Incoming>, Failure> {
        let moved = Arc::new(AtomicU64::new(0));
        let request = request.map(|body| {
            if body.is_empty() {
                return body;
            }
            let moved = Arc::clone(&moved);
            let counted = body.map_frame(move |frame| {
                moved.fetch_add(1, Ordering::Relaxed);
                frame
            });
            Body::Module(counted.boxed_unsync())
        });
        let mut sent = std::pin::pin!(self.client.request(request));
        let mut seen = 0;
        loop {
            match timeout(self.head_timeout, &mut sent).await {
                Ok(answered) => return answered.map_err(|error| failure(&error)),
                Err(_) => {
                    let now = moved.load(Ordering::Relaxed);
                    if now == seen {
                        return Err(Failure::Timeout);
                    }
                    seen = now;
                }
            }
        }
    }

    /// The servers in order of preference, those that are down last.
    fn order(&self) -> Vec<usize> {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let down = |index: &usize| self.servers[*index].down_until.load(Ordering::Relaxed) > now;
        let (down, up): (Vec<_>, Vec<_>) = (0..self.servers.len()).partition(down);
        up.into_iter().chain(down).collect()
    }
}

fn failure(error: &hyper_util::client::legacy::Error) -> Failure {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    let mut text = String::new();
    while let Some(error) = source {
        if let Some(body) = error.downcast_ref::<BodyError>() {
            return Failure::Sender(match body {
                BodyError::TooLarge(_) => Fault::BodyTooLarge,
                BodyError::Idle(_) => Fault::BodyIdle,
                // What a module said of a body is the module's fault.
                BodyError::Module(_) => Fault::Module,
                BodyError::Connection(_) | BodyError::Fill(_) => Fault::BodyBroken,
            });
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && error.kind() == std::io::ErrorKind::TimedOut
        {
            return Failure::Timeout;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        source = error.source();
    }
    Failure::Unreachable(text)
}

fn is_idempotent(method: &Method) -> bool {
    method.is_idempotent()
}

/// Grows, with half of it at random, so that nodes do not come back all at once.
fn pause(round: usize) -> Duration {
    let whole = PAUSE * (1 << round.min(6));
    let random = getrandom::u32().unwrap_or(0);
    whole / 2 + whole.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}
