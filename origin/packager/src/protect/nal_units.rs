//! Which bytes of H.264 and HEVC pictures stay in the clear (ISO/IEC 23001-7, 9.5): the length and header of every NAL unit,
//! parameter sets and messages, and slice headers, which players read before they decrypt.

use super::cipher::BLOCK;
use crate::codec::avc_slice::AvcParameters;
use crate::codec::hevc_parameters::{HevcParameters, nal_layer};
use crate::codec::{NalPrefix, avc, hevc};
use crate::mp4::{Codec, SampleEntry};

/// Bytes that stay in the clear in a slice whose header cannot be read. Few headers are longer; decryption does not depend on it.
pub(super) const UNREAD_HEADER: usize = 128;
/// Bytes of a slice that are looked at first for its header, and if it does not end there.
const LOOK: [usize; 2] = [192, 16 << 10];

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
    pub(super) fn new(entry: &SampleEntry) -> Option<Self> {
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

    /// A reader of H.264 that knows no parameter set.
    #[cfg(test)]
    pub(super) fn without_parameters(length_size: usize) -> Self {
        Self {
            syntax: Syntax::Avc(AvcParameters::default()),
            length_size,
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

    /// Appends what is to be protected of a sample, as (start, end). With `whole_blocks` protected stretches are whole blocks, which
    /// counter mode in hardware wants; the bytes before them make up for it.
    pub(super) fn protect(
        &mut self,
        sample: &[u8],
        whole_blocks: bool,
        out: &mut Vec<(usize, usize)>,
    ) {
        let mut units = Vec::new();
        self.walk(sample, |start, end| units.push((start, end)));
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
                out.push((from, end));
            }
        }
    }
}
