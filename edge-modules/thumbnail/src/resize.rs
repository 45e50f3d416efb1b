//! Resampling by `fast_image_resize`: Lanczos3 downwards, Catmull-Rom upwards (Lanczos rings where pixels grow). Alpha is
//! premultiplied for the time of the resampling, so that transparent pixels lend no colour.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::plan::Rect;
use crate::raster::{Channels, Raster};

/// Resamples a rectangle of the raster, which may lie between pixels. A copy when nothing changes.
pub(crate) fn resize(raster: Raster, rect: Rect, width: u32, height: u32) -> Raster {
    let grows = f64::from(width) > rect.width || f64::from(height) > rect.height;
    let filter = if grows {
        FilterType::CatmullRom
    } else {
        FilterType::Lanczos3
    };
    resize_with(raster, rect, width, height, filter)
}

/// As [`resize`], with a filter of the caller's choice.
pub(crate) fn resize_with(
    raster: Raster,
    rect: Rect,
    width: u32,
    height: u32,
    filter: FilterType,
) -> Raster {
    let rect = inside(rect, raster.width(), raster.height());
    if (rect.width, rect.height) == (f64::from(width), f64::from(height))
        && (raster.width(), raster.height()) == (width, height)
    {
        return raster;
    }
    if let Some(cut) = whole_pixels(&raster, rect, width, height) {
        return cut;
    }
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(rect.left, rect.top, rect.width, rect.height)
        .use_alpha(raster.channels() == Channels::Rgba);
    let pixels = match raster.channels() {
        Channels::Gray => PixelType::U8,
        Channels::Rgb => PixelType::U8x3,
        Channels::Rgba | Channels::Cmyk => PixelType::U8x4,
    };
    let mut target = Image::new(width, height, pixels);
    let done =
        ImageRef::new(raster.width(), raster.height(), raster.data(), pixels).is_ok_and(|source| {
            Resizer::new()
                .resize(&source, &mut target, Some(&options))
                .is_ok()
        });
    let resized = Raster::new(width, height, raster.channels(), target.into_vec());
    // Both can only fail for sizes that do not fit their buffers, and both sizes were checked when they were made.
    debug_assert!(done);
    resized.unwrap_or(raster)
}

/// The rectangle cut to the raster: scaling it from the source's size may have moved it by a rounding error.
pub(crate) fn inside(rect: Rect, width: u32, height: u32) -> Rect {
    let (w, h) = (f64::from(width), f64::from(height));
    let left = rect.left.clamp(0.0, w - 1.0);
    let top = rect.top.clamp(0.0, h - 1.0);
    Rect {
        left,
        top,
        width: rect.width.clamp(1.0, w - left),
        height: rect.height.clamp(1.0, h - top),
    }
}

/// A cut without resampling, where the rectangle lies on whole pixels and keeps its size.
fn whole_pixels(raster: &Raster, rect: Rect, width: u32, height: u32) -> Option<Raster> {
    let near = |value: f64| {
        let whole = value.round();
        ((value - whole).abs() < 1e-6 && (0.0..=f64::from(u32::MAX)).contains(&whole))
            .then_some(whole)
    };
    let (left, top) = (near(rect.left)?, near(rect.top)?);
    if near(rect.width)? != f64::from(width) || near(rect.height)? != f64::from(height) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // Both were just found to be whole and in range.
    Some(raster.cropped(left as u32, top as u32, width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(left: f64, top: f64, width: f64, height: f64) -> Rect {
        Rect {
            left,
            top,
            width,
            height,
        }
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        for channels in [Channels::Gray, Channels::Rgb, Channels::Rgba] {
            let raster = Raster::filled(97, 53, channels, [90, 120, 7, 200]);
            let small = resize(raster, rect(0.3, 0.0, 90.5, 53.0), 31, 17);
            let expected = Raster::filled(31, 17, channels, [90, 120, 7, 200]);
            for (got, want) in small.data().iter().zip(expected.data()) {
                assert!(got.abs_diff(*want) <= 1, "{channels:?}: {got} {want}");
            }
        }
    }

    #[test]
    fn transparent_pixels_lend_no_colour() {
        // Left half opaque red, right half transparent green.
        let mut data = Vec::new();
        for _ in 0..8 {
            for x in 0..8 {
                data.extend_from_slice(if x < 4 {
                    &[255, 0, 0, 255]
                } else {
                    &[0, 255, 0, 0]
                });
            }
        }
        let raster = Raster::new(8, 8, Channels::Rgba, data).unwrap();
        let small = resize(raster, rect(0.0, 0.0, 8.0, 8.0), 3, 3);
        for pixel in small.data().chunks_exact(4).filter(|pixel| pixel[3] > 8) {
            assert!(pixel[1] <= 2, "{pixel:?}");
        }
    }

    #[test]
    fn a_cut_on_whole_pixels_is_exact() {
        let raster = Raster::new(4, 1, Channels::Gray, vec![1, 2, 3, 4]).unwrap();
        assert_eq!(
            resize(raster, rect(1.0, 0.0, 2.0, 1.0), 2, 1).data(),
            [2, 3]
        );
    }
}
