//! The samples of a track of another container, as they were logged while it was read, and their times.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::samples::Sample;
use crate::Error;
use crate::import::{Log, LogCursor, RunsCursor};

/// The samples of a track in a compact form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    pub(crate) log: Log,
    /// Bytes that are put before each sample.
    pub(crate) extra: u32,
    /// Samples have addresses of their own, one after the other from 0.
    pub(crate) addressed: bool,
    /// Decoding starts at recovery points, too.
    pub(crate) recovery: bool,
    /// Decoding starts at the first sample, whatever is said of it.
    pub(crate) first_sync: bool,
    /// Time from each sample to the next in decode order, in runs.
    pub(crate) durations: Bytes,
    /// Presentation time less decode time, in runs.
    pub(crate) offsets: Bytes,
}

impl Packed {
    /// Number of samples.
    pub(crate) const fn count(&self) -> u64 {
        self.log.count
    }

    /// Appends it to a sidecar: flags (u8), the number of samples (u64), the bytes before each (u32), then samples, durations and offsets,
    /// each after its length (u64).
    pub(crate) fn write(&self, out: &mut BytesMut) {
        let flags = u8::from(self.addressed)
            | u8::from(self.recovery) << 1
            | u8::from(self.log.placed) << 2
            | u8::from(self.first_sync) << 3;
        out.put_u8(flags);
        out.put_u64(self.log.count);
        out.put_u32(self.extra);
        for part in [&self.log.data, &self.durations, &self.offsets] {
            out.put_u64(part.len() as u64);
            out.put_slice(part);
        }
    }

    /// Makes what [`Packed::write`] wrote of its fields and parts; `None` when it is broken.
    pub(crate) fn read(flags: u8, count: u64, extra: u32, parts: [Bytes; 3]) -> Option<Self> {
        let [data, durations, offsets] = parts;
        // A sample takes two bytes at least.
        (count <= data.len() as u64).then_some(Self {
            log: Log {
                data,
                placed: flags & 4 != 0,
                count,
                sync: 0,
                recovery: 0,
            },
            extra,
            addressed: flags & 1 != 0,
            recovery: flags & 2 != 0,
            first_sync: flags & 8 != 0,
            durations,
            offsets,
        })
    }
}

/// A place among packed samples. Copy it to come back later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackedCursor {
    log: LogCursor,
    durations: RunsCursor,
    offsets: RunsCursor,
    index: u64,
    address: u64,
    decode_time: i64,
    duration: u32,
}

impl PackedCursor {
    /// The next sample, or `None` after the last.
    pub(crate) fn next(&mut self, packed: &Packed) -> Result<Option<Sample>, Error> {
        if self.index >= packed.log.count {
            return Ok(None);
        }
        let broken =
            || Error::malformed("index", 0, "a sample lies past the end of 64-bit offsets");
        let Some(logged) = self.log.next(&packed.log.data, packed.log.placed) else {
            return Ok(None);
        };
        let size = logged.size.saturating_add(packed.extra);
        if let Some(duration) = self.durations.next(&packed.durations) {
            self.duration = u32::try_from(duration).unwrap_or(0);
        }
        let offset = self.offsets.next(&packed.offsets).unwrap_or(0);
        let sample = Sample {
            offset: if packed.addressed {
                self.address
            } else {
                logged.offset
            },
            size,
            decode_time: self.decode_time,
            duration: self.duration,
            composition_offset: i32::try_from(offset).unwrap_or(i32::MAX),
            sync: logged.sync
                || (packed.recovery && logged.recovery)
                || (packed.first_sync && self.index == 0),
            description: 1,
        };
        self.index += 1;
        self.address = self
            .address
            .checked_add(u64::from(size))
            .ok_or_else(broken)?;
        self.decode_time = self
            .decode_time
            .checked_add(i64::from(self.duration))
            .ok_or_else(broken)?;
        Ok(Some(sample))
    }
}
