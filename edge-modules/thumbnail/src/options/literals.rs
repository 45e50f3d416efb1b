//! Numbers and colours as texts.

use std::fmt;

/// A colour as `rgb`, `rgba`, `rrggbb` or `rrggbbaa` in hexadecimal, with or without `#`, or one of four words.
pub(crate) fn colour(text: &str) -> Option<[u8; 4]> {
    match text {
        "white" => return Some([255, 255, 255, 255]),
        "black" => return Some([0, 0, 0, 255]),
        "gray" | "grey" => return Some([128, 128, 128, 255]),
        "transparent" => return Some([0, 0, 0, 0]),
        _ => {}
    }
    let text = text.strip_prefix('#').unwrap_or(text);
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    Some(match digits[..] {
        [r, g, b] => [r * 17, g * 17, b * 17, 255],
        [r, g, b, a] => [r * 17, g * 17, b * 17, a * 17],
        [r1, r0, g1, g0, b1, b0] => [r1 * 16 + r0, g1 * 16 + g0, b1 * 16 + b0, 255],
        [r1, r0, g1, g0, b1, b0, a1, a0] => {
            [r1 * 16 + r0, g1 * 16 + g0, b1 * 16 + b0, a1 * 16 + a0]
        }
        _ => return None,
    })
}

/// A whole number without sign, at most nine digits.
pub(crate) fn integer(text: &str) -> Option<u32> {
    let digits = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// A decimal number without sign or exponent as an integer of `decimals` places; more places than that are refused unless
/// they are zeros.
pub(crate) fn fixed(text: &str, decimals: u32) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let whole = u64::from(if whole.is_empty() && text.len() > 1 {
        0
    } else {
        integer(whole)?
    });
    if part.is_empty() || part.len() > 9 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut value = whole;
    let mut digits = part.bytes();
    for _ in 0..decimals {
        value = value * 10 + u64::from(digits.next().unwrap_or(b'0') - b'0');
    }
    digits.all(|digit| digit == b'0').then_some(value)
}

/// Prints an integer of `decimals` places without trailing zeros.
pub(super) fn write_fixed(f: &mut fmt::Formatter<'_>, value: u64, decimals: usize) -> fmt::Result {
    let scale = 10u64.pow(u32::try_from(decimals).unwrap_or(0));
    write!(f, "{}", value / scale)?;
    let part = value % scale;
    if part == 0 {
        return Ok(());
    }
    let digits = format!("{part:0decimals$}");
    write!(f, ".{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(fixed("1.25", 2), Some(125));
        assert_eq!(fixed(".5", 3), Some(500));
        assert_eq!(fixed("2.50", 1), Some(25));
        for bad in [
            "",
            ".",
            "1.",
            "-1",
            "1e3",
            "1.25",
            "+1",
            "1 ",
            "1234567890",
            "0x1",
            "1.2.3",
        ] {
            assert_eq!(fixed(bad, 1), None, "{bad}");
        }
    }

    #[test]
    fn colours_in_every_spelling() {
        assert_eq!(colour("f0a"), Some([255, 0, 170, 255]));
        assert_eq!(colour("#10203040"), Some([16, 32, 48, 64]));
        assert_eq!(colour("white"), Some([255; 4]));
        assert_eq!(colour("12345"), None);
        assert_eq!(colour("ggg"), None);
        assert_eq!(colour("é0a"), None);
    }
}
