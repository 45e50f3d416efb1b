//! How much of a version is checked before it is published.

use std::path::Path;
use std::process::Command;

use serde_json::json;

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
