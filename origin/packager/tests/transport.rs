//! MPEG-TS segments: read back strictly, decoded by ffmpeg, and timed as the source is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/transport.rs"]
mod transport;

use std::time::Duration;

use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use support::{Run, fixture, has_tool, package, packet_span, run_tool};
use transport::Reader;
use weir_packager::{
    ContentKey, Encryption, Format, Index, IndexStep, Indexer, Key, KeyId, KeySystem, Layout,
    Method, Options, Resource, SegmentStep, Subtitle,
};

/// Time stamp of presentation time 0.
const EPOCH: i64 = 900_000;

fn options() -> Options {
    Options {
        format: Format::MpegTs,
        segment_duration: Duration::from_secs(2),
        ..Options::default()
    }
}

fn segments<'a>(run: &'a Run, track: &str) -> Vec<(&'a String, &'a Vec<u8>)> {
    let files = run.files.iter();
    files
        .filter(|(path, _)| path.starts_with(track) && path.ends_with(".ts"))
        .collect()
}

fn read(run: &Run, track: &str) -> Reader {
    let mut reader = Reader::default();
    for (_, segment) in segments(run, track) {
        reader.read(segment);
    }
    reader.finish()
}

#[test]
fn streams_keep_to_the_standard() {
    for film in ["bikes.mp4", "bigbuckbunny-720p-5s.mp4"] {
        let run = package(&[&fixture(film)], options()).unwrap();
        for track in &run.report.presentation.tracks {
            let name = format!("{}-1", track.kind.as_str());
            let reader = read(&run, &name);
            assert_eq!(
                reader.stream_type,
                if name == "video-1" { 0x1b } else { 0x0f }
            );
            for (clock, next) in reader.clocks.iter().zip(&reader.clocks[1..]) {
                assert!(
                    next > clock && next - clock <= 9_000,
                    "a clock reference every 100 ms"
                );
            }
            let mut last = 0;
            let mut first = u64::MAX;
            for unit in &reader.units {
                assert!(unit.decode > last && unit.presentation >= unit.decode);
                last = unit.decode;
                first = first.min(unit.presentation);
            }
            #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
            let start = (track.start * 90_000.0).round() as i64 + EPOCH;
            assert!(
                (first.cast_signed() - start).abs() <= 1,
                "{film} {name}: {first} {start}"
            );
        }
    }
}

#[test]
fn pictures_have_delimiters_and_parameter_sets() {
    let run = package(&[&fixture("bikes.mp4")], options()).unwrap();
    let reader = read(&run, "video-1");
    assert_eq!(reader.units.len(), 250);
    let mut keyframes = 0;
    for unit in &reader.units {
        assert_eq!(unit.data[..5], [0, 0, 0, 1, 9], "a delimiter comes first");
        let kinds: Vec<u8> = unit
            .data
            .windows(4)
            .filter(|window| window[..3] == [0, 0, 1])
            .map(|window| window[3] & 31)
            .collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == 9).count(), 1);
        if unit.random_access {
            keyframes += 1;
            let set = |wanted| kinds.iter().position(|kind| *kind == wanted).unwrap();
            assert!(set(7) < set(8) && set(8) < set(5), "{kinds:?}");
        }
    }
    assert_eq!(keyframes, 6);
}

#[test]
fn every_adts_frame_states_its_length() {
    let run = package(&[&fixture("bigbuckbunny-720p-5s.mp4")], options()).unwrap();
    let reader = read(&run, "audio-1");
    let mut frames = 0_i64;
    let first = reader.units[0].presentation.cast_signed();
    for unit in &reader.units {
        // Rounded once, from the number of the frame: no drift.
        let exact = (frames * 1024 * 90_000 * 2 / 48_000 + 1) / 2;
        assert!((unit.presentation.cast_signed() - first - exact).abs() <= 1);
        let mut at = 0;
        while at < unit.data.len() {
            let header = &unit.data[at..at + 7];
            assert_eq!((header[0], header[1]), (0xff, 0xf1));
            assert_eq!(header[6] & 3, 0, "one block of raw data");
            at += usize::from(header[3] & 3) << 11
                | usize::from(header[4]) << 3
                | usize::from(header[5] >> 5);
            frames += 1;
        }
        assert_eq!(at, unit.data.len());
    }
    assert_eq!(frames, 249);
}

