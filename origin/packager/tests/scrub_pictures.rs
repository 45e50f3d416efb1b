//! Pictures for scrubbing: made by ffmpeg, packaged here, read back by the linter and by ffprobe.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_support;
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use lint_support::{Files, lint, listed};
use support::{fixture, has_tool, package, run_tool};
use weir_packager::lint::Concern;
use weir_packager::{Error, Options, PictureRendition, ScrubPictures};

/// A picture that is no more than the marks of a JPEG file.
fn marks() -> Bytes {
    Bytes::from_static(&[0xff, 0xd8, 0xff, 0xd9])
}

fn pictures(start: u64, end: u64) -> ScrubPictures {
    ScrubPictures {
        width: 320,
        height: 136,
        interval: Duration::from_secs(2),
        start: Duration::from_millis(start),
        end: Duration::from_millis(end),
        beside_hdr: false,
    }
}

/// The `EXTINF` durations of a playlist.
fn durations(rendition: &PictureRendition) -> Vec<&str> {
    let lines = rendition.playlist.lines();
    lines
        .filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','))
        .collect()
}

#[test]
fn every_picture_stands_until_the_next() {
    let made = pictures(0, 7_500).package(&vec![marks(); 4], "p").unwrap();
    assert_eq!(
        durations(&made),
        ["2.000000", "2.000000", "2.000000", "1.500000"]
    );
    assert!(
        made.playlist.contains("#EXT-X-TARGETDURATION:2\n"),
        "{}",
        made.playlist
    );
    let line = "CODECS=\"mjpg\",RESOLUTION=320x136,URI=\"p/iframes.m3u8\"\n";
    assert!(made.stream.ends_with(line), "{}", made.stream);
    // A film whose pictures start late: the first that is listed is the one that is seen then.
    let late = pictures(2_500, 7_500)
        .package(&vec![marks(); 4], "p")
        .unwrap();
    assert_eq!(durations(&late), ["1.500000", "2.000000", "1.500000"]);
    let hdr = ScrubPictures {
        beside_hdr: true,
        ..pictures(0, 2_000)
    };
    let hdr = hdr.package(&[marks()], "p").unwrap();
    assert!(hdr.stream.contains("VIDEO-RANGE=SDR"), "{}", hdr.stream);
}

#[test]
fn what_makes_no_rendition_is_refused() {
    let never = ScrubPictures {
        interval: Duration::ZERO,
        ..pictures(0, 1_000)
    };
    let rare = ScrubPictures {
        interval: Duration::from_secs(100_000),
        ..pictures(0, 1_000)
    };
    for (what, given) in [
        (pictures(0, 7_500), vec![marks(); 3]),
        (pictures(0, 1_000), vec![Bytes::from_static(b"GIF89a")]),
        (pictures(1_000, 1_000), vec![marks()]),
        (never, vec![marks(); 4]),
        (rare, vec![marks(); 4]),
    ] {
        let refused = what.package(&given, "p");
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{what:?}: {refused:?}"
        );
    }
}

/// JPEG pictures of a film, one every two seconds.
fn made_by_ffmpeg(film: &Path, folder: &Path) -> Vec<Bytes> {
    let to = folder.join("%d.jpg");
    let filter =
        "fps=1/2:round=up:start_time=0,scale=320:136,format=yuvj420p,tpad=stop=-1:stop_mode=clone";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(film)
        .args(["-vf", filter, "-frames:v", "5", "-c:v", "mjpeg"])
        .args(["-start_number", "0"])
        .arg(to)
        .status();
    assert!(made.unwrap().success());
    (0..5)
        .map(|number| {
            std::fs::read(folder.join(format!("{number}.jpg")))
                .unwrap()
                .into()
        })
        .collect()
}

#[test]
fn the_linter_and_ffprobe_read_what_is_made() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("bikes.mp4");
    std::fs::write(&film, fixture("bikes.mp4")).unwrap();
    let run = package(&[&fixture("bikes.mp4")], Options::default()).unwrap();
    let track = &run.report.presentation.tracks[0];
    let wanted = pictures(0, 10_000);
    assert_eq!((track.start, track.duration), (0.0, 10.0));
    let jpeg = made_by_ffmpeg(&film, folder.path());
    let made = wanted.package(&jpeg, "scrubbing").unwrap();

    let mut files: Files = run.files.into_iter().collect();
    let root = files.get_mut("multivariant.m3u8").unwrap();
    root.extend_from_slice(made.stream.as_bytes());
    let media = made.media.concat();
    files.insert("scrubbing/media.mp4".to_owned(), media.clone());
    files.insert(
        "scrubbing/iframes.m3u8".to_owned(),
        made.playlist.clone().into_bytes(),
    );
    let report = lint(&files, "multivariant.m3u8");
    assert!(
        report.violations(Concern::Packaging).next().is_none(),
        "{}",
        listed(&report)
    );
    assert!(report.unread.is_empty(), "{:?}", report.unread);
    let about: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.document.contains("scrubbing"))
        .collect();
    assert!(about.is_empty(), "{about:?}");

    let path = folder.path().join("media.mp4");
    std::fs::write(&path, media).unwrap();
    let text = run_tool(
        "ffprobe",
        &[
            "-v",
            "error",
            "-show_entries",
            "packet=pts_time,size:stream=codec_tag_string,width,height",
            "-of",
            "csv=p=0",
            path.to_str().unwrap(),
        ],
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    for (index, (line, jpeg)) in lines.iter().zip(&jpeg).enumerate() {
        let expected = format!("{}.000000,{}", index * 2, jpeg.len());
        assert_eq!(*line, expected, "{text}");
    }
    assert_eq!(lines[5], "mjpg,320,136", "{text}");
}
