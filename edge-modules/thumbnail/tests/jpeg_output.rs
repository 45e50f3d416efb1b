//! The JPEG files that are written, read by decoders that are not ours and know nothing of each other: `zune-jpeg` (in `image`),
//! `jpeg-decoder` and ffmpeg. Each must see what it sees in a file of the same coefficients that an independent encoder coded.
#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;
use support::{Picture, fixture, options, psnr};
use thumbnail::accept::AcceptClass;
use thumbnail::encode::{Encoding, encode};
use thumbnail::format::OutputFormat;
use thumbnail::pipeline::{Settings, transform};
use thumbnail::raster::{Channels, Raster};

/// A picture and how it is to be encoded.
#[derive(Debug, Clone)]
struct Case {
    raster: Raster,
    quality: u8,
    progressive: bool,
}

impl Case {
    fn ours(&self) -> Vec<u8> {
        let encoding = Encoding {
            format: OutputFormat::Jpeg,
            quality: self.quality,
            lossless: false,
            progressive: self.progressive,
            effort: 4,
        };
        encode(&self.raster, encoding).unwrap()
    }

    /// One interleaved scan under the standard's tables.
    fn plain(&self, ours: &[u8]) -> Vec<u8> {
        self.theirs(ours, |_| {})
    }

    /// A scan for each component under tables made for the picture.
    fn separate(&self, ours: &[u8]) -> Vec<u8> {
        self.theirs(ours, |encoder| encoder.set_optimized_huffman_tables(true))
    }

    fn theirs(&self, ours: &[u8], set: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, self.quality);
        encoder.set_sampling_factor(sampling(ours));
        set(&mut encoder);
        let colour = match self.raster.channels() {
            Channels::Gray => ColorType::Luma,
            Channels::Rgb => ColorType::Rgb,
            Channels::Rgba => ColorType::Rgba,
            Channels::Cmyk => ColorType::Cmyk,
        };
        let side = |side: u32| u16::try_from(side).unwrap();
        let (width, height) = (side(self.raster.width()), side(self.raster.height()));
        encoder
            .encode(self.raster.data(), width, height, colour)
            .unwrap();
        out
    }
}

/// The payloads of the segments with these markers.
fn segments(file: &[u8], markers: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = 2;
    while let Some([0xff, marker, high, low, ..]) = file.get(at..) {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if markers.contains(marker) {
            found.push(file[at + 4..at + 2 + length].to_vec());
        }
        at += 2 + length;
        if *marker == 0xda {
            // Over the picture data to the next marker.
            while !matches!(file.get(at..at + 2), Some([0xff, 1..=0xff]) | None) {
                at += 1;
            }
        }
    }
    found
}

/// The sampling that our encoder chose.
fn sampling(file: &[u8]) -> SamplingFactor {
    let frame = &segments(file, &[0xc0, 0xc2])[0];
    if frame[6..].chunks_exact(3).any(|entry| entry[1] == 0x22) {
        SamplingFactor::F_2_2
    } else {
        SamplingFactor::F_1_1
    }
}

fn zune(file: &[u8]) -> image::DynamicImage {
    image::load_from_memory_with_format(file, image::ImageFormat::Jpeg).unwrap()
}

fn jpeg_decoder(file: &[u8]) -> Vec<u8> {
    jpeg_decoder::Decoder::new(file).decode().unwrap()
}

