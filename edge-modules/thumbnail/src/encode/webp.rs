//! WebP by `zenwebp` 0.2.1, the last release under MIT or Apache-2.0. Its `simd` feature is off: with it lossy pictures come
//! out corrupt on wasm32 with simd128 (22 dB where 33 dB are right), and nothing but a test of the built module shows it.

use zenwebp::{ColorType, EncoderParams, WebPEncoder};

use crate::encode::Encoding;
use crate::error::PictureError;
use crate::raster::{Channels, Raster};

pub(super) fn encode(raster: &Raster, encoding: Encoding) -> Result<Vec<u8>, PictureError> {
    let rgb;
    let (data, colour) = match raster.channels() {
        Channels::Gray => (raster.data(), ColorType::L8),
        Channels::Rgb => (raster.data(), ColorType::Rgb8),
        Channels::Rgba => (raster.data(), ColorType::Rgba8),
        Channels::Cmyk => {
            rgb = raster.clone().into_channels(Channels::Rgb);
            (rgb.data(), ColorType::Rgb8)
        }
    };
    let mut params = if encoding.lossless {
        EncoderParams::lossless()
    } else {
        EncoderParams::lossy(encoding.quality)
    };
    params.method = encoding.effort.min(6);
    let mut out = Vec::new();
    let mut encoder = WebPEncoder::new(&mut out);
    encoder.set_params(params);
    encoder
        .encode(data, raster.width(), raster.height(), colour)
        .map_err(|error| PictureError::Encode("WebP", error.to_string()))?;
    Ok(out)
}
