//! What decoder configurations say: codec strings (RFC 6381), picture sizes, colour, channels.

pub(crate) mod aac;
pub(crate) mod av1;
mod av1_frame;
mod av1_references;
mod av1_sequence;
mod av1_tiles;
mod av1_tools;
pub(crate) mod av1_units;
pub(crate) mod avc;
pub(crate) mod avc_slice;
mod bits;
pub(crate) mod dolby;
pub(crate) mod dolby_frame;
pub(crate) mod hevc;
pub(crate) mod hevc_parameters;
pub(crate) mod hevc_slice;
pub(crate) mod lossless;
pub(crate) mod mpeg_audio;
mod nal_prefix;
pub(crate) mod opus;
pub(crate) mod records;
pub(crate) mod vp9;
pub(crate) mod vp9_format;
pub(crate) mod vp9_frame;

pub(crate) use bits::{BitReader, unescape};
pub(crate) use nal_prefix::NalPrefix;

use crate::presentation::ColourInfo;

/// What a video bitstream says about its pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PictureFormat {
    /// Width in pixels, cropping applied; 0 when unknown.
    pub(crate) width: u32,
    /// Height in pixels, cropping applied; 0 when unknown.
    pub(crate) height: u32,
    /// Pixel aspect ratio, horizontal to vertical.
    pub(crate) pixel_aspect: Option<(u32, u32)>,
    pub(crate) bit_depth: u8,
    pub(crate) colour: ColourInfo,
}

/// Pixel aspect ratios by `aspect_ratio_idc` (ISO/IEC 23091-2, table 4).
pub(crate) const SAMPLE_ASPECT: [(u32, u32); 17] = [
    (0, 0),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];
