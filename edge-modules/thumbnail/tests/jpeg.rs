//! The JPEG decoder against an independent one (`jpeg-decoder`), over files of every kind that an independent encoder
//! (`jpeg-encoder`) writes: sampling factors, progressive, restart markers, odd sizes, gray, inks.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

mod support;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use support::{Picture, fixture, options, psnr};
use thumbnail::accept::AcceptClass;
use thumbnail::pipeline::{Settings, transform};

/// Part of the test frame as RGB.
fn frame(width: u16, height: u16) -> Vec<u8> {
    let whole = Picture::read(&fixture("bunny.jpg"));
    let cut = whole.cut(200, 60, u32::from(width), u32::from(height));
    cut.pixels().flat_map(|[r, g, b, _]| [r, g, b]).collect()
}

struct Kind {
    sampling: SamplingFactor,
    progressive: bool,
    restart: Option<u16>,
    size: (u16, u16),
}

fn encode(kind: &Kind) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 88);
    encoder.set_sampling_factor(kind.sampling);
    encoder.set_progressive(kind.progressive);
    // The encoder does not count its restarts when it makes tables.
    encoder.set_optimized_huffman_tables(kind.restart.is_none());
    if let Some(interval) = kind.restart {
        encoder.set_restart_interval(interval);
    }
    let (width, height) = kind.size;
    encoder
        .encode(&frame(width, height), width, height, ColorType::Rgb)
        .unwrap();
    out
}

fn ours(file: &[u8], query: &str) -> Picture {
    let made = transform(
        file,
        &options(query),
        AcceptClass::Basic,
        &Settings::default(),
    )
    .unwrap();
    Picture::read(&made.bytes)
}

fn kinds() -> Vec<Kind> {
    let mut all = Vec::new();
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
        SamplingFactor::F_4_2,
        SamplingFactor::F_1_4,
        SamplingFactor::F_2_4,
    ] {
        for (progressive, restart) in [
            (false, None),
            (false, Some(3)),
            (true, None),
            (true, Some(2)),
        ] {
            for size in [(64, 48), (97, 61), (17, 9), (8, 8), (1, 1), (5, 130)] {
                all.push(Kind {
                    sampling,
                    progressive,
                    restart,
                    size,
                });
            }
        }
    }
    all
}

fn name(kind: &Kind) -> String {
    format!(
        "{:?} progressive {} restart {:?} {:?}",
        kind.sampling, kind.progressive, kind.restart, kind.size
    )
}

#[test]
fn whole_pictures_agree_with_an_independent_decoder() {
    for kind in kinds() {
        let file = encode(&kind);
        let found = psnr(&ours(&file, "format=png"), &Picture::read(&file));
        // Where colour is not subsampled only rounding differs; elsewhere the two blow colour up by different filters.
        let least = if kind.sampling == SamplingFactor::F_1_1 {
            48.0
        } else {
            26.0
        };
        assert!(found >= least, "{}: {found:.1} dB", name(&kind));
    }
}

#[test]
fn luma_is_exact_whatever_the_sampling() {
    for kind in kinds() {
        let file = encode(&kind);
        let (ours, theirs) = (
            ours(&file, "format=png").gray(),
            Picture::read(&file).gray(),
        );
        let found = psnr(&ours, &theirs);
        assert!(found >= 34.0, "{}: {found:.1} dB", name(&kind));
    }
}

#[test]
fn progressive_and_sequential_files_of_one_picture_are_equal_at_every_scale() {
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
    ] {
        let kind = |progressive| {
            encode(&Kind {
                sampling,
                progressive,
                restart: None,
                size: (160, 120),
            })
        };
        let (plain, progressive) = (kind(false), kind(true));
        for width in [160, 90, 80, 50, 40, 30, 20, 11, 3] {
            let query = format!("w={width}&format=png");
            assert_eq!(
                ours(&plain, &query),
                ours(&progressive, &query),
                "{sampling:?} {query}"
            );
        }
    }
}

#[test]
fn reduced_decoding_looks_like_decoding_and_reducing() {
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_2,
        SamplingFactor::F_2_1,
    ] {
        let file = encode(&Kind {
            sampling,
            progressive: false,
            restart: None,
            size: (320, 240),
        });
        let whole = Picture::read(&file).image();
        for (width, height) in [(160, 120), (100, 75), (80, 60), (40, 30)] {
            let reference =
                whole.resize_exact(width, height, image::imageops::FilterType::Lanczos3);
            let found = psnr(
                &ours(&file, &format!("w={width}&format=png")),
                &Picture::of(&reference),
            );
            assert!(found >= 31.0, "{sampling:?} {width}: {found:.1} dB");
        }
    }
}

#[test]
fn the_standards_own_scan_script_is_read() {
    // libjpeg's script refines each band, with first scans over other bands than the refinements.
    let file = fixture("progressive.jpg");
    let theirs = Picture::read(&file);
    assert!(psnr(&ours(&file, "format=png"), &theirs) >= 48.0);
    for width in [160, 80, 40] {
        let reference = theirs.image().resize_exact(
            width,
            width * 9 / 16,
            image::imageops::FilterType::Lanczos3,
        );
        let picture = ours(
            &file,
            &format!("w={width}&h={}&fit=cover&format=png", width * 9 / 16),
        );
        let found = psnr(&picture, &Picture::of(&reference));
        assert!(found >= 30.0, "{width}: {found:.1} dB");
    }
}

#[test]
fn every_cut_and_every_bent_byte_is_survived() {
    for (kind, step) in [(false, 7), (true, 13)] {
        let file = encode(&Kind {
            sampling: SamplingFactor::F_2_2,
            progressive: kind,
            restart: Some(2),
            size: (40, 40),
        });
        let settings = Settings::default();
        for end in (0..file.len() - 2).step_by(step) {
            let cut = transform(
                &file[..end],
                &options("w=20"),
                AcceptClass::Basic,
                &settings,
            );
            assert!(cut.is_err(), "cut at {end} of {}", file.len());
        }
        for at in (2..file.len()).step_by(3) {
            for bend in [0x01, 0x80, 0xff] {
                let mut bent = file.clone();
                bent[at] ^= bend;
                for query in ["w=5", "w=40"] {
                    let _ = transform(&bent, &options(query), AcceptClass::Basic, &settings);
                }
            }
        }
    }
}
