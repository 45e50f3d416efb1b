//! Decoded pixels before resizing: one interleaved picture, or the components of a JPEG each at its own resolution. Resizing
//! the components before they are put together touches half as many samples, and subsampled chroma goes to its final size in one
//! step instead of being blown up and shrunk again.

use fast_image_resize::FilterType;

use crate::linear;
use crate::plan::Rect;
use crate::raster::{Channels, Raster};
use crate::resize::{inside, resize, resize_with};

/// What the layers mean together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// One layer that is a whole picture.
    Interleaved,
    /// One layer of luma.
    Gray,
    /// Luma and two colour differences (JFIF, the full-range form of BT.601).
    YCbCr,
    /// Red, green, blue.
    Rgb,
    /// Inks; 0 is none.
    Cmyk,
    /// Inks; 255 is none (Adobe).
    CmykInverted,
    /// Inverted inks, the first three as YCbCr (Adobe).
    Ycck,
}

/// A raster with its place in the source.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    raster: Raster,
    /// Pixels here for each pixel of the source.
    scale: (f64, f64),
    /// Where the top left corner lies, in pixels of the source.
    origin: (f64, f64),
}

/// One component of a JPEG.
pub(crate) type Plane = Layer;

impl Layer {
    /// A plane of one component.
    pub(crate) fn new(width: u32, height: u32, data: Vec<u8>, scale: (f64, f64)) -> Option<Self> {
        Some(Self::of(
            Raster::new(width, height, Channels::Gray, data)?,
            scale,
        ))
    }

    /// A raster of the whole source.
    pub(crate) fn of(raster: Raster, scale: (f64, f64)) -> Self {
        Self {
            raster,
            scale,
            origin: (0.0, 0.0),
        }
    }

    fn rect(&self, source: Rect) -> Rect {
        Rect {
            left: (source.left - self.origin.0) * self.scale.0,
            top: (source.top - self.origin.1) * self.scale.1,
            width: source.width * self.scale.0,
            height: source.height * self.scale.1,
        }
    }

    /// Only what shows a rectangle of the source, so that nothing around it can be seen by a filter.
    fn isolated(&self, source: Rect) -> Self {
        let inner = self.rect(source);
        // A hair of tolerance, so that a border on a whole pixel stays there.
        let (left, top) = (
            whole((inner.left + 1e-6).floor()),
            whole((inner.top + 1e-6).floor()),
        );
        let right = whole((inner.left + inner.width - 1e-6).ceil());
        let bottom = whole((inner.top + inner.height - 1e-6).ceil());
        let raster = self.raster.cropped(
            left,
            top,
            right.saturating_sub(left),
            bottom.saturating_sub(top),
        );
        let origin = (
            self.origin.0 + f64::from(left) / self.scale.0,
            self.origin.1 + f64::from(top) / self.scale.1,
        );
        Self {
            raster,
            origin,
            scale: self.scale,
        }
    }
}

/// Decoded pixels.
#[derive(Debug, Clone)]
pub struct Pixels {
    model: Model,
    layers: Vec<Layer>,
}

impl Pixels {
    /// A whole picture, reduced by an integer factor.
    pub(crate) fn interleaved(raster: Raster, factor: u32) -> Self {
        let scale = 1.0 / f64::from(factor.max(1));
        Self {
            model: Model::Interleaved,
            layers: vec![Layer::of(raster, (scale, scale))],
        }
    }

    /// The components of a JPEG.
    pub(crate) fn planes(model: Model, layers: Vec<Plane>) -> Self {
        Self { model, layers }
    }

    /// Only what shows a rectangle of the source.
    #[must_use]
    pub(crate) fn isolated(&self, source: Rect) -> Self {
        Self {
            layers: self
                .layers
                .iter()
                .map(|layer| layer.isolated(source))
                .collect(),
            model: self.model,
        }
    }

    /// The first layer alone: the luma of a JPEG.
    #[must_use]
    pub(crate) fn first_layer(mut self) -> Self {
        self.layers.truncate(1);
        Self {
            model: Model::Gray,
            ..self
        }
    }

    /// As [`Pixels::resized`], in linear light.
    pub(crate) fn resized_in_light(self, source: Rect, width: u32, height: u32) -> Raster {
        let Some(first) = self.layers.first() else {
            return self.resized(source, width, height);
        };
        let (across, down) = first.scale;
        let origin = first.origin;
        let (full_width, full_height) = (first.raster.width(), first.raster.height());
        // All of the first layer, in pixels of the source.
        let all = Rect {
            left: origin.0,
            top: origin.1,
            width: f64::from(full_width) / across,
            height: f64::from(full_height) / down,
        };
        let inner = Rect {
            left: (source.left - origin.0) * across,
            top: (source.top - origin.1) * down,
            width: source.width * across,
            height: source.height * down,
        };
        let whole = self.resized(all, full_width, full_height);
        match linear::resize(
            &whole,
            inside(inner, full_width, full_height),
            width,
            height,
        ) {
            Some(raster) => raster,
            None => resize(whole, inner, width, height),
        }
    }

