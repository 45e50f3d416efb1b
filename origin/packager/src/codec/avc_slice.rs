//! Slice headers of H.264 (ISO/IEC 14496-10, 7.3.3): where they end.

use super::avc::skip_scaling_list;
use super::{BitReader, NalPrefix};

/// What slice headers depend on in a sequence parameter set.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    id: u32,
    separate_planes: bool,
    /// `ChromaArrayType` is not 0.
    has_chroma: bool,
    frame_num_bits: u32,
    poc_type: u32,
    poc_lsb_bits: u32,
    delta_poc_always_zero: bool,
    frame_only: bool,
}

/// What slice headers depend on in a picture parameter set.
#[derive(Clone, Copy, Debug)]
struct Picture {
    id: u32,
    sequence: u32,
    cabac: bool,
    bottom_field_order: bool,
    references: [u32; 2],
    weighted: bool,
    weighted_bi: u32,
    deblocking_control: bool,
    redundant_count: bool,
}

/// The parameter sets in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct AvcParameters {
    sequences: Vec<Sequence>,
    pictures: Vec<Picture>,
}

impl AvcParameters {
    /// Takes a parameter set, NAL header included. One that cannot be read, or is of a kind whose slices cannot be, is forgotten.
    pub(crate) fn learn(&mut self, nal: &[u8]) {
        match nal.first().map(|header| header & 31) {
            Some(7) => {
                if let Some(found) = NalPrefix::new(nal, 1, nal.len()).read(read_sequence) {
                    self.sequences.retain(|other| other.id != found.id);
                    self.sequences.push(found);
                }
            }
            Some(8) => {
                if let Some(found) = NalPrefix::new(nal, 1, nal.len()).read(read_picture) {
                    self.pictures.retain(|other| other.id != found.id);
                    self.pictures.push(found);
                }
            }
            _ => {}
        }
    }

    /// Reads the header of a slice and leaves the reader behind it.
    pub(crate) fn read_slice(&self, nal_header: u8, r: &mut BitReader<'_>) -> Option<()> {
        let is_idr = nal_header & 31 == 5;
        let is_reference = nal_header & 0x60 != 0;
        r.ue()?;
        let slice_type = r.ue()? % 5;
        let (is_b, is_intra) = (slice_type == 1, matches!(slice_type, 2 | 4));
        let pps_id = r.ue()?;
        let pps = self.pictures.iter().find(|pps| pps.id == pps_id)?;
        let sps = self.sequences.iter().find(|sps| sps.id == pps.sequence)?;
        if sps.separate_planes {
            r.skip(2)?;
        }
        r.bits(sps.frame_num_bits)?;
        let mut is_field = false;
        if !sps.frame_only {
            is_field = r.flag()?;
            if is_field {
                r.flag()?;
            }
        }
        if is_idr {
            r.ue()?;
        }
        let has_bottom = pps.bottom_field_order && !is_field;
        match sps.poc_type {
            0 => {
                r.bits(sps.poc_lsb_bits)?;
                if has_bottom {
                    r.se()?;
                }
            }
            1 if !sps.delta_poc_always_zero => {
                r.se()?;
                if has_bottom {
                    r.se()?;
                }
            }
            _ => {}
        }
        if pps.redundant_count {
            r.ue()?;
        }
        let mut references = pps.references;
        if is_b {
            r.flag()?;
        }
        if !is_intra && r.flag()? {
            references[0] = r.ue()?.checked_add(1)?;
            if is_b {
                references[1] = r.ue()?.checked_add(1)?;
            }
        }
        let lists = match (is_intra, is_b) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        for _ in 0..lists {
            if r.flag()? {
                // modification_of_pic_nums_idc up to 3, which ends the list.
                while r.ue()? != 3 {
                    r.ue()?;
                }
            }
        }
        if (pps.weighted && lists == 1) || (pps.weighted_bi == 1 && is_b) {
            skip_weights(r, sps, references.get(..lists)?)?;
        }
        if is_reference {
            skip_marking(r, is_idr)?;
        }
        if pps.cabac && !is_intra {
            r.ue()?;
        }
        r.se()?;
        if matches!(slice_type, 3 | 4) {
            if slice_type == 3 {
                r.flag()?;
            }
            r.se()?;
        }
        if pps.deblocking_control && r.ue()? != 1 {
            r.se()?;
            r.se()?;
        }
        Some(())
    }
}

