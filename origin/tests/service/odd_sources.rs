//! Ladders of sources that are not what one expects, looked at with ffprobe.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::origin::Origin;
use crate::transcode::has_ffmpeg;

fn film(arguments: &[&str], to: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .args(arguments)
        .arg(to)
        .status();
    assert!(made.expect("ffmpeg runs").success());
}

/// What ffprobe says of the first stream of a kind.
fn stream(url: &str, kind: &str, entries: &str) -> Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", kind])
        .args(["-show_entries", entries, "-of", "json", url])
        .output()
        .expect("ffprobe runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    report["streams"][0].clone()
}

fn playlist(origin: &Origin, asset: &Value) -> String {
    let version = &asset["versions"][0];
    let path = version["report"]["variants"][0]["playlist"]
        .as_str()
        .expect("a variant");
    let id = asset["id"].as_str().expect("an id");
    origin.url(&format!("/vod/{id}/v1/{path}"))
}

/// Many films say that their brightness is coded for HDR, and leave out the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hdr_that_says_no_more_is_brought_down() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let origin = Origin::start(&[]);
    for transfer in ["smpte2084", "arib-std-b67"] {
        let file = folder.path().join(format!("{transfer}.mp4"));
        let arguments = [
            "testsrc2=size=320x180:rate=10:duration=1",
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=error",
            "-pix_fmt",
            "yuv420p10le",
            "-color_trc",
            transfer,
            "-tag:v",
            "hvc1",
        ];
        film(&arguments, &file);
        let asset = origin.publish_as(&json!({ "profile": "web" }), &file).await;
        let entries = "stream=color_transfer,color_primaries,pix_fmt";
        let found = stream(&playlist(&origin, &asset), "v:0", entries);
        assert_eq!(
            found,
            json!({ "color_transfer": "bt709", "color_primaries": "bt709", "pix_fmt": "yuv420p" })
        );
        assert!(asset["versions"][0]["poster"].is_string(), "{asset}");
    }
}

/// Two fields of different moments would be seen as a comb: what moves is whole in every picture.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interlaced_pictures_become_whole_ones() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("film.mp4");
    // A white wall comes in from the left, 8 pixels in every field.
    let arguments = [
        "color=black:size=320x180:rate=20:duration=2,geq=lum='if(lt(X,8*N),235,16)':cb=128:cr=128",
        "-vf",
        "interlace=lowpass=off",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-flags",
        "+ilme+ildct",
        "-pix_fmt",
        "yuv420p",
    ];
    film(&arguments, &file);
    let origin = Origin::start(&[]);
    let asset = origin.publish_as(&json!({ "profile": "web" }), &file).await;
    let url = playlist(&origin, &asset);
    assert!(
        combed(file.to_str().expect("text")) > 5.0,
        "the test tells what is combed"
    );
    let found = combed(&url);
    assert!(found < 2.0, "{found}");
}

/// How much lines differ from those above and below them, at most, in pictures that are well within the film.
fn combed(source: &str) -> f64 {
    // Every other line moved by one, and the mean difference from the picture before it.
    let filter = "select='between(n,4,15)',format=gray,split[a][b];[b]crop=iw:ih-1:0:1,pad=iw:ih+1:0:0[c];[a][c]blend=all_mode=difference,\
                  crop=iw:ih-2:0:0,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-";
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i", source, "-filter_complex", filter])
        .args(["-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let means = text.lines().filter_map(|line| line.split_once("YAVG="));
    means
        .filter_map(|(_, mean)| mean.parse::<f64>().ok())
        .fold(f64::NAN, f64::max)
}

/// A recording of which there is nothing to see, in a codec that is not packaged as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_only_be_heard_is_transcoded_too() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("talk.wav");
    film(&["sine=frequency=440:duration=3:sample_rate=44100"], &file);
    let origin = Origin::start(&[]);
    let asset = origin
        .publish_as(&json!({ "profile": "standard" }), &file)
        .await;
    let found = stream(
        &playlist(&origin, &asset),
        "a:0",
        "stream=codec_name,sample_rate",
    );
    assert_eq!(
        found,
        json!({ "codec_name": "aac", "sample_rate": "48000" })
    );
    let duration = asset["versions"][0]["duration"].as_f64().expect("seconds");
    assert!((duration - 3.0).abs() < 0.1, "{duration}");
}

/// Every encoder is told in its own way where keyframes belong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_codec_has_its_keyframes_at_the_same_times() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let rung = |codec: &str, height: u32| {
        format!(
            "[[rung]]\nname = \"{codec}\"\nheight = {height}\ncodec = \"{codec}\"\nbitrate = 300000\n"
        )
    };
    let profile =
        [("h264", 180), ("hevc", 180), ("av1", 120), ("vp9", 120)].map(|(c, h)| rung(c, h));
    std::fs::write(folder.path().join("mixed.toml"), profile.concat()).expect("written");
    let file = folder.path().join("film.mp4");
    let pictures = "testsrc2=size=320x180:rate=24000/1001:duration=5";
    film(
        &[
            pictures,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
        ],
        &file,
    );
    let origin = Origin::start(&[
        (
            "WEIR_ORIGIN__TRANSCODE__PROFILE_FOLDER",
            folder.path().to_str().expect("text"),
        ),
        ("WEIR_ORIGIN__PACKAGING__SEGMENT_SECONDS", "2"),
    ]);
    let asset = origin
        .publish_as(&json!({ "profile": "mixed" }), &file)
        .await;
    let id = asset["id"].as_str().expect("an id");
    let variants = asset["versions"][0]["report"]["variants"]
        .as_array()
        .expect("variants");
    assert_eq!(variants.len(), 4, "{asset}");
    for variant in variants {
        let path = variant["playlist"].as_str().expect("a path");
        let text = origin.get(&format!("/vod/{id}/v1/{path}")).await.text();
        let durations: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("#EXTINF:"))
            .collect();
        // 48 pictures are 2.002 s; 120 of them are all.
        let wanted = [
            "#EXTINF:2.002000,",
            "#EXTINF:2.002000,",
            "#EXTINF:1.001000,",
        ];
        assert_eq!(durations, wanted, "{}", variant["codecs"]);
    }
}
