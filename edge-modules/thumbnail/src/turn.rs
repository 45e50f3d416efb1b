//! Turning and mirroring: the eight ways in which a picture can lie.

use image::metadata::Orientation;

use crate::options::Flip;
use crate::plan::Rect;
use crate::raster::Raster;

/// One of the eight orientations: first transposed (rows become columns), then mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    transpose: bool,
    mirror_x: bool,
    mirror_y: bool,
}

impl Turn {
    /// As stored.
    pub const NONE: Self = Self {
        transpose: false,
        mirror_x: false,
        mirror_y: false,
    };

    /// What makes a picture with this EXIF orientation (TIFF tag 0x0112, CIPA DC-008 section 4.6.4) upright.
    pub fn upright(orientation: Orientation) -> Self {
        let (transpose, mirror_x, mirror_y) = match orientation {
            Orientation::NoTransforms => (false, false, false),
            Orientation::FlipHorizontal => (false, true, false),
            Orientation::Rotate180 => (false, true, true),
            Orientation::FlipVertical => (false, false, true),
            Orientation::Rotate90FlipH => (true, false, false),
            Orientation::Rotate90 => (true, true, false),
            Orientation::Rotate270FlipH => (true, true, true),
            Orientation::Rotate270 => (true, false, true),
        };
        Self {
            transpose,
            mirror_x,
            mirror_y,
        }
    }

    /// Quarter turns clockwise.
    pub fn quarters(count: u8) -> Self {
        match count % 4 {
            0 => Self::NONE,
            1 => Self {
                transpose: true,
                mirror_x: true,
                mirror_y: false,
            },
            2 => Self {
                transpose: false,
                mirror_x: true,
                mirror_y: true,
            },
            _ => Self {
                transpose: true,
                mirror_x: false,
                mirror_y: true,
            },
        }
    }

    /// Mirroring alone.
    pub fn flip(flip: Flip) -> Self {
        Self {
            transpose: false,
            mirror_x: flip.horizontal,
            mirror_y: flip.vertical,
        }
    }

    /// This, and after it `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        // A transposition after mirrors swaps the axes of the mirrors.
        let (x, y) = if next.transpose {
            (self.mirror_y, self.mirror_x)
        } else {
            (self.mirror_x, self.mirror_y)
        };
        Self {
            transpose: self.transpose ^ next.transpose,
            mirror_x: x ^ next.mirror_x,
            mirror_y: y ^ next.mirror_y,
        }
    }

    /// The size after turning.
    pub fn size(self, width: u32, height: u32) -> (u32, u32) {
        if self.transpose {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Where a rectangle of the turned picture lies in the stored one, which has `width` x `height` pixels.
    pub fn source_rect(self, rect: Rect, width: f64, height: f64) -> Rect {
        let (turned_width, turned_height) = if self.transpose {
            (height, width)
        } else {
            (width, height)
        };
        let left = if self.mirror_x {
            turned_width - rect.left - rect.width
        } else {
            rect.left
        };
        let top = if self.mirror_y {
            turned_height - rect.top - rect.height
        } else {
            rect.top
        };
        if self.transpose {
            Rect {
                left: top,
                top: left,
                width: rect.height,
                height: rect.width,
            }
        } else {
            Rect { left, top, ..rect }
        }
    }

    /// Turns the pixels.
    pub fn apply(self, raster: Raster) -> Raster {
        if self == Self::NONE {
            return raster;
        }
        let (width, height) = (raster.width(), raster.height());
        let (out_width, out_height) = self.size(width, height);
        let channels = raster.channels();
        let samples = channels.count();
        let stride = raster.stride();
        let source = raster.data();
        let mut data = Vec::with_capacity(source.len());
        for y in 0..out_height as usize {
            let y = if self.mirror_y {
                out_height as usize - 1 - y
            } else {
                y
            };
            for x in 0..out_width as usize {
                let x = if self.mirror_x {
                    out_width as usize - 1 - x
                } else {
                    x
                };
                let start = if self.transpose {
                    x * stride + y * samples
                } else {
                    y * stride + x * samples
                };
                data.extend_from_slice(&source[start..start + samples]);
            }
        }
        Raster::new(out_width, out_height, channels, data).unwrap_or(raster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::Channels;
    use image::{DynamicImage, GrayImage};

    fn all() -> Vec<Turn> {
        (1..=8)
            .map(|exif| Turn::upright(Orientation::from_exif(exif).unwrap()))
            .collect()
    }

    fn sample() -> Raster {
        Raster::new(3, 2, Channels::Gray, vec![1, 2, 3, 4, 5, 6]).unwrap()
    }

    #[test]
    fn agrees_with_the_image_crate() {
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let mut expected = DynamicImage::ImageLuma8(
                GrayImage::from_raw(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap(),
            );
            expected.apply_orientation(orientation);
            let turned = Turn::upright(orientation).apply(sample());
            assert_eq!(
                (turned.width(), turned.height()),
                (expected.width(), expected.height()),
                "{exif}"
            );
            assert_eq!(turned.data(), expected.as_bytes(), "{exif}");
        }
    }

    #[test]
    fn one_turn_after_another_is_one_turn() {
        for first in all() {
            for second in all() {
                assert_eq!(
                    second.apply(first.apply(sample())),
                    first.then(second).apply(sample()),
                    "{first:?} {second:?}"
                );
            }
        }
    }

    #[test]
    fn a_rectangle_is_found_in_the_source() {
        for turn in all() {
            let turned = turn.apply(sample());
            for (left, top) in
                (0..turned.width()).flat_map(|x| (0..turned.height()).map(move |y| (x, y)))
            {
                let rect = Rect {
                    left: f64::from(left),
                    top: f64::from(top),
                    width: 1.0,
                    height: 1.0,
                };
                let source = turn.source_rect(rect, 3.0, 2.0);
                #[allow(clippy::cast_possible_truncation)] // Whole pixels of a tiny picture.
                let pixel = |raster: &Raster, x: f64, y: f64| {
                    raster.cropped(x as u32, y as u32, 1, 1).data()[0]
                };
                assert_eq!(
                    pixel(&turned, rect.left, rect.top),
                    pixel(&sample(), source.left, source.top),
                    "{turn:?} {left} {top}"
                );
            }
        }
    }
}
