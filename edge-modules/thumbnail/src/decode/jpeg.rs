//! JPEG by the decoder in [`crate::jpeg`], at the smallest scale that leaves the final resampling something to do.

use image::metadata::Orientation;

use crate::decode::{DecodeLimits, Decoded, Least};
use crate::error::PictureError;
use crate::format::SourceFormat;
use crate::jpeg::{self, JpegError, Scale, Scales};
use crate::pixels::Pixels;

/// How many times the result's sides the decoded luma has at least, where the file holds as much. Luma that comes out of the decoder
/// at its final size aliases: 720p to 320x180 then has a SSIMULACRA2 of 89 to 95 beside full decoding and Lanczos3, with this 95 to 97
/// (sharp's: 95 to 97). It takes a millisecond of three more; for colour differences as well it would take four.
const SPARE: (u32, u32) = (3, 2);

pub(super) fn header(bytes: &[u8]) -> Result<(u32, u32, Option<Orientation>), PictureError> {
    jpeg::header(bytes).map_err(|error| refuse(error, 0))
}

pub(super) fn decode(
    bytes: &[u8],
    least: Least,
    limits: DecodeLimits,
) -> Result<Decoded, PictureError> {
    let (width, height, _) = header(bytes)?;
    let spare = |side: u32| side.saturating_mul(SPARE.0).div_ceil(SPARE.1);
    let least_of = |sides| Scale::at_least((width, height), sides);
    let scales = Scales {
        full: least_of((spare(least.width), spare(least.height))),
        subsampled: least_of((least.width, least.height)),
    };
    let picture =
        jpeg::decode(bytes, scales, limits.memory).map_err(|error| refuse(error, limits.memory))?;
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
