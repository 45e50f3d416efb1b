//! Slice segment headers of HEVC (ISO/IEC 23008-2, 7.3.6): where they end.

use super::hevc::{skip_profile_tier_level, skip_scaling_lists};
use super::{BitReader, NalPrefix};

/// A short-term reference picture set: difference of picture order counts, and whether the current picture uses it. The
/// negative ones come first, nearest first, then the positive ones.
type ReferenceSet = Vec<(i32, bool)>;

/// What slice headers depend on in a sequence parameter set.
#[derive(Clone, Debug)]
struct Sequence {
    id: u32,
    separate_planes: bool,
    has_chroma: bool,
    poc_bits: u32,
    address_bits: u32,
    offset_filter: bool,
    reference_sets: Vec<ReferenceSet>,
    long_term: bool,
    /// Whether the current picture uses it, for each long-term picture of the set.
    long_term_used: Vec<bool>,
    temporal_mvp: bool,
}

/// What slice headers depend on in a picture parameter set.
#[derive(Clone, Debug)]
struct Picture {
    id: u32,
    sequence: u32,
    dependent_slices: bool,
    output_flag: bool,
    extra_bits: usize,
    cabac_init: bool,
    references: [u32; 2],
    chroma_qp_offsets: bool,
    weighted: bool,
    weighted_bi: bool,
    entry_points: bool,
    filter_across_slices: bool,
    deblocking_override: bool,
    deblocking_disabled: bool,
    lists_modification: bool,
    header_extension: bool,
    chroma_qp_list: bool,
}

/// The parameter sets in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct HevcParameters {
    sequences: Vec<Sequence>,
    pictures: Vec<Picture>,
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

    /// Reads the header of a slice segment of type `kind` and leaves the reader behind it, alignment bit included.
    pub(crate) fn read_slice(&self, kind: u8, r: &mut BitReader<'_>) -> Option<()> {
        let is_first = r.flag()?;
        if matches!(kind, 16..=23) {
            r.flag()?;
        }
        let pps_id = r.ue()?;
        let pps = self.pictures.iter().find(|pps| pps.id == pps_id)?;
        let sps = self.sequences.iter().find(|sps| sps.id == pps.sequence)?;
        let mut is_dependent = false;
        if !is_first {
            is_dependent = pps.dependent_slices && r.flag()?;
            r.bits(sps.address_bits)?;
        }
        if !is_dependent {
            read_independent(kind, pps, sps, r)?;
        }
        if pps.entry_points {
            let count = r.ue()?;
            if count > 0 {
                let bits = r.ue()?.checked_add(1).filter(|bits| *bits <= 32)?;
                r.skip((count as usize).checked_mul(bits as usize)?)?;
            }
        }
        if pps.header_extension {
            let bytes = r.ue()? as usize;
            r.skip(bytes.checked_mul(8)?)?;
        }
        // byte_alignment: a bit of value 1, then zeros.
        r.flag()?.then_some(())
    }
}

/// `nuh_layer_id` of a NAL unit of at least two bytes.
pub(crate) fn nal_layer(nal: &[u8]) -> u8 {
    (nal[0] & 1) << 5 | nal[1] >> 3
}

/// The part of a header that dependent slice segments share with the one before.
fn read_independent(kind: u8, pps: &Picture, sps: &Sequence, r: &mut BitReader<'_>) -> Option<()> {
    r.skip(pps.extra_bits)?;
    let slice_type = r.ue()?;
    let (is_b, is_p) = (slice_type == 0, slice_type == 1);
    if pps.output_flag {
        r.flag()?;
    }
    if sps.separate_planes {
        r.skip(2)?;
    }
    let (mut used, mut temporal_mvp) = (0, false);
    if !matches!(kind, 19 | 20) {
        r.bits(sps.poc_bits)?;
        used = read_references(sps, r)?;
        temporal_mvp = sps.temporal_mvp && r.flag()?;
    }
    let mut filtered = false;
    if sps.offset_filter {
        filtered |= r.flag()?;
        if sps.has_chroma {
            filtered |= r.flag()?;
        }
    }
    if is_b || is_p {
        read_prediction(pps, sps, r, is_b, used, temporal_mvp)?;
    }
    r.se()?;
    if pps.chroma_qp_offsets {
        r.se()?;
        r.se()?;
    }
    if pps.chroma_qp_list {
        r.flag()?;
    }
    let mut deblocking_disabled = pps.deblocking_disabled;
    if pps.deblocking_override && r.flag()? {
        deblocking_disabled = r.flag()?;
        if !deblocking_disabled {
            r.se()?;
            r.se()?;
        }
    }
    if pps.filter_across_slices && (filtered || !deblocking_disabled) {
        r.flag()?;
    }
    Some(())
}

