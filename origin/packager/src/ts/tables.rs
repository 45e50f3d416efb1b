//! Program specific information (ISO/IEC 13818-1, 2.4.4): which packets are the elementary stream, and what it holds.

/// Packet identifier of the program map table.
pub(super) const PROGRAM_MAP_PID: u16 = 0x1000;
/// Packet identifier of the elementary stream.
pub(super) const STREAM_PID: u16 = 0x100;

/// The program association table: one program.
pub(super) fn association() -> Vec<u8> {
    let [high, low] = PROGRAM_MAP_PID.to_be_bytes();
    section(0, &[0, 1, 0xe0 | high, low])
}

/// The program map table: one stream, which carries the clock too.
pub(super) fn map(stream_type: u8, descriptors: &[u8]) -> Vec<u8> {
    let [high, low] = STREAM_PID.to_be_bytes();
    let mut body = vec![0xe0 | high, low, 0xf0, 0, stream_type, 0xe0 | high, low];
    let len = u16::try_from(descriptors.len()).unwrap_or(0).to_be_bytes();
    body.extend_from_slice(&[0xf0 | len[0], len[1]]);
    body.extend_from_slice(descriptors);
    section(2, &body)
}

/// A section of the table with this id: version 0, in force, the only one.
fn section(table: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len() + 9).unwrap_or(0).to_be_bytes();
    let mut out = vec![table, 0xb0 | high, low, 0, 1, 0xc1, 0, 0];
    out.extend_from_slice(body);
    let check = checksum(&out);
    out.extend_from_slice(&check.to_be_bytes());
    out
}

/// The cyclic redundancy check of annex A: polynomial 0x04c11db7, all ones at the start, no reflection.
pub(crate) fn checksum(data: &[u8]) -> u32 {
    data.iter().fold(u32::MAX, |check, byte| {
        (0..8).fold(check ^ u32::from(*byte) << 24, |check, _| {
            let carry = check >> 31 == 1;
            check << 1 ^ if carry { 0x04c1_1db7 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_end_with_their_checksum() {
        // The check value of CRC-32/MPEG-2.
        assert_eq!(checksum(b"123456789"), 0x0376_e6e7);
        let table = map(0x0f, &[0x0a, 4, b'e', b'n', b'g', 0]);
        assert_eq!(usize::from(table[2]) + 3, table.len());
        assert_eq!(checksum(&table), 0, "a whole section checks to zero");
        assert_eq!(checksum(&association()), 0);
    }
}
