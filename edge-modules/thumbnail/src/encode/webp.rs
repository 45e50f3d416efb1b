//! WebP by libwebp's encoder (`weir-webp`).

use weir_webp::{Layout, Settings};

use crate::encode::Encoding;
use crate::error::PictureError;
use crate::raster::{Channels, Raster};

pub(super) fn encode(raster: &Raster, encoding: Encoding) -> Result<Vec<u8>, PictureError> {
    let rgb;
    let (raster, layout) = match raster.channels() {
        Channels::Rgb => (raster, Layout::Rgb),
        Channels::Rgba => (raster, Layout::Rgba),
        Channels::Gray | Channels::Cmyk => {
            rgb = raster.clone().into_channels(Channels::Rgb);
            (&rgb, Layout::Rgb)
        }
    };
    let settings = Settings {
        quality: encoding.quality.clamp(1, 100),
        effort: encoding.effort.min(6),
        lossless: encoding.lossless,
    };
    weir_webp::encode(
        raster.data(),
        raster.width(),
        raster.height(),
        layout,
        settings,
    )
    .map_err(|error| PictureError::Encode("WebP", error.to_string()))
}
