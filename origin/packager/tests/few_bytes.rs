//! Indexes of a few bytes that claim films without end: what is held in memory follows from the bytes, not from the claim.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use bytes::Bytes;
use support::{fixture, top_boxes};
use weir_packager::{Error, Index, IndexStep, Indexer, Options};

/// What the tables of a track claim.
#[derive(Clone, Copy)]
struct Claim {
    kind: &'static [u8; 4],
    samples: u32,
    /// Ticks of a sample.
    duration: u32,
    timescale: u32,
    /// The first sample is the only keyframe.
    one_keyframe: bool,
}

fn full(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len() + 8).unwrap();
    [&len.to_be_bytes(), kind, content].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// The boxes in `data` with the track and the tables of the claim.
fn claimed(data: &[u8], claim: Claim) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, at, len) in top_boxes(data) {
        let content = &data[at + 8..at + len];
        let holds = |wanted: &[u8]| content.windows(4).any(|four| four == wanted);
        let mut content = match kind.as_str() {
            "trak" if !holds(claim.kind) => continue,
            "edts" | "udta" | "ctts" | "sgpd" | "sbgp" | "stss" | "co64" => continue,
            "trak" | "mdia" | "minf" | "stbl" => claimed(content, claim),
            "stts" => words(&[0, 1, claim.samples, claim.duration]),
            "stsz" => words(&[0, 1, claim.samples]),
            "stsc" => words(&[0, 1, 1, claim.samples, 1]),
            "stco" => words(&[0, 1, 0]),
            _ => content.to_vec(),
        };
        if kind == "mdhd" {
            content[12..16].copy_from_slice(&claim.timescale.to_be_bytes());
        }
        out.extend(full(kind.as_bytes(), &content));
        if kind == "stsz" && claim.one_keyframe {
            out.extend(full(b"stss", &words(&[0, 1, 1])));
        }
    }
    out
}

/// The index of a film with these claims, whose media data are a tebibyte of zeros.
fn index(claim: Claim) -> Result<Index, Error> {
    let film = fixture("bigbuckbunny-720p-5s.mp4");
    let (_, at, len) = top_boxes(&film)
        .into_iter()
        .find(|(kind, ..)| kind == "moov")
        .unwrap();
    let moov = full(b"moov", &claimed(&film[at + 8..at + len], claim));
    let media: u64 = 1 << 40;
    let mut head = full(b"ftyp", b"isom\0\0\0\0");
    head.extend(moov);
    head.extend([0, 0, 0, 1]);
    head.extend(b"mdat");
    head.extend(media.to_be_bytes());
    let start = head.len() as u64 - 16;
    let mut indexer = Indexer::new(&[start + media], Options::default())?;
    loop {
        match indexer.step()? {
            IndexStep::Read { input, range } => {
                let part: Vec<u8> = (range.start..range.end)
                    .map(|at| {
                        let at = usize::try_from(at).unwrap();
                        head.get(at).copied().unwrap_or_default()
                    })
                    .collect();
                indexer.supply(input, range.start, part.into())?;
            }
            IndexStep::Done(index) => return Ok(*index),
        }
    }
}

const VIDEO: Claim = Claim {
    kind: b"vide",
    samples: 300,
    duration: 512,
    timescale: 12_800,
    one_keyframe: true,
};

const SOUND: Claim = Claim {
    kind: b"soun",
    samples: 300,
    duration: 1024,
    timescale: 48_000,
    one_keyframe: false,
};

#[test]
fn samples_without_end_are_refused() {
    for (claim, wanted) in [
        (
            Claim {
                samples: u32::MAX,
                ..SOUND
            },
            "samples that are all of one size",
        ),
        (
            Claim {
                samples: 70_000,
                ..VIDEO
            },
            "a segment of more than 65536 samples",
        ),
        (
            Claim {
                samples: 140_000,
                one_keyframe: false,
                ..VIDEO
            },
            "keyframes that are all of one size",
        ),
    ] {
        let error = index(claim).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    for claim in [VIDEO, SOUND] {
        assert!(index(claim).is_ok(), "what films have is taken");
    }
}

/// Two samples of a century: segments are no more than a film of days has.
#[test]
fn a_long_film_of_few_samples_has_few_segments() {
    let claim = Claim {
        samples: 2,
        duration: 1 << 30,
        timescale: 1,
        ..SOUND
    };
    let made = index(claim).unwrap();
    let again = Index::from_sidecar(made.sidecar(), &Options::default()).unwrap();
    assert!(made.sidecar().len() < 600_000);
    for index in [made, again] {
        let segments = index.paths().unwrap();
        let count = segments
            .iter()
            .filter(|path| path.ends_with(".m4s"))
            .count();
        assert!((1..=2).contains(&count), "{count}");
    }
}

/// Eight hours of sound in frames of one size, as broadcasts are recorded, is a film like any other.
#[test]
fn hours_of_sound_in_frames_of_one_size_is_packaged() {
    let claim = Claim {
        samples: 8 * 3600 * 48_000 / 1024,
        ..SOUND
    };
    let index = index(claim).unwrap();
    let segments = index.paths().unwrap().len();
    assert!(segments > 4_800, "{segments}");
    let sidecar: Bytes = index.sidecar();
    assert!(Index::from_sidecar(sidecar, &Options::default()).is_ok());
}
