//! Marker segments (T.81 annex B): the walk from one to the next, tables, and what other standards put into APPn.

use image::metadata::Orientation;

use super::bits::next_marker;
use super::frame::{Frame, Process};
use super::huffman::Huffman;
use super::{JpegError, Result, broken};
use crate::pixels::Model;

/// Coefficients come in this order (T.81 figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// What a table segment defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Quantization,
    Huffman,
    RestartInterval,
}

/// One segment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Segment<'a> {
    Frame { process: Process, payload: &'a [u8] },
    Tables(Kind, &'a [u8]),
    Scan(&'a [u8]),
    Application { number: u8, payload: &'a [u8] },
    Other,
    End,
}

/// The segments of a file.
#[derive(Debug, Clone)]
pub(super) struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        if bytes.starts_with(&[0xff, 0xd8]) {
            Ok(Self { bytes, at: 2 })
        } else {
            broken("it has no start marker")
        }
    }

    /// What follows the last segment.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes on behind picture data.
    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// The next segment. Bytes between segments are skipped, as every reader does.
    pub(super) fn next(&mut self) -> Result<Segment<'a>> {
        self.at = next_marker(self.bytes, self.at);
        let Some(marker) = self.bytes.get(self.at + 1).copied() else {
            return broken("it ends before its end marker");
        };
        self.at += 2;
        let process = match marker {
            0xd9 => return Ok(Segment::End),
            // Markers without a payload: restarts out of place, a second start, TEM.
            0xd0..=0xd8 | 0x01 => return Ok(Segment::Other),
            0xc0 | 0xc1 => Process::Sequential,
            _ => Process::Progressive,
        };
        let length = match self.rest() {
            [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => return broken("it ends inside a segment"),
        };
        let Some(payload) = length
            .checked_sub(2)
            .and_then(|length| self.rest().get(2..2 + length))
        else {
            return broken("it ends inside a segment");
        };
        self.at += length;
        Ok(match marker {
            0xc0..=0xc2 => Segment::Frame { process, payload },
            0xc3 | 0xc7 | 0xcb | 0xcf => return Err(JpegError::Unsupported("lossless coding")),
            0xc5 | 0xc6 | 0xcd | 0xce => return Err(JpegError::Unsupported("hierarchical coding")),
            0xc9 | 0xca => return Err(JpegError::Unsupported("arithmetic coding")),
            0xc4 => Segment::Tables(Kind::Huffman, payload),
            0xdb => Segment::Tables(Kind::Quantization, payload),
            0xdd => Segment::Tables(Kind::RestartInterval, payload),
            0xdc => {
                return Err(JpegError::Unsupported(
                    "a height that is told after the first scan",
                ));
            }
            0xda => Segment::Scan(payload),
            0xe0..=0xef => Segment::Application {
                number: marker & 15,
                payload,
            },
            _ => Segment::Other,
        })
    }
}

/// The tables in force.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) quantization: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Huffman>; 4],
    pub(super) ac: [Option<Huffman>; 4],
    pub(super) restart_interval: u32,
}

impl Tables {
    /// Reads a table segment. Quantization tables are kept in natural order.
    pub(super) fn read(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        match kind {
            Kind::Quantization => self.read_quantization(payload),
            Kind::Huffman => self.read_huffman(payload),
            Kind::RestartInterval => match payload {
                [high, low] => {
                    self.restart_interval = u32::from(u16::from_be_bytes([*high, *low]));
                    Ok(())
                }
                _ => broken("its restart interval has the wrong length"),
            },
        }
    }

    fn read_quantization(&mut self, mut payload: &[u8]) -> Result<()> {
        while let Some((head, rest)) = payload.split_first() {
            let wide = head >> 4 != 0;
            let Some((values, after)) = rest.split_at_checked(if wide { 128 } else { 64 }) else {
                return broken("a quantization table ends early");
            };
            payload = after;
            let mut table = [0u16; 64];
            for (k, place) in ZIGZAG.iter().enumerate() {
                table[usize::from(*place)] = if wide {
                    u16::from_be_bytes([values[2 * k], values[2 * k + 1]])
                } else {
                    u16::from(values[k])
                };
            }
            let Some(slot) = self.quantization.get_mut(usize::from(head & 15)) else {
                return broken("a quantization table has an impossible number");
            };
            *slot = Some(table);
        }
        Ok(())
    }

