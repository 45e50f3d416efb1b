//! A version that breaks a rule is not published: the running service says which rule, where, and how to mend it.

use std::path::Path;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};

use crate::origin::Origin;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_a_rule_is_not_published() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("film.mp4");
    open_groups(&film);
    let origin = Origin::start(&[]);
    let id = origin.create("film").await;
    let uploaded = origin.upload(&id, &film).await;
    assert!(uploaded.status.is_success(), "{}", uploaded.text());
    let asset = origin.settled(&id).await;
    assert_eq!(asset["state"], "failed", "{asset}");
    let failure = &asset["failure"];
    assert_eq!(failure["code"], "lint-failed", "{asset}");
    let detail = failure["detail"].as_str().expect("a sentence");
    for part in ["not published", "video-1/media.m3u8", "apple-7.4"] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    let findings = failure["lint"]["findings"].as_array().expect("a list");
    let found = findings
        .iter()
        .find(|finding| finding["rule"] == "apple-7.4")
        .unwrap_or_else(|| panic!("{failure}"));
    assert_eq!(
        (&found["severity"], &found["concern"], &found["document"]),
        (
            &json!("MUST"),
            &json!("packaging"),
            &json!("video-1/media.m3u8")
        )
    );
    assert!(found["line"].is_number() && found["fix"].is_string());
    assert!(failure["lint"]["must"].as_u64() > Some(0));

    // Nobody sees any of it.
    assert_eq!(asset["versions"].as_array().map_or(0, Vec::len), 0);
    for path in ["multivariant.m3u8", "video-1/media.m3u8", "poster.jpg"] {
        let answer = origin.get(&format!("/vod/{id}/v1/{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let path = format!("/v1/assets/{id}/playback");
    let refused = origin.admin(Method::POST, &path, "{}").await;
    assert_eq!(refused.status, 409, "{}", refused.text());

    // Encoded so that the rule holds, it is published, and the failure is history.
    let path = format!("/v1/assets/{id}");
    let other = json!({ "profile": "standard" }).to_string();
    let changed = origin.admin(Method::PATCH, &path, other).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let path = format!("{path}/package");
    let accepted = origin.admin(Method::POST, &path, "").await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let asset = origin.settled(&id).await;
    assert_eq!(asset["state"], "ready", "{asset}");
    assert_eq!(asset["failure"], Value::Null, "{asset}");
    let lint = &asset["versions"][0]["lint"];
    assert!(lint["segments"].as_u64() > Some(0), "{asset}");
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
