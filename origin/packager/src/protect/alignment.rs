//! Blocks of a single file whose segments are encrypted whole.
//!
//! A player takes a keyframe out of such a file by itself: it widens the byte range of the I-frame playlist to whole blocks of the
//! cipher, which it counts from the start of the file, and takes one block more in front as the initialization vector (RFC 8216bis
//! 6.3.6). So every segment starts on such a block. Those that are encrypted do, for their padding fills a block; what is in the
//! clear before them is filled up here.

use bytes::Bytes;

use super::cipher::BLOCK;
use crate::isobmff::BoxWriter;
use crate::ts;

/// Header of a box.
const BOX_HEADER: u64 = 8;

/// Bytes of a `free` box that brings `len` bytes to whole blocks; 0 when they are.
pub(crate) const fn free_box_len(len: u64) -> u64 {
    let missing = len.wrapping_neg() % BLOCK as u64;
    if missing > 0 && missing < BOX_HEADER {
        missing + BLOCK as u64
    } else {
        missing
    }
}

/// A `free` box of `len` bytes (ISO/IEC 14496-12, 8.1.2); nothing when it has none.
pub(crate) fn free_box(len: u64) -> Bytes {
    let mut w = BoxWriter::default();
    if let Some(content) = len.checked_sub(BOX_HEADER) {
        w.nest(b"free", |w| (0..content).for_each(|_| w.u8(0)));
    }
    w.finish()
}

/// Bytes of the packets that bring `len` bytes of a transport stream to whole blocks.
pub(crate) const fn null_packets_len(len: u64) -> u64 {
    // Four packets are 47 blocks.
    let packets = len / ts::PACKET as u64;
    packets.wrapping_neg() % 4 * ts::PACKET as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_up_ends_with_a_block() {
        for len in 0..64_u64 {
            let free = free_box(free_box_len(len));
            assert_eq!(free.len() as u64, free_box_len(len));
            assert_eq!((len + free.len() as u64) % 16, 0, "{len}");
            if !free.is_empty() {
                let size = u32::from_be_bytes(free[..4].try_into().unwrap());
                assert_eq!(size as usize, free.len());
            }
            let packets = len * 188;
            let filled = packets + null_packets_len(packets);
            assert_eq!((filled % 16, filled % 188), (0, 0), "{len} packets");
        }
    }
}
