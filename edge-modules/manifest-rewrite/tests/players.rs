//! What the module makes, in a player: hls.js in headless Chromium, fetching through two small edges that run the module.
#![allow(clippy::unwrap_used)]

mod edge_server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use edge_server::{Behaviour, Edge};
use serde_json::Value;

/// What the tests run. None when something is missing and may be.
struct Tools {
    node: PathBuf,
    chromium: PathBuf,
    players: PathBuf,
    /// `film/index.m3u8` of twelve seconds and `ad/index.m3u8` of two.
    media: PathBuf,
}

fn tools() -> Option<&'static Tools> {
    static TOOLS: OnceLock<Option<Tools>> = OnceLock::new();
    TOOLS.get_or_init(find_tools).as_ref()
}

fn find_tools() -> Option<Tools> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let players = root.join("tests/players");
    let installed = players.join("node_modules/playwright-core").is_dir();
    let (node, chromium, ffmpeg) = (
        program(&["node"]),
        program(&["chromium", "chromium-browser", "google-chrome"]),
        program(&["ffmpeg"]),
    );
    let (Some(node), Some(chromium), Some(ffmpeg), true) = (node, chromium, ffmpeg, installed)
    else {
        let missing = "needs node, chromium, ffmpeg, and `npm ci` in tests/players";
        let strict = std::env::var_os("WEIR_STRICT").is_some_and(|value| value == "1");
        assert!(!strict, "{missing}");
        eprintln!("skipped: {missing}");
        return None;
    };
    let media = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("players");
    let film = root.join("tests/fixtures/media/bbb-480p-30s.mp4");
    for (name, seconds) in [("film", "12"), ("ad", "2")] {
        package(&ffmpeg, &film, &media.join(name), seconds);
    }
    Some(Tools {
        node,
        chromium,
        players,
        media,
    })
}

fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let files = std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    files.into_iter().find(|file| file.is_file())
}

/// One rendition with segments of a second, and a multivariant playlist over it.
fn package(ffmpeg: &Path, film: &Path, folder: &Path, seconds: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let output = Command::new(ffmpeg)
        .args(["-v", "error", "-y", "-t", seconds, "-i"])
        .arg(film)
        .args([
            "-vf",
            "scale=320:-2",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
        ])
        .args([
            "-force_key_frames",
            "expr:gte(t,n_forced*1)",
            "-c:a",
            "aac",
            "-ac",
            "2",
        ])
        .args(["-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod"])
        .args([
            "-hls_segment_type",
            "fmp4",
            "-hls_segment_filename",
            "%03d.m4s",
            "video.m3u8",
        ])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::write(
        folder.join("index.m3u8"),
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS=\"avc1.42c015,mp4a.40.2\",RESOLUTION=320x180\nvideo.m3u8\n",
    )
    .unwrap();
}

