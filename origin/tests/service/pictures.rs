//! Poster, storyboard, pictures for scrubbing and preview: all of one run of ffmpeg.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::origin::Origin;
use crate::support::ffmpeg::WatchedFfmpeg;
use crate::transcode::has_ffmpeg;

/// A film of 12 s that is black for its first 4 s, with a keyframe every `keyframes` pictures of 10 a second.
fn late_to_begin(keyframes: &str, to: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg("testsrc2=size=320x180:rate=10:duration=12")
        .args(["-vf", "drawbox=color=black:t=fill:enable='lt(t,4)'"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", keyframes])
        .args(["-x264-params", "scenecut=0", "-pix_fmt", "yuv420p"])
        .arg(to)
        .status();
    assert!(made.expect("ffmpeg runs").success());
}

/// The brightest of 16 x 9 places of a picture.
fn brightest(picture: &[u8], folder: &Path) -> u8 {
    let file = folder.join("picture");
    std::fs::write(&file, picture).expect("written");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "mjpeg", "-i"])
        .arg(&file)
        .args(["-vf", "scale=16:9:flags=area", "-frames:v", "1"])
        .args(["-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"])
        .output()
        .expect("ffmpeg runs");
    output.stdout.into_iter().max().expect("a picture")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_run_of_ffmpeg_makes_all_pictures() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let ffmpeg = WatchedFfmpeg::new("");
    let program = ffmpeg.program();
    let origin = Origin::start(&[
        (
            "WEIR_ORIGIN__TRANSCODE__FFMPEG",
            program.to_str().expect("text"),
        ),
        ("WEIR_ORIGIN__PACKAGING__PREVIEW", "true"),
        ("WEIR_ORIGIN__PACKAGING__SCRUB_PICTURES", "true"),
        ("WEIR_ORIGIN__PACKAGING__IMAGE_PLAYLIST", "true"),
    ]);
    // One group of pictures, which is decoded whole; keyframes often enough that they alone are decoded; a ladder, which is a run of its own.
    for (keyframes, profile, runs, inputs) in [
        ("120", "copy", 1, 1),
        ("20", "copy", 1, 2),
        ("120", "web", 2, 1),
    ] {
        let film = folder.path().join("film.mp4");
        let _ = std::fs::remove_file(&film);
        late_to_begin(keyframes, &film);
        let asset = origin
            .publish_as(&json!({ "profile": profile }), &film)
            .await;
        let id = asset["id"].as_str().expect("an id");
        let version = &asset["versions"][0];
        let file = |name: &str| format!("/vod/{id}/v1/{name}");

        let lines = ffmpeg.runs();
        assert_eq!(lines.len(), runs, "{profile}: {lines:#?}");
        let line = lines.last().expect("a run");
        let opened = line.matches(" -i http://127.0.0.1").count();
        assert_eq!(opened, inputs, "{line}");

        let poster = version["poster"].as_str().expect("a poster");
        let poster = origin.get(&file(poster)).await;
        assert_eq!(poster.header("content-type"), "image/jpeg");
        let bright = brightest(&poster.body, folder.path());
        assert!(
            bright > 100,
            "the poster is of the film, not of the black before it: {bright}"
        );

        assert_eq!(version["storyboard"], "storyboard.vtt");
        let index = origin.get(&file("storyboard.vtt")).await.text();
        assert_eq!(index.matches(" --> ").count(), 6, "{index}");
        assert_eq!(origin.get(&file("storyboard-0.jpg")).await.status, 200);
        assert_eq!(origin.get(&file("images.m3u8")).await.status, 200);
        let scrubbing = origin.get(&file("scrubbing/iframes.m3u8")).await.text();
        let spacing = if keyframes == "20" { 2 } else { 1 };
        assert_eq!(
            scrubbing.matches("#EXTINF:").count(),
            12 / spacing,
            "{scrubbing}"
        );

        let preview = version["preview"].as_str().expect("a preview");
        let preview = origin.get(&file(preview)).await;
        let frames = preview
            .body
            .windows(4)
            .filter(|four| four == b"ANMF")
            .count();
        assert!(
            (28..=33).contains(&frames),
            "four seconds, eight a second: {frames}"
        );
    }
}

/// A film of one picture, and one that is shorter than any interval.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shortest_films_have_pictures_too() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let origin = Origin::start(&[
        ("WEIR_ORIGIN__PACKAGING__PREVIEW", "true"),
        ("WEIR_ORIGIN__PACKAGING__SCRUB_PICTURES", "true"),
    ]);
    for pictures in ["1", "5"] {
        let film = folder.path().join(format!("{pictures}.mp4"));
        let made = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=161x91:rate=25",
            ])
            .args([
                "-frames:v",
                pictures,
                "-c:v",
                "libx264",
                "-pix_fmt",
                "yuv444p",
            ])
            .arg(&film)
            .status();
        assert!(made.expect("ffmpeg runs").success());
        let asset = origin.publish_as(&json!({}), &film).await;
        let version = &asset["versions"][0];
        for name in ["poster", "storyboard", "preview"] {
            assert!(
                version[name].is_string(),
                "{pictures}: {name} in {version}\n{}",
                origin.logged()
            );
        }
    }
}