/// The reference picture sets of a slice. Returns how many pictures the current one may refer to (`NumPicTotalCurr`).
fn read_references(sps: &Sequence, r: &mut BitReader<'_>) -> Option<u32> {
    let count = sps.reference_sets.len();
    let own;
    let set = if r.flag()? {
        let index = r.bits(bits_for(u32::try_from(count).ok()?))?;
        sps.reference_sets.get(index as usize)?
    } else {
        own = read_reference_set(r, &sps.reference_sets, true)?;
        &own
    };
    let mut used = set.iter().filter(|(_, used)| *used).count();
    if sps.long_term {
        let listed = sps.long_term_used.len();
        let from_list = if listed > 0 { r.ue()? } else { 0 };
        let all = r.ue()?.checked_add(from_list).filter(|all| *all <= 33)?;
        for index in 0..all {
            if index < from_list {
                let at = r.bits(bits_for(u32::try_from(listed).ok()?))?;
                used += usize::from(*sps.long_term_used.get(at as usize)?);
            } else {
                r.bits(sps.poc_bits)?;
                used += usize::from(r.flag()?);
            }
            if r.flag()? {
                r.ue()?;
            }
        }
    }
    u32::try_from(used).ok()
}

/// What only slices with motion have.
fn read_prediction(
    pps: &Picture,
    sps: &Sequence,
    r: &mut BitReader<'_>,
    is_b: bool,
    used: u32,
    temporal_mvp: bool,
) -> Option<()> {
    let mut references = pps.references;
    if r.flag()? {
        references[0] = r.ue()?.checked_add(1)?;
        if is_b {
            references[1] = r.ue()?.checked_add(1)?;
        }
    }
    if references.iter().any(|count| *count > 16) {
        return None;
    }
    let references = &references[..if is_b { 2 } else { 1 }];
    if pps.lists_modification && used > 1 {
        for count in references {
            if r.flag()? {
                r.skip(*count as usize * bits_for(used) as usize)?;
            }
        }
    }
    if is_b {
        r.flag()?;
    }
    if pps.cabac_init {
        r.flag()?;
    }
    if temporal_mvp {
        let from_first = !is_b || r.flag()?;
        if references[usize::from(!from_first)] > 1 {
            r.ue()?;
        }
    }
    if if is_b { pps.weighted_bi } else { pps.weighted } {
        skip_weights(sps, r, references)?;
    }
    r.ue()?;
    Some(())
}

/// `pred_weight_table` (7.3.6.3).
fn skip_weights(sps: &Sequence, r: &mut BitReader<'_>, references: &[u32]) -> Option<()> {
    r.ue()?;
    if sps.has_chroma {
        r.se()?;
    }
    for count in references {
        let mut flags = |present: bool| -> Option<Vec<bool>> {
            (0..*count)
                .map(|_| if present { r.flag() } else { Some(false) })
                .collect()
        };
        let (luma, chroma) = (flags(true)?, flags(sps.has_chroma)?);
        for (luma, chroma) in luma.into_iter().zip(chroma) {
            for _ in 0..if luma { 2 } else { 0 } + if chroma { 4 } else { 0 } {
                r.se()?;
            }
        }
    }
    Some(())
}

/// Bits that hold a number below `count`.
fn bits_for(count: u32) -> u32 {
    count.max(1).next_power_of_two().trailing_zeros()
}

/// `st_ref_pic_set` (7.3.7 and 7.4.8). `known` are those before it; `in_slice` when it stands in a slice header.
fn read_reference_set(
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
