//! The border to viewers: what comes in is made safe and unambiguous, what goes out is cleaned and counted.

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, Scheme, Uri};
use http::{Method, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::chain::{Next, Stage, Way, unix_now_ns};
use super::record::Record;
use super::{Node, Outcome};
use crate::message::problem::Fault;
use crate::message::{Body, BodyError, Request, Response, client_address, fields, target};
use crate::observe::access_log::{self, Line};

/// Who asks, as far as the connection tells.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// The other end of the connection.
    pub(crate) address: IpAddr,
    /// `http` or `https`.
    pub(crate) scheme: Scheme,
}

impl Node {
    /// Serves one request.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        request: http::Request<Incoming>,
        viewer: &Viewer,
    ) -> http::Response<Sent> {
        let start = Instant::now();
        let (mut parts, body) = request.into_parts();
        let version = parts.version;
        let head_only = parts.method == Method::HEAD;
        fields::drop_internal(&mut parts.headers);
        let id = self.identities.identify(&mut parts.headers);
        let entered = self.enter(&mut parts, viewer);
        let (way, mut response) = match entered {
            Ok(route) => {
                let way = Arc::new(Way {
                    route,
                    cache: Arc::clone(&self.cache),
                    id: id.clone(),
                    record: Record::default(),
                });
                let body = Body::limited(body, self.body);
                let request = Request::from_parts(parts, body);
                let next = Next::first(Arc::clone(&way), Stage::Viewer);
                (Some(way), next.run(request).await)
            }
            Err(fault) => (None, fault.response(Some(&id))),
        };
        if head_only {
            *response.body_mut() = Body::Empty;
        }
        let end = End {
            node: Arc::clone(self),
            way,
            id,
            start,
            head: start.elapsed(),
            version,
            method: parts_method(head_only),
            reason: response.headers().get(fields::REASON).cloned(),
            status: response.status().as_u16(),
        };
        leave(&mut response, &end.id);
        response.map(|body| Sent {
            expected: body.size_hint().exact(),
            bytes: 0,
            ended: false,
            failed: None,
            body,
            end: Some(Box::new(end)),
        })
    }

    /// Makes the request the node's own and finds its route.
    fn enter(&self, parts: &mut Parts, viewer: &Viewer) -> Result<Arc<super::route::Route>, Fault> {
        if matches!(parts.method, Method::CONNECT | Method::TRACE) {
            return Err(Fault::Method);
        }
        let authority = authority(parts)?;
        if fields::content_length(&parts.headers).is_some_and(|length| length > self.body.max_bytes)
        {
            return Err(Fault::BodyTooLarge);
        }
        let mut uri = std::mem::take(&mut parts.uri).into_parts();
        let path_and_query = uri
            .path_and_query
            .take()
            .unwrap_or_else(|| http::uri::PathAndQuery::from_static("/"));
        uri.path_and_query = Some(
            match target::normalize(&path_and_query).map_err(Fault::AmbiguousPath)? {
                Cow::Owned(normal) => normal,
                Cow::Borrowed(_) => path_and_query,
            },
        );
        uri.scheme = Some(viewer.scheme.clone());
        uri.authority = Some(authority);
        parts.uri = Uri::from_parts(uri).map_err(|_| Fault::BadHost)?;

        let client = client_address::find(&self.config.client, &parts.headers, viewer.address);
        fields::drop_hop_by_hop(&mut parts.headers);
        parts.headers.remove(header::HOST);
        if let Some(geography) = &self.geography {
            geography.tell(client, &mut parts.headers);
        }
        // The digits, dots and colons of an address.
        if let Ok(value) = HeaderValue::try_from(client.to_string()) {
            parts.headers.insert(fields::CLIENT_IP, value);
        }
        self.identities.trace(&mut parts.headers);
        let host = parts.uri.authority().map_or("", Authority::as_str);
        self.routes
            .find(host, parts.uri.path())
            .cloned()
            .ok_or(Fault::NoRoute)
    }
}

