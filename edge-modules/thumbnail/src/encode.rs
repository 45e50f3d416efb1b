//! From pixels to a file. Metadata is never written: what identifies a place or a camera stays at the origin.

mod jpeg;
mod png;
mod webp;

use crate::error::PictureError;
use crate::format::OutputFormat;
use crate::raster::Raster;

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// The format.
    pub format: OutputFormat,
    /// 1 to 100, for lossy formats.
    pub quality: u8,
    /// WebP without loss. PNG always is.
    pub lossless: bool,
    /// JPEG in scans, coarse first.
    pub progressive: bool,
    /// 0 to 6, of the WebP encoder: more takes longer and makes smaller files.
    pub effort: u8,
}

/// Encodes a picture in sRGB.
///
/// # Errors
/// What the encoder says. Sizes inside the limits are never refused.
pub fn encode(raster: &Raster, encoding: Encoding) -> Result<Vec<u8>, PictureError> {
    match encoding.format {
        OutputFormat::Jpeg => jpeg::encode(raster, encoding.quality, encoding.progressive),
        OutputFormat::Png => png::encode(raster),
        OutputFormat::WebP => webp::encode(raster, encoding),
    }
}
