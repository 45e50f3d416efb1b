//! What a profile may ask of a ladder besides its rungs: loudness, dynamic range, pictures.

use std::path::Path;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};

use crate::origin::Origin;
use crate::transcode::has_ffmpeg;

/// A profile of one small rung, an origin that knows it, and the folder that keeps it.
fn with_profile(text: &str, more: &[(&str, &str)]) -> (Origin, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine.toml"), text).expect("written");
    let path = folder.path().to_str().expect("text").to_owned();
    let mut environment = vec![("WEIR_ORIGIN__TRANSCODE__PROFILE_FOLDER", path.as_str())];
    environment.extend(more);
    (Origin::start(&environment), folder)
}

const RUNG: &str = "[[rung]]\nname = \"144p\"\nheight = 144\ncodec = \"h264\"\nbitrate = 200000\npreset = \"ultrafast\"\n";

/// Makes a film with ffmpeg's own sources.
fn made(path: &Path, arguments: &[&str]) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments)
        .arg(path)
        .status();
    assert!(made.expect("ffmpeg runs").success());
}

/// What ffmpeg measures of a film's loudness, in LUFS.
fn loudness(url: &str) -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostats", "-i", url, "-map", "0:a:0"])
        .args(["-af", "ebur128", "-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = said
        .rsplit("Integrated loudness:")
        .next()
        .unwrap_or_default();
    summary
        .split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{said}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_is_brought_to_a_wanted_loudness() {
    if !has_ffmpeg() {
        return;
    }
    let profile = format!("{RUNG}[audio]\nloudness = -16\n");
    let (origin, folder) = with_profile(&profile, &[]);
    let film = folder.path().join("quiet.mp4");
    let sine = "sine=frequency=440:sample_rate=48000:duration=8,volume=-20dB";
    made(
        &film,
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=256x144:rate=25:duration=8",
            "-f",
            "lavfi",
            "-i",
            sine,
            "-preset",
            "ultrafast",
            "-c:a",
            "aac",
        ],
    );
    let before = loudness(film.to_str().expect("text"));
    let asset = origin
        .publish_as(&json!({ "profile": "mine" }), &film)
        .await;
    let id = asset["id"].as_str().expect("an id");
    let after = loudness(&origin.url(&format!("/vod/{id}/v1/multivariant.m3u8")));
    assert!(
        before < -30.0 && (after + 16.0).abs() < 1.5,
        "{before} LUFS became {after}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_that_move_and_pictures_to_seek_by() {
    if !has_ffmpeg() {
        return;
    }
    let (origin, folder) = with_profile(
        RUNG,
        &[
            ("WEIR_ORIGIN__PACKAGING__PREVIEW", "true"),
            ("WEIR_ORIGIN__PACKAGING__IMAGE_PLAYLIST", "true"),
        ],
    );
    let film = folder.path().join("film.mp4");
    made(
        &film,
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=256x144:rate=25:duration=9",
            "-preset",
            "ultrafast",
        ],
    );
    let asset = origin
        .publish_as(&json!({ "profile": "mine" }), &film)
        .await;
    let id = asset["id"].as_str().expect("an id");
    let version = &asset["versions"][0];
    let file = |name: &str| format!("/vod/{id}/v1/{name}");
    let preview = origin
        .get(&file(version["preview"].as_str().expect("a preview")))
        .await;
    assert_eq!(preview.header("content-type"), "image/webp");
    assert_eq!(
        (&preview.body[..4], &preview.body[8..12]),
        (&b"RIFF"[..], &b"WEBP"[..])
    );
    let frames = preview
        .body
        .windows(4)
        .filter(|part| *part == b"ANMF")
        .count();
    assert!(frames > 10, "{frames} pictures");

    let multivariant = origin.get(&file("multivariant.m3u8")).await.text();
    let line = "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=40000,RESOLUTION=160x90,CODECS=\"jpeg\",URI=\"images.m3u8\"";
    assert!(
        multivariant.lines().any(|one| one == line),
        "{multivariant}"
    );
    let images = origin.get(&file("images.m3u8")).await.text();
    assert!(
        images.contains("#EXT-X-IMAGES-ONLY") && images.contains("storyboard-0.jpg"),
        "{images}"
    );
    let zipped = origin
        .send(
            Method::GET,
            &file("multivariant.m3u8"),
            &[("accept-encoding", "gzip")],
            "",
        )
        .await;
    let mut text = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(&zipped.body[..]),
        &mut text,
    )
    .expect("gzip");
    assert_eq!(text, multivariant, "the twin says the same");

    // A moving excerpt of a protected film would be in the clear.
    let body = json!({ "profile": "mine", "protection": { "scheme": "aes-128" } });
    let asset = origin.publish_as(&body, &film).await;
    assert_eq!(asset["versions"][0]["preview"], Value::Null);
    assert!(asset["versions"][0]["poster"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn high_dynamic_range_stays_or_is_brought_down() {
    if !has_ffmpeg() {
        return;
    }
    let rung = RUNG.replace("h264", "hevc");
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("hdr.mp4");
    let colours = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=error";
    made(
        &film,
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=256x144:rate=25:duration=2",
            "-pix_fmt",
            "yuv420p10le",
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            colours,
            "-color_primaries",
            "bt2020",
            "-color_trc",
            "smpte2084",
            "-colorspace",
            "bt2020nc",
            "-tag:v",
            "hvc1",
        ],
    );
    for (profile, range) in [
        (rung.clone(), "PQ"),
        (format!("hdr = \"tone-map\"\n{rung}"), "SDR"),
    ] {
        let (origin, _profiles) = with_profile(&profile, &[]);
        let asset = origin
            .publish_as(&json!({ "profile": "mine" }), &film)
            .await;
        let id = asset["id"].as_str().expect("an id");
        let text = origin
            .get(&format!("/vod/{id}/v1/multivariant.m3u8"))
            .await
            .text();
        // SDR is what an absent attribute means.
        let found = if text.contains("VIDEO-RANGE=PQ") {
            "PQ"
        } else {
            "SDR"
        };
        assert_eq!(found, range, "{profile}: {text}");
    }
}
