//! AV1 and its configuration box (AV1 Codec ISO Media File Format Binding, 2.3).

use super::{BitReader, PictureFormat};
use crate::presentation::ColourInfo;

/// What an `av1C` box says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Av1Config {
    profile: u8,
    level: u8,
    high_tier: bool,
    bit_depth: u8,
    monochrome: bool,
    subsampling_x: bool,
    subsampling_y: bool,
    sample_position: u8,
    picture: Option<PictureFormat>,
    /// The open bitstream units of the box: a sequence header, and perhaps metadata.
    pub(crate) units: Vec<u8>,
}

impl Av1Config {
    /// Reads the content of an `av1C` box; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let (&[marker, profile_level, flags, _], units) = data.split_first_chunk::<4>()?;
        if marker != 0x81 {
            return None;
        }
        let bit = |mask: u8| flags & mask != 0;
        let config = Self {
            profile: profile_level >> 5,
            level: profile_level & 31,
            high_tier: bit(0x80),
            bit_depth: match (bit(0x40), bit(0x20)) {
                (false, _) => 8,
                (true, false) => 10,
                (true, true) => 12,
            },
            monochrome: bit(0x10),
            subsampling_x: bit(8),
            subsampling_y: bit(4),
            sample_position: flags & 3,
            picture: None,
            units: units.to_vec(),
        };
        Some(Self {
            picture: sequence_header(units).and_then(parse_sequence_header),
            ..config
        })
    }

    /// What the sequence header says about pictures, when the box holds one.
    pub(crate) fn picture_format(&self) -> PictureFormat {
        self.picture.unwrap_or(PictureFormat {
            bit_depth: self.bit_depth,
            colour: ColourInfo::unspecified(),
            ..PictureFormat::default()
        })
    }

    /// Codec string (same document, section 5). The optional part is written when any of it differs from its default.
    pub(crate) fn codec_string(&self, colour: &ColourInfo) -> String {
        let tier = if self.high_tier { 'H' } else { 'M' };
        let short = format!(
            "av01.{}.{:02}{tier}.{:02}",
            self.profile, self.level, self.bit_depth
        );
        let chroma = format!(
            "{}{}{}",
            u8::from(self.subsampling_x),
            u8::from(self.subsampling_y),
            if self.subsampling_x && self.subsampling_y {
                self.sample_position
            } else {
                0
            }
        );
        let known = |value: u8| if value == 2 { 1 } else { value };
        let tail = format!(
            ".{}.{chroma}.{:02}.{:02}.{:02}.{}",
            u8::from(self.monochrome),
            known(colour.primaries),
            known(colour.transfer),
            known(colour.matrix),
            u8::from(colour.full_range)
        );
        // 4:2:0 with unknown or vertical sample position is what the short form stands for.
        let ordinary = [
            ".0.110.01.01.01.0",
            ".0.111.01.01.01.0",
            ".0.112.01.01.01.0",
        ]
        .contains(&tail.as_str());
        if ordinary { short } else { short + &tail }
    }
}

/// Finds the sequence header among open bitstream units (AV1 specification, 5.3).
fn sequence_header(mut units: &[u8]) -> Option<&[u8]> {
    while let Some((&header, rest)) = units.split_first() {
        let rest = if header & 4 != 0 {
            rest.get(1..)?
        } else {
            rest
        };
        let (size, rest) = if header & 2 != 0 {
            leb128(rest)?
        } else {
            (rest.len(), rest)
        };
        let (payload, after) = rest.split_at_checked(size)?;
        if (header >> 3) & 15 == 1 {
            return Some(payload);
        }
        units = after;
    }
    None
}

pub(super) fn leb128(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (index, byte) in data.iter().take(8).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &data[index + 1..]));
        }
    }
    None
}

/// Reads a sequence header (AV1 specification, 5.5).
fn parse_sequence_header(data: &[u8]) -> Option<PictureFormat> {
    let mut r = BitReader::new(data);
    let profile = r.bits(3)?;
    r.flag()?;
    if r.flag()? {
        r.skip(5)?;
    } else {
        skip_operating_points(&mut r)?;
    }
    let (width_bits, height_bits) = (r.bits(4)? + 1, r.bits(4)? + 1);
    let (width, height) = (r.bits(width_bits)? + 1, r.bits(height_bits)? + 1);
    let reduced = data.first()? & 0x08 != 0;
    if !reduced && r.flag()? {
        r.skip(7)?;
    }
    r.skip(3)?;
    if !reduced {
        r.skip(4)?;
        let order_hint = r.flag()?;
        if order_hint {
            r.skip(2)?;
        }
        let screen_content = if r.flag()? { 2 } else { r.bits(1)? };
        if screen_content > 0 && !r.flag()? {
            r.skip(1)?;
        }
        if order_hint {
            r.skip(3)?;
        }
    }
    r.skip(3)?;
    let high = r.flag()?;
    let bit_depth = match (profile, high) {
        (2, true) => {
            if r.flag()? {
                12
            } else {
                10
            }
        }
        (_, true) => 10,
        _ => 8,
    };
    let monochrome = profile != 1 && r.flag()?;
    let mut colour = if r.flag()? {
        ColourInfo::new(r.byte(8)?, r.byte(8)?, r.byte(8)?, false)
    } else {
        ColourInfo::unspecified()
    };
    // sRGB with identity matrix is full range by definition; else a flag says so, for monochrome pictures too.
    colour.full_range =
        if !monochrome && (colour.primaries, colour.transfer, colour.matrix) == (1, 13, 0) {
            true
        } else {
            r.flag()?
        };
    Some(PictureFormat {
        width,
        height,
        pixel_aspect: None,
        bit_depth,
        colour,
    })
}

fn skip_operating_points(r: &mut BitReader<'_>) -> Option<()> {
    let mut decoder_model = false;
    let mut delay_bits = 0;
    if r.flag()? {
        r.skip(64)?;
        if r.flag()? {
            // num_ticks_per_picture_minus_1, `uvlc`.
            r.ue()?;
        }
        decoder_model = r.flag()?;
        if decoder_model {
            delay_bits = r.bits(5)? + 1;
            r.skip(42)?;
        }
    }
    let initial_delay = r.flag()?;
    for _ in 0..=r.bits(5)? {
        r.skip(12)?;
        if r.bits(5)? > 7 {
            r.flag()?;
        }
        if decoder_model && r.flag()? {
            r.skip(delay_bits as usize * 2 + 1)?;
        }
        if initial_delay && r.flag()? {
            r.skip(4)?;
        }
    }
    Some(())
}
