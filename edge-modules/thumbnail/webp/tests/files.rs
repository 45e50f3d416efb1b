//! Files read back by a decoder that is not libwebp's.
#![allow(missing_docs, clippy::unwrap_used)]

use image::{RgbImage, RgbaImage};
use weir_webp::{Error, Layout, Settings, encode};

const LOSSY: Settings = Settings {
    quality: 90,
    effort: 4,
    lossless: false,
};
const LOSSLESS: Settings = Settings {
    lossless: true,
    ..LOSSY
};

/// A slope with some texture.
fn picture(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let byte = |value: u32| value.to_le_bytes()[0];
        let texture = x.wrapping_mul(2_654_435_761).wrapping_add(y * 40_503) >> 29;
        let alpha = 255 - byte(x * 200 / width);
        image::Rgba([
            byte(x * 200 / width + texture),
            byte(y * 200 / height + texture),
            byte(90 + texture),
            alpha,
        ])
    })
}

fn rgb(picture: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, _] = picture.get_pixel(x, y).0;
        image::Rgb([r, g, b])
    })
}

#[test]
fn nothing_is_lost_without_loss() {
    for (width, height) in [(1, 1), (1, 40), (33, 17), (256, 3)] {
        let picture = picture(width, height);
        for effort in 0..=6 {
            let settings = Settings { effort, ..LOSSLESS };
            let file = encode(&picture, width, height, Layout::Rgba, settings).unwrap();
            assert_eq!(
                image::load_from_memory(&file).unwrap().to_rgba8(),
                picture,
                "{width}x{height}, effort {effort}"
            );
        }
    }
}

#[test]
fn little_is_lost_with_loss() {
    for (width, height) in [(1, 1), (15, 17), (16, 16), (200, 33)] {
        let picture = rgb(&picture(width, height));
        for effort in 0..=6 {
            let settings = Settings { effort, ..LOSSY };
            let file = encode(&picture, width, height, Layout::Rgb, settings).unwrap();
            let read = image::load_from_memory(&file).unwrap().to_rgb8();
            assert_eq!(read.dimensions(), (width, height));
            let sum: u64 = read
                .iter()
                .zip(picture.iter())
                .map(|(a, b)| u64::from(a.abs_diff(*b)))
                .sum();
            let mean = sum / u64::from(width * height * 3);
            assert!(mean <= 6, "{width}x{height}, effort {effort}: {mean}");
        }
    }
}

#[test]
fn transparency_stays_as_it_is_beside_lossy_colours() {
    let picture = picture(64, 48);
    let file = encode(&picture, 64, 48, Layout::Rgba, LOSSY).unwrap();
    let read = image::load_from_memory(&file).unwrap().to_rgba8();
    for (read, was) in read.pixels().zip(picture.pixels()) {
        assert_eq!(read.0[3], was.0[3]);
    }
}

#[test]
fn more_quality_takes_more_bytes() {
    let picture = rgb(&picture(320, 180));
    let size = |quality| {
        let settings = Settings { quality, ..LOSSY };
        let file = encode(&picture, 320, 180, Layout::Rgb, settings);
        file.unwrap().len()
    };
    assert!(size(30) < size(60) && size(60) < size(95));
}

#[test]
fn what_does_not_fit_is_refused() {
    let pixels = [0; 12];
    let rgb = |width, height, settings| encode(&pixels, width, height, Layout::Rgb, settings);
    assert!(rgb(2, 2, LOSSY).is_ok());
    assert_eq!(
        rgb(2, 3, LOSSY),
        Err(Error::Length {
            expected: 18,
            found: 12
        })
    );
    for (width, height) in [(0, 4), (4, 0), (16_384, 1), (1, u32::MAX)] {
        assert_eq!(rgb(width, height, LOSSY), Err(Error::Sides(width, height)));
    }
    for settings in [
        Settings {
            quality: 0,
            ..LOSSY
        },
        Settings {
            quality: 101,
            ..LOSSLESS
        },
        Settings { effort: 7, ..LOSSY },
    ] {
        assert_eq!(rgb(2, 2, settings), Err(Error::Settings(settings)));
    }
}

#[test]
fn the_longest_side_is_taken() {
    let side = weir_webp::LARGEST_SIDE;
    let row = vec![77; side as usize * 3];
    for (width, height) in [(side, 1), (1, side)] {
        let file = encode(&row, width, height, Layout::Rgb, LOSSY).unwrap();
        let read = image::load_from_memory(&file).unwrap();
        assert_eq!((read.width(), read.height()), (width, height));
    }
}
