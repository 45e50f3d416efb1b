//! Frame headers of AV1 (AV1 specification, 5.9): where they end, and how the tiles after them are divided.

use super::BitReader;
use super::av1_references::{Reference, STILL, may_skip_modes, short_signalling};
use super::av1_sequence::Sequence;
use super::av1_tiles::{Tiles, read_tiles};
use super::av1_tools::{
    Quantizer, read_global_motion, read_quantizer, read_segmentation, skip_cdef, skip_film_grain,
    skip_loop_filter, skip_restoration,
};

pub(super) const KEY: u32 = 0;
pub(super) const INTER: u32 = 1;
const INTRA_ONLY: u32 = 2;
const SWITCH: u32 = 3;
/// `primary_ref_frame` of a frame that takes over nothing.
const NO_PRIMARY: usize = 7;
/// `refresh_frame_flags` of a frame that replaces all references.
const ALL: u32 = 0xff;

/// Which layer an open bitstream unit belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layer {
    pub(super) temporal: u32,
    pub(super) spatial: u32,
}

/// What the parts of a header share.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) kind: u32,
    pub(super) show: bool,
    pub(super) showable: bool,
    resilient: bool,
    update_tables: bool,
    screen_content: bool,
    integer_mv: bool,
    size_override: bool,
    order_hint: u32,
    primary: usize,
    refresh: u32,
    pub(super) intra_copy: bool,
    pub(super) precise_mv: bool,
    upscaled_width: u32,
    width: u32,
    height: u32,
    chosen: [usize; 7],
}