    fn read_huffman(&mut self, mut payload: &[u8]) -> Result<()> {
        while let Some((head, rest)) = payload.split_first() {
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else {
                return broken("a Huffman table ends early");
            };
            let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let Some((symbols, after)) = rest.split_at_checked(total) else {
                return broken("a Huffman table ends early");
            };
            payload = after;
            let slots = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return broken("a Huffman table is of an impossible class"),
            };
            let Some(slot) = slots.get_mut(usize::from(head & 15)) else {
                return broken("a Huffman table has an impossible number");
            };
            *slot = Some(Huffman::new(counts, symbols)?);
        }
        Ok(())
    }
}

/// What APPn segments say.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    jfif: bool,
    adobe: Option<u8>,
    exif: Option<Vec<u8>>,
    profile: Vec<(u8, u8, Vec<u8>)>,
}

/// The largest profile that is put together.
const LARGEST_PROFILE: usize = 4 << 20;

impl Metadata {
    pub(super) fn take(&mut self, number: u8, payload: &[u8]) {
        match number {
            0 if payload.starts_with(b"JFIF\0") => self.jfif = true,
            1 => {
                if let Some(exif) = payload.strip_prefix(b"Exif\0\0")
                    && self.exif.is_none()
                {
                    self.exif = Some(exif.to_vec());
                }
            }
            // ICC.1 annex B.4: sequence number, count, and a part of the profile.
            2 => {
                if let Some([sequence, count, part @ ..]) = payload.strip_prefix(b"ICC_PROFILE\0") {
                    let so_far: usize = self.profile.iter().map(|(.., part)| part.len()).sum();
                    if so_far + part.len() <= LARGEST_PROFILE {
                        self.profile.push((*sequence, *count, part.to_vec()));
                    }
                }
            }
            // Adobe technical note 5116: the last byte is the colour transform.
            14 => {
                if let Some([_, _, _, _, _, _, transform, ..]) = payload.strip_prefix(b"Adobe") {
                    self.adobe = Some(*transform);
                }
            }
            _ => {}
        }
    }

    pub(super) fn orientation(&self) -> Option<Orientation> {
        Orientation::from_exif_chunk(self.exif.as_deref()?)
    }

    /// The profile, when every part is there once.
    pub(super) fn profile(mut self) -> Option<Vec<u8>> {
        self.profile.sort_by_key(|(sequence, ..)| *sequence);
        let count = usize::from(self.profile.first()?.1);
        let complete = self.profile.len() == count
            && self
                .profile
                .iter()
                .zip(1u8..)
                .all(|((sequence, ..), expected)| *sequence == expected);
        complete.then(|| {
            self.profile
                .into_iter()
                .flat_map(|(.., part)| part)
                .collect()
        })
    }

    /// What the components mean: the Adobe marker says, else JFIF, else the names of the components (the rules of libjpeg).
    pub(super) fn model(&self, frame: &Frame) -> Result<Model> {
        let ids: Vec<u8> = frame
            .components
            .iter()
            .map(|component| component.id)
            .collect();
        Ok(match (ids.as_slice(), self.adobe) {
            ([_], _) => Model::Gray,
            ([..], Some(0)) if ids.len() == 3 => Model::Rgb,
            ([b'R', b'G', b'B'], None) if !self.jfif => Model::Rgb,
            ([_, _, _], _) => Model::YCbCr,
            ([_, _, _, _], Some(2)) => Model::Ycck,
            // Adobe stores inks inverted; a file without its marker does not.
            ([_, _, _, _], Some(_)) => Model::CmykInverted,
            ([_, _, _, _], None) => Model::Cmyk,
            _ => return broken("it has an impossible number of components"),
        })
    }
}
