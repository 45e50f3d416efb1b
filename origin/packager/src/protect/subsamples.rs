//! Which bytes of a picture stay in the clear (ISO/IEC 23001-7, 9.5): the length and header of every NAL unit, parameter sets and
//! messages, and slice headers, which players read before they decrypt.

use super::cipher::BLOCK;
use crate::codec::avc_slice::AvcParameters;
use crate::codec::hevc_slice::{HevcParameters, nal_layer};
use crate::codec::{NalPrefix, avc, hevc};
use crate::mp4::{Codec, SampleEntry};

/// Bytes that stay in the clear in a slice whose header cannot be read. Few headers are longer; decryption does not depend on it.
const UNREAD_HEADER: usize = 128;
/// Bytes of a slice that are looked at first for its header, and if it does not end there.
const LOOK: [usize; 2] = [192, 16 << 10];
/// Subsamples of one sample: their list may take 255 bytes (the size field of `saiz`), eight of them an initialization vector.
pub(crate) const MOST: usize = 40;

/// A stretch in the clear and the protected one after it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subsample {
    pub(crate) clear: u16,
    pub(crate) protected: u32,
}

/// What the NAL units of a track are read with. It learns from the parameter sets that it meets.
#[derive(Clone, Debug)]
pub(crate) struct NalReader {
    syntax: Syntax,
    length_size: usize,
}

#[derive(Clone, Debug)]
enum Syntax {
    Avc(AvcParameters),
    Hevc(HevcParameters),
}

impl NalReader {
    /// A reader for samples of `entry`; `None` when its samples are not made of NAL units.
    pub(crate) fn new(entry: &SampleEntry) -> Option<Self> {
        match &entry.codec {
            Codec::Avc(config) => {
                let mut parameters = AvcParameters::default();
                let sets = config.sps.iter().chain(&config.pps);
                sets.for_each(|nal| parameters.learn(nal));
                Some(Self {
                    syntax: Syntax::Avc(parameters),
                    length_size: usize::from(config.length_size),
                })
            }
            Codec::Hevc(config) => {
                let mut parameters = HevcParameters::default();
                let sets = config.arrays.iter().flat_map(|(_, units)| units);
                sets.for_each(|nal| parameters.learn(nal));
                Some(Self {
                    syntax: Syntax::Hevc(parameters),
                    length_size: usize::from(config.length_size),
                })
            }
            _ => None,
        }
    }

    /// Takes a parameter set that stands among the samples.
    fn learn(&mut self, nal: &[u8]) {
        match &mut self.syntax {
            Syntax::Avc(parameters) => parameters.learn(nal),
            Syntax::Hevc(parameters) => parameters.learn(nal),
        }
    }

    /// True when this is a slice, which is what gets encrypted.
    fn is_slice(&self, nal: &[u8]) -> bool {
        nal.first().is_some_and(|header| match self.syntax {
            Syntax::Avc(_) => avc::is_sync_nal(*header).is_some(),
            Syntax::Hevc(_) => hevc::is_sync_nal(*header).is_some(),
        })
    }

    /// Length of a slice's headers in bytes.
    fn header_len(&self, nal: &[u8]) -> usize {
        let found = LOOK.iter().find_map(|most| match &self.syntax {
            Syntax::Avc(parameters) => {
                let header = *nal.first()?;
                NalPrefix::new(nal, 1, *most).measure(|r| parameters.read_slice(header, r))
            }
            Syntax::Hevc(parameters) => {
                let kind = nal.first()? >> 1 & 63;
                if nal.len() < 2 || nal_layer(nal) != 0 {
                    return None;
                }
                NalPrefix::new(nal, 2, *most).measure(|r| parameters.read_slice(kind, r))
            }
        });
        found.unwrap_or(UNREAD_HEADER).min(nal.len())
    }

    /// Calls `visit` with start and end of every NAL unit of a sample. What is broken ends the walk.
    fn walk(&self, sample: &[u8], mut visit: impl FnMut(usize, usize)) {
        let mut at = 0;
        while let Some((length, _)) = sample
            .get(at..)
            .and_then(|rest| rest.split_at_checked(self.length_size))
        {
            let length = length
                .iter()
                .fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
            let start = at + self.length_size;
            let Some(end) = start.checked_add(length).filter(|end| *end <= sample.len()) else {
                return;
            };
            visit(start, end);
            at = end;
        }
    }

