//! Matroska and WebM inputs: timed as the source is, the same pictures and sound, and nothing that is broken stops the packager.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/on_request.rs"]
mod on_request;
mod support;

use std::path::Path;

use on_request::on_request_is_the_same;
use support::{fixture, has_tool, package, run_tool, top_boxes};
use weir_packager::Options;

#[test]
fn a_film_with_reordered_pictures_and_primed_sound() {
    let run = package(&[&fixture("bunny.mkv")], Options::default()).unwrap();
    let [video, audio] = run.report.presentation.tracks.as_slice() else {
        panic!("two tracks: {:?}", run.report.presentation)
    };
    // The pictures start 7 ms after the first audible sample: the writer moved them by the priming of the sound, rounded up.
    assert!((video.start - 0.007).abs() < 1e-6, "{}", video.start);
    assert!((video.duration - 2.0).abs() < 1e-6, "{}", video.duration);
    assert_eq!((video.samples, video.keyframes), (50, 2));
    assert!(audio.start.abs() < 1e-6 && (audio.duration - 2.0).abs() < 0.001);
    assert_eq!(
        (video.codec.as_str(), audio.codec.as_str()),
        ("avc1.64000a", "Opus")
    );
    assert_eq!(audio.audio.as_ref().unwrap().sample_rate, 48_000);
    let rate = video.video.as_ref().unwrap().frame_rate;
    assert!(
        (rate - 25.0).abs() < 1e-9,
        "milliseconds are put on the clock of the frames: {rate}"
    );
    assert!(run.report.notes.is_empty(), "{:?}", run.report.notes);
}

/// The same index from its sidecar makes the same segments.
#[test]
fn a_segment_on_request_is_the_same() {
    on_request_is_the_same(&fixture("bunny.mkv"));
}

/// A film in MP4 and the same in Matroska become the same media data, timed alike within the milliseconds that Matroska has.
#[test]
fn the_same_film_in_both_containers() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for film in [
        "bikes.mp4",
        "bigbuckbunny-720p-5s.mp4",
        "av1-tiles.mp4",
        "vp9.mp4",
    ] {
        let other = folder.path().join("film.mkv");
        run_tool(
            "ffmpeg",
            &[
                "-v",
                "error",
                "-y",
                "-i",
                fixtures.join(film).to_str().unwrap(),
                "-c",
                "copy",
                other.to_str().unwrap(),
            ],
        );
        let first = package(&[&fixture(film)], Options::default()).unwrap();
        let second = package(&[&std::fs::read(&other).unwrap()], Options::default()).unwrap();
        let tracks = |run: &support::Run| run.report.presentation.tracks.clone();
        assert_eq!(tracks(&first).len(), tracks(&second).len());
        for (mp4, mkv) in tracks(&first).iter().zip(&tracks(&second)) {
            assert_eq!(mp4.codec, mkv.codec, "{film}");
            assert!(
                (mp4.start - mkv.start).abs() < 0.001,
                "{film}: {} {}",
                mp4.start,
                mkv.start
            );
            assert!(
                (mp4.duration - mkv.duration).abs() < 0.001,
                "{film}: {} {}",
                mp4.duration,
                mkv.duration
            );
            assert_eq!((mp4.samples, mp4.keyframes), (mkv.samples, mkv.keyframes));
        }
        let media = |segment: &[u8]| -> Vec<u8> {
            let boxes = top_boxes(segment).into_iter();
            boxes
                .filter(|(kind, ..)| kind == "mdat")
                .flat_map(|(_, at, len)| segment[at + 8..at + len].to_vec())
                .collect()
        };
        for (name, data) in first
            .files
            .iter()
            .filter(|(name, _)| name.ends_with(".m4s"))
        {
            assert!(media(data) == media(&second.files[name]), "{film} {name}");
        }
    }
}

#[test]
fn what_is_cut_off_is_packaged_up_to_there() {
    let whole = fixture("bunny.mkv");
    let run = package(&[&whole[..whole.len() * 2 / 3]], Options::default()).unwrap();
    assert!(
        run.report
            .notes
            .iter()
            .any(|note| note.message.contains("cut off"))
    );
    let samples = run.report.presentation.tracks[0].samples;
    assert!((20..50).contains(&samples), "{samples}");
}

/// Broken files end in an error or a presentation, never in a panic or without an end.
#[test]
fn broken_files_stop_nothing() {
    let whole = fixture("bunny.mkv");
    for len in (0..whole.len()).step_by(131) {
        let _ = package(&[&whole[..len]], Options::default());
    }
    let mut seed = 1_u32;
    for _ in 0..600 {
        let mut broken = whole.clone();
        for _ in 0..4 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Half of the damage is where the description of the tracks stands.
            let most = if seed & 1 == 0 { 1200 } else { broken.len() };
            let at = (seed >> 8) as usize % most;
            broken[at] = seed.to_be_bytes()[1];
        }
        let _ = package(&[&broken], Options::default());
    }
}

