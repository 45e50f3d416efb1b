//! Slice segment headers of HEVC (ISO/IEC 23008-2, 7.3.6): where they end.

use super::BitReader;
use super::hevc_parameters::{HevcParameters, Picture, Sequence, bits_for, read_reference_set};

impl HevcParameters {
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
