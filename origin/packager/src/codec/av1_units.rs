//! Temporal units of AV1: where the data of tiles lie in them (AV1 specification, 5.3 and 5.11).

use super::BitReader;
use super::av1::leb128;
use super::av1_frame::{Frame, Layer, read_frame};
use super::av1_references::Reference;
use super::av1_sequence::Sequence;
use super::av1_tiles::Tiles;

const SEQUENCE_HEADER: u8 = 1;
const FRAME_HEADER: u8 = 3;
const TILE_GROUP: u8 = 4;
const FRAME: u8 = 6;

/// A stretch of a sample, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What headers depend on, kept from one sample to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Av1Parameters {
    sequence: Option<Sequence>,
    references: [Reference; 8],
    /// The frame whose tile groups follow.
    current: Option<Tiles>,
}

/// Why the tiles of a unit cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unread;

impl Av1Parameters {
    /// Takes the open bitstream units of a configuration box.
    pub(crate) fn learn(&mut self, units: &[u8]) {
        self.tiles(units, 0, &mut Vec::new());
    }

    /// Appends the tiles of a sample to `out`. A frame whose header cannot be read counts as one tile that starts `unread` bytes
    /// after the header of its unit.
    pub(crate) fn tiles(&mut self, sample: &[u8], unread: usize, out: &mut Vec<Tile>) {
        let mut at = 0;
        while let Some((kind, layer, start, end)) = unit(sample, at) {
            at = end;
            let payload = &sample[start..end];
            let result = match kind {
                SEQUENCE_HEADER => {
                    self.sequence = Sequence::parse(payload).or(self.sequence.take());
                    Ok(())
                }
                // A header that is there already is a copy.
                FRAME_HEADER if self.current.is_some() => Ok(()),
                FRAME_HEADER => self.read_header(payload, layer).map(|_| ()),
                FRAME => self
                    .read_header(payload, layer)
                    .and_then(|len| self.read_group(sample, start + len, end, out)),
                TILE_GROUP => self.read_group(sample, start, end, out),
                _ => Ok(()),
            };
            if result == Err(Unread) {
                self.current = None;
                if matches!(kind, FRAME | TILE_GROUP) {
                    out.push(Tile {
                        start: (start + unread).min(end),
                        end,
                    });
                }
            }
        }
    }

    /// Reads the header of a frame; its length in bytes.
    fn read_header(&mut self, payload: &[u8], layer: Layer) -> Result<usize, Unread> {
        let sequence = self.sequence.as_ref().ok_or(Unread)?;
        let mut r = BitReader::new(payload);
        let frame = read_frame(sequence, &mut self.references, layer, &mut r).ok_or(Unread)?;
        self.current = match frame {
            Frame::Shown => None,
            Frame::Coded(tiles) => Some(tiles),
        };
        Ok(r.position().div_ceil(8))
    }

    /// Reads a group of tiles (`tile_group_obu`, 5.11.1) at `start`. Nothing is kept of a group that is broken.
    fn read_group(
        &mut self,
        sample: &[u8],
        start: usize,
        end: usize,
        out: &mut Vec<Tile>,
    ) -> Result<(), Unread> {
        let tiles = self.current.ok_or(Unread)?;
        let data = sample.get(start..end).ok_or(Unread)?;
        let known = out.len();
        match divide(tiles, data, start, out) {
            Some(last) => {
                if last + 1 >= tiles.count {
                    self.current = None;
                }
                Ok(())
            }
            None => {
                out.truncate(known);
                Err(Unread)
            }
        }
    }
}

/// Appends the tiles of a group that starts at `start` in its sample; the number of the last one.
fn divide(tiles: Tiles, data: &[u8], start: usize, out: &mut Vec<Tile>) -> Option<u32> {
    let mut r = BitReader::new(data);
    let (mut first, mut last) = (0, tiles.count - 1);
    if tiles.count > 1 && r.flag()? {
        first = r.bits(tiles.number_bits)?;
        last = r.bits(tiles.number_bits)?;
    }
    if first > last || last >= tiles.count {
        return None;
    }
    let mut at = r.position().div_ceil(8);
    for number in first..=last {
        let mut len = data.len().checked_sub(at)?;
        if number < last {
            let size = data.get(at..at + tiles.size_bytes)?;
            at += tiles.size_bytes;
            len = size
                .iter()
                .rev()
                .fold(0_usize, |value, byte| value << 8 | usize::from(*byte))
                + 1;
        }
        let end = at.checked_add(len).filter(|end| *end <= data.len())?;
        out.push(Tile {
            start: start + at,
            end: start + end,
        });
        at = end;
    }
    Some(last)
}

/// The open bitstream units of a sample, as types and payloads. What is broken or cut off ends the walk.
pub(crate) fn units(sample: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (kind, _, start, end) = unit(sample, at)?;
        at = end;
        Some((kind, &sample[start..end]))
    })
}

/// The open bitstream unit at `at`: its type, layer, and where its payload starts and ends. `None` at the end, and where it is broken.
fn unit(sample: &[u8], at: usize) -> Option<(u8, Layer, usize, usize)> {
    let (&header, mut rest) = sample.get(at..)?.split_first()?;
    let mut layer = Layer::default();
    if header & 4 != 0 {
        let (extension, after) = rest.split_first()?;
        layer = Layer {
            temporal: u32::from(extension >> 5),
            spatial: u32::from(extension >> 3 & 3),
        };
        rest = after;
    }
    let len = if header & 2 != 0 {
        let (len, after) = leb128(rest)?;
        rest = after;
        len
    } else {
        rest.len()
    };
    let start = sample.len() - rest.len();
    let end = start.checked_add(len).filter(|end| *end <= sample.len())?;
    Some((header >> 3 & 15, layer, start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_divide_into_tiles() {
        let tiles = Tiles {
            count: 4,
            number_bits: 2,
            size_bytes: 1,
        };
        // No range of tiles; sizes less one, then the data; the last takes the rest.
        let data = [0, 1, 7, 7, 0, 8, 2, 9, 9, 9, 5, 5];
        let mut out = Vec::new();
        assert_eq!(divide(tiles, &data, 100, &mut out), Some(3));
        let found: Vec<_> = out.iter().map(|tile| (tile.start, tile.end)).collect();
        assert_eq!(found, [(102, 104), (105, 106), (107, 110), (110, 112)]);
        // Tiles 2 to 3 alone.
        let data = [0b1101_1000, 0, 7, 5];
        out.clear();
        assert_eq!(divide(tiles, &data, 0, &mut out), Some(3));
        assert_eq!((out[0].start, out[1].end), (2, 4));
        // A size that the data do not have.
        assert_eq!(divide(tiles, &[0, 9, 1], 0, &mut Vec::new()), None);
    }
}
