//! The pictures that frames of AV1 refer to, as far as frame headers depend on them (AV1 specification, 7.8 and 7.20).

use super::av1_sequence::Sequence;

/// Number of a reference to the last frame, and to the golden one, among the seven of a frame.
const LAST: usize = 0;
const GOLDEN: usize = 3;

/// Parameters of global motion, for each of seven references.
pub(super) type GlobalMotion = [[i64; 6]; 7];

/// No motion.
pub(super) const STILL: GlobalMotion = [[0, 0, 1 << 16, 0, 0, 1 << 16]; 7];

/// What is kept of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    pub(super) is_key: bool,
    pub(super) upscaled_width: u32,
    pub(super) height: u32,
    pub(super) order_hint: u32,
    pub(super) motion: GlobalMotion,
    /// Change of the quantizer in each segment.
    pub(super) segment_q: [Option<i32>; 8],
}

impl Default for Reference {
    fn default() -> Self {
        Self {
            is_key: false,
            upscaled_width: 0,
            height: 0,
            order_hint: 0,
            motion: STILL,
            segment_q: [None; 8],
        }
    }
}

/// `get_relative_dist` (7.9.2).
pub(super) fn distance(sequence: &Sequence, a: u32, b: u32) -> i32 {
    if sequence.order_hint_bits == 0 {
        return 0;
    }
    let half = 1_i32 << (sequence.order_hint_bits - 1);
    let difference = a.cast_signed() - b.cast_signed();
    (difference & (half - 1)) - (difference & half)
}

/// The references of a frame that names only two of them (7.8).
pub(super) fn short_signalling(
    sequence: &Sequence,
    references: &[Reference; 8],
    order_hint: u32,
    last: usize,
    golden: usize,
) -> [usize; 7] {
    let hints: Vec<i32> = references
        .iter()
        .map(|reference| distance(sequence, reference.order_hint, order_hint))
        .collect();
    let mut chosen: [Option<usize>; 7] = [None; 7];
    let mut used = [false; 8];
    chosen[LAST] = Some(last);
    chosen[GOLDEN] = Some(golden);
    used[last] = true;
    used[golden] = true;
    let free = |used: &[bool; 8], later: bool| {
        let used = *used;
        let hints = &hints;
        (0..8).filter(move |at| !used[*at] && (hints[*at] >= 0) == later)
    };
    // The latest frame that is shown later, then the two earliest of those.
    let latest = free(&used, true).max_by_key(|at| (hints[*at], *at));
    if let Some(at) = latest {
        chosen[6] = Some(at);
        used[at] = true;
    }
    for place in [4, 5] {
        let earliest = free(&used, true).min_by_key(|at| (hints[*at], *at));
        if let Some(at) = earliest {
            chosen[place] = Some(at);
            used[at] = true;
        }
    }
    for place in [1, 2, 4, 5, 6] {
        if chosen[place].is_none()
            && let Some(at) = free(&used, false).max_by_key(|at| (hints[*at], *at))
        {
            chosen[place] = Some(at);
            used[at] = true;
        }
    }
    let rest = (0..8).min_by_key(|at| (hints[*at], *at)).unwrap_or(0);
    chosen.map(|found| found.unwrap_or(rest))
}

/// Whether a frame of two references may skip modes (5.9.22): it has one before and one after it, or two before it.
pub(super) fn may_skip_modes(
    sequence: &Sequence,
    references: &[Reference; 8],
    chosen: &[usize; 7],
    order_hint: u32,
) -> bool {
    let hints: Vec<i32> = chosen
        .iter()
        .map(|at| distance(sequence, references[*at].order_hint, order_hint))
        .collect();
    let Some(nearest) = hints.iter().filter(|hint| **hint < 0).max() else {
        return false;
    };
    hints.iter().any(|hint| *hint > 0) || hints.iter().any(|hint| hint < nearest)
}
