//! Divides an elementary stream of H.264 or HEVC into access units.

use super::nal_units::{convert, is_set, is_slice, kind, next_start, units};
use crate::Error;
use crate::codec::avc_slice::is_frame_only;

/// Most bytes of an access unit.
const MOST: usize = 64 << 20;
/// Bytes after a start code that tell whether an access unit starts there.
const LOOK: usize = 4;

/// An access unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccessUnit {
    /// Where it starts in the elementary stream, and its length there.
    pub(super) start: u64,
    pub(super) len: u32,
    /// Its length as a sample.
    pub(super) size: u32,
    /// Decoding can start here.
    pub(super) sync: bool,
    /// Pictures can be shown from here on, though some before it in time may be missing (recovery point).
    pub(super) recovery: bool,
    /// It is a field of a picture, the second of two perhaps.
    pub(super) interlaced: bool,
}

/// Divides a stream as it comes in.
#[derive(Debug)]
pub(super) struct Pictures {
    hevc: bool,
    data: Vec<u8>,
    /// Where `data` starts in the elementary stream.
    start: u64,
    /// What has been looked at of `data`.
    seen: usize,
    has_slice: bool,
    /// Parameter sets of the first picture that can be decoded.
    pub(super) sets: Vec<Vec<u8>>,
    frozen: bool,
    frame_only: bool,
}

impl Pictures {
    pub(super) const fn new(hevc: bool) -> Self {
        Self {
            hevc,
            data: Vec::new(),
            start: 0,
            seen: 0,
            has_slice: false,
            sets: Vec::new(),
            frozen: false,
            frame_only: true,
        }
    }

    /// Takes the next bytes of the stream; calls `visit` with every access unit that they complete.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        mut visit: impl FnMut(AccessUnit),
    ) -> Result<(), Error> {
        if self.data.len() + bytes.len() > MOST {
            return Err(Error::malformed(
                "elementary stream",
                self.start,
                format!("an access unit of more than {MOST} bytes"),
            ));
        }
        self.data.extend_from_slice(bytes);
        while let Some(found) = next_start(&self.data, self.seen) {
            let Some(nal) = self.data.get(found + 3..).filter(|nal| nal.len() >= LOOK) else {
                self.seen = found;
                return Ok(());
            };
            let kind = kind(nal, self.hevc);
            if self.has_slice && self.begins_unit(nal, kind) {
                // The zero before a start code of four bytes belongs to it.
                let zero = found > 0 && self.data[found - 1] == 0;
                let end = found - usize::from(zero);
                self.emit(end, &mut visit);
                self.seen = 3 + usize::from(zero);
            } else {
                self.seen = found + 3;
            }
            self.has_slice |= is_slice(kind, self.hevc);
        }
        // The last bytes may be the start of a start code.
        self.seen = self.seen.max(self.data.len().saturating_sub(2));
        Ok(())
    }

    /// The last access unit.
    pub(super) fn finish(&mut self, mut visit: impl FnMut(AccessUnit)) {
        if self.has_slice {
            self.emit(self.data.len(), &mut visit);
        }
    }

    /// True when the NAL unit starts an access unit, given that there was a slice before it (H.264, 7.4.1.2.3; HEVC, 7.4.2.4.4).
    fn begins_unit(&self, nal: &[u8], kind: u8) -> bool {
        if self.hevc {
            matches!(kind, 32..=35 | 39 | 41..=44 | 48..=55) || (kind < 32 && nal[2] & 0x80 != 0)
        } else {
            matches!(kind, 6..=9 | 14..=18) || (matches!(kind, 1 | 2 | 5) && nal[1] & 0x80 != 0)
        }
    }

    fn emit(&mut self, end: usize, visit: &mut impl FnMut(AccessUnit)) {
        let unit = &self.data[..end];
        let (mut sync, mut recovery) = (false, false);
        for nal in units(unit) {
            match (self.hevc, kind(nal, self.hevc)) {
                (false, 5) | (true, 16..=21) => sync = true,
                (false, 6) => recovery |= has_recovery_point(nal),
                (false, 7) => self.frame_only = is_frame_only(nal).unwrap_or(true),
                _ => {}
            }
        }
        if !self.frozen {
            // The sets of the first picture that can be decoded are what the decoder is configured with.
            for nal in units(unit).filter(|nal| is_set(kind(nal, self.hevc), self.hevc)) {
                if !self.sets.iter().any(|set| set == nal) {
                    self.sets.push(nal.to_vec());
                }
            }
            self.frozen = (sync || recovery) && self.is_configured();
        }
        if self.frozen {
            let mut out = Vec::new();
            let sets = &self.sets;
            let size = convert(
                unit,
                self.hevc,
                |nal| sets.iter().any(|set| set == nal),
                &mut out,
            );
            let fits = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
            visit(AccessUnit {
                start: self.start,
                len: fits(end),
                size: fits(size),
                sync,
                recovery,
                interlaced: !self.frame_only,
            });
        }
        self.data.drain(..end);
        self.start += end as u64;
        self.has_slice = false;
    }

    fn is_configured(&self) -> bool {
        let wanted: &[u8] = if self.hevc { &[32, 33, 34] } else { &[7, 8] };
        wanted
            .iter()
            .all(|wanted| self.sets.iter().any(|set| kind(set, self.hevc) == *wanted))
    }
}

/// True when supplemental information of H.264 says that pictures are right from here on (D.1.8: payload type 6).
fn has_recovery_point(nal: &[u8]) -> bool {
    let mut rest = &nal[1..];
    loop {
        let mut values = [0_usize; 2];
        for value in &mut values {
            loop {
                let Some((&byte, after)) = rest.split_first() else {
                    return false;
                };
                rest = after;
                *value += usize::from(byte);
                if byte < 255 {
                    break;
                }
            }
        }
        let [kind, len] = values;
        if kind == 6 {
            // recovery_frame_cnt is 0: its code is a single bit.
            return rest.first().is_some_and(|byte| byte & 0x80 != 0);
        }
        match rest.get(len..) {
            Some(after) => rest = after,
            None => return false,
        }
    }
}
