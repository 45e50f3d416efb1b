//! MPEG-TS inputs: timed as the source is, the same pictures and sound, and nothing that is broken stops the packager.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/on_request.rs"]
mod on_request;
mod support;

use std::path::Path;

use on_request::on_request_is_the_same;
use support::{Run, fixture, has_tool, package, run_tool, top_boxes};
use weir_packager::{Format, Layout, Options};

/// The content of all `mdat` boxes of a track.
fn media(run: &Run, track: &str) -> Vec<u8> {
    let segments = run.files.iter();
    segments
        .filter(|(path, _)| path.starts_with(track) && path.ends_with(".m4s"))
        .flat_map(|(_, segment)| {
            let boxes = top_boxes(segment).into_iter();
            boxes
                .filter(|(kind, ..)| kind == "mdat")
                .flat_map(|(_, at, len)| segment[at + 8..at + len].to_vec())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// NAL units of samples, without delimiters and parameter sets.
fn slices(mut media: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((len, rest)) = media.split_first_chunk::<4>() {
        let (nal, rest) = rest.split_at(u32::from_be_bytes(*len) as usize);
        media = rest;
        if matches!(nal[0] & 31, 1..=5) {
            found.push(nal);
        }
    }
    found
}

#[test]
fn a_film_whose_clock_wraps() {
    let run = package(&[&fixture("bunny.ts")], Options::default()).unwrap();
    let mkv = package(&[&fixture("bunny.mkv")], Options::default()).unwrap();
    let [video, audio] = run.report.presentation.tracks.as_slice() else {
        panic!("two tracks: {:?}", run.report.presentation)
    };
    // The priming of AAC is a part of the sound here: MPEG-TS cannot say that it is none. So the pictures come later than it.
    let late = video.start - audio.start;
    assert!(
        audio.start.abs() < 1e-6 && (0.02..0.04).contains(&late),
        "{late}"
    );
    assert!((video.duration - 2.0).abs() < 1e-6, "{}", video.duration);
    assert_eq!((video.samples, video.keyframes), (50, 2));
    assert_eq!(
        (video.codec.as_str(), audio.codec.as_str()),
        ("avc1.64000a", "mp4a.40.2")
    );
    assert!((video.video.as_ref().unwrap().frame_rate - 25.0).abs() < 1e-9);
    assert!(run.report.notes.is_empty(), "{:?}", run.report.notes);
    assert_eq!(slices(&media(&run, "video")), slices(&media(&mkv, "video")));
}

#[test]
fn a_segment_on_request_is_the_same() {
    on_request_is_the_same(&fixture("bunny.ts"));
}

/// What is written as MPEG-TS is read back as it was.
#[test]
fn there_and_back() {
    for film in ["bikes.mp4", "bigbuckbunny-720p-5s.mp4"] {
        let first = package(&[&fixture(film)], Options::default()).unwrap();
        let options = Options {
            format: Format::MpegTs,
            layout: Layout::SingleFile,
            ..Options::default()
        };
        let stream = package(&[&fixture(film)], options).unwrap();
        for track in &first.report.presentation.tracks {
            let name = format!("{}-1", track.kind.as_str());
            let input = &stream.files[&format!("{name}/media.ts")];
            let second = package(&[input], Options::default()).unwrap();
            let back = &second.report.presentation.tracks[0];
            assert_eq!(
                (track.samples, track.keyframes),
                (back.samples, back.keyframes)
            );
            assert!((track.duration - back.duration).abs() < 0.001);
            assert_eq!(track.codec, back.codec);
            let (ours, theirs) = (media(&second, &name), media(&first, &name));
            if name == "video-1" {
                assert!(slices(&ours) == slices(&theirs), "{film}");
            } else {
                assert!(ours == theirs, "{film}");
            }
        }
    }
}

/// Other codecs, and packets of 192 bytes, as ffmpeg writes them: the same frames come out, at the same times.
#[test]
fn what_ffmpeg_writes_comes_back() {
    if !has_tool("ffmpeg") || !has_tool("ffprobe") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bigbuckbunny-720p-5s.mp4");
    let small = ["-t", "2", "-vf", "scale=192:108"];
    let hevc = [
        "-c:v",
        "libx265",
        "-x265-params",
        "log-level=none:bframes=2:keyint=25",
        "-preset",
        "ultrafast",
    ];
    let avc = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-bf",
        "2",
        "-g",
        "25",
    ];
    for (name, video, more) in [
        ("hevc.ts", &hevc[..], &["-c:a", "ac3", "-ac", "2"][..]),
        ("eac3.ts", &avc[..], &["-c:a", "eac3"][..]),
        ("mp3.ts", &avc[..], &["-c:a", "libmp3lame", "-ac", "2"][..]),
        (
            "bluray.m2ts",
            &avc[..],
            &["-c:a", "ac3", "-mpegts_m2ts_mode", "1"][..],
        ),
    ] {
        let path = folder.path().join(name);
        let mut arguments = vec!["-v", "error", "-i", film.to_str().unwrap()];
        arguments.extend_from_slice(&small);
        arguments.extend_from_slice(video);
        arguments.extend_from_slice(more);
        arguments.extend_from_slice(&["-f", "mpegts", path.to_str().unwrap()]);
        run_tool("ffmpeg", &arguments);
        let run = package(&[&std::fs::read(&path).unwrap()], Options::default()).unwrap();
        let out = folder.path().join(format!("{name}.out"));
        run.store(&out);
        let frames = |path: &Path, stream: &str| {
            let arguments = [
                "-v",
                "error",
                "-i",
                path.to_str().unwrap(),
                "-map",
                stream,
                "-f",
                "framemd5",
                "-",
            ];
            let text = run_tool("ffmpeg", &arguments);
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines
                .filter_map(|line| Some(line.rsplit(',').next()?.trim().to_owned()))
                .collect::<Vec<_>>()
        };
        let start = |path: &Path, stream: &str| support::packet_span(path, stream).unwrap().0;
        let (video, audio) = (
            out.join("video-1/media.m3u8"),
            out.join("audio-1/media.m3u8"),
        );
        assert_eq!(frames(&video, "0:v"), frames(&path, "0:v"), "{name}");
        assert_eq!(frames(&audio, "0:a"), frames(&path, "0:a"), "{name}");
        let ours = start(&audio, "a") - start(&video, "v");
        let theirs = start(&path, "a") - start(&path, "v");
        assert!((ours - theirs).abs() < 0.001, "{name}: {ours} {theirs}");
    }
}

#[test]
fn recordings_put_together_go_on_and_lost_packets_are_named() {
    let one = fixture("bunny.ts");
    let both = [one.as_slice(), one.as_slice()].concat();
    let run = package(&[&both], Options::default()).unwrap();
    let video = &run.report.presentation.tracks[0];
    assert_eq!(video.samples, 100);
    assert!((video.duration - 4.0).abs() < 0.05, "{}", video.duration);
    let has = |run: &Run, what: &str| {
        run.report
            .notes
            .iter()
            .any(|note| note.message.contains(what))
    };
    assert!(has(&run, "jumps 1 times"), "{:?}", run.report.notes);
    let middle = one.len() / 188 / 2 * 188;
    let broken = [&one[..middle], &one[middle + 188 * 3..]].concat();
    let run = package(&[&broken], Options::default()).unwrap();
    assert!(has(&run, "missing or repeated"), "{:?}", run.report.notes);
    // A byte too many: the packets are found again.
    let shifted = [&one[..middle], &[0], &one[middle..]].concat();
    let run = package(&[&shifted], Options::default()).unwrap();
    assert_eq!(run.report.presentation.tracks[0].samples, 50);
}

/// Broken files end in an error or a presentation, never in a panic or without an end.
#[test]
fn broken_files_stop_nothing() {
    let whole = fixture("bunny.ts");
    for len in (0..whole.len()).step_by(397) {
        let _ = package(&[&whole[..len]], Options::default());
    }
    let mut seed = 1_u32;
    for _ in 0..400 {
        let mut broken = whole.clone();
        for _ in 0..6 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let most = if seed & 1 == 0 { 188 * 6 } else { broken.len() };
            let at = (seed >> 8) as usize % most;
            broken[at] = seed.to_be_bytes()[1];
        }
        let _ = package(&[&broken], Options::default());
    }
}
