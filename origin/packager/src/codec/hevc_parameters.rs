//! Parameter sets of HEVC (ISO/IEC 23008-2, 7.3.2), as far as slice headers depend on them.

use super::hevc::{skip_profile_tier_level, skip_scaling_lists};
use super::{BitReader, NalPrefix};

/// A short-term reference picture set: difference of picture order counts, and whether the current picture uses it. The
/// negative ones come first, nearest first, then the positive ones.
pub(super) type ReferenceSet = Vec<(i32, bool)>;

/// What slice headers depend on in a sequence parameter set.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    pub(super) id: u32,
    pub(super) separate_planes: bool,
    pub(super) has_chroma: bool,
    pub(super) poc_bits: u32,
    pub(super) address_bits: u32,
    pub(super) offset_filter: bool,
    pub(super) reference_sets: Vec<ReferenceSet>,
    pub(super) long_term: bool,
    /// Whether the current picture uses it, for each long-term picture of the set.
    pub(super) long_term_used: Vec<bool>,
    pub(super) temporal_mvp: bool,
}

/// What slice headers depend on in a picture parameter set.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) id: u32,
    pub(super) sequence: u32,
    pub(super) dependent_slices: bool,
    pub(super) output_flag: bool,
    pub(super) extra_bits: usize,
    pub(super) cabac_init: bool,
    pub(super) references: [u32; 2],
    pub(super) chroma_qp_offsets: bool,
    pub(super) weighted: bool,
    pub(super) weighted_bi: bool,
    pub(super) entry_points: bool,
    pub(super) filter_across_slices: bool,
    pub(super) deblocking_override: bool,
    pub(super) deblocking_disabled: bool,
    pub(super) lists_modification: bool,
    pub(super) header_extension: bool,
    pub(super) chroma_qp_list: bool,
}

/// The parameter sets in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct HevcParameters {
    pub(super) sequences: Vec<Sequence>,
    pub(super) pictures: Vec<Picture>,
}

impl HevcParameters {
    /// Takes a parameter set, NAL header included. One that cannot be read, or is of a kind whose slices cannot be, is forgotten.
    pub(crate) fn learn(&mut self, nal: &[u8]) {
        if nal.len() < 2 || nal_layer(nal) != 0 {
            return;
        }
        match nal[0] >> 1 & 63 {
            33 => {
                if let Some(found) = NalPrefix::new(nal, 2, nal.len()).read(read_sequence) {
                    self.sequences.retain(|other| other.id != found.id);
                    self.sequences.push(found);
                }
            }
            34 => {
                if let Some(found) = NalPrefix::new(nal, 2, nal.len()).read(read_picture) {
                    self.pictures.retain(|other| other.id != found.id);
                    self.pictures.push(found);
                }
            }
            _ => {}
        }
    }
}

/// `nuh_layer_id` of a NAL unit of at least two bytes.
pub(crate) fn nal_layer(nal: &[u8]) -> u8 {
    (nal[0] & 1) << 5 | nal[1] >> 3
}

/// Bits that hold a number below `count`.
pub(super) fn bits_for(count: u32) -> u32 {
    count.max(1).next_power_of_two().trailing_zeros()
}

/// `st_ref_pic_set` (7.3.7 and 7.4.8). `known` are those before it; `in_slice` when it stands in a slice header.
pub(super) fn read_reference_set(
    r: &mut BitReader<'_>,
    known: &[ReferenceSet],
    in_slice: bool,
) -> Option<ReferenceSet> {
    if known.is_empty() || !r.flag()? {
        let counts = [r.ue()?, r.ue()?];
        if counts.iter().any(|count| *count > 16) {
            return None;
        }
        let mut set = Vec::new();
        for (count, sign) in counts.into_iter().zip([-1_i32, 1]) {
            let mut difference = 0_i32;
            for _ in 0..count {
                let step = i32::try_from(r.ue()?.checked_add(1)?).ok()?;
                difference = difference.checked_add(step.checked_mul(sign)?)?;
                set.push((difference, r.flag()?));
            }
        }
        return Some(set);
    }
    let back = if in_slice { r.ue()? as usize } else { 0 };
    let sign = if r.flag()? { -1 } else { 1 };
    let shift = i32::try_from(r.ue()?.checked_add(1)?)
        .ok()?
        .checked_mul(sign)?;
    let from = known.get(known.len().checked_sub(back.checked_add(1)?)?)?;
    // Each picture of the set that is referred to, moved by `shift`, and that set's own picture.
    let mut moved = Vec::new();
    for difference in from.iter().map(|(difference, _)| *difference).chain([0]) {
        let is_used = r.flag()?;
        let is_kept = is_used || r.flag()?;
        let difference = difference.checked_add(shift)?;
        if is_kept && difference != 0 {
            moved.push((difference, is_used));
        }
    }
    moved.sort_by_key(|(difference, _)| (*difference > 0, difference.abs()));
    Some(moved)
}

