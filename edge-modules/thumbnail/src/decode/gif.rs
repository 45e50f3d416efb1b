//! GIF by `image` (`gif`): the first frame on its canvas.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder};

use crate::decode::{DecodeLimits, Decoded, charge};
use crate::error::PictureError;
use crate::format::SourceFormat;
use crate::pixels::Pixels;
use crate::raster::{Channels, Raster};

pub(super) fn header(bytes: &[u8]) -> Result<(u32, u32, Option<Orientation>), PictureError> {
    let (width, height) = open(bytes)?.dimensions();
    Ok((width, height, None))
}

pub(super) fn decode(bytes: &[u8], limits: DecodeLimits) -> Result<Decoded, PictureError> {
    let decoder = open(bytes)?;
    let (width, height) = decoder.dimensions();
    if decoder.color_type() != ColorType::Rgba8 {
        return Err(broken("unexpected pixels"));
    }
    let pixels = u64::from(width) * u64::from(height);
    // The canvas, and the frame in palette indices or already in colour.
    charge(pixels * 8, limits)?;
    let mut data = vec![0; usize::try_from(pixels * 4).map_err(|_| broken("too large"))?];
    decoder.read_image(&mut data).map_err(broken)?;
    let raster = Raster::new(width, height, Channels::Rgba, data);
    let raster = raster.ok_or_else(|| broken("the pixels do not fill the picture"))?;
    Ok(Decoded {
        pixels: Pixels::interleaved(raster, 1),
        profile: None,
    })
}

fn open(bytes: &[u8]) -> Result<GifDecoder<Cursor<&[u8]>>, PictureError> {
    GifDecoder::new(Cursor::new(bytes)).map_err(broken)
}

fn broken(reason: impl std::fmt::Display) -> PictureError {
    PictureError::broken(SourceFormat::Gif, reason)
}
