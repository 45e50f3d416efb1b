//! What the tests share: fixtures, and pictures read back by independent decoders.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)] // Each test program uses its part.

pub mod origin;

use thumbnail::options::{Options, query};

pub fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn options(text: &str) -> Options {
    query::read(text).unwrap().finish(8192).unwrap()
}

/// RGBA pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    data: Vec<u8>,
}

impl Picture {
    /// Reads a file with decoders that are not ours.
    pub fn read(bytes: &[u8]) -> Self {
        if bytes.starts_with(&[0xff, 0xd8]) {
            return Self::read_jpeg(bytes);
        }
        Self::of(&image::load_from_memory(bytes).unwrap())
    }

    fn read_jpeg(bytes: &[u8]) -> Self {
        let mut decoder = jpeg_decoder::Decoder::new(bytes);
        let data = decoder.decode().unwrap();
        let info = decoder.info().unwrap();
        let pixels: Vec<u8> = match info.pixel_format {
            jpeg_decoder::PixelFormat::L8 => data
                .iter()
                .flat_map(|luma| [*luma, *luma, *luma, 255])
                .collect(),
            jpeg_decoder::PixelFormat::RGB24 => data
                .chunks_exact(3)
                .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255])
                .collect(),
            other => panic!("{other:?}"),
        };
        Self {
            width: u32::from(info.width),
            height: u32::from(info.height),
            data: pixels,
        }
    }

    pub fn of(image: &image::DynamicImage) -> Self {
        let rgba = image.to_rgba8();
        Self {
            width: rgba.width(),
            height: rgba.height(),
            data: rgba.into_raw(),
        }
    }

    pub fn image(&self) -> image::DynamicImage {
        image::RgbaImage::from_raw(self.width, self.height, self.data.clone())
            .unwrap()
            .into()
    }

    pub fn pixels(&self) -> impl Iterator<Item = [u8; 4]> + '_ {
        self.data
            .chunks_exact(4)
            .map(|pixel| [pixel[0], pixel[1], pixel[2], pixel[3]])
    }

    pub fn at(&self, x: u32, y: u32) -> [u8; 4] {
        let start = (y * self.width + x) as usize * 4;
        self.data[start..start + 4].try_into().unwrap()
    }

    pub fn cut(&self, left: u32, top: u32, width: u32, height: u32) -> Self {
        let data = (top..top + height)
            .flat_map(|y| (left..left + width).flat_map(move |x| self.at(x, y)))
            .collect();
        Self {
            width,
            height,
            data,
        }
    }

    pub fn gray(mut self) -> Self {
        for pixel in self.data.chunks_exact_mut(4) {
            let luma = (u32::from(pixel[0]) * 299
                + u32::from(pixel[1]) * 587
                + u32::from(pixel[2]) * 114
                + 500)
                / 1000;
            pixel[..3].fill(u8::try_from(luma).unwrap());
        }
        self
    }
}

/// Peak signal-to-noise ratio of the colours, in dB.
pub fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let mut sum = 0.0;
    for (a, b) in a.pixels().zip(b.pixels()) {
        for channel in 0..3 {
            sum += (f64::from(a[channel]) - f64::from(b[channel])).powi(2);
        }
    }
    let mean = sum / (f64::from(a.width) * f64::from(a.height) * 3.0);
    10.0 * (255.0_f64 * 255.0 / mean.max(1e-9)).log10()
}
