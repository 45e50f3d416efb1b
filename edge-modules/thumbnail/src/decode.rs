//! From bytes to pixels. First the header alone is read, so that every limit is checked before a picture is allocated; then the
//! decoder is told the smallest size that still serves, and may reduce while it decodes.

mod gif;
mod jpeg;
mod png;
mod reduce;
mod webp;

use image::metadata::Orientation;

use crate::error::PictureError;
use crate::format::{Sniffed, SourceFormat, sniff};
use crate::pixels::Pixels;
use crate::turn::Turn;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The container.
    pub format: SourceFormat,
    /// Columns as stored.
    pub width: u32,
    /// Rows as stored.
    pub height: u32,
    /// What makes it upright.
    pub turn: Turn,
}

impl Header {
    /// The size of the upright picture.
    pub fn upright_size(&self) -> (u32, u32) {
        self.turn.size(self.width, self.height)
    }
}

/// The most that decoding may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Pixels of the source.
    pub pixels: u64,
    /// Bytes of memory, the source's own bytes not counted.
    pub memory: u64,
}

/// The smallest size, of the whole stored picture, from which the result can still be made well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Least {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Pixels as stored (not yet upright), perhaps reduced, with the colour profile that they came with.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The pixels.
    pub pixels: Pixels,
    /// The embedded ICC profile, unread.
    pub profile: Option<Vec<u8>>,
}

/// Reads the header and checks the pixel limit.
///
/// # Errors
/// An unsupported or broken file, or more pixels than allowed.
pub fn inspect(bytes: &[u8], limits: DecodeLimits) -> Result<Header, PictureError> {
    let format = match sniff(bytes) {
        Sniffed::Known(format) => format,
        Sniffed::Other(name) => return Err(PictureError::Unsupported(name)),
    };
    let (width, height, orientation) = match format {
        SourceFormat::Jpeg => jpeg::header(bytes)?,
        SourceFormat::Png => png::header(bytes)?,
        SourceFormat::WebP => webp::header(bytes)?,
        SourceFormat::Gif => gif::header(bytes)?,
    };
    if width == 0 || height == 0 {
        return Err(PictureError::broken(format, "a side of zero pixels"));
    }
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(PictureError::TooManyPixels {
            width,
            height,
            limit: limits.pixels,
        });
    }
    let turn = Turn::upright(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(Header {
        format,
        width,
        height,
        turn,
    })
}

/// Decodes the picture whose header was read.
///
/// # Errors
/// A broken file, or one that would take more memory than allowed.
pub fn decode(
    bytes: &[u8],
    header: Header,
    least: Least,
    limits: DecodeLimits,
) -> Result<Decoded, PictureError> {
    match header.format {
        SourceFormat::Jpeg => jpeg::decode(bytes, least, limits),
        SourceFormat::Png => png::decode(bytes, least, limits),
        SourceFormat::WebP => webp::decode(bytes, least, limits),
        SourceFormat::Gif => gif::decode(bytes, limits),
    }
}

/// Fails when a decoder is about to take more than it may.
fn charge(needed: u64, limits: DecodeLimits) -> Result<(), PictureError> {
    if needed > limits.memory {
        Err(PictureError::TooMuchMemory {
            needed,
            limit: limits.memory,
        })
    } else {
        Ok(())
    }
}