fn read_sequence(r: &mut BitReader<'_>) -> Option<Sequence> {
    r.skip(4)?;
    let sub_layers = r.bits(3)?;
    r.flag()?;
    let profile = r.clone().bits(8)? & 31;
    if matches!(profile, 9 | 11) {
        // Screen content coding adds fields to slice headers.
        return None;
    }
    skip_profile_tier_level(r, sub_layers)?;
    let id = r.ue()?;
    let chroma = r.ue()?;
    let separate_planes = chroma == 3 && r.flag()?;
    let (width, height) = (r.ue()?, r.ue()?);
    if r.flag()? {
        for _ in 0..4 {
            r.ue()?;
        }
    }
    r.ue()?;
    r.ue()?;
    let poc_bits = r.ue()?.checked_add(4).filter(|bits| *bits <= 16)?;
    let all = r.flag()?;
    for _ in 0..if all { sub_layers + 1 } else { 1 } {
        for _ in 0..3 {
            r.ue()?;
        }
    }
    let block = r.ue()?.checked_add(3)?.checked_add(r.ue()?)?;
    let side = |pixels: u32| Some(pixels.div_ceil(1_u32.checked_shl(block)?));
    let blocks = side(width)?.checked_mul(side(height)?)?;
    for _ in 0..4 {
        r.ue()?;
    }
    if r.flag()? && r.flag()? {
        skip_scaling_lists(r)?;
    }
    r.flag()?;
    let offset_filter = r.flag()?;
    if r.flag()? {
        r.skip(8)?;
        r.ue()?;
        r.ue()?;
        r.flag()?;
    }
    let mut reference_sets = Vec::new();
    for _ in 0..r.ue()?.min(64) {
        let set = read_reference_set(r, &reference_sets, false)?;
        reference_sets.push(set);
    }
    let long_term = r.flag()?;
    let mut long_term_used = Vec::new();
    if long_term {
        for _ in 0..r.ue()?.min(32) {
            r.bits(poc_bits)?;
            long_term_used.push(r.flag()?);
        }
    }
    Some(Sequence {
        id,
        separate_planes,
        has_chroma: chroma != 0 && !separate_planes,
        poc_bits,
        address_bits: if blocks > 1 << 31 {
            return None;
        } else {
            bits_for(blocks)
        },
        offset_filter,
        reference_sets,
        long_term,
        long_term_used,
        temporal_mvp: r.flag()?,
    })
}

fn read_picture(r: &mut BitReader<'_>) -> Option<Picture> {
    let (id, sequence) = (r.ue()?, r.ue()?);
    let (dependent_slices, output_flag) = (r.flag()?, r.flag()?);
    let extra_bits = r.bits(3)? as usize;
    r.flag()?;
    let cabac_init = r.flag()?;
    let references = [r.ue()?.checked_add(1)?, r.ue()?.checked_add(1)?];
    r.se()?;
    r.flag()?;
    let transform_skip = r.flag()?;
    if r.flag()? {
        r.ue()?;
    }
    r.se()?;
    r.se()?;
    let chroma_qp_offsets = r.flag()?;
    let (weighted, weighted_bi) = (r.flag()?, r.flag()?);
    r.flag()?;
    let (tiles, wavefronts) = (r.flag()?, r.flag()?);
    if tiles {
        let (columns, rows) = (r.ue()?, r.ue()?);
        if !r.flag()? {
            for _ in 0..columns.checked_add(rows).filter(|all| *all <= 64)? {
                r.ue()?;
            }
        }
        r.flag()?;
    }
    let filter_across_slices = r.flag()?;
    let (mut deblocking_override, mut deblocking_disabled) = (false, false);
    if r.flag()? {
        deblocking_override = r.flag()?;
        deblocking_disabled = r.flag()?;
        if !deblocking_disabled {
            r.se()?;
            r.se()?;
        }
    }
    if r.flag()? {
        skip_scaling_lists(r)?;
    }
    let lists_modification = r.flag()?;
    r.ue()?;
    let header_extension = r.flag()?;
    let mut chroma_qp_list = false;
    if r.flag()? {
        let range = r.flag()?;
        r.skip(2)?;
        if r.flag()? {
            // Screen content coding.
            return None;
        }
        r.skip(4)?;
        if range {
            if transform_skip {
                r.ue()?;
            }
            r.flag()?;
            chroma_qp_list = r.flag()?;
        }
    }
    Some(Picture {
        id,
        sequence,
        dependent_slices,
        output_flag,
        extra_bits,
        cabac_init,
        references,
        chroma_qp_offsets,
        weighted,
        weighted_bi,
        entry_points: tiles || wavefronts,
        filter_across_slices,
        deblocking_override,
        deblocking_disabled,
        lists_modification,
        header_extension,
        chroma_qp_list,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_a_count_take_just_enough_bits() {
        for (count, bits) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8160, 13)] {
            assert_eq!(bits_for(count), bits, "{count}");
        }
    }

    #[test]
    fn a_predicted_reference_set_is_the_one_before_moved() {
        // Predicted, sign 1 (negative), |shift| - 1 = 0, then for -1, -3 and 0: used, kept unused, used.
        let bits = [0b1111_0110, 0b0000_0000];
        let known = vec![vec![(-1, true), (-3, true)]];
        let set = read_reference_set(&mut BitReader::new(&bits), &known, false).unwrap();
        assert_eq!(set, [(-1, true), (-2, true), (-4, false)]);
    }
}
