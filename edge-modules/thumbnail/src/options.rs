//! What a request asks of a picture, whatever the spelling: a [`Draft`] is what one grammar read, [`Options`] is what will be
//! done, with every conflict settled and every default in place. Two requests for the same picture have equal [`Options`]
//! and so the same [`Options::canonical`] text, which is the cache key.

mod literals;
pub mod query;
pub mod values;

use std::fmt::Write;

use crate::error::OptionError;
use crate::format::OutputFormat;
pub use values::{Fit, Flip, Gravity, Region, Span, Tenths};

/// The most that any side may ask for, before the configured limit: the largest JPEG and nearly the largest WebP.
const LARGEST_SIDE: u32 = 16_383;

/// The quality of a lossy encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// The configured default of the format.
    Default,
    /// 1 to 100, in the encoder's own scale.
    Fixed(u8),
    /// The smallest file that still looks like the picture.
    Auto,
}

/// What goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatChoice {
    /// What `Accept` allows and the picture needs; the response then varies by `Accept`.
    Auto,
    /// This, whatever `Accept` says.
    Fixed(OutputFormat),
}

/// Options as one grammar read them: nothing is checked against anything else yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// Columns, before `dpr`.
    pub width: Option<u32>,
    /// Rows, before `dpr`.
    pub height: Option<u32>,
    /// How the picture meets the box.
    pub fit: Option<Fit>,
    /// Which part survives a cut.
    pub gravity: Option<Gravity>,
    /// A part of the source to use in place of the whole.
    pub region: Option<Region>,
    /// Hundredths: 200 doubles both sides.
    pub dpr: Option<u16>,
    /// Whether small sources grow.
    pub enlarge: Option<bool>,
    /// Encoding quality.
    pub quality: Option<Quality>,
    /// Encoding format.
    pub format: Option<FormatChoice>,
    /// WebP without loss.
    pub lossless: Option<bool>,
    /// Gaussian standard deviation in tenths of a pixel of the result.
    pub blur: Option<Tenths>,
    /// Strength in tenths.
    pub sharpen: Option<Tenths>,
    /// Colour behind transparency and padding.
    pub background: Option<[u8; 4]>,
    /// Quarter turns clockwise.
    pub rotate: Option<u8>,
    /// Mirroring, before the turn.
    pub flip: Option<Flip>,
    /// Resize in linear light.
    pub linear: Option<bool>,
    /// JPEG in scans, coarse first.
    pub progressive: Option<bool>,
    /// Seconds into the asset, for a time thumbnail, in milliseconds.
    pub time_ms: Option<u64>,
    /// Frames of a preview.
    pub frames: Option<u8>,
    /// Frames a second of a preview.
    pub fps: Option<u8>,
}

impl Draft {
    /// What the other draft leaves open is taken from this one: a preset under a request.
    #[must_use]
    pub fn overlaid_by(self, over: Draft) -> Draft {
        Draft {
            width: over.width.or(self.width),
            height: over.height.or(self.height),
            fit: over.fit.or(self.fit),
            gravity: over.gravity.or(self.gravity),
            region: over.region.or(self.region),
            dpr: over.dpr.or(self.dpr),
            enlarge: over.enlarge.or(self.enlarge),
            quality: over.quality.or(self.quality),
            format: over.format.or(self.format),
            lossless: over.lossless.or(self.lossless),
            blur: over.blur.or(self.blur),
            sharpen: over.sharpen.or(self.sharpen),
            background: over.background.or(self.background),
            rotate: over.rotate.or(self.rotate),
            flip: over.flip.or(self.flip),
            linear: over.linear.or(self.linear),
            progressive: over.progressive.or(self.progressive),
            time_ms: over.time_ms.or(self.time_ms),
            frames: over.frames.or(self.frames),
            fps: over.fps.or(self.fps),
        }
    }

    /// Settles the draft.
    ///
    /// # Errors
    /// Options that exclude each other, and sides over `largest_side` after `dpr`.
    pub fn finish(self, largest_side: u32) -> Result<Options, OptionError> {
        let dpr = self.dpr.unwrap_or(100);
        let limit = largest_side.min(LARGEST_SIDE);
        let side = |name: &'static str, value: Option<u32>| -> Result<Option<u32>, OptionError> {
            let Some(value) = value else { return Ok(None) };
            let scaled = (u64::from(value) * u64::from(dpr) + 50) / 100;
            match u32::try_from(scaled.max(1)) {
                Ok(scaled) if scaled <= limit => Ok(Some(scaled)),
                _ => Err(OptionError::value(
                    name,
                    format!("{scaled} pixels after `dpr` are more than {limit}"),
                )),
            }
        };
        let width = side("w", self.width)?;
        let height = side("h", self.height)?;
        // A place to cut around only makes sense where something is cut: it asks for `cover` by itself.
        let cuts = self.gravity.is_some() && width.is_some() && height.is_some();
        let fit = self
            .fit
            .unwrap_or(if cuts { Fit::Cover } else { Fit::ScaleDown });
        let enlarge = self.enlarge.unwrap_or(false);
        if enlarge && matches!(fit, Fit::ScaleDown | Fit::Crop) {
            return Err(OptionError::Conflict(
                "`enlarge` goes with fit contain, cover or pad: scale-down and crop never enlarge",
            ));
        }
        if fit == Fit::Pad && (width.is_none() || height.is_none()) {
            return Err(OptionError::Conflict("`fit=pad` needs both `w` and `h`"));
        }
        if enlarge && width.is_none() && height.is_none() {
            return Err(OptionError::Conflict("`enlarge` needs `w` or `h`"));
        }
        let format = self.format.unwrap_or(FormatChoice::Auto);
        let lossless = self.lossless.unwrap_or(false);
        if lossless && format == FormatChoice::Fixed(OutputFormat::Jpeg) {
            return Err(OptionError::Conflict(
                "`lossless` goes with WebP and PNG, not with JPEG",
            ));
        }
        Ok(Options {
            width,
            height,
            fit,
            gravity: self.gravity.unwrap_or(Gravity::CENTRE),
            region: self.region,
            enlarge,
            quality: self.quality.unwrap_or(Quality::Default),
            format,
            lossless,
            blur: self.blur.unwrap_or(Tenths::ZERO),
            sharpen: self.sharpen,
            background: self.background,
            rotate: self.rotate.unwrap_or(0) % 4,
            flip: self.flip.unwrap_or(Flip::NONE),
            linear: self.linear.unwrap_or(false),
            progressive: self.progressive.unwrap_or(false),
            time_ms: self.time_ms,
            frames: self.frames,
            fps: self.fps,
        })
    }
}

