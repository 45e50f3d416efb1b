//! The geometry of a request: which part of the source, what size, where on what canvas. Pure arithmetic over the size of the
//! upright source; no pixel is touched here.

use crate::error::PictureError;
use crate::options::{Fit, Gravity, Options};

/// A rectangle of the source in pixels, not always whole ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Columns left of it.
    pub left: f64,
    /// Rows above it.
    pub top: f64,
    /// Columns.
    pub width: f64,
    /// Rows.
    pub height: f64,
}

/// A canvas around the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Columns left of the picture.
    pub left: u32,
    /// Rows above the picture.
    pub top: u32,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The part of the upright source that is used.
    pub source: Rect,
    /// The size that it gets.
    pub width: u32,
    /// The size that it gets.
    pub height: u32,
    /// A window of this size is then cut out where the most detail is.
    pub smart: Option<(u32, u32)>,
    /// The canvas that it is laid on.
    pub canvas: Option<Canvas>,
}

impl Plan {
    /// Plans for a source of `width` x `height` upright pixels.
    ///
    /// # Errors
    /// A region that does not touch the source; a result with a side over `largest_side` (from a request that names one side
    /// only, or none).
    pub fn new(
        options: &Options,
        width: u32,
        height: u32,
        largest_side: u32,
    ) -> Result<Self, PictureError> {
        let region = region(options, width, height)?;
        let plan = match (options.width, options.height) {
            (None, None) => Self::whole(region, (region.width, region.height)),
            (Some(w), Some(h)) => match options.fit {
                Fit::ScaleDown | Fit::Contain => {
                    Self::inside(region, options.enlarge, Some(w), Some(h))
                }
                Fit::Pad => Self::pad(region, options, w, h),
                Fit::Cover => Self::cover(region, options, w, h),
                Fit::Crop => Self::crop(region, options, w, h),
            },
            (w, h) => Self::inside(region, options.enlarge, w, h),
        };
        // The larger of picture and canvas: a plan with a canvas is never larger than it.
        let (w, h) = plan.canvas.map_or((plan.width, plan.height), |canvas| {
            (canvas.width, canvas.height)
        });
        if w.max(h).max(plan.width).max(plan.height) > largest_side {
            return Err(PictureError::ResultTooLarge {
                width: w,
                height: h,
                limit: largest_side,
            });
        }
        Ok(plan)
    }

    /// The size that goes out.
    pub fn result_size(&self) -> (u32, u32) {
        match (self.canvas, self.smart) {
            (Some(canvas), _) => (canvas.width, canvas.height),
            (None, Some(window)) => window,
            (None, None) => (self.width, self.height),
        }
    }

    fn whole(source: Rect, (width, height): (f64, f64)) -> Self {
        Self {
            source,
            width: pixels(width),
            height: pixels(height),
            smart: None,
            canvas: None,
        }
    }

    /// Fits the whole region inside the sides that are given.
    fn inside(source: Rect, enlarge: bool, width: Option<u32>, height: Option<u32>) -> Self {
        let across = width.map_or(f64::INFINITY, |width| f64::from(width) / source.width);
        let down = height.map_or(f64::INFINITY, |height| f64::from(height) / source.height);
        let mut scale = across.min(down);
        if !enlarge {
            scale = scale.min(1.0);
        }
        Self::whole(source, (source.width * scale, source.height * scale))
    }

    fn pad(source: Rect, options: &Options, width: u32, height: u32) -> Self {
        let inner = Self::inside(source, options.enlarge, Some(width), Some(height));
        // Rounding may leave the picture a pixel over the box.
        let (inner_width, inner_height) = (inner.width.min(width), inner.height.min(height));
        let (x, y) = point(options.gravity);
        let canvas = Canvas {
            width,
            height,
            left: whole(f64::from(width - inner_width) * x),
            top: whole(f64::from(height - inner_height) * y),
        };
        Self {
            width: inner_width,
            height: inner_height,
            canvas: Some(canvas),
            ..inner
        }
    }

    fn cover(source: Rect, options: &Options, width: u32, height: u32) -> Self {
        let (w, h) = (f64::from(width), f64::from(height));
        let scale = (w / source.width).max(h / source.height);
        if scale <= 1.0 || options.enlarge {
            return Self::cut(source, options.gravity, scale, (width, height));
        }
        // Too small to fill the box: the box's aspect at the source's own size.
        Self::cut(
            source,
            options.gravity,
            1.0,
            (pixels(w / scale), pixels(h / scale)),
        )
    }

