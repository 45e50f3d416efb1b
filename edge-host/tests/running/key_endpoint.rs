//! A module's keys by URL, from an endpoint that goes bad in every way while viewers watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::modules::{compiled, table};
use crate::support::{Origin, Running, dist, whole};

/// One Ed25519 key, made for this test.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"jSgxikEeQax4uyqs3MHUzonQJdX2unZx9PXJb_E9Yoc"}]}"#;
/// Signed with it; valid until 2100.
const GOOD: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9.r3jKGVjAEoAQK-sFxvjnhA9P4sLVuL6OsReL7ew3eZZ2qC_fs7c4vk3oB7ESz9rd6kfQaO8-oKbFnJ2Gj9e2Aw";
/// The same claims, signed with another key.
const FORGED: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9.RRbM8Ra_HurZeASelgxssepF3Hw4DgNRjj3jSdNFThQz4FrXAiIZPH9oXlOwji5WfuKjTWSCdwoE8PVOFtvcCA";

/// More than the node takes of a document.
const HUGE: usize = 5 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_goes_bad_changes_nothing_for_viewers() {
    let Some(folder) = dist() else { return };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let endpoint = Origin::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => whole(200, &[], KEYS),
        1 => whole(500, &[], "broken"),
        2 => whole(200, &[], vec![b' '; HUGE]),
        3 => whole(200, &[], r#"{"keys":"none"}"#),
        _ => Box::pin(std::future::pending()),
    })
    .await;
    let origin =
        Origin::start(|_| whole(200, &[("cache-control", "max-age=600")], "segment")).await;
    let config = format!(
        "[[modules.token-check.config.keys]]\nname = \"provider\"\njwks-url = \"http://{}/keys\"\nmax-age = 10\n",
        endpoint.address
    );
    let more = compiled() + &table("token-check", &folder, true, false, &config);
    let node = Running::start(&origin, &more, "viewer = [\"token-check\"]").await;
    let status = async |token: &str| {
        let path = format!("/a.m4s?token={token}");
        node.get(&path, &[]).await.status().as_u16()
    };

    let start = Instant::now();
    while status(GOOD).await != 200 {
        assert!(start.elapsed() < Duration::from_secs(60), "no keys came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The fifth request is never answered; some more decisions are made while it waits.
    let mut after = 0;
    while after < 30 {
        assert_eq!(status(GOOD).await, 200, "after {asked:?} requests");
        assert_eq!(status(FORGED).await, 401, "after {asked:?} requests");
        after += usize::from(asked.load(Ordering::SeqCst) > 4);
        assert!(
            start.elapsed() < Duration::from_secs(180),
            "{asked:?} requests"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // And when nothing listens any more.
    drop(endpoint);
    assert_eq!(status(GOOD).await, 200);
}
