//! Headers of packetized elementary streams (ISO/IEC 13818-1, 2.4.3.6).

/// The time stamps of a unit, in ticks of 90 kHz, modulo 2^33.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(super) presentation: Option<i64>,
    pub(super) decode: Option<i64>,
}

/// What came of reading a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// The header and its length in bytes.
    Header(Header, usize),
    /// There is more of it.
    Short,
    Broken,
}

impl Header {
    pub(super) fn parse(data: &[u8]) -> Parsed {
        if data.len() < 9 {
            return Parsed::Short;
        }
        if data[..3] != [0, 0, 1] || data[6] & 0xc0 != 0x80 {
            return Parsed::Broken;
        }
        let len = 9 + usize::from(data[8]);
        if data.len() < len {
            return Parsed::Short;
        }
        let fields = &data[9..len];
        let has = |mask: u8| data[7] & mask == mask;
        Parsed::Header(
            Self {
                presentation: has(0x80).then(|| stamp(fields)).flatten(),
                decode: has(0xc0).then(|| stamp(fields.get(5..)?)).flatten(),
            },
            len,
        )
    }
}

/// A time stamp of 33 bits in five bytes.
fn stamp(fields: &[u8]) -> Option<i64> {
    let &[a, b, c, d, e, ..] = fields else {
        return None;
    };
    let part = |byte: u8| i64::from(byte >> 1);
    Some((part(a) & 7) << 30 | i64::from(b) << 22 | part(c) << 15 | i64::from(d) << 7 | part(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stamps() {
        let data = [
            0, 0, 1, 0xe0, 0, 0, 0x84, 0xc0, 10, 0x39, 0x8d, 0x15, 0xcf, 0x13, 0x11, 0, 1, 0, 1, 9,
        ];
        let wanted = Header {
            presentation: Some(0x1_2345_6789),
            decode: Some(0),
        };
        assert_eq!(Header::parse(&data), Parsed::Header(wanted, 19));
        assert_eq!(Header::parse(&data[..12]), Parsed::Short);
        assert_eq!(Header::parse(&[1; 20]), Parsed::Broken);
    }
}
