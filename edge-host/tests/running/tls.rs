//! TLS: HTTP/2 and HTTP/1.1 by ALPN, and certificates that are renewed while the node serves.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::{Origin, Running, whole};

/// Writes a fresh pair into a folder and answers the certificate.
fn write_pair(folder: &Path) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(vec!["media.example".to_owned()]).unwrap();
    // The key first: a certificate without its key must not be taken.
    std::fs::write(folder.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), pair.cert.pem()).unwrap();
    pair.cert.der().clone()
}

async fn node(origin: &Origin, folder: &Path) -> Running {
    let tls = format!(
        "[tls]\ncertificate = {:?}\nkey = {:?}\nreload = \"1s\"\n",
        folder.join("cert.pem"),
        folder.join("key.pem")
    );
    Running::start(origin, &tls, "").await
}

/// Connects as a viewer who trusts `certificate` alone.
async fn connect(
    node: &Running,
    certificate: &CertificateDer<'static>,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(node.address).await?;
    let name = ServerName::try_from("media.example").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

fn request() -> Request<Full<Bytes>> {
    Request::get("https://media.example/a.m4s")
        .header("host", "media.example")
        .body(Full::default())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_http_are_spoken_by_alpn() {
    let origin = Origin::start(|_| whole(200, &[("cache-control", "max-age=60")], "segment")).await;
    let folder = tempfile::tempdir().unwrap();
    let certificate = write_pair(folder.path());
    let node = node(&origin, folder.path()).await;

    let stream = connect(&node, &certificate, &[b"h2", b"http/1.1"])
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let served = tokio::spawn(connection);
    let response = sender.send_request(request()).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"segment");
    served.abort();

    let stream = connect(&node, &certificate, &[b"http/1.1"]).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let served = tokio::spawn(connection);
    let response = sender.send_request(request()).await.unwrap();
    assert_eq!(response.status(), 200);
    served.abort();
    assert_eq!(
        origin.seen()[0].headers["x-forwarded-proto"],
        "https",
        "the origin is told how the viewer came"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
    let origin = Origin::start(|_| whole(200, &[], "fine")).await;
    let folder = tempfile::tempdir().unwrap();
    let first = write_pair(folder.path());
    let node = node(&origin, folder.path()).await;
    let alpn: &[&[u8]] = &[b"http/1.1"];
    assert!(connect(&node, &first, alpn).await.is_ok());

    let second = write_pair(folder.path());
    let start = Instant::now();
    while connect(&node, &second, alpn).await.is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the renewed certificate was never taken"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        connect(&node, &first, alpn).await.is_err(),
        "the former one is no longer shown"
    );

    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    // Longer than the node waits between two looks.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(
        connect(&node, &second, alpn).await.is_ok(),
        "the last good pair stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    std::fs::write(folder.path().join("cert.pem"), "").unwrap();
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[tls]\ncertificate = {:?}\nkey = {:?}\n[origins.main]\n\
         urls = [\"http://127.0.0.1:9\"]\n[[routes]]\nname = \"all\"\norigin = \"main\"\n",
        folder.path().join("cert.pem"),
        folder.path().join("key.pem")
    );
    let config = weir_edge::config::Config::from_text(&text).unwrap();
    let node = tokio::task::spawn_blocking(move || weir_edge::Node::build(config))
        .await
        .unwrap()
        .unwrap();
    let error = weir_edge::Server::bind(node).await.err().expect("refused");
    let error = error.to_string();
    assert!(
        error.contains("tls.certificate") && error.contains("cert.pem"),
        "{error}"
    );
}