    /// A rectangle of the source at a size, put together.
    pub(crate) fn resized(self, source: Rect, width: u32, height: u32) -> Raster {
        let model = self.model;
        let mut sized = self.layers.into_iter().enumerate().map(|(index, layer)| {
            let rect = layer.rect(source);
            // Colour differences have no edges that luma does not have: no filter that rings where they grow.
            if index > 0 && model == Model::YCbCr && f64::from(width) > rect.width {
                resize_with(layer.raster, rect, width, height, FilterType::Bilinear)
            } else {
                resize(layer.raster, rect, width, height)
            }
        });
        let Some(first) = sized.next() else {
            return Raster::filled(width, height, Channels::Gray, [0; 4]);
        };
        match model {
            Model::Interleaved | Model::Gray => first,
            _ => combine(model, &first, &sized.collect::<Vec<_>>()),
        }
    }
}

fn combine(model: Model, first: &Raster, others: &[Raster]) -> Raster {
    let (width, height) = (first.width(), first.height());
    let channels = if others.len() == 3 {
        Channels::Cmyk
    } else {
        Channels::Rgb
    };
    let mut data = vec![0; width as usize * height as usize * channels.count()];
    match others {
        [second, third] => {
            let samples = first.data().iter().zip(second.data()).zip(third.data());
            for (pixel, ((a, b), c)) in data.chunks_exact_mut(3).zip(samples) {
                let rgb = if model == Model::YCbCr {
                    to_rgb(*a, *b, *c)
                } else {
                    [*a, *b, *c]
                };
                pixel.copy_from_slice(&rgb);
            }
        }
        [second, third, fourth] => {
            let samples = first
                .data()
                .iter()
                .zip(second.data())
                .zip(third.data())
                .zip(fourth.data());
            for (pixel, (((a, b), c), k)) in data.chunks_exact_mut(4).zip(samples) {
                let inks = match model {
                    // The three come out as red, green and blue, which are the inverted inks.
                    Model::Ycck => {
                        let [r, g, b] = to_rgb(*a, *b, *c);
                        [255 - r, 255 - g, 255 - b, 255 - k]
                    }
                    Model::CmykInverted => [255 - a, 255 - b, 255 - c, 255 - k],
                    _ => [*a, *b, *c, *k],
                };
                pixel.copy_from_slice(&inks);
            }
        }
        _ => {}
    }
    // The buffer was made to fit; sides are at least 1.
    Raster::new(width, height, channels, data)
        .unwrap_or_else(|| Raster::filled(width, height, channels, [0; 4]))
}

/// JFIF 1.02's conversion, with 16 fraction bits.
#[inline(always)]
fn to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let y = (i32::from(y) << 16) + 32_768;
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    let clamp = |value: i32| (value >> 16).clamp(0, 255).to_le_bytes()[0];
    [
        clamp(y + 91_881 * cr),
        clamp(y - 22_554 * cb - 46_802 * cr),
        clamp(y + 116_130 * cb),
    ]
}

/// A float-to-integer `as` saturates, which is what is wanted here.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_convert_within_a_level() {
        for (y, cb, cr) in [
            (0, 128, 128),
            (255, 128, 128),
            (76, 85, 255),
            (150, 44, 21),
            (29, 255, 107),
            (10, 200, 40),
        ] {
            let (fy, fcb, fcr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
            let exact = [
                fy + 1.402 * fcr,
                fy - 0.344_136 * fcb - 0.714_136 * fcr,
                fy + 1.772 * fcb,
            ];
            for (got, want) in to_rgb(y, cb, cr).iter().zip(exact) {
                assert!(
                    (f64::from(*got) - want.clamp(0.0, 255.0)).abs() <= 1.0,
                    "{y} {cb} {cr}"
                );
            }
        }
    }

    #[test]
    fn nothing_outside_of_an_isolated_part_is_seen() {
        let row: Vec<u8> = [[10u8; 5], [200; 5], [90; 5]].concat();
        let raster = Raster::new(15, 6, Channels::Gray, row.repeat(6)).unwrap();
        let part = Rect {
            left: 5.0,
            top: 0.0,
            width: 5.0,
            height: 6.0,
        };
        for (width, height) in [(5, 6), (3, 3), (1, 1), (17, 20)] {
            let pixels = Pixels::planes(Model::Gray, vec![Layer::of(raster.clone(), (1.0, 1.0))]);
            let cut = pixels.isolated(part).resized(part, width, height);
            assert!(
                cut.data().iter().all(|sample| *sample == 200),
                "{width}x{height}: {:?}",
                cut.data()
            );
        }
    }
}
