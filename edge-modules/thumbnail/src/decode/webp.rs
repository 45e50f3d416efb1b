//! WebP by `image` (`image-webp`): lossy, lossless, alpha, and the first frame of an animation. The whole picture is decoded at
//! once, so its memory is charged before.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder};

use crate::decode::reduce::{Reducer, factor};
use crate::decode::{DecodeLimits, Decoded, Least, charge};
use crate::error::PictureError;
use crate::format::SourceFormat;
use crate::pixels::Pixels;
use crate::raster::{Channels, Raster};

pub(super) fn header(bytes: &[u8]) -> Result<(u32, u32, Option<Orientation>), PictureError> {
    let mut decoder = open(bytes)?;
    let (width, height) = decoder.dimensions();
    let exif = decoder.exif_metadata().unwrap_or(None);
    Ok((
        width,
        height,
        exif.as_deref().and_then(Orientation::from_exif_chunk),
    ))
}

pub(super) fn decode(
    bytes: &[u8],
    least: Least,
    limits: DecodeLimits,
) -> Result<Decoded, PictureError> {
    let mut decoder = open(bytes)?;
    let (width, height) = decoder.dimensions();
    let channels = match decoder.color_type() {
        ColorType::Rgb8 => Channels::Rgb,
        ColorType::Rgba8 => Channels::Rgba,
        _ => return Err(broken("unexpected pixels")),
    };
    let samples = channels.count() as u64;
    let pixels = u64::from(width) * u64::from(height);
    // The interleaved picture, and either the planes of the lossy decoder or the words of the lossless one.
    charge(
        pixels * samples + pixels * if is_lossless(bytes) { 4 } else { 2 },
        limits,
    )?;
    // A profile that cannot be read is no profile: the pixels are still good.
    let profile = decoder.icc_profile().unwrap_or(None);
    let mut data = vec![0; usize::try_from(pixels * samples).map_err(|_| broken("too large"))?];
    decoder.read_image(&mut data).map_err(broken)?;
    let by = factor(width, height, least);
    let raster = if by == 1 {
        Raster::new(width, height, channels, data)
    } else {
        let mut reducer = Reducer::new(width, height, channels, by);
        for (y, row) in (0..height).zip(data.chunks_exact(width as usize * channels.count())) {
            reducer.add(y, 0, 1, row);
        }
        drop(data);
        reducer.finish()
    };
    let raster = raster.ok_or_else(|| broken("the pixels do not fill the picture"))?;
    Ok(Decoded {
        pixels: Pixels::interleaved(raster, by),
        profile,
    })
}

fn open(bytes: &[u8]) -> Result<WebPDecoder<Cursor<&[u8]>>, PictureError> {
    WebPDecoder::new(Cursor::new(bytes)).map_err(broken)
}

fn is_lossless(bytes: &[u8]) -> bool {
    bytes.get(12..16) == Some(b"VP8L") || bytes.windows(4).take(4096).any(|four| four == b"VP8L")
}

fn broken(reason: impl std::fmt::Display) -> PictureError {
    PictureError::broken(SourceFormat::WebP, reason)
}
