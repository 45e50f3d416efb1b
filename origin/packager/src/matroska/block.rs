//! Blocks (RFC 9559, 10): the frames that they hold.

use super::ebml::number;

/// The head of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) track: u64,
    /// Ticks after the time of the cluster.
    pub(super) time: i16,
    /// Set in a simple block whose frames depend on no other.
    pub(super) keyframe: bool,
    /// Frames as (offset in the block, length in bytes).
    pub(super) frames: Vec<(u64, u64)>,
}

/// Bytes of a block's head that are looked at, when frames are laced and when they are not.
pub(super) const HEAD: u64 = 64;
pub(super) const LACED_HEAD: u64 = 64 << 10;

/// True when the block that starts with `head` holds several frames, so that its head is long.
pub(super) fn is_laced(head: &[u8]) -> bool {
    number(head)
        .and_then(|(_, len)| head.get(len + 2))
        .is_some_and(|flags| flags & 6 != 0)
}

impl Block {
    /// Reads the head of a block of `len` bytes; `None` when it is broken.
    pub(super) fn parse(head: &[u8], len: u64) -> Option<Self> {
        let (track, at) = number(head)?;
        let &[high, low, flags] = head.get(at..at + 3)? else {
            return None;
        };
        let mut block = Self {
            track,
            time: i16::from_be_bytes([high, low]),
            keyframe: flags & 0x80 != 0,
            frames: Vec::new(),
        };
        let mut at = at + 3;
        let lacing = flags >> 1 & 3;
        if lacing == 0 {
            block.push(at as u64, len.checked_sub(at as u64)?);
            return Some(block);
        }
        let count = usize::from(*head.get(at)?) + 1;
        at += 1;
        let mut sizes = Vec::with_capacity(count);
        match lacing {
            // Xiph: bytes of 255 and one that is less.
            1 => {
                for _ in 1..count {
                    let mut size = 0_u64;
                    loop {
                        let byte = *head.get(at)?;
                        at += 1;
                        size += u64::from(byte);
                        if byte < 255 {
                            break;
                        }
                    }
                    sizes.push(size);
                }
            }
            // EBML: the first size, then differences.
            3 if count > 1 => {
                let (mut size, used) = number(head.get(at..)?)?;
                at += used;
                sizes.push(size);
                for _ in 2..count {
                    let (value, used) = number(head.get(at..)?)?;
                    at += used;
                    let middle = (1_u64 << (7 * used - 1)) - 1;
                    size = size.checked_add(value)?.checked_sub(middle)?;
                    sizes.push(size);
                }
            }
            // Fixed: all the same.
            2 => {
                let size = len.checked_sub(at as u64)? / count as u64;
                sizes.resize(count - 1, size);
            }
            _ => {}
        }
        let known = sizes
            .iter()
            .try_fold(0_u64, |sum, size| sum.checked_add(*size))?;
        let mut start = at as u64;
        let last = len.checked_sub(start)?.checked_sub(known)?;
        for size in sizes.into_iter().chain([last]) {
            block.push(start, size);
            start += size;
        }
        Some(block)
    }

    fn push(&mut self, start: u64, len: u64) {
        if len > 0 {
            self.frames.push((start, len));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_lacing() {
        let plain = Block::parse(&[0x81, 0xff, 0xfe, 0x80], 100).unwrap();
        assert_eq!((plain.track, plain.time, plain.keyframe), (1, -2, true));
        assert_eq!(plain.frames, [(4, 96)]);
        // The example of RFC 9559, 10.3: frames of 800, 500 and 1000 bytes.
        let xiph = [0x81, 0, 0, 2, 2, 255, 255, 255, 35, 255, 245];
        let block = Block::parse(&xiph, 11 + 2300).unwrap();
        assert_eq!(block.frames, [(11, 800), (811, 500), (1311, 1000)]);
        let ebml = [0x81, 0, 0, 6, 2, 0x43, 0x20, 0x5e, 0xd3];
        let block = Block::parse(&ebml, 9 + 2300).unwrap();
        assert_eq!(block.frames, [(9, 800), (809, 500), (1309, 1000)]);
        let fixed = [0x81, 0, 0, 4, 2];
        let block = Block::parse(&fixed, 5 + 2400).unwrap();
        assert_eq!(block.frames, [(5, 800), (805, 800), (1605, 800)]);
        assert_eq!(Block::parse(&xiph, 100), None);
        assert!(is_laced(&fixed) && !is_laced(&[0x81, 0, 0, 0x80]));
    }
}