/// Pictures of noise, of blocks of colour, and of slopes: of many codes and of few.
fn case(most: u32) -> impl Strategy<Value = Case> {
    let channels = prop_oneof![
        Just(Channels::Gray),
        Just(Channels::Rgb),
        Just(Channels::Rgba),
        Just(Channels::Cmyk)
    ];
    (
        (1..=most, 1..=most, channels),
        (1u8..=100, any::<bool>(), any::<u32>(), 0u32..4),
    )
        .prop_map(
            |((width, height, channels), (quality, progressive, seed, kind))| {
                let samples = u32::try_from(channels.count()).unwrap();
                let mut state = seed;
                let mut noise = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state.to_le_bytes()[3]
                };
                let sample = |index: u32| {
                    let (channel, pixel) = (index % samples, index / samples);
                    let (x, y) = (pixel % width, pixel / width);
                    let [first, second, ..] = (seed >> (8 * channel)).to_le_bytes();
                    let slope = x * u32::from(first % 8) + y * u32::from(second % 8) + channel * 40;
                    match kind {
                        0 => noise(),
                        1 => slope.to_le_bytes()[0],
                        2 => [first, second][usize::from((x / 5 + y / 3) % 2 == 0)],
                        _ => first,
                    }
                };
                let data = (0..width * height * samples).map(sample).collect();
                Case {
                    raster: Raster::new(width, height, channels, data).unwrap(),
                    quality,
                    progressive,
                }
            },
        )
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let ours = case.ours();
    let (plain, separate) = (case.plain(&ours), case.separate(&ours));
    prop_assert_eq!(jpeg_decoder(&ours), jpeg_decoder(&separate));
    prop_assert_eq!(zune(&ours), zune(&plain));
    if !case.progressive {
        let scans = segments(&ours, &[0xda]);
        prop_assert_eq!(scans.len(), 1, "one scan of all components");
        prop_assert!(
            ours.len() * 100 <= separate.len() * 101,
            "{} bytes, {} in scans of one component",
            ours.len(),
            separate.len()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_small_picture_reads_alike(case in case(40)) {
        check(&case)?;
    }
}

/// ffmpeg, which has a decoder of its own. None when it is missing and may be.
fn ffmpeg() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("ffmpeg"))
        .find(|file| file.is_file());
    if found.is_none() {
        let strict = std::env::var_os("WEIR_STRICT").is_some_and(|value| value == "1");
        assert!(!strict, "needs ffmpeg");
        eprintln!("skipped: ffmpeg is missing");
    }
    found
}

/// The pixels that ffmpeg sees; it must not complain of any error.
fn read_by(ffmpeg: &Path, file: &[u8]) -> Vec<u8> {
    let name = format!("jpeg-output-{}.jpg", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, file).unwrap();
    let output = Command::new(ffmpeg)
        .args(["-v", "error", "-err_detect", "explode", "-i"])
        .arg(&path)
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    let _ = std::fs::remove_file(&path);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    output.stdout
}

#[test]
fn ffmpeg_reads_every_kind() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let frame = Picture::read(&fixture("bunny.jpg"));
    for (channels, width, height, quality, progressive) in [
        (Channels::Rgb, 1, 1, 80, false),
        (Channels::Rgb, 17, 9, 80, false),
        (Channels::Rgb, 33, 40, 95, false),
        (Channels::Rgb, 33, 24, 50, true),
        (Channels::Gray, 31, 25, 80, false),
        (Channels::Gray, 8, 41, 80, true),
    ] {
        let cut = frame.cut(200, 60, width, height);
        let rgb = cut.pixels().flat_map(|[r, g, b, _]| [r, g, b]).collect();
        let rgb = Raster::new(width, height, Channels::Rgb, rgb).unwrap();
        let case = Case {
            raster: rgb.into_channels(channels),
            quality,
            progressive,
        };
        let ours = case.ours();
        let name = format!("{channels:?} {width}x{height} at {quality}, {progressive}");
        let seen = read_by(&ffmpeg, &ours);
        let wanted = read_by(&ffmpeg, &case.plain(&ours));
        assert_eq!(seen.len(), (width * height * 3) as usize, "{name}");
        assert_eq!(seen, wanted, "{name}");
    }
}

#[test]
fn a_thumbnail_looks_the_same_to_all() {
    for query in [
        "w=321&format=jpeg",
        "w=77&h=43&fit=cover&format=jpeg",
        "w=150&format=jpeg&q=92",
        "w=320&format=jpeg&progressive=1",
    ] {
        let file = transform(
            &fixture("bunny.jpg"),
            &options(query),
            AcceptClass::Basic,
            &Settings::default(),
        );
        let file = file.unwrap().bytes;
        // They differ in how they blow colour up.
        let found = psnr(&Picture::of(&zune(&file)), &Picture::read(&file));
        assert!(found >= 30.0, "{query}: {found:.1} dB");
    }
}
