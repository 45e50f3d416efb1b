//! Resizing in linear light. Averaging sRGB numbers darkens fine bright detail (stars, text, foliage); averaging light does not.
//! It costs several times as much, so it is asked for.

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::plan::Rect;
use crate::raster::{Channels, Raster};

/// Resamples a rectangle of the raster in linear light. CMYK is no light and is refused (none).
pub(crate) fn resize(raster: &Raster, rect: Rect, width: u32, height: u32) -> Option<Raster> {
    let channels = raster.channels();
    let (pixel_type, colours) = match channels {
        Channels::Gray => (PixelType::U16, 1),
        Channels::Rgb => (PixelType::U16x3, 3),
        Channels::Rgba => (PixelType::U16x4, 3),
        Channels::Cmyk => return None,
    };
    let to_light = to_light();
    let samples = channels.count();
    let mut source = Image::new(raster.width(), raster.height(), pixel_type);
    let light = source.buffer_mut().chunks_exact_mut(samples * 2);
    for (light, pixel) in light.zip(raster.data().chunks_exact(samples)) {
        for (index, (light, sample)) in light.chunks_exact_mut(2).zip(pixel).enumerate() {
            let value = if index < colours {
                to_light[usize::from(*sample)]
            } else {
                u16::from(*sample) * 257
            };
            light.copy_from_slice(&value.to_ne_bytes());
        }
    }
    let mut target = Image::new(width, height, pixel_type);
    let grows = f64::from(width) > rect.width || f64::from(height) > rect.height;
    let filter = if grows {
        FilterType::CatmullRom
    } else {
        FilterType::Lanczos3
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(rect.left, rect.top, rect.width, rect.height)
        .use_alpha(channels == Channels::Rgba);
    Resizer::new()
        .resize(&source, &mut target, Some(&options))
        .ok()?;
    let from_light = from_light(&to_light);
    let mut data = Vec::with_capacity(width as usize * height as usize * samples);
    for pixel in target.buffer().chunks_exact(samples * 2) {
        for (index, bytes) in pixel.chunks_exact(2).enumerate() {
            let value = u16::from_ne_bytes([bytes[0], bytes[1]]);
            data.push(if index < colours {
                from_light[usize::from(value)]
            } else {
                value.to_be_bytes()[0]
            });
        }
    }
    Raster::new(width, height, channels, data)
}

/// IEC 61966-2-1: sRGB numbers to light, in 65535ths.
fn to_light() -> [u16; 256] {
    let mut table = [0; 256];
    for (value, light) in (0u16..).zip(&mut table) {
        let value = f64::from(value) / 255.0;
        let linear = if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and 65535.
        let rounded = (linear * 65_535.0).round() as u16;
        *light = rounded;
    }
    table
}

/// The nearest sRGB number of every light.
fn from_light(to_light: &[u16; 256]) -> Vec<u8> {
    let mut table = vec![255; 65_536];
    let mut start = 0;
    for (value, pair) in (0u8..=255).zip(to_light.windows(2)) {
        let middle = (usize::from(pair[0]) + usize::from(pair[1])).div_ceil(2);
        table[start..middle].fill(value);
        start = middle;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        let table = to_light();
        let back = from_light(&table);
        for value in 0..=255u8 {
            assert_eq!(back[usize::from(table[usize::from(value)])], value);
        }
    }

    #[test]
    fn a_fine_checkerboard_keeps_its_light() {
        let data: Vec<u8> = (0..64 * 64)
            .map(|i| if (i + i / 64) % 2 == 0 { 255 } else { 0 })
            .collect();
        let raster = Raster::new(64, 64, Channels::Gray, data).unwrap();
        let rect = Rect {
            left: 0.0,
            top: 0.0,
            width: 64.0,
            height: 64.0,
        };
        let light = resize(&raster, rect, 8, 8).unwrap();
        // Half of the light is sRGB 188, not 128.
        assert!(
            light.data().iter().all(|sample| sample.abs_diff(188) <= 4),
            "{:?}",
            &light.data()[..8]
        );
    }
}
