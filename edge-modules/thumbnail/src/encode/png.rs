//! PNG by the `png` crate: a palette when at most 256 colours occur, gray when no colour does.

use std::collections::HashMap;

use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use crate::error::PictureError;
use crate::raster::{Channels, Raster};

pub(super) fn encode(raster: &Raster) -> Result<Vec<u8>, PictureError> {
    let mut out = Vec::with_capacity(raster.data().len() / 4);
    write(raster, &mut out).map_err(|error| PictureError::Encode("PNG", error.to_string()))?;
    Ok(out)
}

fn write(raster: &Raster, out: &mut Vec<u8>) -> Result<(), png::EncodingError> {
    let mut encoder = Encoder::new(out, raster.width(), raster.height());
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    let palette = Palette::of(raster);
    let Some(palette) = palette else {
        encoder.set_filter(Filter::Adaptive);
        encoder.set_color(match raster.channels() {
            Channels::Gray => ColorType::Grayscale,
            Channels::Rgb | Channels::Cmyk => ColorType::Rgb,
            Channels::Rgba => ColorType::Rgba,
        });
        let rgb;
        let data = if raster.channels() == Channels::Cmyk {
            rgb = raster.clone().into_channels(Channels::Rgb);
            rgb.data()
        } else {
            raster.data()
        };
        let mut writer = encoder.write_header()?;
        writer.write_image_data(data)?;
        return writer.finish();
    };
    encoder.set_color(ColorType::Indexed);
    // Filters help where neighbours are near in value, which indices are not.
    encoder.set_filter(Filter::NoFilter);
    encoder.set_palette(palette.colours);
    if palette.alpha.iter().any(|alpha| *alpha != 255) {
        encoder.set_trns(palette.alpha);
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&palette.indices)?;
    writer.finish()
}

/// An exact palette.
struct Palette {
    colours: Vec<u8>,
    alpha: Vec<u8>,
    indices: Vec<u8>,
}

impl Palette {
    /// None when there are more than 256 colours, or when gray pixels are already a byte each.
    fn of(raster: &Raster) -> Option<Self> {
        let samples = match raster.channels() {
            Channels::Rgb => 3,
            Channels::Rgba => 4,
            Channels::Gray | Channels::Cmyk => return None,
        };
        let mut known: HashMap<[u8; 4], u8> = HashMap::new();
        let mut palette = Self {
            colours: Vec::new(),
            alpha: Vec::new(),
            indices: Vec::new(),
        };
        let mut last: Option<([u8; 4], u8)> = None;
        for pixel in raster.data().chunks_exact(samples) {
            let alpha = pixel.get(3).copied().unwrap_or(255);
            // All that is invisible is one colour.
            let colour = if alpha == 0 {
                [0; 4]
            } else {
                [pixel[0], pixel[1], pixel[2], alpha]
            };
            let index = match last {
                Some((known, index)) if known == colour => index,
                _ => match known.get(&colour) {
                    Some(index) => *index,
                    None => {
                        let index = u8::try_from(known.len()).ok()?;
                        known.insert(colour, index);
                        palette.colours.extend_from_slice(&colour[..3]);
                        palette.alpha.push(alpha);
                        index
                    }
                },
            };
            last = Some((colour, index));
            palette.indices.push(index);
        }
        Some(palette)
    }
}
