//! SAMPLE-AES in MPEG-TS, opened by what Apple's "MPEG-2 Stream Encryption Format for HTTP Live Streaming" says, and by ffmpeg.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/transport.rs"]
mod transport;

use std::path::Path;
use std::time::Duration;

use aes::Aes128;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use support::{Run, fixture, has_tool, package, run_tool};
use transport::Reader;
use weir_packager::{ContentKey, Encryption, Format, Key, KeyId, KeySystem, Method, Options};

const KEY: [u8; 16] = [7; 16];
const IV: [u8; 16] = [9; 16];

fn options(uri: &str) -> Options {
    Options {
        format: Format::MpegTs,
        segment_duration: Duration::from_secs(2),
        encryption: Some(Encryption {
            method: Method::Cbcs,
            keys: vec![ContentKey {
                id: KeyId([1; 16]),
                key: Key(KEY),
                iv: Some(KeyId(IV)),
                ..ContentKey::default()
            }],
            systems: vec![KeySystem::Identity {
                uri: uri.to_owned(),
            }],
            ..Encryption::default()
        }),
        ..Options::default()
    }
}

fn clear() -> Options {
    Options {
        encryption: None,
        ..options("/k")
    }
}

fn read(run: &Run, track: &str) -> Reader {
    let mut reader = Reader::default();
    for (path, segment) in &run.files {
        if path.starts_with(track) && path.ends_with(".ts") {
            reader.read(segment);
        }
    }
    reader.finish()
}

/// Decrypts blocks of a stretch, the chain started afresh: `stride` bytes from one to the next, while more than `least` are left.
fn open(data: &mut [u8], stride: usize, least: usize) {
    let mut chain = cbc::Decryptor::<Aes128>::new(&KEY.into(), &IV.into());
    let mut at = 0;
    while data.len().saturating_sub(at) > least {
        let block: &mut [u8; 16] = (&mut data[at..at + 16]).try_into().unwrap();
        chain.decrypt_block(block.into());
        at += stride;
    }
}

/// NAL units of an access unit in byte stream format.
fn nal_units(unit: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> = (0..unit.len().saturating_sub(2))
        .filter(|at| unit[*at..at + 3] == [0, 0, 1])
        .collect();
    let ends = starts.iter().skip(1).copied().chain([unit.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let nal = &unit[start + 3..end];
            // The first byte of a start code of four belongs to it.
            nal.strip_suffix(&[0]).unwrap_or(nal).to_vec()
        })
        .collect()
}

fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut zeros = 0;
    for byte in nal {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
    out
}

#[test]
fn pictures_open_with_the_key() {
    for film in ["bikes.mp4", "bigbuckbunny-720p-5s.mp4"] {
        let sealed = package(&[&fixture(film)], options("/k")).unwrap();
        let (sealed, plain) = (
            read(&sealed, "video-1"),
            read(&package(&[&fixture(film)], clear()).unwrap(), "video-1"),
        );
        assert_eq!((plain.stream_type, sealed.stream_type), (0x1b, 0xdb));
        assert_eq!(sealed.descriptors, b"\x0f\x04zavc");
        assert_eq!(sealed.units.len(), plain.units.len());
        assert!(sealed.clocks.len() >= sealed.units.len());
        let mut changed = 0;
        for (sealed, plain) in sealed.units.iter().zip(&plain.units) {
            let head =
                |unit: &transport::Unit| (unit.presentation, unit.decode, unit.random_access);
            assert_eq!(head(sealed), head(plain));
            let (sealed, plain) = (nal_units(&sealed.data), nal_units(&plain.data));
            assert_eq!(sealed.len(), plain.len());
            for (sealed, plain) in sealed.iter().zip(&plain) {
                let slice = matches!(plain[0] & 31, 1 | 5);
                if !slice || plain.len() <= 48 {
                    assert_eq!(sealed, plain);
                    continue;
                }
                let mut opened = unescape(sealed);
                assert_eq!(opened[..32], plain[..32], "the start stays in the clear");
                changed += usize::from(opened != *plain);
                open(&mut opened[32..], 160, 16);
                assert_eq!(opened, *plain, "{film}");
            }
        }
        assert!(changed > 100);
    }
}

