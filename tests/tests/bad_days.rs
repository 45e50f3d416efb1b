//! What happens when something is broken: media, configuration, the origin. Never a hang, never a silent pass, always a reason.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::locate::{self, sample_film};
use weir_tests::system::{Store, System};
use weir_tests::viewer::Viewer;

fn system() -> System {
    System::start(Store::Folder)
        .unwrap_or_else(|error| panic!("{error:#}"))
        .expect("a folder is always there")
}

/// Broken media is refused with a reason, nothing is published, and another try is possible.
#[test]
fn broken_media_is_422_and_may_be_tried_again() {
    let system = system();
    let film = fs::read(sample_film()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broken: [(&str, Vec<u8>); 4] = [
        ("text", b"this is no film, whatever its name says".to_vec()),
        ("empty", Vec::new()),
        ("cut", film[..film.len() / 3].to_vec()),
        (
            "noise",
            film.iter()
                .enumerate()
                .map(|(at, byte)| {
                    if at > 32 {
                        byte.wrapping_mul(31).wrapping_add(at.to_le_bytes()[0])
                    } else {
                        *byte
                    }
                })
                .collect(),
        ),
    ];
    for (name, bytes) in broken {
        let path = folder.path().join(format!("{name}.mp4"));
        fs::write(&path, bytes).unwrap();
        let (id, answer) = system.origin.upload(&path).unwrap();
        let (status, reason) = if (200..300).contains(&answer.status) {
            // Found only while packaging: the record says so.
            let asset = system.origin.settled(&id).unwrap();
            assert_eq!(asset["state"], "failed", "{name}: {asset}");
            (
                422,
                asset["failure"]["detail"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        } else {
            answer
                .problem()
                .unwrap_or_else(|error| panic!("{name}: {error:#}"));
            (
                answer.status,
                answer.json().unwrap()["detail"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        };
        assert_eq!(status, 422, "{name}: {reason}");
        assert!(
            reason.len() > 10,
            "{name}: the reason says nothing: `{reason}`"
        );
        let asset = system.origin.asset(&id).unwrap();
        assert!(
            asset["live_version"].is_null(),
            "{name}: something was published: {asset}"
        );
        // Another try with the right file.
        let url = system.origin.url(&format!("/v1/assets/{id}/source"));
        let answer = system
            .origin
            .admin()
            .send("PUT", &url, Some(("video/mp4", film.clone())))
            .unwrap();
        assert!(
            (200..300).contains(&answer.status),
            "{name}: second try: {}: {}",
            answer.status,
            answer.text()
        );
        assert_eq!(
            system.origin.settled(&id).unwrap()["state"],
            "ready",
            "{name}"
        );
    }
}

/// An origin that is gone is a 502 or 504 with a reason, at once; what the node has keeps playing.
#[test]
fn an_origin_that_is_gone_is_told_and_what_is_stored_plays_on() {
    let mut system = system();
    let id = system.origin.publish(&sample_film()).unwrap();
    let grant = system
        .origin
        .playback(&id, &json!({ "subject": "ada", "tier": "premium" }))
        .unwrap();
    let url = grant["urls"][0]["url"].as_str().unwrap().to_owned();
    let viewer = Viewer::default();
    let seen = viewer.play(&url).unwrap();
    let segment = seen
        .iter()
        .find(|fetched| fetched.url.path().ends_with(".m4s"))
        .expect("a film has segments");
    system.origin.process.kill().unwrap();
    assert_eq!(
        viewer.get(segment.url.as_str()).unwrap().status,
        200,
        "a stored segment needs no origin"
    );
    let new = segment.url.as_str().replace(".m4s", "-never-seen.m4s");
    let start = Instant::now();
    let answer = viewer.get(&new).unwrap();
    assert!(
        matches!(answer.status, 502 | 504),
        "{}: {}",
        answer.status,
        answer.text()
    );
    answer.problem().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        start.elapsed()
    );
    let api = viewer.get(&system.node.url("/v1/assets")).unwrap();
    assert!(matches!(api.status, 502 | 504), "{}", api.status);
}

/// An origin that takes the connection and says nothing is a 504, within the time that is set.
#[test]
fn an_origin_that_hangs_is_504() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let public = weir_tests::process::free_port().unwrap();
    let node = weir_tests::node::Node::start(public, address, |settings| {
        settings
            .replace("[origins.main.headers]", "[origins.main]")
            .replace(
                "[origins.main]\nurls",
                "[origins.main]\nhead-timeout = \"1s\"\nretries = 0\nurls",
            )
            .replace(
                "[origins.main]\n# The origin",
                "[origins.main.headers]\n# The origin",
            )
    });
    let node = node.unwrap_or_else(|error| panic!("{error:#}"));
    let start = Instant::now();
    let answer = Viewer::default().get(&node.url("/")).unwrap();
    assert_eq!(answer.status, 504, "{}", answer.text());
    answer.problem().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "it took {:?}",
        start.elapsed()
    );
    drop(silent);
}

/// A wrong configuration stops the program at once; the text names file, key and value.
#[test]
fn a_wrong_configuration_is_named_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    for (program, text, words) in [
        (
            "weir-origin",
            "[storage]\nkind = \"floppy\"\n",
            ["config.toml", "storage.kind", "floppy"],
        ),
        (
            "weir-origin",
            "[server]\nlisten = \"nowhere\"\n",
            ["config.toml", "server.listen", "nowhere"],
        ),
        (
            "weir-origin",
            "[servre]\nlisten = \"127.0.0.1:0\"\n",
            ["config.toml", "servre", "unknown"],
        ),
        (
            "weir-edge",
            "listen = \"nowhere\"\n",
            ["config.toml", "listen", "nowhere"],
        ),
        (
            "weir-edge",
            "lissten = \"127.0.0.1:0\"\n",
            ["config.toml", "lissten", "unknown"],
        ),
        (
            "weir-edge",
            "[origins.main]\nurls = [\"http://127.0.0.1:1\"]\n[[routes]]\nname = \"a\"\norigin = \"man\"\n",
            ["config.toml", "routes[0].origin", "man"],
        ),
    ] {
        let said = refusal(program, folder.path(), text);
        for word in words {
            assert!(
                said.contains(word),
                "{program} with\n{text}\nsays nothing of `{word}`: {said}"
            );
        }
    }
}

/// What a program says when it refuses its configuration.
fn refusal(program: &str, folder: &Path, text: &str) -> String {
    let file = folder.join("config.toml");
    fs::write(&file, text).unwrap();
    let output = Command::new(locate::program(program))
        .args(["serve", "--config"])
        .arg(&file)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(!output.status.success(), "{program} started with\n{text}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Keys, tokens and paths of viewers never stand in a log.
#[test]
fn logs_hold_no_secret() {
    let system = system();
    let id = system.origin.publish(&sample_film()).unwrap();
    let grant = system
        .origin
        .playback(&id, &json!({ "subject": "ada-the-viewer" }))
        .unwrap();
    let url = grant["urls"][0]["url"].as_str().unwrap();
    let token = grant["token"].as_str().unwrap();
    let everything = Viewer::default().play(url).unwrap();
    assert!(everything.len() > 10);
    let _ = Viewer::default().get(&format!("{url}x")).unwrap();
    for log in [system.node.process.log(), system.origin.process.log()] {
        for secret in [
            token,
            weir_tests::origin::ADMIN_KEY,
            weir_tests::origin::EDGE_SECRET,
            "ada-the-viewer",
            ".m4s",
        ] {
            assert!(!log.contains(secret), "`{secret}` stands in a log:\n{log}");
        }
    }
}