/// What will be done to a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Columns of the box, `dpr` included.
    pub width: Option<u32>,
    /// Rows of the box, `dpr` included.
    pub height: Option<u32>,
    /// How the picture meets the box.
    pub fit: Fit,
    /// Which part survives a cut, and where a padded picture stands.
    pub gravity: Gravity,
    /// A part of the source, in its upright orientation, to use in place of the whole.
    pub region: Option<Region>,
    /// Whether small sources grow.
    pub enlarge: bool,
    /// Encoding quality.
    pub quality: Quality,
    /// Encoding format.
    pub format: FormatChoice,
    /// WebP without loss.
    pub lossless: bool,
    /// Gaussian standard deviation in pixels of the result.
    pub blur: Tenths,
    /// Unsharp strength; none chooses by how much the picture shrank.
    pub sharpen: Option<Tenths>,
    /// Colour behind transparency and padding.
    pub background: Option<[u8; 4]>,
    /// Quarter turns clockwise, 0 to 3, after the EXIF orientation.
    pub rotate: u8,
    /// Mirroring, before the turn.
    pub flip: Flip,
    /// Resize in linear light.
    pub linear: bool,
    /// JPEG in scans, coarse first.
    pub progressive: bool,
    /// For a time thumbnail: milliseconds into the asset.
    pub time_ms: Option<u64>,
    /// For a preview: the most frames.
    pub frames: Option<u8>,
    /// For a preview: frames a second.
    pub fps: Option<u8>,
}

impl Default for Options {
    /// Nothing is asked for.
    fn default() -> Self {
        Self {
            width: None,
            height: None,
            fit: Fit::ScaleDown,
            gravity: Gravity::CENTRE,
            region: None,
            enlarge: false,
            quality: Quality::Default,
            format: FormatChoice::Auto,
            lossless: false,
            blur: Tenths::ZERO,
            sharpen: None,
            background: None,
            rotate: 0,
            flip: Flip::NONE,
            linear: false,
            progressive: false,
            time_ms: None,
            frames: None,
            fps: None,
        }
    }
}

impl Options {
    /// The one spelling of these options: native names in a fixed order, defaults left out. It parses back to equal options.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        let mut put = |name: &str, value: &dyn std::fmt::Display| {
            let join = if out.is_empty() { "" } else { "&" };
            // Writing to a string cannot fail.
            let _ = write!(out, "{join}{name}={value}");
        };
        if let Some(time) = self.time_ms {
            put("time", &Span(time));
        }
        if let Some(width) = self.width {
            put("w", &width);
        }
        if let Some(height) = self.height {
            put("h", &height);
        }
        if self.fit != Fit::ScaleDown {
            put("fit", &self.fit);
        }
        // With both sides given a place to cut around would ask for `cover`: it is left out where nothing is cut.
        if self.gravity != Gravity::CENTRE && self.uses_gravity() {
            put("crop", &self.gravity);
        }
        if let Some(region) = self.region {
            put("rect", &region);
        }
        if self.enlarge {
            put("enlarge", &1);
        }
        match self.quality {
            Quality::Default => {}
            Quality::Fixed(quality) => put("q", &quality),
            Quality::Auto => put("q", &"auto"),
        }
        if let FormatChoice::Fixed(format) = self.format {
            put("format", &format.as_str());
        }
        if self.lossless {
            put("lossless", &1);
        }
        if self.blur != Tenths::ZERO {
            put("blur", &self.blur);
        }
        if let Some(sharpen) = self.sharpen {
            put("sharpen", &sharpen);
        }
        if let Some([r, g, b, a]) = self.background {
            match a {
                255 => put("bg", &format_args!("{r:02x}{g:02x}{b:02x}")),
                _ => put("bg", &format_args!("{r:02x}{g:02x}{b:02x}{a:02x}")),
            }
        }
        if self.rotate != 0 {
            put("rotate", &(u16::from(self.rotate) * 90));
        }
        if self.flip != Flip::NONE {
            put("flip", &self.flip);
        }
        if self.linear {
            put("linear", &1);
        }
        if self.progressive {
            put("progressive", &1);
        }
        if let Some(frames) = self.frames {
            put("frames", &frames);
        }
        if let Some(fps) = self.fps {
            put("fps", &fps);
        }
        out
    }

    /// True when [`Options::gravity`] can change the result.
    pub fn uses_gravity(&self) -> bool {
        self.width.is_some()
            && self.height.is_some()
            && !matches!(self.fit, Fit::ScaleDown | Fit::Contain)
    }
}

#[cfg(test)]
mod tests;
