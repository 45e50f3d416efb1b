//! One picture from bytes to bytes. The steps and their order are fixed, whatever the order of the options: inspect, plan,
//! decode (reduced), cut and resize, turn upright, colours to sRGB, smart cut, pad or flatten, blur, sharpen, encode.

mod sheet;

use crate::accept::AcceptClass;
use crate::colour;
use crate::decode::{self, DecodeLimits, Header, Least};
use crate::effects;
use crate::encode::{Encoding, encode};
use crate::error::PictureError;
use crate::format::{OutputFormat, SourceFormat};
use crate::options::{FormatChoice, Options, Quality};
use crate::pixels::Pixels;
use crate::plan::{Plan, Rect};
use crate::quality;
use crate::raster::{Channels, Raster};
use crate::smart;
use crate::turn::Turn;

pub use sheet::Sheet;

/// What the operator allows and prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The most that decoding may take.
    pub decode: DecodeLimits,
    /// The largest side of a result in pixels.
    pub largest_side: u32,
    /// JPEG quality where none is asked for.
    pub jpeg_quality: u8,
    /// WebP quality where none is asked for.
    pub webp_quality: u8,
    /// Effort of the WebP encoder, 0 to 6.
    pub webp_effort: u8,
    /// Colour behind transparency and padding where none is asked for.
    pub background: [u8; 3],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            decode: DecodeLimits {
                pixels: 50_000_000,
                memory: 48 << 20,
            },
            largest_side: 8192,
            jpeg_quality: 80,
            webp_quality: 75,
            webp_effort: 4,
            background: [255; 3],
        }
    }
}

/// A finished picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its format.
    pub format: OutputFormat,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Makes the picture that the options ask for.
///
/// # Errors
/// What is wrong with the source, or which limit it meets.
pub fn transform(
    source: &[u8],
    options: &Options,
    accept: AcceptClass,
    settings: &Settings,
) -> Result<Output, PictureError> {
    let header = decode::inspect(source, settings.decode)?;
    let stored = Rect {
        left: 0.0,
        top: 0.0,
        width: header.width.into(),
        height: header.height.into(),
    };
    let turn = header.turn.then(asked_turn(options));
    let layout = Layout::new(stored, turn, options, settings)?;
    let (width, height) = layout.size;
    // What the decoder averages it does not average in linear light: leave the last step to the resizer.
    let spare = if options.linear { 2 } else { 1 };
    let least = least_size(header, layout.cut, (width * spare, height * spare));
    let decoded = decode::decode(source, header, least, settings.decode)?;
    let raster = layout.render(
        decoded.pixels,
        decoded.profile.as_deref(),
        options,
        settings,
    );
    finish(raster, header.format, options, accept, settings)
}

/// As [`transform`], of one part of the source as stored: a tile of a sprite. The part stands for the whole picture.
///
/// # Errors
/// As [`transform`]; a part outside of the source.
pub fn transform_part(
    source: &[u8],
    part: (u32, u32, u32, u32),
    options: &Options,
    accept: AcceptClass,
    settings: &Settings,
) -> Result<Output, PictureError> {
    Sheet::open(source, settings)?.part(part, options, accept, settings)
}

fn asked_turn(options: &Options) -> Turn {
    Turn::flip(options.flip).then(Turn::quarters(options.rotate))
}

/// Where the pixels of a result come from and go to.
struct Layout {
    turn: Turn,
    plan: Plan,
    /// The part of the stored source that is used.
    cut: Rect,
    /// The size that it gets, before the turn.
    size: (u32, u32),
}

impl Layout {
    fn new(
        stored: Rect,
        turn: Turn,
        options: &Options,
        settings: &Settings,
    ) -> Result<Self, PictureError> {
        let (width, height) = turn.size(whole(stored.width), whole(stored.height));
        let plan = Plan::new(options, width, height, settings.largest_side)?;
        let inner = turn.source_rect(plan.source, stored.width, stored.height);
        let cut = Rect {
            left: inner.left + stored.left,
            top: inner.top + stored.top,
            ..inner
        };
        let size = turn.size(plan.width, plan.height);
        Ok(Self {
            turn,
            plan,
            cut,
            size,
        })
    }