    /// How many subsamples a sample takes at most, for room to be kept.
    pub(crate) fn count(&self, sample: &[u8]) -> usize {
        let mut count = 0;
        let mut last_end = 0;
        self.walk(sample, |start, end| {
            if self.is_slice(&sample[start..end]) {
                count += 1;
                last_end = end;
            }
        });
        count + usize::from(last_end < sample.len())
    }

    /// Divides a sample. With `whole_blocks` protected stretches are whole blocks, which counter mode in hardware wants; the
    /// bytes before them make up for it. At most `most` subsamples come out: where there are more slices, the shortest stay clear.
    pub(crate) fn divide(
        &mut self,
        sample: &[u8],
        whole_blocks: bool,
        most: usize,
        out: &mut Vec<Subsample>,
    ) {
        let mut units = Vec::new();
        self.walk(sample, |start, end| units.push((start, end)));
        let mut protected: Vec<(usize, usize)> = Vec::new();
        for (start, end) in units {
            let nal = &sample[start..end];
            if !self.is_slice(nal) {
                self.learn(nal);
                continue;
            }
            let mut from = start + self.header_len(nal);
            if whole_blocks {
                from += (end - from) % BLOCK;
            }
            if end - from >= BLOCK {
                protected.push((from, end));
            }
        }
        let first = out.len();
        loop {
            write(sample.len(), &protected, out);
            let count = out.len() - first;
            let shortest =
                (0..protected.len()).min_by_key(|at| protected[*at].1 - protected[*at].0);
            match shortest {
                Some(shortest) if count > most => {
                    protected.remove(shortest);
                    out.truncate(first);
                }
                _ => return,
            }
        }
    }
}

/// Writes the list of subsamples for the protected stretches of a sample.
fn write(len: usize, protected: &[(usize, usize)], out: &mut Vec<Subsample>) {
    let mut at = 0;
    let mut push = |clear_end: usize, end: usize, at: &mut usize| {
        let mut clear = clear_end - *at;
        while let Some(rest) = clear.checked_sub(usize::from(u16::MAX) + 1) {
            out.push(Subsample {
                clear: u16::MAX,
                protected: 0,
            });
            clear = rest + 1;
        }
        let (clear, protected) = (u16::try_from(clear), u32::try_from(end - clear_end));
        out.push(Subsample {
            clear: clear.unwrap_or(u16::MAX),
            protected: protected.unwrap_or(u32::MAX),
        });
        *at = end;
    };
    for (from, end) in protected {
        push(*from, *end, &mut at);
    }
    if at < len {
        push(len, len, &mut at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sub(clear: u16, protected: u32) -> Subsample {
        Subsample { clear, protected }
    }

    #[test]
    fn long_clear_stretches_are_divided() {
        let mut out = Vec::new();
        write(200_010, &[(140_000, 200_000)], &mut out);
        assert_eq!(
            out,
            [sub(65535, 0), sub(65535, 0), sub(8930, 60_000), sub(10, 0)]
        );
        out.clear();
        write(65_535 + 16, &[(65_535, 65_551)], &mut out);
        assert_eq!(out, [sub(65535, 16)]);
        out.clear();
        write(65_536, &[], &mut out);
        assert_eq!(out, [sub(65535, 0), sub(1, 0)]);
    }

    #[test]
    fn too_many_slices_leave_the_shortest_clear() {
        let mut reader = NalReader {
            syntax: Syntax::Avc(AvcParameters::default()),
            length_size: 2,
        };
        // Three slices of 400, 200 and 300 bytes; their headers cannot be read, for there is no parameter set.
        let mut sample = Vec::new();
        for len in [400_u16, 200, 300] {
            sample.extend_from_slice(&len.to_be_bytes());
            sample.push(0x41);
            sample.resize(sample.len() + usize::from(len) - 1, 0xaa);
        }
        let mut out = Vec::new();
        reader.divide(&sample, false, MOST, &mut out);
        assert_eq!(out, [sub(130, 272), sub(130, 72), sub(130, 172)]);
        assert_eq!(reader.count(&sample), 3);
        out.clear();
        reader.divide(&sample, true, 2, &mut out);
        assert_eq!(out, [sub(130, 272), sub(202 + 130 + 12, 160)]);
        out.clear();
        // What is broken stays clear.
        reader.divide(&[0, 9, 0x41], false, MOST, &mut out);
        assert_eq!(out, [sub(3, 0)]);
    }
}
