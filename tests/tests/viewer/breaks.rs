//! Interstitials in hls.js: before, in the middle, after.

use serde_json::Value;
use weir_tests::tokens;

use crate::Stage;
use crate::cdn::{Behaviour, Cdn};
use crate::edge::{Edge, Host};

/// The break in the middle is decided by a service, and one whose service has nothing is passed over.
const BREAKS: &str = "\
[[interstitials]]\nid = 'before'\nat = 'pre'\nasset-uri = '/ad/multivariant.m3u8'\nduration = 2\nonce = true\n\
[[interstitials]]\nid = 'lost'\nat = '3'\nasset-list = '/no-such-decision'\n\
[[interstitials]]\nid = 'middle'\nat = '6'\nasset-list = '/decide?v={subject}'\n\
[[interstitials]]\nid = 'after'\nat = 'post'\nasset-uri = '/ad/multivariant.m3u8'\nduration = 2\n";

#[test]
fn a_player_shows_breaks_and_returns() {
    let Some(stage) = Stage::set() else { return };
    let decision = r#"{"ASSETS": [{"URI": "ORIGIN/ad/multivariant.m3u8", "DURATION": 2}]}"#;
    let behaviour = Behaviour {
        texts: vec![("/decide", decision.to_owned())],
        ..Behaviour::default()
    };
    let cdn = Cdn::start(stage.films, behaviour);
    let film = Host {
        name: "film",
        gate: true,
        config: BREAKS,
        origin: &cdn,
    };
    // Advertisements are for everybody.
    let edge = Edge::start(&[film], &["/ad/", "/decide", "/no-such-decision"]);
    let token = tokens::signed(&tokens::claims("ada", "/"));
    let url = edge.url("film", &format!("/spoken/multivariant.m3u8?token={token}"));
    let seen = stage.play("interstitials.mjs", &[&url, "after"]);
    let events = seen["events"].as_array().unwrap();
    let events = events.iter().filter_map(Value::as_str);
    let order: Vec<&str> = events
        .filter_map(|event| event.strip_prefix("asset "))
        .collect();
    assert_eq!(order.len(), 3, "{seen}");
    for (asset, id) in order.iter().zip(["before", "middle", "after"]) {
        assert!(asset.starts_with(id), "{seen}");
    }
    assert!(
        seen["primary"].as_f64().unwrap() > 11.0,
        "the programme was played to its end: {seen}"
    );
    let log = cdn.log();
    let decided = |line: &String| line.starts_with("200 /decide?v=ada&");
    assert!(log.iter().any(decided), "{log:#?}");
}
