//! Headers of packetized elementary streams (ISO/IEC 13818-1, 2.4.3.6).

/// Time stamps of an access unit, in ticks of 90 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamps {
    pub(super) presentation: i64,
    pub(super) decode: i64,
}

/// Length of a header in bytes.
pub(super) const fn header_len(stamps: Stamps) -> usize {
    if stamps.presentation == stamps.decode {
        14
    } else {
        19
    }
}

/// Writes the header of a packet with `len` bytes of data; `None` leaves the length open, as pictures may.
pub(super) fn write_header(out: &mut Vec<u8>, stream_id: u8, stamps: Stamps, len: Option<usize>) {
    let both = stamps.presentation != stamps.decode;
    let header = header_len(stamps) - 6;
    let length = len
        .and_then(|len| u16::try_from(len + header).ok())
        .unwrap_or(0);
    out.extend_from_slice(&[0, 0, 1, stream_id]);
    out.extend_from_slice(&length.to_be_bytes());
    // The data start with an access unit (data_alignment_indicator).
    out.push(0x84);
    out.push(if both { 0xc0 } else { 0x80 });
    out.push(if both { 10 } else { 5 });
    write_stamp(out, if both { 3 } else { 2 }, stamps.presentation);
    if both {
        write_stamp(out, 1, stamps.decode);
    }
}

/// A time stamp of 33 bits, in three parts with a marker bit after each.
fn write_stamp(out: &mut Vec<u8>, prefix: u8, ticks: i64) {
    let ticks = ticks.rem_euclid(1 << 33).unsigned_abs();
    let value = u64::from(prefix) << 36
        | (ticks >> 30) << 33
        | 1 << 32
        | (ticks >> 15 & 0x7fff) << 17
        | 1 << 16
        | (ticks & 0x7fff) << 1
        | 1;
    out.extend_from_slice(&value.to_be_bytes()[3..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_follow_the_syntax_table() {
        let mut out = Vec::new();
        let stamps = Stamps {
            presentation: 0x1_2345_6789,
            decode: 0,
        };
        write_header(&mut out, 0xe0, stamps, None);
        assert_eq!(out.len(), header_len(stamps));
        // 0x1_2345_6789: 100, 100 0110 1000 1010, 110 0111 1000 1001.
        assert_eq!(
            out,
            [
                0, 0, 1, 0xe0, 0, 0, 0x84, 0xc0, 10, 0x39, 0x8d, 0x15, 0xcf, 0x13, 0x11, 0, 1, 0, 1
            ]
        );
        out.clear();
        let one = Stamps {
            presentation: 1,
            decode: 1,
        };
        write_header(&mut out, 0xc0, one, Some(100));
        assert_eq!(
            out,
            [0, 0, 1, 0xc0, 0, 108, 0x84, 0x80, 5, 0x21, 0, 1, 0, 3]
        );
    }
}
