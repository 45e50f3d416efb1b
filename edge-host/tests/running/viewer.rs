//! The node as a viewer and an origin see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Origin, Running, field, whole};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const FOREVER: (&str, &str) = ("cache-control", "max-age=3600");

/// Ten pieces of 1000 bytes, 20 ms apart.
fn slow() -> futures_util::future::BoxFuture<'static, Response<crate::support::OriginBody>> {
    Box::pin(async {
        let pieces = futures_util::stream::unfold(0_u8, |count| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let piece = Bytes::from(vec![b'a' + count; 1_000]);
            (count < 10).then_some((Ok(Frame::data(piece)), count + 1))
        });
        let mut response = Response::new(StreamBody::new(pieces).boxed());
        let headers = response.headers_mut();
        headers.insert("cache-control", "max-age=60".parse().unwrap());
        headers.insert("content-length", "10000".parse().unwrap());
        response
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_one_fetch_and_read_while_it_arrives() {
    let origin = Origin::start(|_| slow()).await;
    let node = Arc::new(Running::start(&origin, "", "").await);
    let start = Instant::now();
    let url = format!("http://{}/movie", node.address);
    let first = node
        .send(Request::get(&url).body(Full::default()).unwrap())
        .await;
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "the head does not wait for the body"
    );
    // The one who asked first goes away; the fetch goes on for the others.
    drop(first);
    let others: Vec<_> = (0..20)
        .map(|_| {
            let node = Arc::clone(&node);
            tokio::spawn(async move { node.get("/movie", &[]).await })
        })
        .collect();
    for other in others {
        let response = other.await.unwrap();
        assert_eq!(response.body().len(), 10_000);
        assert!(response.body().ends_with(&[b'j'; 1_000]));
    }
    assert_eq!(origin.seen().len(), 1);
    node.get_stored("/movie").await;
    let part = node.get("/movie", &[("range", "bytes=999-1000")]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(&part.body()[..], b"ab");
    assert_eq!(field(&part, "content-range"), "bytes 999-1000/10000");
    assert!(field(&part, "cache-status").starts_with("weir; hit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stale_is_validated_and_served_when_the_origin_fails() {
    let broken = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&broken);
    let origin = Origin::start(move |seen| {
        let fields = [("cache-control", "max-age=0"), ("etag", "\"1\"")];
        if fails.load(Ordering::Relaxed) {
            whole(503, &[], "out of order")
        } else if seen.headers.contains_key("if-none-match") {
            whole(304, &fields, "")
        } else {
            whole(200, &fields, "content")
        }
    })
    .await;
    let node = Running::start(&origin, "", "").await;
    assert_eq!(&node.get("/a", &[]).await.body()[..], b"content");
    let again = node.get("/a", &[]).await;
    assert_eq!(
        (again.status().as_u16(), &again.body()[..]),
        (200, &b"content"[..])
    );
    assert!(field(&again, "cache-status").contains("fwd=stale; fwd-status=304"));
    let known = node.get("/a", &[("if-none-match", "\"1\"")]).await;
    assert_eq!(known.status(), 304);
    assert!(known.body().is_empty());
    broken.store(true, Ordering::Relaxed);
    let stale = node.get("/a", &[]).await;
    assert_eq!(&stale.body()[..], b"content");
    assert!(field(&stale, "cache-status").contains("stale-if-error"));
    assert_eq!(node.get("/other", &[]).await.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_gone_or_silent_is_a_problem_in_time() {
    let origin = Origin::start(|_| Box::pin(std::future::pending())).await;
    let node = Running::start(&origin, "", "").await;
    let start = Instant::now();
    let silent = node.get("/a", &[("x-request-id", "mine-1")]).await;
    assert_eq!(silent.status(), 504);
    assert!(start.elapsed() < Duration::from_secs(10));
    let problem: serde_json::Value = serde_json::from_slice(silent.body()).unwrap();
    assert_eq!(problem["type"], "urn:weir:problem:origin-timeout");
    assert_eq!(problem["request_id"], "mine-1");
    assert_eq!(field(&silent, "x-request-id"), "mine-1");
    drop(origin);

    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let unused = Origin::start(|_| whole(200, &[], "")).await;
    let more = format!("[origins.gone]\nurls = [\"http://{closed}\"]\nretries = 0\n");
    let gone =
        format!("{more}[[routes]]\nname = \"gone\"\npaths = [\"/gone/\"]\norigin = \"gone\"\n");
    let node = Running::start(&unused, &gone, "").await;
    assert_eq!(node.get("/gone/a", &[]).await.status(), 502);
    assert_eq!(node.get("/here", &[]).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_takes_over() {
    let origin = Origin::start(|_| whole(200, &[], "from the second")).await;
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let more = format!(
        "[origins.pair]\nurls = [\"http://{closed}\", \"http://{}\"]\n[[routes]]\nname = \"pair\"\npaths = [\"/pair/\"]\norigin = \"pair\"\n",
        origin.address
    );
    let node = Running::start(&origin, &more, "").await;
    for _ in 0..3 {
        assert_eq!(
            &node.get("/pair/a", &[]).await.body()[..],
            b"from the second"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_border_lets_nothing_ambiguous_or_forged_through() {
    let origin = Origin::start(|_| {
        whole(
            200,
            &[
                ("weir-secret", "x"),
                ("connection", "x-hop"),
                ("x-hop", "1"),
            ],
            "ok",
        )
    })
    .await;
    let node = Running::start(&origin, "", "cache.enabled = false").await;
    let forged = [
        ("weir-subject", "admin"),
        ("weir-client-ip", "6.6.6.6"),
        ("x-forwarded-for", "6.6.6.6"),
        ("te", "trailers"),
    ];
    let response = node.get("/%61/b", &forged).await;
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("weir-secret"));
    assert!(!response.headers().contains_key("x-hop"));
    let seen = &origin.seen()[0];
    assert_eq!(seen.target, "/a/b");
    assert_eq!(seen.headers["x-forwarded-for"], "127.0.0.1");
    assert!(
        seen.headers
            .keys()
            .all(|name| !name.as_str().starts_with("weir-"))
    );
    assert!(!seen.headers.contains_key("te"));
    for path in ["/a/%2e%2e/b", "/a%2fb", "//a", "/a%5cb", "/a%00"] {
        assert_eq!(node.get(path, &[]).await.status(), 400, "{path}");
    }
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_pass_whole_and_within_the_limit() {
    let origin = Origin::start(|_| whole(201, &[], "")).await;
    let node = Running::start(&origin, "[limits]\nbody = \"1MiB\"\n", "").await;
    let put = node
        .ask("PUT", "/a", &[], Bytes::from(vec![7; 1 << 20]))
        .await;
    assert_eq!(put.status(), 201);
    let seen = origin.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].body), ("PUT", 1 << 20));
    let large = node
        .ask("PUT", "/a", &[], Bytes::from(vec![7; (1 << 20) + 1]))
        .await;
    assert_eq!(large.status(), 413);
    assert_eq!(origin.seen().len(), 1);
    // The same without its length: the limit is met on the way.
    let mut stream = tokio::net::TcpStream::connect(node.address).await.unwrap();
    let piece = [b"10000\r\n".as_slice(), &[7; 0x10000], b"\r\n"].concat();
    let head = b"PUT /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut request = head.to_vec();
    for _ in 0..17 {
        request.extend_from_slice(&piece);
    }
    stream.write_all(&request).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_makes_what_is_stored_invalid() {
    let origin = Origin::start(|seen| match seen.method.as_str() {
        "GET" => whole(200, &[FOREVER], "v"),
        _ => whole(204, &[], ""),
    })
    .await;
    let node = Running::start(&origin, "", "").await;
    node.get_stored("/a").await;
    assert_eq!(
        node.ask("DELETE", "/a", &[], Bytes::new()).await.status(),
        204
    );
    assert!(field(&node.get("/a", &[]).await, "cache-status").contains("uri-miss"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_neither_whole_nor_stored() {
    let origin = Origin::start(|_| {
        Box::pin(async {
            // Fewer bytes than announced: hyper closes the connection.
            let pieces = futures_util::stream::unfold(0, |count| async move {
                // The head and the first piece are on their way before the end comes.
                tokio::time::sleep(Duration::from_millis(100)).await;
                let piece = Ok(Frame::data(Bytes::from_static(b"half")));
                (count == 0).then_some((piece, 1))
            });
            let mut response = Response::new(StreamBody::new(pieces).boxed());
            response
                .headers_mut()
                .insert("content-length", "100".parse().unwrap());
            response
                .headers_mut()
                .insert("cache-control", "max-age=60".parse().unwrap());
            response
        })
    })
    .await;
    let node = Running::start(&origin, "", "").await;
    for asked in 1..=2 {
        let url = format!("http://{}/a", node.address);
        let response = node
            .send(Request::get(url).body(Full::default()).unwrap())
            .await;
        assert!(response.into_body().collect().await.is_err());
        assert_eq!(origin.seen().len(), asked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn running_requests_end_before_the_node_does() {
    let origin = Origin::start(|_| slow()).await;
    let mut node = Running::start(&origin, "", "").await;
    let url = format!("http://{}/movie", node.address);
    let response = node
        .send(Request::get(url).body(Full::default()).unwrap())
        .await;
    node.stop();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), 10_000);
    tokio::time::timeout(Duration::from_secs(20), &mut node.served)
        .await
        .unwrap()
        .unwrap();
}
