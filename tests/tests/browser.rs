//! Real players in a real browser, through the node: hls.js on the demonstration page, and shaka-player from a page of another
//! origin. The playlists are read by a third party as well.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use weir_tests::locate::{self, sample_film};
use weir_tests::system::{Store, System};
use weir_tests::viewer::Viewer;

/// Where the players are, and Chromium. None when something is missing and may be.
fn browser() -> Option<(PathBuf, PathBuf, PathBuf)> {
    let node = locate::tool("node", &[], "apt-get install nodejs npm")?;
    let chromium = locate::tool("chromium", &[], "apt-get install chromium")
        .or_else(|| locate::tool("google-chrome", &[], "install Chrome or Chromium"))?;
    let players = locate::root().join("tests/players");
    if !players.join("node_modules/playwright-core").is_dir() {
        assert!(
            !locate::strict(),
            "the players are not installed: run `npm ci` in tests/players"
        );
        eprintln!("skipped: the players are not installed (`npm ci` in tests/players)");
        return None;
    }
    Some((node, chromium, players))
}

/// Runs a script of `tests/players` and reads its last line.
fn run(node: &PathBuf, players: &PathBuf, script: &str, arguments: &[String]) -> Value {
    let output = Command::new(node)
        .arg(script)
        .args(arguments)
        .current_dir(players)
        .output()
        .expect("node runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| {
        panic!(
            "{script}: {error}: {text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

fn system_with_film() -> (System, String) {
    let system = System::start(Store::Folder)
        .unwrap_or_else(|error| panic!("{error:#}"))
        .expect("a folder is always there");
    let id = system
        .origin
        .publish(&sample_film())
        .unwrap_or_else(|error| panic!("{error:#}"));
    (system, id)
}

fn signed(system: &System, id: &str) -> String {
    let grant = system
        .origin
        .playback(id, &json!({ "subject": "ada", "tier": "premium" }))
        .unwrap();
    grant["urls"][0]["url"]
        .as_str()
        .expect("a grant has a URL")
        .to_owned()
}

#[test]
fn the_demonstration_page_plays_seeks_and_ends() {
    let Some((node, chromium, players)) = browser() else {
        return;
    };
    let (system, id) = system_with_film();
    let mut arguments = vec![
        chromium.display().to_string(),
        system.node.url(&format!("/play/{id}")),
    ];
    // `WEIR_SCREENSHOT=docs/player.png` renews the picture in the README.
    arguments.extend(
        std::env::var("WEIR_SCREENSHOT")
            .map(|path| locate::root().join(path).display().to_string()),
    );
    let seen = run(&node, &players, "demo-page.mjs", &arguments);
    assert_eq!(seen["errors"], json!([]), "{seen}");
    assert_eq!(seen["refused"], json!([]), "{seen}");
    for mark in ["playing", "sought", "ended"] {
        assert!(seen[mark].is_number(), "it never was `{mark}`: {seen}");
    }
    assert!(
        (seen["duration"].as_f64().unwrap_or_default() - 30.0).abs() < 0.1,
        "{seen}"
    );
    assert_eq!(seen["size"], json!([854, 480]), "{seen}");
    assert!(seen["frames"].as_u64().unwrap_or_default() > 60, "{seen}");
    assert!(
        seen["media"].as_u64().unwrap_or_default() > 5,
        "the film came through the node: {seen}"
    );
}

#[test]
fn shaka_player_plays_the_same_url_from_another_origin() {
    let Some((node, chromium, players)) = browser() else {
        return;
    };
    let (system, id) = system_with_film();
    let seen = run(
        &node,
        &players,
        "shaka.mjs",
        &[chromium.display().to_string(), signed(&system, &id)],
    );
    assert_eq!(seen["errors"], json!([]), "{seen}");
    assert!(seen["ended"].is_number(), "{seen}");
    assert!(
        (seen["duration"].as_f64().unwrap_or_default() - 30.0).abs() < 0.1,
        "{seen}"
    );
    assert_eq!(seen["variants"][0]["height"], 480, "{seen}");
}

#[test]
fn independent_parsers_read_playlists_and_segments() {
    let Some((node, _, players)) = browser() else {
        return;
    };
    let (system, id) = system_with_film();
    let folder = tempfile::tempdir().unwrap();
    let everything = Viewer::default().play(&signed(&system, &id)).unwrap();
    let mut films = std::collections::BTreeMap::<String, Vec<(String, Vec<u8>)>>::new();
    let mut files = Vec::new();
    for (at, fetched) in everything.iter().enumerate() {
        let path = fetched.url.path();
        if path.ends_with(".m3u8") {
            let file = folder.path().join(format!("{at}.m3u8"));
            std::fs::write(&file, &fetched.body).unwrap();
            files.push((file, path.to_owned()));
        } else {
            // Initialisation and media of one rendition live in one folder; the initialisation sorts first.
            let (rendition, name) = path.rsplit_once('/').unwrap_or(("", path));
            let first = fetched.body.get(4..8) == Some(b"ftyp");
            let order = if first {
                String::new()
            } else {
                format!("{:0>40}", name)
            };
            films
                .entry(rendition.to_owned())
                .or_default()
                .push((order, fetched.body.clone()));
        }
    }
    for (at, parts) in films.values_mut().enumerate() {
        parts.sort();
        parts.dedup();
        let file = folder.path().join(format!("{at}.mp4"));
        std::fs::write(
            &file,
            parts
                .iter()
                .flat_map(|(_, bytes)| bytes)
                .copied()
                .collect::<Vec<u8>>(),
        )
        .unwrap();
        files.push((file, format!("film {at}")));
    }
    for (file, name) in files {
        let read = run(
            &node,
            &players,
            "playlists.mjs",
            &[file.display().to_string()],
        );
        if file
            .extension()
            .is_some_and(|extension| extension == "m3u8")
        {
            assert_eq!(read["complaints"], json!([]), "{name}: {read}");
            if read["segments"].as_u64().unwrap_or_default() > 0 {
                let (longest, target) = (
                    read["longest"].as_f64().unwrap(),
                    read["targetDuration"].as_f64().unwrap(),
                );
                assert!(
                    longest.round() <= target,
                    "{name}: a segment of {longest} s and a target duration of {target} s"
                );
            } else {
                assert_eq!(
                    read["variants"].as_array().map(Vec::len),
                    Some(1),
                    "{name}: {read}"
                );
                let variant = &read["variants"][0];
                for attribute in [
                    "BANDWIDTH",
                    "AVERAGE-BANDWIDTH",
                    "CODECS",
                    "RESOLUTION",
                    "FRAME-RATE",
                ] {
                    assert!(
                        !variant[attribute].is_null(),
                        "{name}: no {attribute}: {variant}"
                    );
                }
            }
        } else {
            let samples = read["tracks"][0]["samples"].as_u64().unwrap_or_default();
            assert!(samples > 500, "{name}: {read}");
        }
    }
}
