//! Attribute values (RFC 8216bis 4.2).

/// A decimal-integer: digits only, at most 2^64-1.
pub(in crate::lint) fn decimal_integer(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A decimal-floating-point, with a sign where `signed` allows it.
pub(in crate::lint) fn floating_point(text: &str, signed: bool) -> Option<f64> {
    let digits = match text.strip_prefix('-') {
        Some(rest) if signed => rest,
        Some(_) => return None,
        None => text,
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.bytes().filter(|b| *b == b'.').count() <= 1;
    plain
        .then(|| text.parse::<f64>().ok())
        .flatten()
        .filter(|value| value.is_finite())
}

/// A hexadecimal-sequence: `0x` or `0X` and digits with capital letters.
pub(super) fn is_hexadecimal(text: &str) -> bool {
    text.strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
        })
}

/// A decimal-resolution: width and height in pixels.
pub(in crate::lint) fn resolution(text: &str) -> Option<(u64, u64)> {
    let (width, height) = text.split_once('x')?;
    Some((decimal_integer(width)?, decimal_integer(height)?))
}

/// `n[@o]`: a length and, where it is said, where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) struct ByteRangeValue {
    /// Length in bytes.
    pub(in crate::lint) len: u64,
    /// First byte.
    pub(in crate::lint) offset: Option<u64>,
}

impl ByteRangeValue {
    /// Reads the value of `EXT-X-BYTERANGE`.
    pub(in crate::lint) fn parse(text: &str) -> Option<Self> {
        match text.split_once('@') {
            Some((len, offset)) => Some(Self {
                len: decimal_integer(len)?,
                offset: Some(decimal_integer(offset)?),
            }),
            None => Some(Self {
                len: decimal_integer(text)?,
                offset: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        assert_eq!(decimal_integer("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "-1", "+1", "1.0", "18446744073709551616", "١"] {
            assert_eq!(decimal_integer(bad), None, "{bad}");
        }
        assert_eq!(floating_point("6.", false), Some(6.0));
        assert_eq!(floating_point(".5", false), Some(0.5));
        assert_eq!(floating_point("-2.5", true), Some(-2.5));
        for bad in ["", ".", "1e3", "inf", "NaN", "1.2.3", "-1", "--1"] {
            assert_eq!(floating_point(bad, false), None, "{bad}");
        }
        assert!(is_hexadecimal("0x0A") && is_hexadecimal("0XFF"));
        assert!(!is_hexadecimal("0xfg") && !is_hexadecimal("0x") && !is_hexadecimal("0xab"));
        assert_eq!(resolution("1920x1080"), Some((1920, 1080)));
        assert_eq!(resolution("1920X1080"), None);
        assert_eq!(
            ByteRangeValue::parse("5@7"),
            Some(ByteRangeValue {
                len: 5,
                offset: Some(7)
            })
        );
        assert_eq!(ByteRangeValue::parse("5@"), None);
    }
}
