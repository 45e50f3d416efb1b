//! Matroska and WebM inputs: timed as the source is, the same pictures and sound, and nothing that is broken stops the packager.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use support::{fixture, has_tool, package, run_tool, top_boxes};
use weir_packager::{Index, IndexStep, Indexer, Options, Resource, SegmentStep};

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
    let input = fixture("bunny.mkv");
    let options = Options::default();
    let run = package(&[&input], options.clone()).unwrap();
    let bytes = |range: weir_packager::ByteRange| {
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        bytes::Bytes::copy_from_slice(&input[range])
    };
    let mut indexer = Indexer::new(&[input.len() as u64], options.clone()).unwrap();
    let index = loop {
        match indexer.step().unwrap() {
            IndexStep::Read { range, .. } => indexer.supply(0, range.start, bytes(range)).unwrap(),
            IndexStep::Done(index) => break index,
        }
    };
    let again = Index::from_sidecar(index.sidecar(), &options).unwrap();
    for (name, data) in run.files.iter().filter(|(name, _)| name.ends_with(".m4s")) {
        let Some(Resource::Segment(mut request)) = again.open(name).unwrap() else {
            panic!("{name} is a segment")
        };
        let output = loop {
            match request.step().unwrap() {
                SegmentStep::Read { range, .. } => {
                    request.supply(range.start, bytes(range)).unwrap()
                }
                SegmentStep::Done(output) => break output,
            }
        };
        assert!(output.body.concat() == *data, "{name}");
    }
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
