//! A JPEG decoder (ITU-T T.81) made for thumbnails: it reads only the frequencies that the result can show, hands out the
//! components as they are stored (so that resizing works on less data and chroma is never blown up first), and takes a file that
//! ends early for what it is, broken.
//!
//! Baseline, extended sequential and progressive Huffman coding with eight bits a sample; any sampling factors; gray, YCbCr, RGB,
//! CMYK and YCCK. Arithmetic coding, lossless and twelve bits are refused by name: browsers do not show them either.

// Samples, coefficients and bit counts are narrow by the standard; where a file lies, the result is a wrong pixel and never more.
#![allow(clippy::cast_possible_truncation)]

mod band;
mod bits;
mod code_lengths;
mod coefficients;
mod frame;
mod huffman;
mod idct;
mod markers;
mod progressive;
mod recode;
mod scan_header;
mod sequential;

use image::metadata::Orientation;

use crate::pixels::{Model, Plane};
use frame::{Frame, Process};
use markers::{Metadata, Segment, Segments};

pub(crate) use frame::{Scale, Scales};
pub(crate) use recode::with_best_tables;

/// Why a file cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JpegError {
    /// It contradicts the standard, or ends early.
    Broken(&'static str),
    /// It uses a part of the standard that is not decoded here.
    Unsupported(&'static str),
    /// It would take this many bytes of memory, more than allowed.
    Memory(u64),
}

type Result<T> = std::result::Result<T, JpegError>;

fn broken<T>(reason: &'static str) -> Result<T> {
    Err(JpegError::Broken(reason))
}

/// Size and orientation: everything before the frame header.
pub(crate) fn header(bytes: &[u8]) -> Result<(u32, u32, Option<Orientation>)> {
    let mut segments = Segments::new(bytes)?;
    let mut metadata = Metadata::default();
    loop {
        match segments.next()? {
            Segment::Frame { process, payload } => {
                let frame = Frame::parse(process, payload)?;
                return Ok((frame.width, frame.height, metadata.orientation()));
            }
            Segment::Application { number, payload } => metadata.take(number, payload),
            Segment::Scan(_) | Segment::End => return broken("it has no frame header"),
            Segment::Tables(..) | Segment::Other => {}
        }
    }
}

/// A decoded file.
#[derive(Debug)]
pub(crate) struct Picture {
    /// One plane for each component.
    pub(crate) planes: Vec<Plane>,
    /// What the components mean.
    pub(crate) model: Model,
    /// The ICC profile.
    pub(crate) profile: Option<Vec<u8>>,
}

/// Decodes at these scales, within `memory` bytes.
pub(crate) fn decode(bytes: &[u8], scales: impl Into<Scales>, memory: u64) -> Result<Picture> {
    let scales = scales.into();
    let mut segments = Segments::new(bytes)?;
    let mut metadata = Metadata::default();
    let mut tables = markers::Tables::default();
    let mut decoding: Option<Decoding> = None;
    loop {
        match segments.next()? {
            Segment::Frame { process, payload } => {
                if decoding.is_some() {
                    return broken("it has two frame headers");
                }
                let frame = Frame::parse(process, payload)?;
                let needed = frame.memory(scales);
                if needed > memory {
                    return Err(JpegError::Memory(needed));
                }
                decoding = Some(match process {
                    Process::Sequential => {
                        Decoding::Sequential(sequential::Decoder::new(frame, scales))
                    }
                    Process::Progressive => {
                        let needed = progressive::needed_scans(segments.clone(), &frame, scales)?;
                        Decoding::Progressive(progressive::Decoder::new(frame, scales, needed))
                    }
                });
            }
            Segment::Application { number, payload } => metadata.take(number, payload),
            Segment::Tables(kind, payload) => tables.read(kind, payload)?,
            Segment::Scan(payload) => {
                let after = match &mut decoding {
                    Some(Decoding::Sequential(decoder)) => {
                        decoder.scan(&tables, payload, segments.rest())?
                    }
                    Some(Decoding::Progressive(decoder)) => {
                        decoder.scan(&tables, payload, segments.rest())?
                    }
                    None => return broken("it has a scan before its frame header"),
                };
                segments.skip(after);
                if let Some(Decoding::Sequential(decoder)) = &decoding
                    && decoder.is_complete()
                {
                    // The end marker is often missing in the field, and nothing after this matters.
                    break;
                }
            }
            Segment::End => break,
            Segment::Other => {}
        }
    }
    let (frame, planes) = match decoding {
        Some(Decoding::Sequential(decoder)) => decoder.finish()?,
        Some(Decoding::Progressive(decoder)) => decoder.finish()?,
        None => return broken("it has no frame header"),
    };
    let model = metadata.model(&frame)?;
    Ok(Picture {
        planes,
        model,
        profile: metadata.profile(),
    })
}

enum Decoding {
    Sequential(sequential::Decoder),
    Progressive(progressive::Decoder),
}
