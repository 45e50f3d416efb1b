//! `q=auto`: the lowest JPEG quality at which the picture still looks like itself. Quality numbers mean different things for
//! different pictures: grain and leaves hide loss, smooth skies show it. So the picture is encoded, decoded by our own decoder
//! and compared by structural similarity (SSIM; Wang, Bovik, Sheikh and Simoncelli, 2004) of luma, a few times.

use crate::encode::{Encoding, encode};
use crate::error::PictureError;
use crate::format::OutputFormat;
use crate::jpeg::{self, Scale};
use crate::pixels::Pixels;
use crate::plan::Rect;
use crate::raster::{Channels, Raster};

/// The range that is searched. Below it blocks show on screens, above it nobody sees a difference.
const LOWEST: u8 = 45;
const HIGHEST: u8 = 92;

/// The mean similarity to reach, and the similarity that nine tenths of the picture must have.
const MEAN: f64 = 0.962;
const TENTH: f64 = 0.895;

/// Side of the part that is judged where the picture is larger: the cost stays the same for any size.
const JUDGED: u32 = 512;

/// Finds the JPEG quality.
///
/// # Errors
/// What the encoder says.
pub(crate) fn for_jpeg(raster: &Raster) -> Result<u8, PictureError> {
    let left = raster.width().saturating_sub(JUDGED) / 2;
    let top = raster.height().saturating_sub(JUDGED) / 2;
    let judged = raster.cropped(left, top, JUDGED, JUDGED);
    let original = judged.clone().into_channels(Channels::Gray);
    let (mut low, mut high) = (LOWEST, HIGHEST);
    while low < high {
        let middle = low.midpoint(high);
        if passes(&judged, &original, middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// The WebP quality that looks like a JPEG quality: the scales cross near 85, below it WebP needs a smaller number.
pub(crate) fn webp_like(jpeg: u8) -> u8 {
    let step = (i32::from(jpeg) - 85) * 11 / 10 + 82;
    u8::try_from(step.clamp(1, 100)).unwrap_or(75)
}

fn passes(judged: &Raster, original: &Raster, quality: u8) -> Result<bool, PictureError> {
    let file = encode(
        judged,
        Encoding {
            format: OutputFormat::Jpeg,
            quality,
            lossless: false,
            progressive: false,
            effort: 0,
        },
    )?;
    let Ok(decoded) = jpeg::decode(&file, Scale::Eight, u64::MAX) else {
        return Ok(false);
    };
    let (width, height) = (judged.width(), judged.height());
    let luma = Pixels::planes(decoded.model, decoded.planes).first_layer();
    let rect = Rect {
        left: 0.0,
        top: 0.0,
        width: width.into(),
        height: height.into(),
    };
    let luma = luma.resized(rect, width, height);
    let mut values = similarities(original, &luma);
    if values.is_empty() {
        return Ok(quality >= 80);
    }
    let mean =
        values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX));
    let tenth = values.len() / 10;
    let (_, worst, _) = values.select_nth_unstable_by(tenth, f64::total_cmp);
    Ok(mean >= MEAN && *worst >= TENTH)
}

/// SSIM of windows of 8x8, every four pixels.
fn similarities(a: &Raster, b: &Raster) -> Vec<f64> {
    /// (0.01 * 255)^2 and (0.03 * 255)^2.
    const C1: f64 = 6.502_5;
    const C2: f64 = 58.522_5;
    let stride = a.stride();
    let mut out = Vec::new();
    let (width, height) = (a.width() as usize, a.height() as usize);
    for top in (0..height.saturating_sub(7)).step_by(4) {
        for left in (0..width.saturating_sub(7)).step_by(4) {
            let (mut sum_a, mut sum_b, mut aa, mut bb, mut ab) = (0u32, 0u32, 0u32, 0u32, 0u32);
            for y in top..top + 8 {
                let start = y * stride + left;
                let rows = a.data()[start..start + 8]
                    .iter()
                    .zip(&b.data()[start..start + 8]);
                for (a, b) in rows {
                    let (a, b) = (u32::from(*a), u32::from(*b));
                    sum_a += a;
                    sum_b += b;
                    aa += a * a;
                    bb += b * b;
                    ab += a * b;
                }
            }
            let n = 64.0;
            let (mean_a, mean_b) = (f64::from(sum_a) / n, f64::from(sum_b) / n);
            let variance_a = f64::from(aa) / n - mean_a * mean_a;
            let variance_b = f64::from(bb) / n - mean_b * mean_b;
            let covariance = f64::from(ab) / n - mean_a * mean_b;
            out.push(
                (2.0 * mean_a * mean_b + C1) * (2.0 * covariance + C2)
                    / ((mean_a * mean_a + mean_b * mean_b + C1) * (variance_a + variance_b + C2)),
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with as much fine detail as `grain` says.
    fn picture(grain: u32) -> Raster {
        let mut seed = 1u32;
        let mut data = Vec::new();
        for y in 0..128u32 {
            for x in 0..128u32 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = if grain == 0 { 0 } else { (seed >> 16) % grain };
                let value = (x + y) / 2 + 40 + noise;
                data.extend([value.min(255).to_le_bytes()[0]; 3]);
            }
        }
        Raster::new(128, 128, Channels::Rgb, data).unwrap()
    }

    #[test]
    fn a_picture_is_like_itself() {
        let gray = picture(60).into_channels(Channels::Gray);
        assert!(
            similarities(&gray, &gray)
                .iter()
                .all(|value| (value - 1.0).abs() < 1e-9)
        );
    }

    #[test]
    fn the_quality_found_is_the_lowest_that_passes() {
        for grain in [0, 8, 60] {
            let raster = picture(grain);
            let quality = for_jpeg(&raster).unwrap();
            assert!((LOWEST..=HIGHEST).contains(&quality));
            let original = raster.clone().into_channels(Channels::Gray);
            if quality < HIGHEST {
                assert!(
                    passes(&raster, &original, quality).unwrap(),
                    "{grain}: {quality}"
                );
            }
            if quality > LOWEST {
                assert!(
                    !passes(&raster, &original, quality - 1).unwrap(),
                    "{grain}: {quality}"
                );
            }
        }
    }

    #[test]
    fn tiny_pictures_get_an_answer() {
        assert!(for_jpeg(&Raster::filled(3, 3, Channels::Rgb, [9, 9, 9, 255])).is_ok());
    }
}