    /// Everything between the decoder and the encoder.
    fn render(
        &self,
        pixels: Pixels,
        profile: Option<&[u8]>,
        options: &Options,
        settings: &Settings,
    ) -> Raster {
        let (width, height) = self.size;
        let resized = if options.linear {
            pixels.resized_in_light(self.cut, width, height)
        } else {
            pixels.resized(self.cut, width, height)
        };
        let raster = self.turn.apply(resized);
        let raster = colour::to_srgb(raster, profile);
        let raster = match self.plan.smart {
            Some((width, height)) => smart::cut(raster, width, height),
            None => raster,
        };
        let raster = match self.plan.canvas {
            Some(canvas) => {
                let [r, g, b] = settings.background;
                let behind = options.background.unwrap_or([r, g, b, 255]);
                pad(raster, canvas, behind)
            }
            None => raster,
        };
        let raster = effects::blur(raster, options.blur.as_f32());
        effects::sharpen(
            raster,
            options.sharpen.map_or(0.0, |sharpen| sharpen.as_f32()),
        )
    }
}

fn pad(raster: Raster, canvas: crate::plan::Canvas, behind: [u8; 4]) -> Raster {
    let (channels, raster) = match (raster.channels(), behind[3]) {
        (_, 0..=254) => (Channels::Rgba, raster.into_channels(Channels::Rgba)),
        (Channels::Rgba, 255) => (
            Channels::Rgb,
            raster.flattened([behind[0], behind[1], behind[2]]),
        ),
        (Channels::Gray, 255) if behind[0] == behind[1] && behind[1] == behind[2] => {
            (Channels::Gray, raster)
        }
        _ => (Channels::Rgb, raster.into_channels(Channels::Rgb)),
    };
    let field = Raster::filled(canvas.width, canvas.height, channels, behind);
    raster.placed_on(field, canvas.left, canvas.top)
}

fn finish(
    raster: Raster,
    source: SourceFormat,
    options: &Options,
    accept: AcceptClass,
    settings: &Settings,
) -> Result<Output, PictureError> {
    let opaque = options.background.is_some_and(|[.., alpha]| alpha == 255);
    let translucent = !opaque && raster.is_translucent();
    let format = match options.format {
        FormatChoice::Fixed(format) => format,
        FormatChoice::Auto => match accept {
            AcceptClass::WebP => OutputFormat::WebP,
            AcceptClass::Basic if translucent => OutputFormat::Png,
            // Flat drawings with few colours stay sharp and small as PNG.
            AcceptClass::Basic if options.lossless && source != SourceFormat::Jpeg => {
                OutputFormat::Png
            }
            AcceptClass::Basic => OutputFormat::Jpeg,
        },
    };
    let raster = if translucent && format != OutputFormat::Jpeg {
        raster
    } else {
        let behind = options
            .background
            .map_or(settings.background, |[r, g, b, _]| [r, g, b]);
        raster.flattened(behind)
    };
    let lossy = format != OutputFormat::Png && !options.lossless;
    let quality = match (options.quality, format) {
        (Quality::Fixed(quality), _) => quality,
        (Quality::Auto, OutputFormat::Jpeg) => quality::for_jpeg(&raster)?,
        (Quality::Auto, OutputFormat::WebP) if lossy => quality::webp_like(quality::for_jpeg(
            &raster.clone().flattened(settings.background),
        )?),
        (_, OutputFormat::WebP) => settings.webp_quality,
        (_, OutputFormat::Jpeg | OutputFormat::Png) => settings.jpeg_quality,
    };
    let bytes = encode(
        &raster,
        Encoding {
            format,
            quality,
            lossless: options.lossless,
            progressive: options.progressive,
            effort: settings.webp_effort,
        },
    )?;
    Ok(Output {
        bytes,
        format,
        width: raster.width(),
        height: raster.height(),
    })
}

/// The smallest size of the whole stored picture that keeps the cut at least as large as the result.
fn least_size(header: Header, cut: Rect, (width, height): (u32, u32)) -> Least {
    let side = |whole_side: u32, cut_side: f64, result: u32| {
        let least = (f64::from(whole_side) * f64::from(result) / cut_side.max(1.0)).ceil();
        whole(least).clamp(1, whole_side)
    };
    Least {
        width: side(header.width, cut.width, width),
        height: side(header.height, cut.height, height),
    }
}

/// A length in whole pixels; a float-to-integer `as` saturates.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u32 {
    value as u32
}
