//! Content steering: hls.js goes to another CDN when one fails, and when the steering server says so.

use serde_json::{Value, json};
use weir_tests::tokens;

use crate::Stage;
use crate::cdn::{Behaviour, Cdn};
use crate::edge::{Edge, Host};

fn config(mode: &str, ttl: u32, far: &str, health: &str) -> String {
    format!(
        "[steering]\npath = '/steer'\nmode = '{mode}'\nttl = {ttl}\n{health}\
         [[steering.pathways]]\nid = 'near'\n[[steering.pathways]]\nid = 'far'\nbase = '{far}'\nweight = 0\n"
    )
}

/// Two CDNs behind two hosts of one node.
fn edge(near: &Cdn, far: &Cdn, config: &str) -> Edge {
    let host = |name, config, origin| Host {
        name,
        gate: true,
        config,
        origin,
    };
    Edge::start(&[host("near", config, near), host("far", "", far)], &[])
}

/// The near CDN gives four segments and then none: the player goes on from the far one, with the token, on the same film.
fn a_player_leaves_a_cdn_that_fails(mode: &str, far_base: &str) {
    let Some(stage) = Stage::set() else { return };
    let four = Behaviour {
        segments: Some(4),
        ..Behaviour::default()
    };
    let near = Cdn::start(stage.films, four);
    let far = Cdn::start(stage.films, Behaviour::default());
    let edge = edge(&near, &far, &config(mode, 300, far_base, ""));
    let token = tokens::signed(&tokens::claims("ada", "/"));
    let url = edge.url("near", &format!("/spoken/silent.m3u8?token={token}"));
    let seen = stage.play("steering.mjs", &[&url]);
    assert_eq!(near.segments(), 4, "{seen}\n{:#?}", near.log());
    assert!(far.segments() >= 8, "{seen}\n{:#?}", far.log());
    for line in [near.log(), far.log()].concat() {
        let known = line.starts_with("200") || line.starts_with("503");
        assert!(known && !line.contains("token"), "{line}");
    }
    let requests = seen["requests"].as_array().unwrap();
    let requests = requests.iter().filter_map(Value::as_str);
    for request in requests.clone() {
        assert!(request.contains("token="), "{request}");
    }
    let asked = requests.clone().find(|request| request.contains("/steer"));
    let asked = asked.expect("the player asks the steering server");
    assert!(
        asked.contains("_HLS_pathway=") && asked.contains("_HLS_throughput="),
        "{asked}"
    );
}

#[test]
fn a_player_leaves_a_cdn_that_fails_for_a_listed_pathway() {
    a_player_leaves_a_cdn_that_fails("listed", "http://far.localhost:{port}");
}

/// A clone differs by its host name alone.
#[test]
fn a_player_leaves_a_cdn_that_fails_for_a_clone() {
    a_player_leaves_a_cdn_that_fails("clones", "http://far.localhost");
}

/// Nothing fails, but the operator says that the near CDN is not well: the player moves when it asks again.
#[test]
fn a_player_follows_the_steering_server() {
    let Some(stage) = Stage::set() else { return };
    let near = Cdn::start(
        stage.films,
        Behaviour {
            health: Some(r#"{"unhealthy": ["near"]}"#),
            ..Behaviour::default()
        },
    );
    let far = Cdn::start(stage.films, Behaviour::default());
    let health = format!(
        "health-url = 'http://{}/health.json'\nhealth-max-age = 1\n",
        near.address
    );
    let config = config("listed", 1, "http://far.localhost:{port}", &health);
    let edge = edge(&near, &far, &config);
    let token = tokens::signed(&tokens::claims("ada", "/"));
    let url = edge.url("near", &format!("/spoken/silent.m3u8?token={token}"));
    // The player waits at two seconds until it was told: how long the word takes on its way is not tested.
    let seen = stage.play("steering.mjs", &[&url, "far"]);
    let priorities = seen["priorities"].as_array().unwrap();
    assert_eq!(priorities[0], json!(["near", "far"]), "{seen}");
    let last = priorities.last().unwrap();
    assert_eq!(*last, json!(["far", "near"]), "{seen}");
    assert!(near.segments() >= 1 && far.segments() >= 1, "{seen}");
    let fragments = seen["fragments"].as_array().unwrap();
    assert_eq!(fragments.last().unwrap()[0], "far", "{seen}");
}
