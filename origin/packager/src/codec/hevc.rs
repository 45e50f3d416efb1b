//! HEVC (ISO/IEC 23008-2) and its decoder configuration record (ISO/IEC 14496-15, 8.3.3.1).

use super::avc::read_vui_start;
use super::{BitReader, PictureFormat, unescape};
use crate::presentation::ColourInfo;

/// What an `hvcC` box says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HevcConfig {
    profile_space: u8,
    tier: bool,
    profile: u8,
    compatibility: u32,
    constraints: [u8; 6],
    level: u8,
    /// Bytes of the length before every NAL unit.
    pub(crate) length_size: u8,
    /// Parameter sets and other NAL units by type.
    pub(crate) arrays: Vec<(u8, Vec<Vec<u8>>)>,
}

/// NAL unit types of the parameter sets: video, sequence, picture.
pub(crate) const PARAMETER_SETS: [u8; 3] = [32, 33, 34];

impl HevcConfig {
    /// Reads the content of an `hvcC` box; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let (head, mut rest) = data.split_first_chunk::<23>()?;
        let mut arrays = Vec::new();
        for _ in 0..head[22] {
            let (&[kind, high, low], after) = rest.split_first_chunk::<3>()?;
            rest = after;
            let mut units = Vec::new();
            for _ in 0..u16::from_be_bytes([high, low]) {
                let (length, after) = rest.split_first_chunk::<2>()?;
                let (nal, after) =
                    after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                units.push(nal.to_vec());
                rest = after;
            }
            arrays.push((kind & 63, units));
        }
        Some(Self {
            profile_space: head[1] >> 6,
            tier: head[1] & 0x20 != 0,
            profile: head[1] & 31,
            compatibility: u32::from_be_bytes([head[2], head[3], head[4], head[5]]),
            constraints: [head[6], head[7], head[8], head[9], head[10], head[11]],
            level: head[12],
            length_size: (head[21] & 3) + 1,
            arrays,
        })
    }

    /// True when the record holds all three kinds of parameter sets, so that none need be looked for in the samples.
    pub(crate) fn has_parameter_sets(&self) -> bool {
        PARAMETER_SETS.iter().all(|wanted| {
            self.arrays
                .iter()
                .any(|(kind, units)| kind == wanted && !units.is_empty())
        })
    }

    /// Codec string (ISO/IEC 14496-15, annex E.3): profile, compatibility flags in reverse bit order, tier and level,
    /// then the constraint bytes without trailing zeros.
    pub(crate) fn codec_string(&self, entry: &str) -> String {
        let space = ["", "A", "B", "C"][usize::from(self.profile_space & 3)];
        let tier = if self.tier { 'H' } else { 'L' };
        let mut text = format!(
            "{entry}.{space}{}.{:X}.{tier}{}",
            self.profile,
            self.compatibility.reverse_bits(),
            self.level
        );
        let used = self
            .constraints
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        for byte in &self.constraints[..used] {
            text.push_str(&format!(".{byte:X}"));
        }
        text
    }

    /// The picture format that the first sequence parameter set describes.
    pub(crate) fn picture_format(&self) -> Option<PictureFormat> {
        let (_, units) = self.arrays.iter().find(|(kind, _)| *kind == 33)?;
        parse_sps(units.first()?)
    }
}

/// True when the slice with this first header byte is an intra random access point; `None` for other NAL units.
pub(crate) fn is_sync_nal(header: u8) -> Option<bool> {
    match (header >> 1) & 63 {
        16..=21 => Some(true),
        0..=15 => Some(false),
        _ => None,
    }
}

