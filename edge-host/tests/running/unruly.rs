//! The worst that a module can do, through both doors: the request that it happens to is answered an error, and no other one
//! notices.

use std::path::Path;

use http::Request;
use http_body_util::{BodyExt as _, Full};

use crate::modules::compiled;
use crate::support::{Origin, Running, dist, field, whole};

/// The module's table, with little room and little time.
fn table(modules: &Path, door: bool, handler: bool) -> String {
    let examples = modules.with_file_name("examples");
    let mut text =
        "[modules.unruly]\nmemory = \"16MiB\"\ncpu = \"300ms\"\ntimeout = \"2s\"\n".to_owned();
    if door {
        text += &format!("door = {:?}\n", examples.join("unruly.door.wasm"));
    }
    if handler {
        text += &format!("path = {:?}\n", examples.join("unruly.wasm"));
    }
    text
}

/// A body of several frames, so that a module sees more than one chunk.
const BODY: &[u8] = &[b'x'; 300_000];

async fn origin() -> Origin {
    Origin::start(|_| whole(200, &[("cache-control", "max-age=60")], BODY)).await
}

async fn asks(node: &Running, path: &str, what: &str) -> (u16, String) {
    let response = node.get(path, &[("x-unruly", what)]).await;
    let body = String::from_utf8_lossy(response.body()).into_owned();
    assert_eq!(field(&response, "content-type"), "application/problem+json");
    (response.status().as_u16(), body)
}

async fn well(node: &Running, path: &str) {
    let response = node.get(path, &[]).await;
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(response.body(), BODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_a_loop_and_no_memory_cost_one_request_each() {
    let Some(folder) = dist() else { return };
    for (door, handler) in [(true, false), (false, true)] {
        let origin = origin().await;
        let more = compiled() + &table(&folder, door, handler);
        let node = Running::start(&origin, &more, "viewer = [\"unruly\"]").await;
        well(&node, "/a.m4s").await;
        for what in ["trap", "memory", "loop"] {
            let (status, body) = asks(&node, "/a.m4s", what).await;
            let late = what == "loop" && handler;
            let (due, code) = match late {
                true => (504, "module-timeout"),
                false => (502, "module-failed"),
            };
            assert_eq!(status, due, "{what}, door {door}: {body}");
            assert!(body.contains(code), "{what}, door {door}: {body}");
            for _ in 0..4 {
                well(&node, "/a.m4s").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exchange_of_a_module_fails_alone() {
    let Some(folder) = dist() else { return };
    let origin = origin().await;
    let more = compiled() + &table(&folder, true, true);
    let node = Running::start(&origin, &more, "viewer = [\"unruly\"]").await;
    for (what, due) in [("response-trap", 502), ("response-loop", 504)] {
        let (status, body) = asks(&node, "/a.m4s", what).await;
        assert_eq!(status, due, "{what}: {body}");
        well(&node, "/a.m4s").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_served_while_a_module_loops() {
    let Some(folder) = dist() else { return };
    let origin = origin().await;
    let more = compiled() + &table(&folder, false, true);
    let node = Running::start(&origin, &more, "viewer = [\"unruly\"]").await;
    well(&node, "/a.m4s").await;
    let looping = asks(&node, "/a.m4s", "loop");
    let others = async {
        for _ in 0..8 {
            well(&node, "/a.m4s").await;
        }
    };
    let ((status, _), ()) = tokio::join!(looping, others);
    assert_eq!(status, 504);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_told_and_never_stored() {
    let Some(folder) = dist() else { return };
    let origin = origin().await;
    let more = compiled() + &table(&folder, true, true);
    let node = Running::start(&origin, &more, "origin-modules = [\"unruly\"]").await;
    for what in ["body-trap", "body-loop"] {
        let request = Request::get(format!("http://{}/b.m4s", node.address))
            .header("x-unruly", what)
            .body(Full::default())
            .unwrap();
        // A body that breaks at once takes a head with it that has not gone out yet.
        let Ok(response) = node.try_send(request).await else {
            continue;
        };
        let status = response.status();
        let whole = response.into_body().collect().await;
        assert!(
            status == 502 || whole.is_err(),
            "{what}: half a body was taken for a whole one"
        );
    }
    well(&node, "/b.m4s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_does_not_start_stops_the_node_from_starting() {
    let Some(folder) = dist() else { return };
    let origin = origin().await;
    for (mischief, sign) in [("trap", "unreachable"), ("loop", "interrupt")] {
        let text = format!(
            "{}{}config = {{ at-start = \"{mischief}\" }}\n[origins.main]\nurls = [\"http://{}\"]\n[[routes]]\n\
             name = \"all\"\norigin = \"main\"\nviewer = [\"unruly\"]\n",
            compiled(),
            table(&folder, true, false),
            origin.address
        );
        let config = weir_edge::config::Config::from_text(&text).unwrap();
        let built = tokio::task::spawn_blocking(move || weir_edge::Node::build(config))
            .await
            .unwrap();
        let error = built.err().expect("refused").to_string();
        assert!(
            error.contains("module `unruly`") && error.contains(sign),
            "{error}"
        );
    }
}
