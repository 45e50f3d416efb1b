//! Which bytes of a sample stay in the clear, and their list (ISO/IEC 23001-7, 9.5).

use super::cipher::BLOCK;
use super::nal_units::{NalReader, UNREAD_HEADER};
use crate::codec::av1_units::{Av1Parameters, Tile};
use crate::codec::vp9_frame::{Vp9Parameters, frames};
use crate::mp4::{Codec, SampleEntry};

/// Subsamples of one sample: their list may take 255 bytes (the size field of `saiz`), eight of them an initialization vector.
pub(crate) const MOST: usize = 40;

/// A stretch in the clear and the protected one after it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subsample {
    pub(crate) clear: u16,
    pub(crate) protected: u32,
}

/// What the pictures of a track are read with. It learns from the headers that it meets.
#[derive(Clone, Debug)]
pub(crate) enum SampleReader {
    /// NAL units: slices are protected, less their headers.
    Nal(NalReader),
    /// AV1: tiles are protected (AV1 Codec ISO Media File Format Binding 1.3, section 4).
    Av1(Box<Av1Parameters>),
    /// VP9: frames are protected, less their uncompressed headers (VP Codec ISO Media File Format Binding 1.1, "Common Encryption").
    Vp9(Vp9Parameters),
}

impl SampleReader {
    /// A reader for samples of `entry`; `None` when they are encrypted whole, as sound is.
    pub(crate) fn new(entry: &SampleEntry) -> Option<Self> {
        match &entry.codec {
            Codec::Av1(config) => {
                let mut parameters = Av1Parameters::default();
                parameters.learn(&config.units);
                Some(Self::Av1(Box::new(parameters)))
            }
            Codec::Vp9(_) => Some(Self::Vp9(Vp9Parameters::default())),
            _ => NalReader::new(entry).map(Self::Nal),
        }
    }

    /// The stretches of a sample that are to be protected, as (start, end) in ascending order.
    fn protect(&mut self, sample: &[u8], whole_blocks: bool) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        // Whole blocks end with the stretch; where they start makes up for it.
        let aligned = |start: usize, end: usize| (start + (end - start) % BLOCK, end);
        match self {
            Self::Nal(reader) => reader.protect(sample, whole_blocks, &mut found),
            Self::Av1(parameters) => {
                let mut tiles = Vec::new();
                parameters.tiles(sample, UNREAD_HEADER, &mut tiles);
                // `cbcs` lists every tile, even one that is too short to be encrypted.
                let spans = tiles.iter().map(|Tile { start, end }| {
                    if whole_blocks {
                        aligned(*start, *end)
                    } else {
                        (*start, *end)
                    }
                });
                found.extend(spans.filter(|(start, end)| end > start));
            }
            Self::Vp9(parameters) => {
                for (start, end) in frames(sample) {
                    let header = parameters.read_frame(&sample[start..end]);
                    let from = start + header.unwrap_or(UNREAD_HEADER).min(end - start);
                    // The binding wants whole blocks of both ciphers.
                    let (from, end) = aligned(from, end);
                    if end > from {
                        found.push((from, end));
                    }
                }
            }
        }
        found
    }

    /// How many subsamples a sample takes at most, for room to be kept.
    pub(crate) fn count(&mut self, sample: &[u8]) -> usize {
        let protected = self.protect(sample, false);
        let ends = protected.last().map_or(0, |(_, end)| *end);
        protected.len() + usize::from(ends < sample.len())
    }

    /// Divides a sample into subsamples, appended to `out`; see [`SampleReader::protect`] for `whole_blocks`. At most `most` come
    /// out: where there are more parts, the shortest stay clear.
    pub(crate) fn divide(
        &mut self,
        sample: &[u8],
        whole_blocks: bool,
        most: usize,
        out: &mut Vec<Subsample>,
    ) {
        let mut protected = self.protect(sample, whole_blocks);
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
        let mut reader = SampleReader::Nal(NalReader::without_parameters(2));
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
