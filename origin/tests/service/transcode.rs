//! Ladders by a real ffmpeg, looked at with ffprobe.

use std::path::Path;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};

use crate::origin::Origin;
use crate::support::{find_program, fixture, skip_or_fail};

pub(crate) fn has_ffmpeg() -> bool {
    let found = find_program("ffmpeg").is_some() && find_program("ffprobe").is_some();
    if !found {
        skip_or_fail("ffmpeg", "apt-get install ffmpeg");
    }
    found
}

async fn create(origin: &Origin, profile: &str) -> String {
    let created = origin
        .admin(
            Method::POST,
            "/v1/assets",
            json!({ "profile": profile }).to_string(),
        )
        .await;
    assert_eq!(created.status, 201, "{}", created.text());
    created.json()["id"].as_str().expect("an id").to_owned()
}

/// Codec, width, height and duration of the first video stream, as ffprobe sees the playlist over HTTP.
fn probed(url: &str) -> (String, u64, u64, f64) {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "stream=codec_name,width,height:format=duration",
            "-of",
            "json",
            url,
        ])
        .output()
        .expect("ffprobe runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let stream = &report["streams"][0];
    let number = |name: &str| {
        stream[name].as_u64().unwrap_or_else(|| {
            panic!(
                "{name} in {report} {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    };
    let duration = report["format"]["duration"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0);
    (
        stream["codec_name"].as_str().expect("a codec").to_owned(),
        number("width"),
        number("height"),
        duration,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ladder_is_made_of_whatever_ffmpeg_reads() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("film.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(fixture("bigbuckbunny-720p-5s.mp4"))
        .args(["-c", "copy"])
        .arg(&film)
        .status();
    assert!(made.expect("ffmpeg runs").success());

    let origin = Origin::start(&[]);
    let id = create(&origin, "standard").await;
    let uploaded = origin.upload(&id, &film).await;
    assert_eq!(uploaded.status, 202, "{}", uploaded.text());
    let asset = origin.settled(&id).await;
    assert_eq!(asset["state"], "ready", "{asset}\n{}", origin.logged());
    let version = &asset["versions"][0];
    assert!(
        (version["duration"].as_f64().expect("seconds") - 5.28).abs() < 0.1,
        "{version}"
    );
    let variants = version["report"]["variants"].as_array().expect("variants");
    let mut heights = Vec::new();
    let mut segments = Vec::new();
    for variant in variants {
        let path = format!(
            "/vod/{id}/v1/{}",
            variant["playlist"].as_str().expect("a path")
        );
        let (codec, _, height, duration) = probed(&origin.url(&path));
        assert!(
            codec == "h264" && (duration - 5.28).abs() < 0.1,
            "{codec}, {duration}"
        );
        assert_eq!(variant["resolution"][1], height);
        assert!(
            variant["codecs"]
                .as_str()
                .expect("codecs")
                .contains("mp4a.40.2"),
            "{variant}"
        );
        heights.push(height);
        let playlist = origin.get(&path).await.text();
        segments.push(
            playlist
                .lines()
                .filter(|line| line.starts_with("#EXTINF"))
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        );
    }
    heights.sort_unstable();
    assert_eq!(heights, [360, 480, 720], "nothing is enlarged");
    assert!(
        segments.windows(2).all(|pair| pair[0] == pair[1]),
        "the same boundaries in every rendition: {segments:?}"
    );

    let storyboard = version["storyboard"].as_str().expect("a storyboard");
    let index = origin
        .get(&format!("/vod/{id}/v1/{storyboard}"))
        .await
        .text();
    assert!(
        index.contains("00:00:02.000 --> 00:00:04.000\nstoryboard-0.jpg#xywh=160,0,160,90"),
        "{index}"
    );
    let (codec, width, height, _) = probed(&origin.url(&format!("/vod/{id}/v1/storyboard-0.jpg")));
    assert_eq!((codec.as_str(), width, height), ("mjpeg", 1600, 900));

    let poster = origin
        .get(&format!(
            "/vod/{id}/v1/{}",
            version["poster"].as_str().expect("a poster")
        ))
        .await;
    assert_eq!(
        (poster.header("content-type"), &poster.body[..3]),
        ("image/jpeg", &[0xff, 0xd8, 0xff][..])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_reads_is_refused_at_once() {
    if !has_ffmpeg() {
        return;
    }
    let origin = Origin::start(&[]);
    let id = create(&origin, "standard").await;
    let answer = origin
        .admin(
            Method::PUT,
            &format!("/v1/assets/{id}/source"),
            "no film, only words",
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["type"]),
        (422, &json!("urn:weir:problem:media-broken")),
        "{}",
        answer.text()
    );
    assert!(
        !answer.text().contains("127.0.0.1"),
        "no inner address in an answer: {}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_kills_ffmpeg_and_publishes_nothing() {
    if !has_ffmpeg() {
        return;
    }
    let work = tempfile::tempdir().expect("a folder");
    let origin = Origin::start(&[
        (
            "WEIR_ORIGIN__TRANSCODE__WORK_FOLDER",
            work.path().to_str().expect("text"),
        ),
        ("WEIR_ORIGIN__TRANSCODE__THREADS", "1"),
    ]);
    let id = create(&origin, "hevc-4k").await;
    assert_eq!(
        origin
            .upload(&id, &fixture("media/bbb-480p-30s.mp4"))
            .await
            .status,
        202
    );
    while std::fs::read_dir(work.path())
        .expect("readable")
        .next()
        .is_none()
    {
        assert_ne!(
            origin.asset(&id).await["state"],
            "failed",
            "{}",
            origin.logged()
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(is_running_in(work.path()), "ffmpeg is at work");
    let cancelled = origin
        .admin(Method::POST, &format!("/v1/assets/{id}/cancel"), "")
        .await;
    assert_eq!(cancelled.status, 202, "{}", cancelled.text());
    let asset = origin.settled(&id).await;
    assert_eq!(
        (
            &asset["state"],
            &asset["failure"]["code"],
            &asset["live_version"]
        ),
        (&json!("failed"), &json!("cancelled"), &Value::Null),
        "{asset}"
    );
    assert!(!is_running_in(work.path()), "no ffmpeg outlives its job");
    assert_eq!(
        std::fs::read_dir(work.path()).expect("readable").count(),
        0,
        "no intermediate file stays"
    );
}

/// Whether a process has `folder` on its command line.
fn is_running_in(folder: &Path) -> bool {
    let needle = folder.to_string_lossy().into_owned();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(2);
    loop {
        let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
        let mut lines =
            processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        // The origin's own command line does not name the folder; only ffmpeg's output files do.
        if lines.any(|line| String::from_utf8_lossy(&line).contains(&needle)) {
            return true;
        }
        if std::time::Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
