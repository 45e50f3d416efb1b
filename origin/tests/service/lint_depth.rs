//! How much of a version is checked before it is published.

use std::path::Path;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};

use crate::origin::Origin;
use crate::support::ffmpeg::WatchedFfmpeg;
use crate::support::fixture;
use crate::transcode::has_ffmpeg;

/// A film whose groups of pictures are open: the first pictures after a keyframe depend on those before it. Segments of its own
/// pictures cannot start with an IDR picture, which Apple's players want (Authoring Specification 7.4).
fn open_groups(to: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg("testsrc2=size=160x90:rate=25:duration=12")
        .args(["-c:v", "libx264", "-preset", "veryfast", "-g", "50"])
        .args(["-bf", "2", "-x264-params", "open-gop=1:scenecut=0"])
        .arg(to)
        .status();
    assert!(made.expect("ffmpeg runs").success());
}

/// An operator who leaves segments unread gets what playlists alone can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_much_is_checked_is_a_setting() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("film.mp4");
    open_groups(&film);
    let origin = Origin::start(&[("WEIR_ORIGIN__PACKAGING__LINT", "playlists")]);
    let asset = origin.publish_as(&json!({}), &film).await;
    assert_eq!(asset["state"], "ready", "{asset}");
    assert_eq!(asset["versions"][0]["lint"]["segments"], 0, "{asset}");
}

/// A store that loses a segment after it has taken it: the pictures are made when everything else is stored, and checked is what is
/// stored then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_a_rule_is_not_published() {
    if !has_ffmpeg() {
        return;
    }
    let ffmpeg = WatchedFfmpeg::new(
        "[ -e \"$folder/done\" ] || rm $(find \"$(cat \"$folder/store\")\" -name '*.m4s' | sort | head -n 1)\ntouch \"$folder/done\"",
    );
    let program = ffmpeg.program();
    let origin = Origin::start(&[(
        "WEIR_ORIGIN__TRANSCODE__FFMPEG",
        program.to_str().expect("text"),
    )]);
    let store = origin.data();
    std::fs::write(ffmpeg.folder().join("store"), store.to_str().expect("text")).expect("written");
    let id = origin.create("film").await;
    let uploaded = origin
        .upload(&id, &fixture("bigbuckbunny-720p-5s.mp4"))
        .await;
    assert_eq!(uploaded.status, 202, "{}", uploaded.text());
    let asset = origin.settled(&id).await;
    let failure = &asset["failure"];
    assert_eq!(
        (&asset["state"], &failure["code"], &asset["live_version"]),
        (&json!("failed"), &json!("lint-failed"), &Value::Null),
        "{asset}\n{}",
        origin.logged()
    );
    let detail = failure["detail"].as_str().expect("a sentence");
    assert!(detail.contains("(rfc-6.2.1-available)"), "{detail}");
    let findings = failure["lint"]["findings"].as_array().expect("findings");
    let named = |one: &Value| one["rule"] == "rfc-6.2.1-available" && one["severity"] == "MUST";
    assert!(findings.iter().any(named), "{failure}");
    assert_eq!(asset["versions"], json!([]), "{asset}");
    let version = store.join(format!("assets/{id}/v1"));
    let left = std::fs::read_dir(version).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing of it stays");
    let path = format!("/vod/{id}/v1/multivariant.m3u8");
    assert_eq!(origin.get(&path).await.status, 404);

    // It was the store's fault: the same upload becomes a version when nothing is lost.
    let again = origin
        .admin(Method::POST, &format!("/v1/assets/{id}/package"), "")
        .await;
    assert_eq!(again.status, 202, "{}", again.text());
    let asset = origin.settled(&id).await;
    assert_eq!(
        (&asset["state"], &asset["live_version"], &asset["failure"]),
        (&json!("ready"), &json!(2), &Value::Null),
        "{asset}"
    );
}
