//! JPEG by `jpeg-encoder`: baseline in one scan or progressive, with Huffman tables made for the picture.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::error::PictureError;
use crate::jpeg::with_best_tables;
use crate::raster::{Channels, Raster};

/// From this quality on colour is kept at full resolution: whoever asks for it looks at edges.
const FULL_COLOUR_FROM: u8 = 90;

pub(super) fn encode(
    raster: &Raster,
    quality: u8,
    progressive: bool,
) -> Result<Vec<u8>, PictureError> {
    let refuse = |reason: String| PictureError::Encode("JPEG", reason);
    let side = |value: u32| {
        u16::try_from(value).map_err(|_| refuse("a side over 65535 pixels".to_owned()))
    };
    let (width, height) = (side(raster.width())?, side(raster.height())?);
    let colour = match raster.channels() {
        Channels::Gray => ColorType::Luma,
        Channels::Rgb => ColorType::Rgb,
        Channels::Rgba => ColorType::Rgba,
        Channels::Cmyk => ColorType::Cmyk,
    };
    let mut out = Vec::with_capacity(raster.data().len() / 8);
    let mut encoder = Encoder::new(&mut out, quality);
    // For a baseline picture they are made below: here they would cost it its one scan.
    encoder.set_optimized_huffman_tables(progressive);
    encoder.set_progressive(progressive);
    // Inks are no colour differences: at a lower resolution each of them would show.
    let full = quality >= FULL_COLOUR_FROM || colour == ColorType::Cmyk || has_colour_edges(raster);
    let sampling = if full {
        SamplingFactor::F_1_1
    } else {
        SamplingFactor::F_2_2
    };
    encoder.set_sampling_factor(sampling);
    encoder
        .encode(raster.data(), width, height, colour)
        .map_err(|error| refuse(error.to_string()))?;
    if progressive {
        return Ok(out);
    }
    with_best_tables(&out).map_err(|error| refuse(format!("{error:?}")))
}

/// True where halving the colour resolution would show: drawings and text with edges between strong colours, as opposed to
/// photographs, whose colours change slowly. One block of 2x2 pixels in thirty decides.
fn has_colour_edges(raster: &Raster) -> bool {
    /// The difference, in levels of red minus green or blue minus green, that is a clear edge.
    const EDGE: i32 = 72;
    if raster.channels() != Channels::Rgb {
        return false;
    }
    let stride = raster.stride();
    let (mut blocks, mut edges) = (0u32, 0u32);
    for rows in raster.data().chunks_exact(stride * 2) {
        let (upper, lower) = rows.split_at(stride);
        for (upper, lower) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            let pixels = [&upper[..3], &upper[3..], &lower[..3], &lower[3..]];
            let spread = |channel: usize| {
                let values = pixels.map(|pixel| i32::from(pixel[channel]) - i32::from(pixel[1]));
                values.iter().max().unwrap_or(&0) - values.iter().min().unwrap_or(&0)
            };
            blocks += 1;
            edges += u32::from(spread(0) > EDGE || spread(2) > EDGE);
        }
    }
    edges * 30 > blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_keep_their_colour_edges_and_gradients_do_not_need_to() {
        let stripes: Vec<u8> = (0..64 * 64)
            .flat_map(|i| {
                if i % 3 == 0 {
                    [255, 0, 0]
                } else {
                    [255, 255, 255]
                }
            })
            .collect();
        assert!(has_colour_edges(
            &Raster::new(64, 64, Channels::Rgb, stripes).unwrap()
        ));
        let slow: Vec<u8> = (0..64 * 64u32)
            .flat_map(|i| {
                [
                    (i % 64 * 4).to_le_bytes()[0],
                    90,
                    (i / 64 * 4).to_le_bytes()[0],
                ]
            })
            .collect();
        assert!(!has_colour_edges(
            &Raster::new(64, 64, Channels::Rgb, slow).unwrap()
        ));
    }
}