impl Header {
    pub(super) const fn is_intra(&self) -> bool {
        self.kind == KEY || self.kind == INTRA_ONLY
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// An earlier picture is shown; there are no tiles.
    Shown,
    /// A picture is coded.
    Coded(Tiles),
}

/// Reads the header of a frame and keeps what later frames depend on. The reader stands behind the header afterwards.
pub(super) fn read_frame(
    s: &Sequence,
    references: &mut [Reference; 8],
    layer: Layer,
    r: &mut BitReader<'_>,
) -> Option<Frame> {
    let mut h = Header::default();
    if !s.reduced_still && r.flag()? {
        show_existing(s, references, r)?;
        return Some(Frame::Shown);
    }
    read_start(s, references, layer, &mut h, r)?;
    if h.is_intra() {
        read_size(s, &mut h, r)?;
        skip_render_size(r)?;
        h.intra_copy = h.screen_content && h.upscaled_width == h.width && r.flag()?;
    } else {
        read_inter(s, references, &mut h, r)?;
    }
    if !s.reduced_still && h.update_tables {
        r.flag()?;
    }
    let tiles = read_tiles(s.large_superblocks, h.width, h.height, r)?;
    let quantizer = read_quantizer(s, r)?;
    let primary = Some(h.primary).filter(|primary| *primary != NO_PRIMARY);
    let earlier = primary.and_then(|primary| Some(references[*h.chosen.get(primary)?]));
    let segment_q = read_segmentation(earlier.map(|earlier| earlier.segment_q), r)?;
    skip_deltas(&h, &quantizer, r)?;
    let lossless = quantizer.is_lossless(&segment_q);
    if !lossless && !h.intra_copy {
        skip_loop_filter(s, r)?;
        if s.cdef {
            skip_cdef(s, r)?;
        }
    }
    if s.restoration && !h.intra_copy && !(lossless && h.width == h.upscaled_width) {
        skip_restoration(s, r)?;
    }
    if !lossless {
        r.flag()?;
    }
    let two_references = !h.is_intra() && r.flag()?;
    if two_references
        && s.order_hint_bits > 0
        && may_skip_modes(s, references, &h.chosen, h.order_hint)
    {
        r.flag()?;
    }
    if !h.is_intra() && !h.resilient && s.warped_motion {
        r.flag()?;
    }
    r.flag()?;
    let motion = if h.is_intra() {
        STILL
    } else {
        read_global_motion(
            &earlier.map_or(STILL, |earlier| earlier.motion),
            h.precise_mv,
            r,
        )?
    };
    if s.film_grain && (h.show || h.showable) {
        skip_film_grain(s, h.kind == INTER, r)?;
    }
    let kept = Reference {
        is_key: h.kind == KEY,
        upscaled_width: h.upscaled_width,
        height: h.height,
        order_hint: h.order_hint,
        motion,
        segment_q,
    };
    for (at, reference) in references.iter_mut().enumerate() {
        if h.refresh >> at & 1 == 1 {
            *reference = kept;
        }
    }
    Some(Frame::Coded(tiles))
}

/// A header that shows an earlier frame. A key frame takes all references with it (7.21).
fn show_existing(
    s: &Sequence,
    references: &mut [Reference; 8],
    r: &mut BitReader<'_>,
) -> Option<()> {
    let shown = references[r.bits(3)? as usize & 7];
    if let Some(bits) = s.presentation_bits {
        r.skip(bits as usize)?;
    }
    if let Some((bits, _)) = s.id_bits {
        r.skip(bits as usize)?;
    }
    if shown.is_key {
        *references = [shown; 8];
    }
    Some(())
}

/// The header up to the frame's size (`uncompressed_header`, 5.9.2).
fn read_start(
    s: &Sequence,
    references: &mut [Reference; 8],
    layer: Layer,
    h: &mut Header,
    r: &mut BitReader<'_>,
) -> Option<()> {
    if s.reduced_still {
        (h.kind, h.show, h.resilient) = (KEY, true, true);
    } else {
        h.kind = r.bits(2)?;
        h.show = r.flag()?;
        if h.show {
            if let Some(bits) = s.presentation_bits {
                r.skip(bits as usize)?;
            }
            h.showable = h.kind != KEY;
        } else {
            h.showable = r.flag()?;
        }
        h.resilient = h.kind == SWITCH || (h.kind == KEY && h.show) || r.flag()?;
    }
    let starts_anew = h.kind == KEY && h.show;
    if starts_anew {
        *references = [Reference::default(); 8];
    }
    h.update_tables = !r.flag()?;
    h.screen_content = match s.screen_content {
        2 => r.flag()?,
        said => said == 1,
    };
    h.integer_mv = h.screen_content
        && match s.integer_mv {
            2 => r.flag()?,
            said => said == 1,
        };
    if let Some((bits, _)) = s.id_bits {
        r.skip(bits as usize)?;
    }
    h.size_override = h.kind == SWITCH || (!s.reduced_still && r.flag()?);
    h.order_hint = r.bits(s.order_hint_bits)?;
    h.primary = if h.is_intra() || h.resilient {
        NO_PRIMARY
    } else {
        r.bits(3)? as usize
    };
    if let Some(bits) = s.removal_bits
        && r.flag()?
    {
        for (idc, modelled) in &s.operating_points {
            let inside = idc >> layer.temporal & 1 == 1 && idc >> (layer.spatial + 8) & 1 == 1;
            if *modelled && (*idc == 0 || inside) {
                r.skip(bits as usize)?;
            }
        }
    }
    h.refresh = if h.kind == SWITCH || starts_anew {
        ALL
    } else {
        r.bits(8)?
    };
    if (!h.is_intra() || h.refresh != ALL) && h.resilient && s.order_hint_bits > 0 {
        for reference in references.iter_mut() {
            let hint = r.bits(s.order_hint_bits)?;
            if reference.order_hint != hint {
                *reference = Reference {
                    order_hint: hint,
                    ..Reference::default()
                };
            }
        }
    }
    Some(())
}

/// The part of the header of a frame that refers to others, up to its motion vectors of earlier frames.
fn read_inter(
    s: &Sequence,
    references: &[Reference; 8],
    h: &mut Header,
    r: &mut BitReader<'_>,
) -> Option<()> {
    let short = s.order_hint_bits > 0 && r.flag()?;
    if short {
        let (last, golden) = (r.bits(3)? as usize, r.bits(3)? as usize);
        h.chosen = short_signalling(s, references, h.order_hint, last, golden);
    }
    for chosen in &mut h.chosen {
        if !short {
            *chosen = r.bits(3)? as usize;
        }
        if let Some((_, bits)) = s.id_bits {
            r.skip(bits as usize)?;
        }
    }
    if h.size_override && !h.resilient {
        read_size_of_reference(s, references, h, r)?;
    } else {
        read_size(s, h, r)?;
        skip_render_size(r)?;
    }
    h.precise_mv = !h.integer_mv && r.flag()?;
    // The interpolation filter, unless each block has its own.
    if !r.flag()? {
        r.skip(2)?;
    }
    r.flag()?;
    if !h.resilient && s.reference_mvs {
        r.flag()?;
    }
    Some(())
}

/// `frame_size` (5.9.5).
fn read_size(s: &Sequence, h: &mut Header, r: &mut BitReader<'_>) -> Option<()> {
    (h.upscaled_width, h.height) = if h.size_override {
        (r.bits(s.width_bits)? + 1, r.bits(s.height_bits)? + 1)
    } else {
        (s.width, s.height)
    };
    read_superres(s, h, r)
}

/// `superres_params` (5.9.8).
fn read_superres(s: &Sequence, h: &mut Header, r: &mut BitReader<'_>) -> Option<()> {
    h.width = h.upscaled_width;
    if s.superres && r.flag()? {
        let denominator = r.bits(3)? + 9;
        h.width = (h.upscaled_width * 8 + denominator / 2) / denominator;
    }
    Some(())
}

fn skip_render_size(r: &mut BitReader<'_>) -> Option<()> {
    if r.flag()? { r.skip(32) } else { Some(()) }
}

/// `frame_size_with_refs` (5.9.7).
fn read_size_of_reference(
    s: &Sequence,
    references: &[Reference; 8],
    h: &mut Header,
    r: &mut BitReader<'_>,
) -> Option<()> {
    for chosen in h.chosen {
        if r.flag()? {
            let found = references[chosen & 7];
            if found.upscaled_width == 0 {
                return None;
            }
            (h.upscaled_width, h.height) = (found.upscaled_width, found.height);
            return read_superres(s, h, r);
        }
    }
    read_size(s, h, r)?;
    skip_render_size(r)
}

/// `delta_q_params` and `delta_lf_params` (5.9.17, 5.9.18).
fn skip_deltas(h: &Header, quantizer: &Quantizer, r: &mut BitReader<'_>) -> Option<()> {
    if quantizer.base > 0 && r.flag()? {
        r.skip(2)?;
        if !h.intra_copy && r.flag()? {
            r.skip(3)?;
        }
    }
    Some(())
}
