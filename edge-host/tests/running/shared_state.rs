//! Counters that outlive a node: on a real Redis for many nodes, and served to hosts that have none.

#[allow(dead_code, reason = "the counters' own tests use the rest")]
#[path = "../../../edge-modules/counters/tests/redis_server/mod.rs"]
mod redis_server;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis_server::Server;
use weir_counters::wire::{CONTENT_TYPE, RemoteStore, Transport};
use weir_counters::{StoreError, conformance};

use crate::modules::compiled;
use crate::support::{Origin, Running, dist, field, whole};

/// Units at once, and how long one takes to come back.
const BURST: u64 = 60;
const INTERVAL: Duration = Duration::from_millis(100);

async fn origin() -> Origin {
    Origin::start(|_| whole(200, &[("cache-control", "max-age=600")], "segment")).await
}

/// A node whose quotas and streams are on `server`.
async fn node(
    origin: &Origin,
    server: &Server,
    modules: &std::path::Path,
    more: &str,
) -> Arc<Running> {
    let text = format!(
        "[state]\nkind = \"redis\"\n[state.redis]\nurls = [{:?}]\ntimeout = \"2s\"\n{}\
         [modules.rate-limit]\ndoor = {:?}\n[modules.rate-limit.config]\ntier-key = \"everyone\"\n{more}\n\
         [modules.rate-limit.config.client]\nsource = \"weir-client-ip\"\n\
         [modules.rate-limit.config.tiers.free]\nrate = \"10/1s\"\nburst = {BURST}\n",
        server.url(),
        compiled(),
        modules.join("rate-limit.door.wasm"),
    );
    Arc::new(Running::start(origin, &text, "viewer = [\"rate-limit\"]").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_on_one_redis_are_one_quota() {
    let (Some(modules), Some(server)) = (dist(), Server::start()) else {
        return;
    };
    let origin = origin().await;
    let nodes = [
        node(&origin, &server, &modules, "").await,
        node(&origin, &server, &modules, "").await,
    ];
    let started = Instant::now();
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let node = Arc::clone(&nodes[client % 2]);
            tokio::spawn(async move {
                let mut admitted = 0_u64;
                for _ in 0..40 {
                    match node.get("/a.m4s", &[]).await.status().as_u16() {
                        200 => admitted += 1,
                        429 => {}
                        other => panic!("status {other}"),
                    }
                }
                admitted
            })
        })
        .collect();
    let mut admitted = 0;
    for client in clients {
        admitted += client.await.unwrap();
    }
    let came_back = started.elapsed().as_millis() / INTERVAL.as_millis() + 1;
    let most = BURST + u64::try_from(came_back).unwrap();
    assert!(
        (BURST..=most).contains(&admitted),
        "{admitted} admitted, {BURST} to {most} were due"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_survive_the_restart_of_a_node() {
    let (Some(modules), Some(server)) = (dist(), Server::start()) else {
        return;
    };
    let origin = origin().await;
    let streams = "[modules.rate-limit.config.streams]\nenabled = true\nlimit = 1\nkey = \"everyone\"\n\
                   holder = \"header:x-device\"\nttl = \"1h\"\nzap = false\n";
    let first = node(&origin, &server, &modules, streams).await;
    let ask = async |node: &Running, device: &str| {
        node.get("/v/main.m3u8", &[("x-device", device)])
            .await
            .status()
            .as_u16()
    };
    assert_eq!(ask(&first, "tv").await, 200);
    assert_eq!(ask(&first, "phone").await, 429, "the only place is taken");
    drop(first);
    let second = node(&origin, &server, &modules, streams).await;
    assert_eq!(ask(&second, "phone").await, 429, "and is still taken");
    assert_eq!(ask(&second, "tv").await, 200, "by the television");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_dies_leaves_each_node_to_count_for_itself() {
    let (Some(modules), Some(mut server)) = (dist(), Server::start()) else {
        return;
    };
    let origin = origin().await;
    let node = node(&origin, &server, &modules, "").await;
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let node = Arc::clone(&node);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..60 {
                    let response = node.get("/a.m4s", &[]).await;
                    seen.push(response.status().as_u16());
                }
                seen
            })
        })
        .collect();
    server.kill();
    let mut admitted = 0;
    for client in clients {
        for status in client.await.unwrap() {
            assert!(matches!(status, 200 | 429), "status {status}");
            admitted += usize::from(status == 200);
        }
    }
    assert!(admitted > 0, "the documented default is to count locally");
}

/// One POST for each operation, as an adapter on another host sends it.
struct Posting {
    authority: SocketAddr,
    key: &'static str,
}

impl Posting {
    fn post(&self, path: &str, body: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(self.authority)?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: authority\r\nauthorization: Bearer {}\r\ncontent-type: {CONTENT_TYPE}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            self.key,
            body.len()
        )?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let head = head.ok_or_else(|| std::io::Error::other("no head"))?;
        let status = std::str::from_utf8(&answer[9..12]).map_err(std::io::Error::other)?;
        let status = status.parse().map_err(std::io::Error::other)?;
        Ok((status, answer[head + 4..].to_vec()))
    }
}

impl Transport for Posting {
    fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        match self.post("/counters", &body) {
            Ok((200, answer)) => Ok(answer),
            other => Err(StoreError::Unavailable(format!("{other:?}"))),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_answers_every_operation_to_those_who_know_the_key() {
    const KEY: &str = "a-key-of-many-bytes";
    let origin = origin().await;
    let serve = format!("[state.serve]\nlisten = \"127.0.0.1:0\"\nkey = {KEY:?}\n");
    let node = Running::start(&origin, &serve, "").await;
    let authority = node.authority.expect("it listens");
    let asked = tokio::task::spawn_blocking(move || {
        conformance::check(&RemoteStore(Posting {
            authority,
            key: KEY,
        }));
        let stranger = Posting {
            authority,
            key: "a-key-of-many-bytez",
        };
        let friend = Posting {
            authority,
            key: KEY,
        };
        let long = vec![1; weir_counters::wire::MAX_BODY_BYTES + 1];
        (
            stranger.post("/counters", &[1, 5]).unwrap().0,
            friend.post("/other", &[1, 5]).unwrap().0,
            friend.post("/counters", &long).map(|(status, _)| status),
        )
    });
    let (stranger, elsewhere, long) = asked.await.unwrap();
    assert_eq!((stranger, elsewhere), (401, 404));
    // The answer may be lost when the connection is reset under the rest of the body.
    assert!(matches!(long, Ok(413) | Err(_)), "{long:?}");
    let metrics = node.get("/a.m4s", &[]).await;
    assert_eq!(field(&metrics, "cache-control"), "max-age=600");
}
