//! Keyframes over which pictures refer: segments that start with them are not called independent.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Run, has_tool, package, run_tool};
use weir_packager::Options;

const TAG: &str = "#EXT-X-INDEPENDENT-SEGMENTS\n";

/// Eight seconds with a keyframe every two, packaged.
fn packaged(container: &str, seconds: u64, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("film.{container}"));
    let mut all = vec![
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=160x120:rate=25:duration=8",
    ];
    all.extend(arguments);
    all.push(path.to_str().unwrap());
    run_tool("ffmpeg", &all);
    let options = Options {
        dash: true,
        segment_duration: std::time::Duration::from_secs(seconds),
        ..Options::default()
    };
    package(&[&std::fs::read(path).unwrap()], options).unwrap()
}

#[test]
fn open_groups_are_not_called_independent() {
    if !has_tool("ffmpeg") {
        return;
    }
    let hevc = |open: u8| {
        format!("log-level=none:keyint=50:min-keyint=50:scenecut=0:bframes=3:open-gop={open}")
    };
    let avc = |open: u8| {
        format!("keyint=50:min-keyint=50:scenecut=0:bframes=3:b-adapt=0:open-gop={open}")
    };
    for open in [0, 1] {
        let (hevc, avc) = (hevc(open), avc(open));
        let hevc = ["-c:v", "libx265", "-x265-params", &hevc];
        let avc = ["-c:v", "libx264", "-x264-params", &avc];
        for (container, arguments) in [("mp4", &hevc), ("mkv", &hevc), ("ts", &hevc), ("mkv", &avc)]
        {
            let run = packaged(container, 2, arguments);
            let text = run.text("multivariant.m3u8");
            let case = format!("{container} {arguments:?}");
            assert_eq!(text.contains(TAG), open == 0, "{case}");
            assert!(!run.text("video-1/media.m3u8").contains(TAG), "{case}");
            let access = if open == 0 { "\"1\"" } else { "\"3\"" };
            let access = format!("startWithSAP={access}");
            assert!(run.text("manifest.mpd").contains(&access), "{case}");
            let noted = run.report.notes.iter();
            let noted = noted.filter(|note| note.message.contains("open groups"));
            assert_eq!(noted.count(), usize::from(open), "{case}");
        }
        // Nothing is before a single segment.
        let run = packaged("mp4", 20, &hevc);
        assert!(run.text("multivariant.m3u8").contains(TAG));
        assert_eq!(run.text("video-1/media.m3u8").matches("#EXTINF").count(), 1);
    }
}
