//! What an origin that is killed leaves behind: nothing that runs, and nothing that stays.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::origin::Origin;
use crate::support::ffmpeg::WatchedFfmpeg;
use crate::support::fixture;
use crate::transcode::has_ffmpeg;

/// How long a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_origin_leaves_no_ffmpeg_and_no_files() {
    if !has_ffmpeg() {
        return;
    }
    // It would work for much longer than this test waits, and says which process it is.
    let ffmpeg = WatchedFfmpeg::new(
        "echo $$ >\"$folder/pid.new\" && mv \"$folder/pid.new\" \"$folder/pid\" && exec sleep 900",
    );
    let work = tempfile::tempdir().expect("a folder");
    let program = ffmpeg.program();
    let environment = [
        (
            "WEIR_ORIGIN__TRANSCODE__FFMPEG",
            program.to_str().expect("text"),
        ),
        (
            "WEIR_ORIGIN__TRANSCODE__WORK_FOLDER",
            work.path().to_str().expect("text"),
        ),
    ];
    let origin = Origin::start(&environment);
    let id = origin.create_as(&json!({ "profile": "web" })).await;
    let uploaded = origin
        .upload(&id, &fixture("bigbuckbunny-720p-5s.mp4"))
        .await;
    assert_eq!(uploaded.status, 202, "{}", uploaded.text());
    let pid = ffmpeg.folder().join("pid");
    until("ffmpeg is at work", || pid.exists()).await;
    let pid = std::fs::read_to_string(pid).expect("readable");
    let process = Path::new("/proc").join(pid.trim());
    assert!(process.exists());
    let folders = |of: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(of).expect("readable").flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let left = folders(work.path());
    assert_eq!(left.len(), 1, "{left:?}");

    let _origin = origin.kill_and_restart(&environment);
    until("ffmpeg outlives its origin", || !process.exists()).await;
    // The next one begins with an empty folder: before it listens it has removed what the killed one left.
    assert!(!left[0].exists(), "{left:?}");
}
