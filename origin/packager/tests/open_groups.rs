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

/// A film that was cut at a keyframe over which pictures refer begins with pictures that cannot be decoded.
#[test]
fn a_film_that_was_cut_in_an_open_group_claims_nothing() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (codec, option, settings) in [
        ("libx264", "-x264-params", "bframes=3:b-adapt=0:open-gop=1"),
        (
            "libx265",
            "-x265-params",
            "log-level=none:bframes=3:open-gop=1",
        ),
    ] {
        let (whole, cut) = (path("whole.mp4"), path("cut.mp4"));
        let source = "testsrc2=size=160x120:rate=25:duration=8";
        let settings = format!("{settings}:keyint=50:min-keyint=50:scenecut=0");
        run_tool(
            "ffmpeg",
            &[
                "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", codec, option, &settings,
                &whole,
            ],
        );
        run_tool(
            "ffmpeg",
            &[
                "-v", "error", "-y", "-ss", "4.5", "-i", &whole, "-c", "copy", &cut,
            ],
        );
        for seconds in [2, 20] {
            let options = Options {
                segment_duration: std::time::Duration::from_secs(seconds),
                ..Options::default()
            };
            let run = package(&[&std::fs::read(&cut).unwrap()], options).unwrap();
            assert!(!run.text("multivariant.m3u8").contains(TAG), "{codec}");
        }
    }
}

/// x265 writes all its settings in front of every keyframe, and HDR10 brings more.
#[test]
fn open_groups_are_seen_behind_long_messages() {
    if !has_tool("ffmpeg") {
        return;
    }
    let settings = "keyint=50:min-keyint=50:scenecut=0:bframes=3:open-gop=1:repeat-headers=1:log-level=none:\
                    hdr10=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:max-cll=1000,400:\
                    master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)";
    let arguments = [
        "-c:v",
        "libx265",
        "-pix_fmt",
        "yuv420p10le",
        "-x265-params",
        settings,
    ];
    let run = packaged("mp4", 2, &arguments);
    assert!(!run.text("multivariant.m3u8").contains(TAG));
}