/// Reads a sequence parameter set (ISO/IEC 23008-2, 7.3.2.2), NAL header included.
fn parse_sps(nal: &[u8]) -> Option<PictureFormat> {
    let payload = unescape(nal.get(2..)?);
    let mut r = BitReader::new(&payload);
    r.skip(4)?;
    let sub_layers = r.bits(3)?;
    r.flag()?;
    skip_profile_tier_level(&mut r, sub_layers)?;
    r.ue()?;
    let chroma = r.ue()?;
    let separate = chroma == 3 && r.flag()?;
    let (width, height) = (r.ue()?, r.ue()?);
    let (mut crop_width, mut crop_height) = (0, 0);
    if r.flag()? {
        let (left, right, top, bottom) = (r.ue()?, r.ue()?, r.ue()?, r.ue()?);
        let (unit_x, unit_y) = match (chroma, separate) {
            (1, _) => (2, 2),
            (2, _) => (2, 1),
            _ => (1, 1),
        };
        crop_width = left.checked_add(right)?.checked_mul(unit_x)?;
        crop_height = top.checked_add(bottom)?.checked_mul(unit_y)?;
    }
    let bit_depth = u8::try_from(r.ue()?).ok()?.checked_add(8)?;
    let mut format = PictureFormat {
        width: width.checked_sub(crop_width)?,
        height: height.checked_sub(crop_height)?,
        bit_depth,
        colour: ColourInfo::unspecified(),
        ..PictureFormat::default()
    };
    // What follows is long and only its end is wanted; a set that cannot be followed so far still gives its size.
    let _ = skip_to_vui(&mut r, sub_layers).and_then(|present| {
        if present {
            read_vui_start(&mut r, &mut format)
        } else {
            Some(())
        }
    });
    Some(format)
}

pub(super) fn skip_profile_tier_level(r: &mut BitReader<'_>, sub_layers: u32) -> Option<()> {
    r.skip(88)?;
    r.skip(8)?;
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((r.flag()?, r.flag()?));
    }
    if sub_layers > 0 {
        r.skip(2 * (8 - sub_layers as usize))?;
    }
    for (profile, level) in present {
        r.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Some(())
}

/// Walks from `bit_depth_chroma` to the video usability information and says whether there is any.
fn skip_to_vui(r: &mut BitReader<'_>, sub_layers: u32) -> Option<bool> {
    r.ue()?;
    let poc_bits = r.ue()?.checked_add(4).filter(|bits| *bits <= 16)?;
    let all = r.flag()?;
    for _ in 0..if all { sub_layers + 1 } else { 1 } {
        r.ue()?;
        r.ue()?;
        r.ue()?;
    }
    for _ in 0..6 {
        r.ue()?;
    }
    if r.flag()? && r.flag()? {
        skip_scaling_lists(r)?;
    }
    r.skip(2)?;
    if r.flag()? {
        r.skip(8)?;
        r.ue()?;
        r.ue()?;
        r.flag()?;
    }
    skip_reference_sets(r)?;
    if r.flag()? {
        for _ in 0..r.ue()?.min(32) {
            r.bits(poc_bits)?;
            r.flag()?;
        }
    }
    r.skip(2)?;
    r.flag()
}

pub(super) fn skip_scaling_lists(r: &mut BitReader<'_>) -> Option<()> {
    for size in 0..4_u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if r.flag()? {
                if size > 1 {
                    r.se()?;
                }
                for _ in 0..64.min(1 << (4 + (size << 1))) {
                    r.se()?;
                }
            } else {
                r.ue()?;
            }
        }
    }
    Some(())
}

fn skip_reference_sets(r: &mut BitReader<'_>) -> Option<()> {
    let count = r.ue()?.min(64);
    let mut pictures = 0_u32;
    for index in 0..count {
        if index > 0 && r.flag()? {
            r.flag()?;
            r.ue()?;
            let mut kept = 0;
            for _ in 0..=pictures {
                if r.flag()? || r.flag()? {
                    kept += 1;
                }
            }
            pictures = kept;
        } else {
            let (negative, positive) = (r.ue()?.min(16), r.ue()?.min(16));
            for _ in 0..negative + positive {
                r.ue()?;
                r.flag()?;
            }
            pictures = negative + positive;
        }
    }
    Some(())
}
