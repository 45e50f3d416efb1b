//! Sample auxiliary information: the boxes of a fragment that say how its samples are encrypted (ISO/IEC 23001-7, 7).
//!
//! Playlists state the length of fragments before their samples are read, so room is kept for the lists of subsamples; a `free`
//! box takes what is left of it.

use super::subsamples::Subsample;
use crate::isobmff::BoxWriter;

/// Bytes of a subsample in `senc`.
const ENTRY: usize = 6;
/// Bytes of a `senc` box that only counts samples.
const SILENT: usize = 16;

/// How much a fragment says about the encryption of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuxiliaryShape {
    /// Bytes of the initialization vector of every sample: 8, or 0 when it is constant.
    pub(super) iv_size: u8,
    /// Room for subsamples in all samples together; `None` when samples are encrypted whole.
    pub(super) room: Option<usize>,
    /// Length of the description of a key other than the one in the sample entry; 0 for none.
    pub(super) key_description: usize,
}

/// How the samples of a fragment are encrypted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Auxiliary {
    /// Initialization vector of the first sample; each following sample has the next number.
    pub(super) first_iv: u64,
    /// Number of subsamples of each sample.
    pub(super) counts: Vec<u8>,
    pub(super) subsamples: Vec<Subsample>,
    /// Description of the key, when it is not the one in the sample entry.
    pub(super) key_description: Vec<u8>,
}

impl AuxiliaryShape {
    /// True when samples need no word of their own. `senc` still counts them: AirPlay receivers want it in every encrypted fragment
    /// (Apple HLS Authoring Specification 1.41).
    const fn is_silent(&self) -> bool {
        self.iv_size == 0 && self.room.is_none()
    }

    /// Length in bytes of the boxes for `samples` samples.
    pub(crate) const fn len(&self, samples: usize) -> usize {
        let group = match self.key_description {
            0 => 0,
            // `sbgp` and `sgpd`.
            len => 28 + 24 + len,
        };
        if self.is_silent() {
            return group + SILENT;
        }
        let (table, lists) = match self.room {
            // `saiz` with a size for each sample; counts and room in `senc`; `free`.
            Some(room) => (samples, 2 * samples + ENTRY * room + 8),
            None => (0, 0),
        };
        group + 17 + table + 20 + 16 + self.iv_size as usize * samples + lists
    }

    /// Writes the boxes. `moof` is where the `moof` box starts in `w`.
    pub(crate) fn write(
        &self,
        w: &mut BoxWriter,
        auxiliary: &Auxiliary,
        samples: usize,
        moof: usize,
    ) {
        let count = u32::try_from(samples).unwrap_or(u32::MAX);
        if self.key_description > 0 {
            w.nest_full(b"sbgp", 0, 0, |w| {
                w.bytes(b"seig");
                w.u32(1);
                w.u32(count);
                // The first description of this fragment, not of the track.
                w.u32(0x0001_0001);
            });
            w.nest_full(b"sgpd", 1, 0, |w| {
                w.bytes(b"seig");
                w.u32(u32::try_from(self.key_description).unwrap_or(0));
                w.u32(1);
                w.bytes(&auxiliary.key_description);
            });
        }
        if self.is_silent() {
            w.nest_full(b"senc", 0, 0, |w| w.u32(count));
            return;
        }
        w.nest_full(b"saiz", 0, 0, |w| {
            if self.room.is_some() {
                w.u8(0);
                w.u32(count);
                for subsamples in &auxiliary.counts {
                    // At most 40 subsamples, so the size fits its byte.
                    w.u8((2 + 6 * subsamples).saturating_add(self.iv_size));
                }
            } else {
                w.u8(self.iv_size);
                w.u32(count);
            }
        });
        // The information starts after this box and the fixed part of `senc`.
        let offset = w.len() - moof + 20 + 16;
        w.nest_full(b"saio", 0, 0, |w| {
            w.u32(1);
            w.u32(u32::try_from(offset).unwrap_or(u32::MAX));
        });
        let flags = if self.room.is_some() { 2 } else { 0 };
        w.nest_full(b"senc", 0, flags, |w| {
            w.u32(count);
            let mut subsamples = auxiliary.subsamples.iter();
            for sample in 0..samples {
                if self.iv_size > 0 {
                    w.u64(auxiliary.first_iv.wrapping_add(sample as u64));
                }
                if let Some(count) = auxiliary.counts.get(sample) {
                    w.u16(u16::from(*count));
                    for subsample in subsamples.by_ref().take(usize::from(*count)) {
                        w.u16(subsample.clear);
                        w.u32(subsample.protected);
                    }
                }
            }
        });
        if let Some(room) = self.room {
            let spare = room.saturating_sub(auxiliary.subsamples.len());
            w.nest(b"free", |w| w.zeros(spare * ENTRY));
        }
    }
}
