//! Numbers of seven bits a byte, least significant first, the last byte without its top bit: small numbers take one byte.

/// Appends a number.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Appends a number with a sign: those near 0 take one byte.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, (value << 1 ^ value >> 63).cast_unsigned());
}

/// The number at `at`, which moves behind it; `None` at the end, and where it is broken.
pub(crate) fn take(data: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for (index, byte) in data.get(*at..)?.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *at += index + 1;
            return Some(value);
        }
    }
    None
}

/// The number with a sign at `at`.
pub(crate) fn take_signed(data: &[u8], at: &mut usize) -> Option<i64> {
    let value = take(data, at)?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn numbers_come_back(values: Vec<(u64, i64)>) {
            let mut data = Vec::new();
            for (plain, signed) in &values {
                put(&mut data, *plain);
                put_signed(&mut data, *signed);
            }
            let mut at = 0;
            for (plain, signed) in &values {
                proptest::prop_assert_eq!(take(&data, &mut at), Some(*plain));
                proptest::prop_assert_eq!(take_signed(&data, &mut at), Some(*signed));
            }
            proptest::prop_assert_eq!(take(&data, &mut at), None);
        }
    }

    #[test]
    fn small_numbers_are_short_and_broken_ones_end() {
        let mut data = Vec::new();
        put_signed(&mut data, -64);
        put_signed(&mut data, 63);
        assert_eq!(data.len(), 2);
        assert_eq!(take(&[0x80], &mut 0), None);
        assert_eq!(take(&[0xff; 20], &mut 0), None);
    }
}
