//! What users of other packagers ask for in vain, or had to wait for: each test names where it was told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use support::{Run, fixture, has_tool, package, run_tool, top_boxes};
use weir_packager::{Options, Packager, Step, Subtitle};

/// `EXT-X-TARGETDURATION` and the durations of segments, for each media playlist.
fn durations(run: &Run) -> BTreeMap<&str, (f64, Vec<f64>)> {
    let playlists = run.report.playlists.iter().map(|path| {
        let text = run.text(path);
        let target = text
            .lines()
            .find_map(|line| line.strip_prefix("#EXT-X-TARGETDURATION:"));
        let segments = text
            .lines()
            .filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','))
            .map(|seconds| seconds.parse().unwrap());
        (
            path.as_str(),
            (target.unwrap().parse().unwrap(), segments.collect()),
        )
    });
    playlists.collect()
}

fn short(millis: u64) -> Options {
    Options {
        segment_duration: Duration::from_millis(millis),
        subtitles: vec![Subtitle {
            text: "1\n00:00:01,000 --> 00:00:02,000\nHello\n".to_owned(),
            language: "en".to_owned(),
            ..Subtitle::default()
        }],
        ..Options::default()
    }
}

/// Shaka Packager #841, #947 (7 for segments of 6.016 s), #1510 (another one in each playlist), #1496 (`EXTINF:0.000` at the end);
/// OvenMediaEngine #1699 (cut off rather than rounded).
#[test]
fn the_target_duration_is_rounded_and_shared_and_no_segment_is_empty() {
    let films = [
        "bikes.mp4",
        "bunny.mkv",
        "bunny.ts",
        "bigbuckbunny-720p-5s.mp4",
    ];
    for (film, millis) in films
        .into_iter()
        .flat_map(|film| [500, 1300, 2000, 4000, 6000].map(|millis| (film, millis)))
    {
        let run = package(&[&fixture(film)], short(millis)).unwrap();
        let all = durations(&run);
        assert!(all.len() >= 3, "media, keyframes and text of {film}");
        let longest = all
            .iter()
            .filter(|(path, _)| !path.ends_with("iframes.m3u8"))
            .flat_map(|(_, (_, segments))| segments)
            .fold(0.0, |most: f64, seconds| most.max(*seconds));
        for (path, (target, segments)) in all {
            let what = format!("{path} of {film} in {millis} ms");
            assert!((target - longest.round().max(1.0)).abs() < 0.1, "{what}");
            assert!(
                segments.iter().all(|seconds| *seconds > 0.000_5),
                "{what}: {segments:?}"
            );
        }
    }
}

/// AWS MediaPackage makes one of the first rendition alone.
#[test]
fn every_rendition_has_its_keyframes() {
    let film = fixture("bikes.mp4");
    let run = package(&[&film, &film, &film], short(2000)).unwrap();
    let list = run.text("multivariant.m3u8");
    for number in 1..=3 {
        let own = format!("video-{number}/iframes.m3u8");
        assert!(list.contains(&format!("URI=\"{own}\"")), "{list}");
        assert_eq!(run.text(&own).matches("#EXTINF").count(), 6);
    }
}

/// Bento4 #225 (a division by zero): cues of no duration show nothing, and a document of nothing else is refused by its number.
#[test]
fn subtitles_of_no_duration_divide_nothing_by_zero() {
    let never = "WEBVTT\n\n00:01.000 --> 00:01.000\nnever\n";
    let mut options = short(2000);
    options.subtitles[0].text = format!("{never}\n00:09.000 --> 00:09.500\nlate\n");
    let film = fixture("bikes.mp4");
    let run = package(&[&film], options.clone()).unwrap();
    let all = durations(&run);
    assert_eq!(all["video-1/media.m3u8"], all["subtitle-1/media.m3u8"]);
    assert!(!run.text("subtitle-1/00001.vtt").contains("never"));
    never.clone_into(&mut options.subtitles[0].text);
    let error = package(&[&film], options).unwrap_err().to_string();
    assert!(error.contains("subtitle 1 (en) holds no cue"), "{error}");
}

fn full(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len() + 8).unwrap();
    [&len.to_be_bytes(), kind, content].concat()
}

