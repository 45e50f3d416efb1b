//! How the pictures of the built thumbnail component look and what they weigh, beside sharp's. Nothing is timed, and the pictures
//! come out the same on every machine.

use fast_ssim2::{PixelDescriptor, PixelSlice, compute_ssimulacra2};
use image::{RgbImage, imageops};
use weir_tests::locate;

use super::{call, get, handler};

/// What sharp makes of one picture in one format: bytes and SSIMULACRA2 at qualities 50 and 80.
struct Reference {
    picture: &'static str,
    format: &'static str,
    at_50: (f64, f64),
    at_80: (f64, f64),
}

/// By sharp 0.35.5 (libvips 8.18.7, mozjpeg, libwebp 1.6.0): `sharp(file).resize(320)`, then `jpeg({quality, optimiseCoding: true})`
/// or `webp({quality})`. The scores are taken as this test takes its own.
const SHARP: [Reference; 6] = [
    Reference {
        picture: BUNNY,
        format: "jpeg",
        at_50: (10_948.0, 62.33),
        at_80: (18_984.0, 73.86),
    },
    Reference {
        picture: BUNNY,
        format: "webp",
        at_50: (11_102.0, 64.84),
        at_80: (17_806.0, 77.42),
    },
    Reference {
        picture: "tests/fixtures/pictures/bbb-11s.jpg",
        format: "jpeg",
        at_50: (7_789.0, 63.73),
        at_80: (13_913.0, 78.41),
    },
    Reference {
        picture: "tests/fixtures/pictures/bbb-11s.jpg",
        format: "webp",
        at_50: (7_540.0, 63.38),
        at_80: (12_400.0, 77.07),
    },
    Reference {
        picture: "tests/fixtures/pictures/bbb-24s.jpg",
        format: "jpeg",
        at_50: (9_060.0, 57.99),
        at_80: (16_318.0, 72.67),
    },
    Reference {
        picture: "tests/fixtures/pictures/bbb-24s.jpg",
        format: "webp",
        at_50: (9_346.0, 59.45),
        at_80: (15_740.0, 74.92),
    },
];
const BUNNY: &str = "edge-modules/thumbnail/tests/fixtures/bunny.jpg";

/// The most bytes beside those that sharp would need for the same score.
const MOST: f64 = 1.08;

impl Reference {
    /// The bytes that sharp would need for a score: on the line through its two points, bytes on a logarithmic scale.
    fn bytes_for(&self, score: f64) -> f64 {
        let ((least, low), (most, high)) = (self.at_50, self.at_80);
        least * (most / least).powf((score - low) / (high - low))
    }
}

#[test]
fn pictures_take_no_more_bytes_than_sharps_for_the_same_looks() {
    let thumbnail = handler("thumbnail", "");
    let mut found = Vec::new();
    let mut holds = true;
    for reference in &SHARP {
        let source = std::fs::read(locate::root().join(reference.picture)).unwrap();
        let ideal = imageops::resize(&read(&source), 320, 180, imageops::FilterType::Lanczos3);
        for quality in [50, 80] {
            let target = format!("/poster.jpg?w=320&format={}&q={quality}", reference.format);
            let exchanged = call(&thumbnail, get(&target, &[]), "image/jpeg", source.clone());
            assert_eq!(exchanged.response.status(), 200, "{target}");
            let made = exchanged.response.body();
            let score = score(&ideal, &read(made));
            #[allow(clippy::cast_precision_loss)] // Some thousand.
            let ratio = made.len() as f64 / reference.bytes_for(score);
            holds &= ratio <= MOST && score > 50.0;
            found.push(format!(
                "{} {} {quality}: {} bytes, score {score:.2}, {ratio:.3} of sharp's bytes",
                reference.picture,
                reference.format,
                made.len()
            ));
        }
    }
    assert!(holds, "\n{}", found.join("\n"));
}

/// Reads a JPEG or WebP file with a decoder that is not ours.
fn read(file: &[u8]) -> RgbImage {
    if !file.starts_with(b"\xff\xd8") {
        return image::load_from_memory(file).unwrap().to_rgb8();
    }
    let mut decoder = jpeg_decoder::Decoder::new(file);
    let pixels = decoder.decode().unwrap();
    let info = decoder.info().unwrap();
    RgbImage::from_raw(info.width.into(), info.height.into(), pixels).unwrap()
}

fn score(ideal: &RgbImage, made: &RgbImage) -> f64 {
    let (width, height) = ideal.dimensions();
    assert_eq!(made.dimensions(), (width, height));
    let slice = |picture| {
        let stride = width as usize * 3;
        PixelSlice::new(picture, width, height, stride, PixelDescriptor::RGB8_SRGB).unwrap()
    };
    compute_ssimulacra2(&slice(ideal.as_raw()), &slice(made.as_raw())).unwrap()
}