#[test]
fn playlists_name_segments_and_whole_keyframes() {
    let run = package(&[&fixture("bikes.mp4")], options()).unwrap();
    let text = run.text("video-1/media.m3u8");
    assert!(
        !text.contains("EXT-X-MAP") && text.contains("\n00001.ts\n"),
        "{text}"
    );
    assert!(!run.files.keys().any(|path| path.ends_with(".mp4")));
    let mut lines = run.text("video-1/iframes.m3u8").lines();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let Some(range) = line.strip_prefix("#EXT-X-BYTERANGE:") else {
            continue;
        };
        let (len, offset) = range.split_once('@').unwrap();
        let (len, offset): (usize, usize) = (len.parse().unwrap(), offset.parse().unwrap());
        let name = format!("video-1/{}", lines.next().unwrap());
        // The tables stand at the start of the segment, and not in the range (RFC 8216bis 4.4.3.6).
        let file = &run.files[&name];
        let mut reader = Reader::default();
        reader.read(&[&file[..376], &file[offset..offset + len]].concat());
        let reader = reader.finish();
        assert!(reader.units.len() == 1 && reader.units[0].random_access);
        count += 1;
    }
    assert_eq!(count, 6);
    let single = Options {
        layout: Layout::SingleFile,
        ..options()
    };
    let single = package(&[&fixture("bikes.mp4")], single).unwrap();
    let all: Vec<u8> = segments(&run, "video-1")
        .into_iter()
        .flat_map(|(_, data)| data.clone())
        .collect();
    assert!(single.files["video-1/media.ts"] == all);
}

#[test]
fn a_segment_on_request_is_the_same() {
    let input = fixture("bigbuckbunny-720p-5s.mp4");
    let run = package(&[&input], options()).unwrap();
    let bytes = |range: weir_packager::ByteRange| {
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        bytes::Bytes::copy_from_slice(&input[range])
    };
    let mut indexer = Indexer::new(&[input.len() as u64], options()).unwrap();
    let index: Box<Index> = loop {
        match indexer.step().unwrap() {
            IndexStep::Read { range, .. } => indexer.supply(0, range.start, bytes(range)).unwrap(),
            IndexStep::Done(index) => break index,
        }
    };
    for (name, data) in segments(&run, "") {
        let Some(Resource::Segment(mut request)) = index.open(name).unwrap() else {
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
        assert_eq!(output.content_type, "video/mp2t");
        assert!(output.body.concat() == **data, "{name}");
    }
    assert!(index.open("video-1/00001.m4s").unwrap().is_none());
    assert!(index.open("video-1/init.mp4").unwrap().is_none());
}

/// What ffmpeg decodes from the stream is what it decodes from the source, at the same times.
#[test]
fn ffmpeg_decodes_the_same_pictures_and_sound() {
    if !has_tool("ffmpeg") || !has_tool("ffprobe") {
        return;
    }
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/bigbuckbunny-720p-5s.mp4");
    let run = package(&[&std::fs::read(&source).unwrap()], options()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    run.store(folder.path());
    let digest = |path: &std::path::Path, stream: &str| {
        run_tool(
            "ffmpeg",
            &[
                "-v",
                "error",
                "-i",
                path.to_str().unwrap(),
                "-map",
                stream,
                "-f",
                "md5",
                "-",
            ],
        )
    };
    let video = folder.path().join("video-1/media.m3u8");
    assert_eq!(digest(&video, "0:v"), digest(&source, "0:v"));
    let start = |path: &std::path::Path, stream: &str| packet_span(path, stream).unwrap().0;
    let audio = folder.path().join("audio-1/media.m3u8");
    let ours = start(&audio, "a") - start(&video, "v");
    let theirs = start(&source, "a") - start(&source, "v");
    assert!(
        (ours - theirs).abs() < 0.001,
        "sound against pictures: {ours} {theirs}"
    );
}

#[test]
fn subtitles_map_to_the_clock_of_the_stream() {
    let subtitle = Subtitle {
        language: "en".to_owned(),
        text: "WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n".to_owned(),
        ..Subtitle::default()
    };
    let with_text = Options {
        subtitles: vec![subtitle],
        ..options()
    };
    let run = package(&[&fixture("bikes.mp4")], with_text).unwrap();
    let text = run
        .files
        .iter()
        .find(|(path, _)| path.ends_with("00001.vtt"))
        .unwrap()
        .1;
    let text = String::from_utf8(text.clone()).unwrap();
    assert!(
        text.contains("X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000"),
        "{text}"
    );
}

#[test]
fn whole_segments_are_encrypted() {
    let encryption = Encryption {
        method: Method::Aes128,
        keys: vec![ContentKey {
            id: KeyId([1; 16]),
            key: Key([7; 16]),
            ..ContentKey::default()
        }],
        systems: vec![KeySystem::Identity {
            uri: "/key".to_owned(),
        }],
        ..Encryption::default()
    };
    let input = fixture("bikes.mp4");
    let clear = package(&[&input], options()).unwrap();
    let sealed = Options {
        encryption: Some(encryption.clone()),
        ..options()
    };
    let run = package(&[&input], sealed).unwrap();
    for (number, (name, plain)) in (1_u128..).zip(segments(&clear, "video-1")) {
        let mut buffer = run.files[name].clone();
        let opened =
            cbc::Decryptor::<aes::Aes128>::new(&[7; 16].into(), &number.to_be_bytes().into())
                .decrypt_padded::<Pkcs7>(&mut buffer)
                .unwrap();
        assert!(opened == *plain, "{name}");
    }
}

#[test]
fn what_a_stream_cannot_carry_is_refused() {
    let dash = Options {
        dash: true,
        ..options()
    };
    let error = package(&[&fixture("bikes.mp4")], dash).unwrap_err();
    assert!(error.to_string().contains("MPEG-DASH"), "{error}");
}