#[test]
fn sound_opens_with_the_key() {
    let film = fixture("bigbuckbunny-720p-5s.mp4");
    let sealed = read(&package(&[&film], options("/k")).unwrap(), "audio-1");
    let plain = read(&package(&[&film], clear()).unwrap(), "audio-1");
    assert_eq!((plain.stream_type, sealed.stream_type), (0x0f, 0xcf));
    // AAC-LC, 48 kHz, 5.1.
    assert_eq!(
        sealed.descriptors,
        b"\x0f\x04aacd\x05\x0eapadzaac\x00\x00\x01\x02\x11\xb0"
    );
    let mut frames = 0;
    for (sealed, plain) in sealed.units.iter().zip(&plain.units) {
        let mut at = 0;
        let mut opened = sealed.data.clone();
        while at < opened.len() {
            let header = &opened[at..at + 7];
            let len = usize::from(header[3] & 3) << 11
                | usize::from(header[4]) << 3
                | usize::from(header[5] >> 5);
            open(&mut opened[at + 7 + 16..at + len], 16, 15);
            at += len;
            frames += 1;
        }
        assert_ne!(sealed.data, plain.data);
        assert_eq!(opened, plain.data);
    }
    assert_eq!(frames, 249);
}

#[test]
fn a_clear_lead_says_so_in_its_tables() {
    let mut led = options("/k");
    led.encryption.as_mut().unwrap().clear_lead = Duration::from_secs(1);
    let run = package(&[&fixture("bikes.mp4")], led).unwrap();
    let plain = package(&[&fixture("bikes.mp4")], clear()).unwrap();
    let kind = |name: &str| {
        let mut reader = Reader::default();
        reader.read(&run.files[name]);
        reader.stream_type
    };
    assert_eq!(kind("video-1/00001.ts"), 0x1b);
    assert_eq!(kind("video-1/00002.ts"), 0xdb);
    let units = |run: &Run| {
        let mut reader = Reader::default();
        reader.read(&run.files["video-1/00001.ts"]);
        reader.finish().units
    };
    assert_eq!(units(&run)[0].data, units(&plain)[0].data);
}

#[test]
fn counter_mode_is_refused() {
    let mut counter = options("/k");
    counter.encryption.as_mut().unwrap().method = Method::Cenc;
    let error = package(&[&fixture("bikes.mp4")], counter).unwrap_err();
    assert!(error.to_string().contains("`cbcs` (SAMPLE-AES)"), "{error}");
}

/// Digests of what ffmpeg decodes, a line for each frame.
fn frames(path: &Path) -> Vec<String> {
    let text = run_tool(
        "ffmpeg",
        &[
            "-v",
            "fatal",
            "-allowed_extensions",
            "ALL",
            "-i",
            path.to_str().unwrap(),
            "-f",
            "framemd5",
            "-",
        ],
    );
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit(',').next())
        .map(|digest| digest.trim().to_owned())
        .collect()
}

#[test]
fn ffmpeg_decodes_the_same() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, KEY).unwrap();
    let mut inputs = vec![fixture("bikes.mp4"), fixture("bigbuckbunny-720p-5s.mp4")];
    for codec in ["ac3", "eac3"] {
        let path = folder.path().join(format!("{codec}.mp4"));
        run_tool(
            "ffmpeg",
            &[
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "sine=frequency=440:sample_rate=48000:duration=3",
                "-ac",
                "2",
                "-c:a",
                codec,
                path.to_str().unwrap(),
            ],
        );
        inputs.push(std::fs::read(&path).unwrap());
    }
    for (number, input) in inputs.iter().enumerate() {
        let store = |name: &str, options: Options| {
            let folder = folder.path().join(format!("{number}-{name}"));
            let run = package(&[input], options).unwrap();
            run.store(&folder);
            (run, folder)
        };
        let (run, sealed) = store("sealed", options(key.to_str().unwrap()));
        let (_, plain) = store("plain", clear());
        for track in &run.report.presentation.tracks {
            let name = format!("{}-1/media.m3u8", track.kind.as_str());
            let (mut ours, mut theirs) = (frames(&sealed.join(&name)), frames(&plain.join(&name)));
            assert_eq!(ours.len(), theirs.len());
            // ffmpeg does not decrypt the frames that it finds at the very end, after the last segment.
            for list in [&mut ours, &mut theirs] {
                list.truncate(list.len() - 4);
            }
            assert!(ours == theirs && !ours.is_empty(), "input {number} {name}");
        }
    }
}