/// Runs a script of `tests/players` and reads its last line.
fn play(tools: &Tools, script: &str, arguments: &[&str]) -> Value {
    let output = Command::new(&tools.node)
        .arg(script)
        .arg(&tools.chromium)
        .args(arguments)
        .current_dir(&tools.players)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let seen: Value =
        serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|error| {
            panic!(
                "{error}: {text}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
    assert_eq!(seen["errors"], serde_json::json!([]), "{seen}");
    assert_ne!(seen["ended"], Value::Null, "{seen}");
    seen
}

fn steering(mode: &str, ttl: u32, other: &str) -> String {
    format!(
        "[steering]\npath = '/steer'\nmode = '{mode}'\nttl = {ttl}\nhealth-url = 'https://ops.example/health.json'\n\
         [[steering.pathways]]\nid = 'near'\n[[steering.pathways]]\nid = 'far'\nbase = '{other}'\nweight = 0\n"
    )
}

/// Segments that were given away under a host.
fn segments(edge: &Edge, host: &str) -> usize {
    let given = format!("200 {host}");
    let log = edge.log();
    log.iter()
        .filter(|line| line.starts_with(&given) && line.contains(".m4s"))
        .count()
}

/// The near CDN gives four segments and then none: the player goes on from the far one, with the token, on the same film.
fn a_player_leaves_a_cdn_that_fails(tools: &Tools, near: &Edge, far: (&Edge, &str)) {
    let seen = play(tools, "steering.mjs", &[&near.url("/film/index.m3u8?t=X")]);
    assert_eq!(segments(near, "127.0.0.1"), 4, "{seen}\n{:#?}", near.log());
    let (far, host) = far;
    assert!(segments(far, host) >= 8, "{seen}\n{:#?}", far.log());
    let refused = |line: &String| !line.starts_with("200") && !line.starts_with("503");
    let logs = [near.log(), far.log()].concat();
    assert!(!logs.iter().any(refused), "{logs:#?}");
    let asked = near.log().into_iter().find(|line| line.contains("/steer"));
    let asked = asked.expect("the player asks the steering server");
    assert!(
        asked.contains("_HLS_pathway=") && asked.contains("_HLS_throughput="),
        "{asked}"
    );
}

const FOUR_SEGMENTS: Behaviour = Behaviour {
    token: Some("t=X"),
    segments: Some(4),
    health: None,
    texts: Vec::new(),
};

#[test]
fn a_player_leaves_a_cdn_that_fails_for_a_listed_pathway() {
    let Some(tools) = tools() else { return };
    let behaviour = Behaviour {
        segments: None,
        ..FOUR_SEGMENTS
    };
    let far = Edge::start("", &tools.media, behaviour);
    let config = steering("listed", 300, far.url("").as_str());
    let near = Edge::start(&config, &tools.media, FOUR_SEGMENTS);
    a_player_leaves_a_cdn_that_fails(tools, &near, (&far, "127.0.0.1"));
}

/// A clone differs by its host name alone, so both hosts are one listener.
#[test]
fn a_player_leaves_a_cdn_that_fails_for_a_clone() {
    let Some(tools) = tools() else { return };
    let config = steering("clones", 300, "http://localhost");
    let edge = Edge::start(&config, &tools.media, FOUR_SEGMENTS);
    a_player_leaves_a_cdn_that_fails(tools, &edge, (&edge, "localhost"));
}

/// Nothing fails, but the operator says that the near CDN is not well: the player moves when it asks again.
#[test]
fn a_player_follows_the_steering_server() {
    let Some(tools) = tools() else { return };
    let far = Edge::start("", &tools.media, Behaviour::default());
    let behaviour = Behaviour {
        health: Some(r#"{"unhealthy": ["near"]}"#),
        ..Behaviour::default()
    };
    let near = Edge::start(
        &steering("listed", 1, far.url("").as_str()),
        &tools.media,
        behaviour,
    );
    let seen = play(tools, "steering.mjs", &[&near.url("/film/index.m3u8")]);
    let priorities = seen["priorities"].as_array().unwrap();
    assert_eq!(priorities[0], serde_json::json!(["near", "far"]), "{seen}");
    assert_eq!(priorities[1], serde_json::json!(["far", "near"]), "{seen}");
    assert!(
        segments(&near, "127") >= 1 && segments(&far, "127") >= 1,
        "{seen}"
    );
    let last = seen["fragments"].as_array().unwrap().last().unwrap();
    assert_eq!(last[0], "far", "{seen}");
}

/// Before, in the middle, after; the one in the middle is decided by a service, and one whose service has nothing is passed over.
#[test]
fn a_player_shows_breaks_and_returns() {
    let Some(tools) = tools() else { return };
    let config = "[[interstitials]]\nid = 'before'\nat = 'pre'\nasset-uri = '/ad/index.m3u8'\nduration = 2\nonce = true\n\
        [[interstitials]]\nid = 'lost'\nat = '3'\nasset-list = '/no-such-decision'\n\
        [[interstitials]]\nid = 'middle'\nat = '6'\nasset-list = '/decide?v={session}'\n\
        [[interstitials]]\nid = 'after'\nat = 'post'\nasset-uri = '/ad/index.m3u8'\nduration = 2\n";
    let decision = r#"{"ASSETS": [{"URI": "ORIGIN/ad/index.m3u8", "DURATION": 2}]}"#;
    let behaviour = Behaviour {
        texts: vec![("/decide", decision.to_owned())],
        ..Behaviour::default()
    };
    let edge = Edge::start(config, &tools.media, behaviour);
    let seen = play(
        tools,
        "interstitials.mjs",
        &[&edge.url("/film/index.m3u8"), "after"],
    );
    let events: Vec<&str> = seen["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let order: Vec<&str> = events
        .iter()
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
    assert!(
        edge.log()
            .iter()
            .any(|line| line.starts_with("200") && line.contains("/decide?v=viewer-1&")),
        "{:#?}",
        edge.log()
    );
}
