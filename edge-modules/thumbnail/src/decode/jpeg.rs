//! JPEG by the decoder in [`crate::jpeg`], at the smallest scale that serves.

use image::metadata::Orientation;

use crate::decode::{DecodeLimits, Decoded, Least};
use crate::error::PictureError;
use crate::format::SourceFormat;
use crate::jpeg::{self, JpegError, Scale};
use crate::pixels::Pixels;

pub(super) fn header(bytes: &[u8]) -> Result<(u32, u32, Option<Orientation>), PictureError> {
    jpeg::header(bytes).map_err(|error| refuse(error, 0))
}

pub(super) fn decode(
    bytes: &[u8],
    least: Least,
    limits: DecodeLimits,
) -> Result<Decoded, PictureError> {
    let (width, height, _) = header(bytes)?;
    let scale = Scale::at_least((width, height), (least.width, least.height));
    let picture =
        jpeg::decode(bytes, scale, limits.memory).map_err(|error| refuse(error, limits.memory))?;
    Ok(Decoded {
        pixels: Pixels::planes(picture.model, picture.planes),
        profile: picture.profile,
    })
}

fn refuse(error: JpegError, limit: u64) -> PictureError {
    match error {
        JpegError::Broken(reason) => PictureError::broken(SourceFormat::Jpeg, reason),
        JpegError::Unsupported(feature) => PictureError::UnsupportedFeature {
            format: SourceFormat::Jpeg,
            feature,
        },
        JpegError::Memory(needed) => PictureError::TooMuchMemory { needed, limit },
    }
}
