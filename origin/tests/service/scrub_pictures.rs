//! Pictures for scrubbing in a published film: an I-frame rendition of JPEG pictures, each of which shows what is seen at its time.

use std::path::Path;
use std::process::Command;

use http::Method;
use serde_json::json;

use crate::origin::Origin;
use crate::support::{find_program, skip_or_fail};

/// A film of 6 s in which every picture is brighter than the one before: picture `n` of 10 a second has the luma 16 + 3 n. It has one
/// keyframe, so that every picture is decoded.
fn brightening(to: &Path) {
    let pictures = "color=black:size=320x180:rate=10:duration=6,geq=lum='16+3*N':cb=128:cr=128";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", pictures])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-qp", "4"])
        .args(["-g", "60", "-pix_fmt", "yuv420p"])
        .arg(to)
        .status();
    assert!(made.expect("ffmpeg runs").success());
}

/// Brightness of every picture that ffmpeg reads from a file, 0 to 255, after `filter`.
fn brightness(file: &Path, format: &[&str], filter: &str) -> Vec<u8> {
    let filter = format!("{filter},format=yuvj420p,extractplanes=y,scale=iw/160:1:flags=area");
    let output = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(format)
        .arg("-i")
        .arg(file)
        .args(["-vf", &filter, "-vsync", "passthrough"])
        .args(["-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"])
        .output()
        .expect("ffmpeg runs");
    assert!(output.status.success());
    output.stdout
}

/// Pictures have the brightness that the film has at their times, not that of the picture before or after, which differs by 4.
fn assert_same(found: &[u8], film: &[u8], what: &str) {
    assert_eq!(found.len(), film.len(), "{what}");
    let near = |(a, b): (&u8, &u8)| a.abs_diff(*b) < 2;
    assert!(
        found.iter().zip(film).all(near),
        "{what}: {found:?} of {film:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_for_scrubbing_show_what_is_seen_at_their_time() {
    if find_program("ffmpeg").is_none() {
        return skip_or_fail("ffmpeg", "apt-get install ffmpeg");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("film.mp4");
    brightening(&film);
    let origin = Origin::start(&[("WEIR_ORIGIN__PACKAGING__SCRUB_PICTURES", "true")]);
    let asset = origin.publish_as(&json!({}), &film).await;
    let id = asset["id"].as_str().expect("an id");
    let file = |name: &str| format!("/vod/{id}/v1/{name}");

    let multivariant = origin.get(&file("multivariant.m3u8")).await.text();
    let stream = multivariant
        .lines()
        .find(|line| line.contains("CODECS=\"mjpg\""))
        .unwrap_or_else(|| panic!("{multivariant}"));
    assert!(
        stream.starts_with("#EXT-X-I-FRAME-STREAM-INF:")
            && stream.ends_with("RESOLUTION=320x180,URI=\"scrubbing/iframes.m3u8\""),
        "{stream}"
    );
    let playlist = origin.get(&file("scrubbing/iframes.m3u8")).await;
    assert_eq!(
        playlist.header("content-type"),
        "application/vnd.apple.mpegurl"
    );
    let text = playlist.text();
    assert_eq!(text.matches("#EXTINF:1.000000,\n").count(), 6, "{text}");
    let mut jpeg = Vec::new();
    for line in text.lines() {
        let Some(range) = line.strip_prefix("#EXT-X-BYTERANGE:") else {
            continue;
        };
        let (len, from) = range.split_once('@').expect("a range");
        let (len, from): (u64, u64) = (len.parse().expect("n"), from.parse().expect("n"));
        let range = format!("bytes={from}-{}", from + len - 1);
        let part = origin
            .send(
                Method::GET,
                &file("scrubbing/media.mp4"),
                &[("range", range.as_str())],
                "",
            )
            .await;
        assert_eq!(part.status, 206);
        let at = part
            .body
            .windows(4)
            .position(|window| window == b"mdat")
            .expect("media data");
        jpeg.extend_from_slice(&part.body[at + 4..]);
    }
    let small = "scale=160:90:flags=area";
    let seen = brightness(&film, &[], &format!("select='not(mod(n,10))',{small}"));
    assert!(
        seen.windows(2).all(|pair| pair[0] + 20 < pair[1]),
        "{seen:?}"
    );
    let stored = folder.path().join("pictures");
    std::fs::write(&stored, &jpeg).expect("written");
    let shown = brightness(&stored, &["-f", "mjpeg"], small);
    assert_same(&shown, &seen, "pictures for scrubbing");
    let sheet = origin.get(&file("storyboard-0.jpg")).await;
    std::fs::write(&stored, &sheet.body).expect("written");
    let tiles = brightness(&stored, &["-f", "mjpeg"], "crop=480:90:0:0");
    let every_other: Vec<u8> = seen.iter().step_by(2).copied().collect();
    assert_same(&tiles, &every_other, "the storyboard");

    // What is protected shows no more than its storyboard does.
    let body = json!({ "protection": { "scheme": "aes-128" } });
    let asset = origin.publish_as(&body, &film).await;
    let id = asset["id"].as_str().expect("an id");
    let path = format!("/vod/{id}/v1/scrubbing/iframes.m3u8");
    let text = origin.get(&path).await.text();
    assert_eq!(text.matches("#EXTINF:2.000000,\n").count(), 3, "{text}");
}