fn parts_method(head_only: bool) -> Method {
    if head_only { Method::HEAD } else { Method::GET }
}

/// The one host that a request names (RFC 9112 section 3.2).
fn authority(parts: &Parts) -> Result<Authority, Fault> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let header = hosts.next();
    if hosts.next().is_some() {
        return Err(Fault::BadHost);
    }
    if let Some(authority) = parts.uri.authority() {
        // In absolute form the header does not count, and in HTTP/2 it must agree (RFC 9113 section 8.3.1).
        let agrees = header.is_none_or(|host| {
            host.as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes())
        });
        return (agrees && !authority.as_str().contains('@'))
            .then(|| authority.clone())
            .ok_or(Fault::BadHost);
    }
    match header {
        Some(host) => Authority::try_from(host.as_bytes())
            .ok()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or(Fault::BadHost),
        None if parts.version == Version::HTTP_10 => Ok(Authority::from_static("localhost")),
        None => Err(Fault::BadHost),
    }
}

/// What a viewer may see.
fn leave(response: &mut Response, id: &HeaderValue) {
    let headers = response.headers_mut();
    fields::drop_internal(headers);
    fields::drop_hop_by_hop(headers);
    headers.insert(fields::REQUEST_ID, id.clone());
}

/// A body on its way out, counted. When it is dropped the request is over.
pub(crate) struct Sent {
    body: Body,
    /// Its length, when that is known at the start.
    expected: Option<u64>,
    bytes: u64,
    ended: bool,
    failed: Option<BodyError>,
    end: Option<Box<End>>,
}

/// What is told when a request is over.
struct End {
    node: Arc<Node>,
    way: Option<Arc<Way>>,
    id: HeaderValue,
    start: Instant,
    head: std::time::Duration,
    version: Version,
    method: Method,
    reason: Option<HeaderValue>,
    status: u16,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.bytes += u64::try_from(data.len()).unwrap_or(u64::MAX);
                }
            }
            Poll::Ready(Some(Err(error))) => {
                // The error itself goes on; its words stay for the log.
                self.failed = Some(BodyError::Fill(error.to_string()));
            }
            Poll::Ready(None) => self.ended = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            // A body that is dropped before its end: the viewer is gone. One of known length is not asked for its end.
            let all = self.ended || self.body.is_end_stream() || self.expected == Some(self.bytes);
            let whole = all && self.failed.is_none();
            end.tell(self.bytes, whole, self.failed.take());
        }
    }
}

impl End {
    fn tell(self, bytes: u64, whole: bool, failed: Option<BodyError>) {
        let total = self.start.elapsed();
        let notes = self.way.as_ref().map(|way| way.record.take());
        let notes = notes.unwrap_or_default();
        for (module, note) in &notes.watching {
            if let Some(door) = &module.door
                && let Err(error) = door.ended(unix_now_ns(), note, self.status, bytes)
            {
                tracing::error!(module = &*module.name, "{error}");
                if let Some(way) = &self.way {
                    way.route.metrics.module(&module.name, Outcome::Trapped);
                }
            }
        }
        match &self.way {
            Some(way) => {
                let metrics = &way.route.metrics;
                metrics.request(self.status, bytes, total, notes.cache);
                for (module, outcome) in &notes.outcomes {
                    metrics.module(&module.name, *outcome);
                }
            }
            None => self.node.metrics.unrouted(self.status),
        }
        if let Some(error) = &failed {
            tracing::warn!(request_id = ?self.id, "response broken off: {error}");
        }
        if self.node.config.log.access {
            access_log::write(&Line {
                route: self.way.as_ref().map_or("-", |way| &*way.route.name),
                id: &self.id,
                head_only: self.method == Method::HEAD,
                version: self.version,
                status: self.status,
                bytes,
                whole,
                head: self.head,
                total,
                cache: notes.cache.map(|status| status.label()),
                reason: self.reason.as_ref(),
                outcomes: &notes.outcomes,
            });
        }
    }
}
