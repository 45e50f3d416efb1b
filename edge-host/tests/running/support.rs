//! A real origin and a real node, on ports of their own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weir_edge::config::Config;
use weir_edge::{Node, Server};

pub(crate) type OriginBody = BoxBody<Bytes, Infallible>;

/// What an origin saw of a request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: usize,
}

/// An origin. It stops when it is dropped.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Origin {
    pub(crate) async fn start<F>(answer: F) -> Self
    where
        F: Fn(&Seen) -> BoxFuture<'static, Response<OriginBody>> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&seen);
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                tokio::spawn(async move {
                    let service = service_fn(|request: Request<Incoming>| {
                        let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                        async move {
                            let (parts, body) = request.into_parts();
                            let body = body.collect().await.map_or(0, |all| all.to_bytes().len());
                            let seen = Seen {
                                method: parts.method.to_string(),
                                target: parts.uri.to_string(),
                                headers: parts.headers,
                                body,
                            };
                            all.lock().unwrap().push(seen.clone());
                            Ok::<_, Infallible>(answer(&seen).await)
                        }
                    });
                    // The node may go away first.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole response.
pub(crate) fn whole(
    status: u16,
    headers: &[(&'static str, &str)],
    body: impl Into<Bytes>,
) -> BoxFuture<'static, Response<OriginBody>> {
    let mut response = Response::new(Full::new(body.into()).boxed());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    Box::pin(async move { response })
}

/// A node in this process.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) authority: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<()>,
}

impl Running {
    /// Starts a node in front of `origin`; `more` is added to the configuration, which has one route `all` last in its text.
    pub(crate) async fn start(origin: &Origin, more: &str, route: &str) -> Self {
        let text = format!(
            "listen = \"127.0.0.1:0\"\n{more}\n[origins.main]\nurls = [\"http://{}\"]\nhead-timeout = \"1s\"\nretries = 0\n\
             [[routes]]\nname = \"all\"\norigin = \"main\"\n{route}\n",
            origin.address
        );
        let config = Config::from_text(&text).unwrap();
        let node = tokio::task::spawn_blocking(move || Node::build(config))
            .await
            .unwrap()
            .unwrap();
        let server = Server::bind(node).await.unwrap();
        let address = server.address().unwrap();
        let authority = server.authority_address();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            server
                .run_until(async {
                    let _ = stopped.await;
                })
                .await
                .unwrap();
        });
        Self {
            address,
            authority,
            stop: Some(stop),
            served,
        }
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Sends a request, head only.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        self.try_send(request).await.expect("the node speaks HTTP")
    }

    /// Sends a request, head only; an error when the connection broke before the head came.
    pub(crate) async fn try_send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        let client: Client<HttpConnector, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build_http();
        let request = client.request(request);
        tokio::time::timeout(Duration::from_secs(20), request)
            .await
            .expect("the node answers")
    }

    /// A GET with headers, read to its end.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
        self.ask("GET", path, headers, Bytes::new()).await
    }

    /// Asks until the answer comes from the cache: the last byte of a response goes out a moment before it counts as stored.
    pub(crate) async fn get_stored(&self, path: &str) -> Response<Bytes> {
        let start = std::time::Instant::now();
        loop {
            let response = self.get(path, &[]).await;
            if field(&response, "cache-status").contains("; hit") {
                return response;
            }
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "never stored: {response:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Response<Bytes> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.send(request.body(Full::new(body)).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Response::from_parts(parts, body)
    }
}

/// The folder of the built modules: `WEIR_DIST`, or `dist/node` of the repository. None when it is not there; with
/// `WEIR_STRICT=1` that is a failure.
pub(crate) fn dist() -> Option<PathBuf> {
    let folder = std::env::var_os("WEIR_DIST").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../dist/node")),
        PathBuf::from,
    );
    if folder.join("rate-limit.door.wasm").is_file() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("WEIR_STRICT").is_none_or(|strict| strict != "1"),
        "no modules in {}: run `cargo xtask dist` first",
        folder.display()
    );
    eprintln!(
        "not run: no modules in {}: run `cargo xtask dist` first",
        folder.display()
    );
    None
}

/// A field of a response as text; empty when it is absent.
pub(crate) fn field<'a, B>(response: &'a Response<B>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}