/// The boxes in `data` with chunk offsets of 64 bits, `further` bytes on.
fn moved(data: &[u8], further: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, at, len) in top_boxes(data) {
        let content = &data[at + 8..at + len];
        match kind.as_str() {
            "moov" | "trak" | "mdia" | "minf" | "stbl" => {
                out.extend(full(kind.as_bytes(), &moved(content, further)));
            }
            "stco" => {
                let mut wide = content[..8].to_vec();
                for offset in content[8..].chunks_exact(4) {
                    let offset = u32::from_be_bytes(offset.try_into().unwrap());
                    wide.extend((u64::from(offset) + further).to_be_bytes());
                }
                out.extend(full(b"co64", &wide));
            }
            _ => out.extend(full(kind.as_bytes(), content)),
        }
    }
    out
}

/// Shaka Packager #483 ("box too large" at 5 GB) and nginx-vod-module #1600 (several `mdat` boxes): media data beyond 4 GiB, after a
/// box of media data that nothing points at.
#[test]
fn media_beyond_four_gigabytes_in_a_second_box_are_found() {
    let film = fixture("bikes.mp4");
    let boxes = top_boxes(&film);
    let (_, moov_at, moov_len) = boxes.iter().find(|(kind, ..)| kind == "moov").unwrap();
    let moov = &film[*moov_at..moov_at + moov_len];
    let unused: u64 = 5 << 30;
    let head = |further| {
        let mut head = full(b"ftyp", b"isom\0\0\0\0");
        head.extend(moved(moov, further));
        head.extend([0, 0, 0, 1]);
        head.extend(b"mdat");
        head.extend(unused.to_be_bytes());
        head
    };
    // Where the film as it was begins anew: its own boxes before the media data are those of another movie, and are made free space.
    let start = head(0).len() as u64 - 16 + unused;
    let head = head(start);
    let mut tail = film.clone();
    for (kind, at, _) in &boxes {
        if kind != "mdat" {
            tail[at + 4..at + 8].copy_from_slice(b"free");
        }
    }
    let mut packager = Packager::new(start + tail.len() as u64, Options::default()).unwrap();
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    loop {
        match packager.step().unwrap() {
            Step::Read { input, range } => {
                let bytes = (range.start..range.end).map(|at| match at.checked_sub(start) {
                    Some(at) => tail[usize::try_from(at).unwrap()],
                    None => {
                        let at = usize::try_from(at).unwrap();
                        head.get(at).copied().unwrap_or_default()
                    }
                });
                let bytes: Vec<u8> = bytes.collect();
                packager.supply(input, range.start, bytes.into()).unwrap();
            }
            Step::Write(output) => files
                .entry(output.path)
                .or_default()
                .extend(output.body.concat()),
            Step::Done(_) => break,
        }
    }
    let wanted = package(&[&film], Options::default()).unwrap();
    for (path, content) in &wanted.files {
        assert!(files[path] == *content, "{path}");
    }
}

/// Shaka Packager #1265 and #1610: presentation times that are negative. Pictures are shown before their decode time then, and an edit
/// list, or its absence, says where the film starts.
#[test]
fn negative_composition_offsets_change_no_time() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    let packaged = |flags: &str| {
        run_tool(
            "ffmpeg",
            &[
                "-v",
                "error",
                "-y",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=160x120:rate=25:duration=4",
                "-c:v",
                "libx264",
                "-x264-params",
                "bframes=3:b-adapt=0:keyint=25:min-keyint=25:scenecut=0",
                "-movflags",
                flags,
                path.to_str().unwrap(),
            ],
        );
        let film = std::fs::read(&path).unwrap();
        let run = package(&[&film], short(2000)).unwrap();
        let track = run.report.presentation.tracks[0].clone();
        (
            film,
            (track.start, track.duration),
            durations(&run)["video-1/media.m3u8"].clone(),
        )
    };
    let (plain, times, segments) = packaged("faststart");
    assert_eq!(times, (0.0, 4.0));
    for flags in [
        "negative_cts_offsets",
        "negative_cts_offsets+frag_keyframe+empty_moov",
    ] {
        let (film, found, divided) = packaged(flags);
        assert!(film != plain, "ffmpeg heeds {flags}");
        assert_eq!((found, divided), (times, segments.clone()), "{flags}");
    }
}
