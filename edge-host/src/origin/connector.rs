//! The connections that the node opens.

use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::message::Body;

/// A pool of kept-alive connections, HTTP and HTTPS.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Body>;

/// How connections are made and kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionPolicy {
    /// How long a connection may take.
    pub(crate) connect_timeout: Duration,
    /// The most idle connections for each host.
    pub(crate) idle_connections: usize,
}

impl Default for ConnectionPolicy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            idle_connections: 16,
        }
    }
}

/// Makes a pool. Certificates are checked against the system's roots.
///
/// # Errors
/// The system's roots cannot be read.
pub(crate) fn client(policy: ConnectionPolicy) -> std::io::Result<HttpClient> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(policy.connect_timeout));
    http.set_keepalive(Some(Duration::from_secs(60)));
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(tokio_rustls::rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        // Shorter than common servers keep theirs (nginx 75 s, Node.js 5 s is met by the retry).
        .pool_idle_timeout(Duration::from_secs(50))
        .pool_max_idle_per_host(policy.idle_connections)
        .set_host(false)
        .build(https))
}
