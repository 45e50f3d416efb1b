//! Protected films in real players in a real browser: hls.js and shaka-player fetch keys from this origin and play to the end.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::origin::Origin;
use crate::support::{find_program, fixture, skip_or_fail};

/// node, Chromium and the folder of players; `None` when something is missing and may be.
fn browser() -> Option<(PathBuf, PathBuf, PathBuf)> {
    let Some(node) = find_program("node") else {
        skip_or_fail("node", "apt-get install nodejs npm");
        return None;
    };
    let chromium = find_program("chromium").or_else(|| find_program("google-chrome"));
    let Some(chromium) = chromium else {
        skip_or_fail("chromium", "apt-get install chromium");
        return None;
    };
    let players = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/players");
    if !players.join("node_modules/playwright-core").is_dir() {
        skip_or_fail("the set of players", "run `npm ci` in tests/players");
        return None;
    }
    Some((node, chromium, players))
}

/// One browser at a time: four of them would slow each other down, and everything beside them.
static BROWSER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A film of one segment, and one of five.
const SHORT: (&str, [u32; 2]) = ("bigbuckbunny-720p-5s.mp4", [1280, 720]);
const LONG: (&str, [u32; 2]) = ("media/bbb-480p-30s.mp4", [854, 480]);

/// Publishes a film and plays it whole.
async fn played(player: &str, protocol: &str, body: Value) -> Option<Value> {
    played_film(SHORT, player, protocol, body).await
}

async fn played_film(
    (film, size): (&str, [u32; 2]),
    player: &str,
    protocol: &str,
    body: Value,
) -> Option<Value> {
    let (node, chromium, players) = browser()?;
    let _turn = BROWSER.lock().await;
    let folder = tempfile::tempdir().expect("a folder");
    let profile = "container = \"ts\"\n[protection]\nscheme = \"aes-128\"\n";
    std::fs::write(folder.path().join("ts.toml"), profile).expect("written");
    let origin = Origin::start(&[
        ("WEIR_ORIGIN__PACKAGING__DASH", "true"),
        (
            "WEIR_ORIGIN__TRANSCODE__PROFILE_FOLDER",
            folder.path().to_str().expect("text"),
        ),
    ]);
    let asset = origin.publish_as(&body, &fixture(film)).await;
    let id = asset["id"].as_str().expect("an id");
    let path = format!("/v1/assets/{id}/playback");
    let grant = origin.admin(http::Method::POST, &path, "{}").await.json();
    let url = grant["urls"]
        .as_array()
        .expect("URLs")
        .iter()
        .find(|url| url["protocol"] == protocol)
        .unwrap_or_else(|| panic!("no {protocol} in {grant}"));
    let clear_key = body["protection"]["systems"] == json!(["clearkey"]);
    let rate = if size == SHORT.1 { 1 } else { 3 };
    let settings = json!({
        "player": player,
        "url": url["url"],
        "token": grant["token"],
        "rate": rate,
        "license": clear_key.then(|| origin.url(&format!("/vod/{id}/keys/license"))),
    });
    let output = Command::new(node)
        .arg("protected.mjs")
        .arg(chromium)
        .arg(settings.to_string())
        .current_dir(players)
        .output()
        .expect("node runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let seen: Value =
        serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|error| {
            panic!(
                "{error}: {text}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
    assert_eq!(seen["errors"], json!([]), "{seen}");
    assert!(seen["ended"].is_number(), "{seen}");
    assert_eq!(seen["size"], json!(size), "{seen}");
    let keys = seen["keys"].as_array().expect("a list");
    assert!(!keys.is_empty(), "it played without a key: {seen}");
    assert!(
        keys.iter()
            .all(|key| key.as_str().is_some_and(|key| key.ends_with("200"))),
        "{seen}"
    );
    Some(seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hls_js_plays_cbcs_with_a_clear_key_licence() {
    let body = json!({ "protection": { "scheme": "cbcs", "systems": ["clearkey"] } });
    if let Some(seen) = played("hls", "hls", body).await {
        assert!(seen["encrypted"].as_u64() > Some(0), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shaka_player_plays_cenc_with_a_clear_key_licence() {
    let body = json!({ "protection": { "scheme": "cenc", "systems": ["clearkey"] } });
    if let Some(seen) = played("shaka", "dash", body).await {
        assert!(seen["encrypted"].as_u64() > Some(0), "{seen}");
    }
}

/// Half of the film is in the clear, and playback goes on over the end of that.
fn led() -> Value {
    json!({ "protection": { "scheme": "cbcs", "systems": ["clearkey"], "clear_lead_seconds": 10 } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hls_js_plays_over_the_end_of_a_clear_lead() {
    if let Some(seen) = played_film(LONG, "hls", "hls", led()).await {
        assert!(seen["encrypted"].as_u64() > Some(0), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shaka_player_plays_over_the_end_of_a_clear_lead() {
    // In DASH: it knows no Clear Key in HLS.
    if let Some(seen) = played_film(LONG, "shaka", "dash", led()).await {
        assert!(seen["encrypted"].as_u64() > Some(0), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hls_js_plays_transport_streams_under_aes_128() {
    played("hls", "hls", json!({ "profile": "ts" })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shaka_player_plays_sample_aes_with_keys_from_here() {
    let body = json!({ "protection": { "scheme": "sample-aes" } });
    played("shaka", "hls", body).await;
}