    fn crop(source: Rect, options: &Options, width: u32, height: u32) -> Self {
        let scale = (f64::from(width) / source.width)
            .max(f64::from(height) / source.height)
            .min(1.0);
        let width = width.min(pixels(source.width * scale));
        let height = height.min(pixels(source.height * scale));
        Self::cut(source, options.gravity, scale, (width, height))
    }

    /// A window of `size` result pixels out of the region at `scale`.
    fn cut(source: Rect, gravity: Gravity, scale: f64, size: (u32, u32)) -> Self {
        let (width, height) = size;
        let Gravity::Point(..) = gravity else {
            let scaled = (
                pixels(source.width * scale).max(width),
                pixels(source.height * scale).max(height),
            );
            let smart = (scaled != size).then_some(size);
            return Self {
                source,
                width: scaled.0,
                height: scaled.1,
                smart,
                canvas: None,
            };
        };
        let (x, y) = point(gravity);
        let window_width = (f64::from(width) / scale).min(source.width);
        let window_height = (f64::from(height) / scale).min(source.height);
        // The point of interest comes to the middle of the window, as far as the borders allow. At 0, 0.5 and 1 this is the
        // same as aligning borders or centres.
        let place = |start: f64, length: f64, window: f64, at: f64| {
            start + (length * at - window / 2.0).clamp(0.0, (length - window).max(0.0))
        };
        let rect = Rect {
            left: place(source.left, source.width, window_width, x),
            top: place(source.top, source.height, window_height, y),
            width: window_width,
            height: window_height,
        };
        Self {
            source: rect,
            width,
            height,
            smart: None,
            canvas: None,
        }
    }
}

fn region(options: &Options, width: u32, height: u32) -> Result<Rect, PictureError> {
    let Some(region) = options.region else {
        return Ok(Rect {
            left: 0.0,
            top: 0.0,
            width: f64::from(width),
            height: f64::from(height),
        });
    };
    if region.left >= width || region.top >= height {
        return Err(PictureError::EmptyRegion { width, height });
    }
    Ok(Rect {
        left: f64::from(region.left),
        top: f64::from(region.top),
        width: f64::from(region.width.min(width - region.left)),
        height: f64::from(region.height.min(height - region.top)),
    })
}

/// The point of interest as fractions; the middle where the pixels decide.
fn point(gravity: Gravity) -> (f64, f64) {
    match gravity {
        Gravity::Point(x, y) => (f64::from(x) / 1000.0, f64::from(y) / 1000.0),
        Gravity::Smart => (0.5, 0.5),
    }
}

/// A side in whole pixels, never zero.
fn pixels(value: f64) -> u32 {
    whole(value).max(1)
}

