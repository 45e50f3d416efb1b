//! Every kind of output as m3u8-parser and mp4box.js read it, which know nothing of Weir.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/decrypt.rs"]
#[allow(dead_code, reason = "each test program uses a part of this module")]
mod decrypt;
#[path = "support/encrypted.rs"]
mod encrypted;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use encrypted::encryption;
use serde_json::Value;
use support::{Run, fixture, package};
use weir_packager::{
    Encryption, Format, Layout, Method, Options, PictureRendition, ScrubPictures, Subtitle,
};

/// The folder of the readers; `None` when they are not installed.
fn readers() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/players");
    let is_there = folder.join("node_modules/mp4box").is_dir()
        && Command::new("node").arg("--version").output().is_ok();
    if !is_there {
        assert!(
            std::env::var("WEIR_STRICT").as_deref() != Ok("1"),
            "the readers are missing; install Node.js and run `npm ci` in tests/players"
        );
        eprintln!("the readers are missing: run `npm ci` in tests/players");
    }
    is_there.then_some(folder)
}

/// What the readers say of files, one answer for each.
fn read(readers: &Path, files: &[PathBuf]) -> Vec<Value> {
    let output = Command::new("node")
        .arg("playlists.mjs")
        .args(files)
        .current_dir(readers)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The playlists of a run, and its tracks as films where their boxes can be read.
fn files_of(run: &Run, folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut store = |file: String, content: &[u8]| {
        let path = folder.join(format!("{name}-{}", file.replace('/', "-")));
        std::fs::write(&path, content).unwrap();
        found.push(path);
    };
    for (path, content) in &run.files {
        if path.ends_with(".m3u8") || path.ends_with("media.mp4") {
            store(path.clone(), content);
        }
        if let Some(track) = path.strip_suffix("/init.mp4") {
            let mut film = content.clone();
            for (path, segment) in &run.files {
                if path.starts_with(track) && path.ends_with(".m4s") {
                    film.extend(segment);
                }
            }
            store(format!("{track}.mp4"), &film);
        }
    }
    found
}

fn short(format: Format, layout: Layout, encryption: Option<Encryption>) -> Options {
    Options {
        format,
        layout,
        encryption,
        subtitles: vec![Subtitle {
            text: "1\n00:00:01,000 --> 00:00:02,000\nHello\n".to_owned(),
            language: "en".to_owned(),
            ..Subtitle::default()
        }],
        segment_duration: Duration::from_secs(2),
        ..Options::default()
    }
}

#[test]
fn every_kind_of_output_is_read_whole() {
    let Some(readers) = readers() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let input = fixture("bunny.ts");
    let leading = |method| Encryption {
        clear_lead: Duration::from_secs(2),
        ..encryption(method)
    };
    let mut files = Vec::new();
    let mut samples = Vec::new();
    for layout in [Layout::Segments, Layout::SingleFile] {
        for (format, method) in [
            (Format::Cmaf, None),
            (Format::Cmaf, Some(Method::Cbcs)),
            (Format::Cmaf, Some(Method::Cenc)),
            (Format::Cmaf, Some(Method::Aes128)),
            (Format::MpegTs, None),
            (Format::MpegTs, Some(Method::Cbcs)),
            (Format::MpegTs, Some(Method::Aes128)),
        ] {
            let run = package(&[&input], short(format, layout, method.map(leading))).unwrap();
            samples = run
                .report
                .presentation
                .tracks
                .iter()
                .map(|track| track.samples)
                .collect();
            let name = format!("{format:?}-{layout:?}-{method:?}");
            let found = files_of(&run, folder.path(), &name);
            // The boxes of what is encrypted whole say nothing.
            let is_open = |path: &PathBuf| {
                path.extension().is_some_and(|kind| kind == "m3u8")
                    || method != Some(Method::Aes128)
            };
            files.extend(found.into_iter().filter(is_open));
        }
    }
    let answers = read(&readers, &files);
    assert_eq!(answers.len(), files.len());
    let (mut playlists, mut films) = (0, 0);
    for (file, answer) in files.iter().zip(answers) {
        let what = file.display();
        if file.extension().is_some_and(|kind| kind == "m3u8") {
            playlists += 1;
            assert_eq!(answer["complaints"], serde_json::json!([]), "{what}");
            continue;
        }
        films += 1;
        let found = answer["tracks"][0]["samples"].as_u64().unwrap();
        assert!(
            samples.contains(&found),
            "{what}: {found} samples read, {samples:?} in the film"
        );
    }
    // Fourteen ways: four playlists of media and text, one of keyframes, one over all; two tracks of those whose boxes are open.
    assert!(playlists >= 14 * 5, "{playlists} playlists");
    assert_eq!(films, 6 * 2);
}

#[test]
fn pictures_for_scrubbing_are_read_whole() {
    let Some(readers) = readers() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let pictures = ScrubPictures {
        width: 160,
        height: 90,
        interval: Duration::from_secs(1),
        start: Duration::ZERO,
        end: Duration::from_secs(7),
        beside_hdr: false,
    };
    let jpeg: Vec<Bytes> = (0..7_u8)
        .map(|number| Bytes::from(vec![0xff, 0xd8, number, 0xff, 0xd9]))
        .collect();
    let made = pictures.package(&jpeg, "pictures").unwrap();
    let files = [PictureRendition::MEDIA, PictureRendition::PLAYLIST].map(|name| {
        let extension = Path::new(name).extension().unwrap();
        folder.path().join("pictures").with_extension(extension)
    });
    std::fs::write(&files[0], made.media.concat()).unwrap();
    std::fs::write(&files[1], &made.playlist).unwrap();
    let answers = read(&readers, &files);
    assert_eq!(answers[0]["tracks"][0]["samples"], 7, "{}", answers[0]);
    assert_eq!(answers[0]["tracks"][0]["codec"], "mjpg");
    assert_eq!(answers[1]["complaints"], serde_json::json!([]));
    assert_eq!(answers[1]["segments"], 7);
}