/// `pred_weight_table` (7.3.3.2).
fn skip_weights(r: &mut BitReader<'_>, sps: &Sequence, references: &[u32]) -> Option<()> {
    r.ue()?;
    if sps.has_chroma {
        r.ue()?;
    }
    for count in references {
        for _ in 0..(*count).min(64) {
            if r.flag()? {
                r.se()?;
                r.se()?;
            }
            if sps.has_chroma && r.flag()? {
                for _ in 0..4 {
                    r.se()?;
                }
            }
        }
    }
    Some(())
}

/// `dec_ref_pic_marking` (7.3.3.3).
fn skip_marking(r: &mut BitReader<'_>, is_idr: bool) -> Option<()> {
    if is_idr {
        return r.skip(2);
    }
    if r.flag()? {
        loop {
            match r.ue()? {
                0 => break,
                3 => {
                    r.ue()?;
                    r.ue()?;
                }
                1 | 2 | 4 | 6 => {
                    r.ue()?;
                }
                _ => {}
            }
        }
    }
    Some(())
}

fn read_sequence(r: &mut BitReader<'_>) -> Option<Sequence> {
    let profile = r.bits(8)?;
    r.skip(16)?;
    let id = r.ue()?;
    let (mut chroma, mut separate_planes) = (1, false);
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile) {
        chroma = r.ue()?;
        separate_planes = chroma == 3 && r.flag()?;
        r.ue()?;
        r.ue()?;
        r.flag()?;
        if r.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if r.flag()? {
                    skip_scaling_list(r, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    let frame_num_bits = r.ue()?.checked_add(4).filter(|bits| *bits <= 16)?;
    let poc_type = r.ue()?;
    let (mut poc_lsb_bits, mut delta_poc_always_zero) = (0, false);
    match poc_type {
        0 => poc_lsb_bits = r.ue()?.checked_add(4).filter(|bits| *bits <= 16)?,
        1 => {
            delta_poc_always_zero = r.flag()?;
            r.se()?;
            r.se()?;
            for _ in 0..r.ue()?.min(255) {
                r.se()?;
            }
        }
        _ => {}
    }
    r.ue()?;
    r.flag()?;
    r.ue()?;
    r.ue()?;
    Some(Sequence {
        id,
        separate_planes,
        has_chroma: chroma != 0 && !separate_planes,
        frame_num_bits,
        poc_type,
        poc_lsb_bits,
        delta_poc_always_zero,
        frame_only: r.flag()?,
    })
}

fn read_picture(r: &mut BitReader<'_>) -> Option<Picture> {
    let (id, sequence) = (r.ue()?, r.ue()?);
    let (cabac, bottom_field_order) = (r.flag()?, r.flag()?);
    if r.ue()? != 0 {
        // Slice groups: only in the Baseline and Extended profiles, and not in the wild.
        return None;
    }
    let references = [r.ue()?.checked_add(1)?, r.ue()?.checked_add(1)?];
    let (weighted, weighted_bi) = (r.flag()?, r.bits(2)?);
    for _ in 0..3 {
        r.se()?;
    }
    let deblocking_control = r.flag()?;
    r.flag()?;
    Some(Picture {
        id,
        sequence,
        cabac,
        bottom_field_order,
        references,
        weighted,
        weighted_bi,
        deblocking_control,
        redundant_count: r.flag()?,
    })
}

/// `frame_mbs_only_flag` of a sequence parameter set, NAL header included: no picture of the stream has fields.
pub(crate) fn is_frame_only(nal: &[u8]) -> Option<bool> {
    let found = NalPrefix::new(nal, 1, nal.len()).read(read_sequence)?;
    Some(found.frame_only)
}
