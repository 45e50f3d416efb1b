//! One connection after the other, within the limits.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::uri::Scheme;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::tls::Acceptor;
use crate::Node;
use crate::node::Viewer;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The connections of a node.
pub(super) struct Connections {
    node: Arc<Node>,
    acceptor: Option<Acceptor>,
    http: Builder<TokioExecutor>,
    places: Arc<Semaphore>,
    per_client: Arc<PerClient>,
    graceful: GracefulShutdown,
}

impl Connections {
    pub(super) fn new(node: Arc<Node>, acceptor: Option<Acceptor>) -> Self {
        let limits = &node.config().limits;
        let head = limits.head.as_usize();
        let mut http = Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout.get())
            .max_headers(limits.headers)
            // hyper wants at least 8 KiB.
            .max_buf_size(head.max(8 << 10));
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(Some(64))
            .keep_alive_interval(Some(Duration::from_secs(20)))
            .keep_alive_timeout(Duration::from_secs(20));
        Self {
            places: Arc::new(Semaphore::new(
                limits.connections.min(Semaphore::MAX_PERMITS),
            )),
            per_client: Arc::new(PerClient::new(limits.connections_per_client)),
            node,
            acceptor,
            http,
            graceful: GracefulShutdown::new(),
        }
    }

    /// Serves a connection, when there is room for it.
    pub(super) fn take(&mut self, stream: TcpStream, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        let (Ok(place), Some(share)) = (
            Arc::clone(&self.places).try_acquire_owned(),
            PerClient::enter(&self.per_client, address),
        ) else {
            // Closed at once: the client may try elsewhere.
            self.node.metrics.refused.inc();
            return;
        };
        // Small writes must not wait for acknowledgements.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY: {error}");
        }
        let scheme = match self.acceptor {
            Some(_) => Scheme::HTTPS,
            None => Scheme::HTTP,
        };
        let served = Served {
            node: Arc::clone(&self.node),
            http: self.http.clone(),
            watcher: self.graceful.watcher(),
            viewer: Viewer { address, scheme },
            _place: place,
            _share: share,
        };
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            match acceptor {
                None => served.run(stream).await,
                Some(acceptor) => {
                    let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
                    match handshake.await {
                        Ok(Ok(stream)) => served.run(stream).await,
                        Ok(Err(error)) => tracing::debug!("TLS handshake failed: {error}"),
                        Err(_) => tracing::debug!("TLS handshake took too long"),
                    }
                }
            }
        });
    }

    /// Lets running requests end.
    pub(super) async fn drain(self, patience: Duration) {
        if tokio::time::timeout(patience, self.graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time and are broken off");
        }
    }
}

struct Served {
    node: Arc<Node>,
    http: Builder<TokioExecutor>,
    watcher: Watcher,
    viewer: Viewer,
    _place: OwnedSemaphorePermit,
    _share: Share,
}

impl Served {
    async fn run(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        self.node.metrics.connections.inc();
        let (node, viewer) = (Arc::clone(&self.node), self.viewer.clone());
        let service = service_fn(move |request: http::Request<Incoming>| {
            let (node, viewer) = (Arc::clone(&node), viewer.clone());
            async move { Ok::<_, Infallible>(node.serve(request, &viewer).await) }
        });
        let connection = self
            .http
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!("connection ended: {error}");
        }
        self.node.metrics.connections.dec();
    }
}

/// Counts connections by address, when they are limited.
struct PerClient {
    limit: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection in the count.
struct Share {
    address: IpAddr,
    all: Option<Arc<PerClient>>,
}

impl PerClient {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            counts: Mutex::default(),
        }
    }

    fn enter(all: &Arc<Self>, address: IpAddr) -> Option<Share> {
        if all.limit == 0 {
            return Some(Share { address, all: None });
        }
        let mut counts = all.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if *count >= all.limit {
            return None;
        }
        *count += 1;
        Some(Share {
            address,
            all: Some(Arc::clone(all)),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(all) = &self.all else { return };
        let mut counts = all.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_its_share_and_gives_it_back() {
        let all = Arc::new(PerClient::new(2));
        let client = IpAddr::from([1, 2, 3, 4]);
        let first = PerClient::enter(&all, client).unwrap();
        let _second = PerClient::enter(&all, client).unwrap();
        assert!(PerClient::enter(&all, client).is_none());
        assert!(PerClient::enter(&all, IpAddr::from([1, 2, 3, 5])).is_some());
        drop(first);
        assert!(PerClient::enter(&all, client).is_some());
    }
}
