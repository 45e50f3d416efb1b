//! Blur and sharpening, on the finished size.

use image::imageops::fast_blur;
use image::{ImageBuffer, Luma, Pixel, Rgb, Rgba};

use crate::raster::{Channels, Raster, divide_by_255};

/// Gaussian blur (three box blurs, `image::imageops::fast_blur`), sigma in pixels. Nothing happens at zero.
pub(crate) fn blur(raster: Raster, sigma: f32) -> Raster {
    if sigma <= 0.0 {
        return raster;
    }
    match raster.channels() {
        Channels::Gray => blurred::<Luma<u8>>(raster, sigma),
        Channels::Rgb => blurred::<Rgb<u8>>(raster, sigma),
        Channels::Rgba => unpremultiplied(blurred::<Rgba<u8>>(premultiplied(raster), sigma)),
        Channels::Cmyk => blur(raster.into_channels(Channels::Rgb), sigma),
    }
}

fn blurred<P: Pixel<Subpixel = u8>>(raster: Raster, sigma: f32) -> Raster {
    let (width, height, channels) = (raster.width(), raster.height(), raster.channels());
    let Some(buffer) = ImageBuffer::<P, Vec<u8>>::from_raw(width, height, raster.data().to_vec())
    else {
        return raster;
    };
    Raster::new(
        width,
        height,
        channels,
        fast_blur(&buffer, sigma).into_raw(),
    )
    .unwrap_or(raster)
}

/// Unsharp mask: adds `amount` times the difference from a slight blur. Alpha keeps its edge.
pub(crate) fn sharpen(mut raster: Raster, amount: f32) -> Raster {
    /// The blur that is subtracted: the radius of the softness that a strong reduction leaves.
    const SIGMA: f32 = 0.8;
    if amount <= 0.0 {
        return raster;
    }
    let soft = blur(raster.clone(), SIGMA);
    let samples = raster.channels().count();
    let colours = if raster.channels() == Channels::Rgba {
        3
    } else {
        samples
    };
    // Eighths of a level are enough, and integers keep the loop in vector registers.
    #[allow(clippy::cast_possible_truncation)] // At most 10 * 256.
    let amount = (amount * 256.0) as i32;
    for (pixel, soft) in raster
        .data_mut()
        .chunks_exact_mut(samples)
        .zip(soft.data().chunks_exact(samples))
    {
        for (sample, soft) in pixel.iter_mut().zip(soft).take(colours) {
            let value = i32::from(*sample);
            let sharp = value + (((value - i32::from(*soft)) * amount) >> 8);
            *sample = sharp.clamp(0, 255).to_le_bytes()[0];
        }
    }
    raster
}

fn premultiplied(mut raster: Raster) -> Raster {
    for pixel in raster.data_mut().chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        for sample in &mut pixel[..3] {
            *sample = divide_by_255(u32::from(*sample) * alpha);
        }
    }
    raster
}

fn unpremultiplied(mut raster: Raster) -> Raster {
    for pixel in raster.data_mut().chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        for sample in &mut pixel[..3] {
            let value = (u32::from(*sample) * 255 + alpha / 2)
                .checked_div(alpha)
                .unwrap_or(0);
            *sample = u8::try_from(value).unwrap_or(255);
        }
    }
    raster
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge() -> Raster {
        let row: Vec<u8> = (0..16).map(|x| if x < 8 { 60 } else { 180 }).collect();
        Raster::new(16, 16, Channels::Gray, row.repeat(16)).unwrap()
    }

    #[test]
    fn blur_softens_an_edge_and_keeps_flat_parts() {
        let soft = blur(edge(), 2.0);
        assert!((61..180).contains(&soft.data()[7 + 16 * 8]));
        assert_eq!(soft.data()[16 * 8], 60);
        assert_eq!(blur(edge(), 0.0), edge());
    }

    #[test]
    fn sharpening_steepens_an_edge_and_keeps_flat_parts() {
        let sharp = sharpen(edge(), 1.0);
        let row = &sharp.data()[16 * 8..16 * 9];
        assert!(row[7] < 60 && row[8] > 180, "{row:?}");
        assert_eq!((row[0], row[15]), (60, 180));
    }

    #[test]
    fn transparent_pixels_lend_no_colour() {
        let mut data = [255u8, 0, 0, 255].repeat(8);
        data.extend([0u8, 255, 0, 0].repeat(8));
        let raster = Raster::new(16, 1, Channels::Rgba, data).unwrap();
        for pixel in blur(raster, 2.0)
            .data()
            .chunks_exact(4)
            .filter(|pixel| pixel[3] > 16)
        {
            assert!(pixel[1] == 0 && pixel[0] > 240, "{pixel:?}");
        }
    }
}
