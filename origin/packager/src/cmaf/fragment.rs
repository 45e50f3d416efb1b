//! Movie fragments: `moof` boxes (ISO/IEC 14496-12, 8.8.4).

use crate::isobmff::BoxWriter;
use crate::protect::{Auxiliary, AuxiliaryShape, Guard};
use crate::timeline::Timed;

/// `sample_flags` of a sample that depends on no other.
const SYNC: u32 = 0x0200_0000;
/// `sample_flags` of a sample that depends on others and is no sync sample.
const DEPENDS: u32 = 0x0101_0000;

/// How the samples of one fragment are written: what is the same for all goes into `tfhd` once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    count: usize,
    description: u32,
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
    composition: bool,
    /// What is said about encryption; `None` when samples are in the clear.
    auxiliary: Option<AuxiliaryShape>,
}

impl Shape {
    /// The most compact shape for `samples`, which is not empty.
    pub(crate) fn of(samples: &[Timed], guard: Option<Guard<'_>>) -> Self {
        let first = samples.first();
        let same = |field: fn(&Timed) -> u32| {
            let value = first.map(field)?;
            samples
                .iter()
                .all(|sample| field(sample) == value)
                .then_some(value)
        };
        Self {
            count: samples.len(),
            description: first.map_or(1, |sample| sample.description),
            duration: same(|sample| sample.duration),
            size: same(|sample| sample.size),
            flags: same(flags_of),
            composition: samples.iter().any(|sample| sample.composition_offset != 0),
            auxiliary: guard.map(|guard| guard.shape(samples.len())),
        }
    }

    fn entry_len(self) -> usize {
        let fields = [
            self.duration.is_none(),
            self.size.is_none(),
            self.flags.is_none(),
            self.composition,
        ];
        fields.iter().filter(|present| **present).count() * 4
    }

    /// Length of the `moof` box in bytes.
    pub(crate) fn moof_len(self) -> usize {
        let defaults = [
            self.description != 1,
            self.duration.is_some(),
            self.size.is_some(),
            self.flags.is_some(),
        ];
        let tfhd = 16 + defaults.iter().filter(|present| **present).count() * 4;
        let trun = 20 + self.count * self.entry_len();
        let auxiliary = self.auxiliary.map_or(0, |shape| shape.len(self.count));
        8 + 16 + 8 + tfhd + 20 + trun + auxiliary
    }

    /// Writes the `moof` box and the header of the `mdat` box that follows it with `data_len` bytes. `auxiliary` says how the
    /// samples are encrypted, if they are.
    pub(crate) fn write(
        self,
        w: &mut BoxWriter,
        sequence: u32,
        samples: &[Timed],
        data_len: u32,
        auxiliary: &Auxiliary,
    ) {
        let start = w.len();
        w.nest(b"moof", |w| {
            w.nest_full(b"mfhd", 0, 0, |w| w.u32(sequence));
            w.nest(b"traf", |w| {
                self.write_header(w);
                let decode_time = samples.first().map_or(0, |sample| sample.decode_time);
                w.nest_full(b"tfdt", 1, 0, |w| w.i64(decode_time));
                self.write_run(w, samples);
                if let Some(shape) = &self.auxiliary {
                    shape.write(w, auxiliary, samples.len(), start);
                }
            });
        });
        debug_assert_eq!(
            w.len() - start,
            self.moof_len(),
            "playlists state byte ranges computed from this length"
        );
        w.u32(data_len + 8);
        w.bytes(b"mdat");
    }

    fn write_header(self, w: &mut BoxWriter) {
        let mut flags = 0x02_0000;
        let description = Some(self.description).filter(|index| *index != 1);
        for (bit, value) in [
            (2, description),
            (8, self.duration),
            (0x10, self.size),
            (0x20, self.flags),
        ] {
            flags |= if value.is_some() { bit } else { 0 };
        }
        w.nest_full(b"tfhd", 0, flags, |w| {
            w.u32(1);
            for value in [description, self.duration, self.size, self.flags]
                .into_iter()
                .flatten()
            {
                w.u32(value);
            }
        });
    }

    fn write_run(self, w: &mut BoxWriter, samples: &[Timed]) {
        let mut flags = 1;
        for (bit, present) in [
            (0x100, self.duration.is_none()),
            (0x200, self.size.is_none()),
            (0x400, self.flags.is_none()),
            (0x800, self.composition),
        ] {
            flags |= if present { bit } else { 0 };
        }
        w.nest_full(b"trun", 1, flags, |w| {
            w.u32(u32::try_from(samples.len()).unwrap_or(u32::MAX));
            w.u32(u32::try_from(self.moof_len() + 8).unwrap_or(u32::MAX));
            for sample in samples {
                if self.duration.is_none() {
                    w.u32(sample.duration);
                }
                if self.size.is_none() {
                    w.u32(sample.size);
                }
                if self.flags.is_none() {
                    w.u32(flags_of(sample));
                }
                if self.composition {
                    w.i32(sample.composition_offset);
                }
            }
        });
    }
}

fn flags_of(sample: &Timed) -> u32 {
    if sample.sync { SYNC } else { DEPENDS }
}
