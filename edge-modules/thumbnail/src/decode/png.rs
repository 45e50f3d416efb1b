//! PNG by the `png` crate, row by row, reduced while it arrives. Palette, low bit depths and 16 bits come out as eight bits.

use std::io::Cursor;

use image::metadata::Orientation;
use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Reader, Transformations};

use crate::decode::reduce::{Reducer, factor};
use crate::decode::{DecodeLimits, Decoded, Least, charge};
use crate::error::PictureError;
use crate::format::SourceFormat;
use crate::pixels::Pixels;
use crate::raster::{Channels, Raster};

/// Room for what the crate itself allocates beside rows: chunks, palette, text.
const CHUNK_BYTES: usize = 8 << 20;

/// Size and orientation (`eXIf`, PNG third edition section 11.3.3.5).
pub(super) fn header(bytes: &[u8]) -> Result<(u32, u32, Option<Orientation>), PictureError> {
    let reader = open(bytes)?;
    let info = reader.info();
    let orientation = info
        .exif_metadata
        .as_deref()
        .and_then(Orientation::from_exif_chunk);
    Ok((info.width, info.height, orientation))
}

pub(super) fn decode(
    bytes: &[u8],
    least: Least,
    limits: DecodeLimits,
) -> Result<Decoded, PictureError> {
    let mut reader = open(bytes)?;
    let (width, height) = (reader.info().width, reader.info().height);
    let profile = reader
        .info()
        .icc_profile
        .as_ref()
        .map(|profile| profile.to_vec());
    let layout = layout(&reader)?;
    let by = factor(width, height, least);
    let samples = layout.channels().count() as u64;
    let row_bytes = u64::from(width) * samples;
    let whole = u64::from(width) * u64::from(height) * samples;
    let picture = if by == 1 {
        whole
    } else {
        Reducer::memory(width, height, layout.channels(), by)
    };
    charge(picture.saturating_add(row_bytes * 4), limits)?;

    let interlaced = reader.info().interlaced;
    let mut rows = Rows::new(width, height, interlaced);
    let mut wide = Vec::new();
    let raster = if by == 1 {
        let mut data = vec![0; usize::try_from(whole).map_err(|_| broken("too large"))?];
        while let Some(place) = rows.next() {
            let row = next(&mut reader)?;
            place.scatter(
                &mut data,
                width,
                layout.channels(),
                layout.widen(row, &mut wide),
            );
        }
        Raster::new(width, height, layout.channels(), data)
    } else {
        let mut reducer = Reducer::new(width, height, layout.channels(), by);
        while let Some(place) = rows.next() {
            let row = next(&mut reader)?;
            reducer.add(
                place.y,
                place.start,
                place.step,
                layout.widen(row, &mut wide),
            );
        }
        reducer.finish()
    };
    let raster = raster.ok_or_else(|| broken("the rows do not fill the picture"))?;
    Ok(Decoded {
        pixels: Pixels::interleaved(raster, by),
        profile,
    })
}

fn open(bytes: &[u8]) -> Result<Reader<Cursor<&[u8]>>, PictureError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: CHUNK_BYTES });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.read_info().map_err(refuse)
}

fn next<'a>(reader: &'a mut Reader<Cursor<&[u8]>>) -> Result<&'a [u8], PictureError> {
    match reader.next_row().map_err(refuse)? {
        Some(row) => Ok(row.data()),
        None => Err(broken("it ends before its last row")),
    }
}

fn refuse(error: DecodingError) -> PictureError {
    match error {
        DecodingError::LimitsExceeded => broken("its chunks are larger than any honest file needs"),
        other => broken(other),
    }
}

fn broken(reason: impl std::fmt::Display) -> PictureError {
    PictureError::broken(SourceFormat::Png, reason)
}

/// The layout of decoded rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Plain(Channels),
    GrayAlpha,
}

impl Layout {
    fn channels(self) -> Channels {
        match self {
            Self::Plain(channels) => channels,
            Self::GrayAlpha => Channels::Rgba,
        }
    }

    /// A row in the raster's layout.
    fn widen<'a>(self, row: &'a [u8], wide: &'a mut Vec<u8>) -> &'a [u8] {
        match self {
            Self::Plain(_) => row,
            Self::GrayAlpha => {
                wide.clear();
                wide.extend(
                    row.chunks_exact(2)
                        .flat_map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]),
                );
                wide
            }
        }
    }
}

fn layout(reader: &Reader<Cursor<&[u8]>>) -> Result<Layout, PictureError> {
    match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => Ok(Layout::Plain(Channels::Gray)),
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Ok(Layout::GrayAlpha),
        (ColorType::Rgb, BitDepth::Eight) => Ok(Layout::Plain(Channels::Rgb)),
        (ColorType::Rgba, BitDepth::Eight) => Ok(Layout::Plain(Channels::Rgba)),
        (colour, depth) => Err(broken(format_args!(
            "unexpected pixels: {colour:?} with {depth:?} bits"
        ))),
    }
}

/// Where a row of the file stands in the picture.
#[derive(Debug, Clone, Copy)]
struct Place {
    y: u32,
    start: u32,
    step: u32,
}

impl Place {
    fn scatter(self, data: &mut [u8], width: u32, channels: Channels, row: &[u8]) {
        let samples = channels.count();
        let stride = width as usize * samples;
        let Some(target) = data.get_mut(self.y as usize * stride..(self.y as usize + 1) * stride)
        else {
            return;
        };
        if self.step == 1 {
            if row.len() == target.len() {
                target.copy_from_slice(row);
            }
            return;
        }
        let places = target
            .chunks_exact_mut(samples)
            .skip(self.start as usize)
            .step_by(self.step as usize);
        for (place, pixel) in places.zip(row.chunks_exact(samples)) {
            place.copy_from_slice(pixel);
        }
    }
}

/// The order of rows: top down, or the seven passes of Adam7 (PNG third edition section 8.2), empty passes left out.
struct Rows {
    width: u32,
    height: u32,
    pass: Option<usize>,
    y: u32,
}

/// Start column, start row, column step, row step.
const ADAM7: [[u32; 4]; 7] = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
];

impl Rows {
    fn new(width: u32, height: u32, interlaced: bool) -> Self {
        Self {
            width,
            height,
            pass: interlaced.then_some(0),
            y: 0,
        }
    }

    fn next(&mut self) -> Option<Place> {
        let Some(mut pass) = self.pass else {
            let y = self.y;
            self.y += 1;
            return (y < self.height).then_some(Place {
                y,
                start: 0,
                step: 1,
            });
        };
        loop {
            let [start_x, start_y, step_x, step_y] = *ADAM7.get(pass)?;
            let y = start_y + self.y * step_y;
            if start_x < self.width && y < self.height {
                self.y += 1;
                self.pass = Some(pass);
                return Some(Place {
                    y,
                    start: start_x,
                    step: step_x,
                });
            }
            pass += 1;
            self.y = 0;
        }
    }
}