/// Rounds a value that is known to be non-negative; a float-to-integer `as` saturates.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u32 {
    value.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::query;

    fn plan(query: &str, width: u32, height: u32) -> Plan {
        let options = query::read(query).unwrap().finish(8192).unwrap();
        Plan::new(&options, width, height, 8192).unwrap()
    }

    fn sizes(query: &str, width: u32, height: u32) -> ((u32, u32), (u32, u32)) {
        let plan = plan(query, width, height);
        ((plan.width, plan.height), plan.result_size())
    }

    #[test]
    fn every_fit_of_a_larger_source() {
        for (query, picture, result) in [
            ("", (1280, 720), (1280, 720)),
            ("w=320", (320, 180), (320, 180)),
            ("h=180", (320, 180), (320, 180)),
            ("w=320&h=320", (320, 180), (320, 180)),
            ("w=320&h=320&fit=contain", (320, 180), (320, 180)),
            ("w=320&h=320&fit=cover", (320, 320), (320, 320)),
            ("w=320&h=320&fit=crop", (320, 320), (320, 320)),
            ("w=320&h=320&fit=pad", (320, 180), (320, 320)),
            ("w=160&h=90&dpr=2", (320, 180), (320, 180)),
            ("w=1", (1, 1), (1, 1)),
        ] {
            assert_eq!(sizes(query, 1280, 720), (picture, result), "{query}");
        }
    }

    #[test]
    fn nothing_grows_unless_asked() {
        for (query, result) in [
            ("w=400", (100, 50)),
            ("w=400&h=400&fit=contain", (100, 50)),
            ("w=400&h=400&fit=cover", (50, 50)),
            ("w=400&h=400&fit=crop", (100, 50)),
            ("w=400&h=20&fit=crop", (100, 20)),
            ("w=400&h=400&fit=pad", (400, 400)),
            ("w=400&enlarge=1&fit=contain", (400, 200)),
            ("w=400&h=400&fit=contain&enlarge=1", (400, 200)),
            ("w=400&h=400&fit=cover&enlarge=1", (400, 400)),
            ("w=400&h=400&fit=pad&enlarge=1", (400, 400)),
        ] {
            assert_eq!(sizes(query, 100, 50).1, result, "{query}");
        }
        assert_eq!(sizes("w=400&h=400&fit=pad", 100, 50).0, (100, 50));
        assert_eq!(
            sizes("w=400&h=400&fit=pad&enlarge=1", 100, 50).0,
            (400, 200)
        );
    }

    #[test]
    fn the_window_follows_gravity() {
        for (query, left, top) in [
            ("w=100&h=100&fit=cover", 50.0, 0.0),
            ("w=100&h=100&crop=left", 0.0, 0.0),
            ("w=100&h=100&crop=bottom-right", 100.0, 0.0),
            ("w=100&h=100&crop=0.3,0.5", 10.0, 0.0),
            ("w=100&h=100&crop=0.9,0.5", 100.0, 0.0),
        ] {
            let plan = plan(query, 200, 100);
            assert_eq!((plan.source.left, plan.source.top), (left, top), "{query}");
            assert_eq!(
                (plan.source.width, plan.source.height),
                (100.0, 100.0),
                "{query}"
            );
        }
    }

    #[test]
    fn a_region_stands_for_the_source() {
        let plan = plan("rect=100,50,5000,50&w=50", 200, 100);
        assert_eq!(
            plan.source,
            Rect {
                left: 100.0,
                top: 50.0,
                width: 100.0,
                height: 50.0
            }
        );
        assert_eq!((plan.width, plan.height), (50, 25));
        let options = query::read("rect=200,0,5,5").unwrap().finish(8192).unwrap();
        assert_eq!(
            Plan::new(&options, 200, 100, 8192),
            Err(PictureError::EmptyRegion {
                width: 200,
                height: 100
            })
        );
    }

    #[test]
    fn a_long_thin_source_cannot_make_a_huge_result() {
        let options = query::read("w=100&fit=contain&enlarge=1")
            .unwrap()
            .finish(8192)
            .unwrap();
        assert!(matches!(
            Plan::new(&options, 1, 1000, 8192),
            Err(PictureError::ResultTooLarge {
                height: 100_000,
                ..
            })
        ));
    }

    #[test]
    fn detail_decides_after_scaling() {
        let plan = plan("w=100&h=100&crop=smart", 400, 200);
        assert_eq!(
            (plan.width, plan.height, plan.smart),
            (200, 100, Some((100, 100)))
        );
    }

    proptest::proptest! {
        #[test]
        fn the_source_rectangle_stays_inside(
            w in 1u32..9000, h in 1u32..9000, sw in 1u32..9000, sh in 1u32..9000,
            fit in proptest::sample::select(vec!["scale-down", "contain", "cover", "crop", "pad"]),
            x in 0u32..=1000, y in 0u32..=1000,
        ) {
            let query = format!("w={w}&h={h}&fit={fit}&crop={}.{:03},{}.{:03}", x / 1000, x % 1000, y / 1000, y % 1000);
            let options = query::read(&query).unwrap().finish(16_000).unwrap();
            let plan = Plan::new(&options, sw, sh, 16_000).unwrap();
            let rect = plan.source;
            proptest::prop_assert!(rect.left >= 0.0 && rect.top >= 0.0);
            proptest::prop_assert!(rect.left + rect.width <= f64::from(sw) + 1e-6);
            proptest::prop_assert!(rect.top + rect.height <= f64::from(sh) + 1e-6);
            proptest::prop_assert!(plan.width <= sw && plan.height <= sh);
            let (out_w, out_h) = plan.result_size();
            proptest::prop_assert!(out_w >= 1 && out_h >= 1 && out_w <= w && out_h <= h);
        }
    }
}