/// An element with a size of one, two or eight bytes.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = id.to_vec();
    match u8::try_from(content.len()).ok().filter(|len| *len < 127) {
        Some(len) => out.push(0x80 | len),
        None => out.extend_from_slice(&(1 << 56 | content.len() as u64).to_be_bytes()),
    }
    out.extend_from_slice(content);
    out
}

/// A file of one track of AAC at 48 kHz: frames of 8 bytes, a block every two frames. With `lacing` both frames are in one block;
/// `stripped` bytes are taken off each frame. Sizes of segment and clusters are not given.
fn sound(lacing: Option<u8>, stripped: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let audio = [
        element(&[0xb5], &48_000.0_f32.to_be_bytes()),
        element(&[0x9f], &[2]),
    ];
    let mut entry = [
        element(&[0xd7], &[1]),
        element(&[0x83], &[2]),
        element(&[0x86], b"A_AAC"),
        element(&[0x63, 0xa2], &[0x11, 0x90]),
        element(&[0xe1], &audio.concat()),
    ]
    .concat();
    if !stripped.is_empty() {
        let compression = [
            element(&[0x42, 0x54], &[3]),
            element(&[0x42, 0x55], stripped),
        ]
        .concat();
        let encoding = element(&[0x62, 0x40], &element(&[0x50, 0x34], &compression));
        entry.extend(element(&[0x6d, 0x80], &encoding));
    }
    let mut file = element(
        &[0x1a, 0x45, 0xdf, 0xa3],
        &element(&[0x42, 0x82], b"matroska"),
    );
    file.extend_from_slice(&[0x18, 0x53, 0x80, 0x67, 0xff]);
    file.extend(element(
        &[0x16, 0x54, 0xae, 0x6b],
        &element(&[0xae], &entry),
    ));
    let mut media = Vec::new();
    for pair in 0..100_u16 {
        if pair % 40 == 0 {
            file.extend_from_slice(&[0x1f, 0x43, 0xb6, 0x75, 0xff]);
            file.extend(element(&[0xe7], &0_u16.to_be_bytes()));
        }
        let frames: Vec<Vec<u8>> = (0..2)
            .map(|number| {
                [
                    stripped,
                    &[u8::try_from(pair).unwrap(), number, 1, 2, 3, 4, 5, 6],
                ]
                .concat()
            })
            .collect();
        media.extend(frames.concat());
        let frames: Vec<&[u8]> = frames
            .iter()
            .map(|frame| &frame[stripped.len()..])
            .collect();
        let time = |frame: u16| u16::try_from(u32::from(frame) * 1024 * 1000 / 48_000).unwrap();
        let head = |frame: u16, flags: u8| {
            let [high, low] = time(frame).to_be_bytes();
            vec![0x81, high, low, 0x80 | flags]
        };
        let blocks = match lacing {
            None => vec![
                [&head(pair * 2, 0)[..], frames[0]].concat(),
                [&head(pair * 2 + 1, 0)[..], frames[1]].concat(),
            ],
            Some(kind) => {
                let sizes: &[u8] = match kind {
                    1 => &[8],
                    3 => &[0x88],
                    _ => &[],
                };
                let head = head(pair * 2, kind << 1);
                vec![[&head[..], &[1], sizes, frames[0], frames[1]].concat()]
            }
        };
        blocks
            .iter()
            .for_each(|block| file.extend(element(&[0xa3], block)));
    }
    (file, media)
}

#[test]
fn laced_and_stripped_frames() {
    for stripped in [&[][..], &[0x21, 0x1b]] {
        for lacing in [None, Some(1), Some(2), Some(3)] {
            let (file, wanted) = sound(lacing, stripped);
            let run = package(&[&file], Options::default()).unwrap();
            let track = &run.report.presentation.tracks[0];
            assert_eq!(
                (track.samples, track.timescale),
                (200, 48_000),
                "{lacing:?}"
            );
            let exact = 200.0 * 1024.0 / 48_000.0;
            assert!(
                (track.duration - exact).abs() < 1e-6,
                "{lacing:?} {}",
                track.duration
            );
            assert_eq!(track.language.as_deref(), Some("en"));
            let segment = &run.files["audio-1/00001.m4s"];
            let (_, at, len) = top_boxes(segment).pop().unwrap();
            assert!(
                segment[at + 8..at + len] == wanted,
                "{lacing:?} {stripped:?}"
            );
        }
    }
}
