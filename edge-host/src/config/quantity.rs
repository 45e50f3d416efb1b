//! Sizes and times as people write them: `64MiB`, `1.5s`.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// A size in bytes: a number, or text with `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB` or `B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(u64);

impl Bytes {
    /// A size of `bytes` bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The bytes as a length in memory; `usize::MAX` when it is larger.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let factor: u32 = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return None,
        };
        scaled(number, f64::from(factor)).map(Self)
    }
}

/// A time: text with `ns`, `us`, `ms`, `s`, `m`, `h` or `d`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// A time of whole seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// A time of milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let nanos = match unit {
            "ns" => 1.0,
            "us" => 1e3,
            "ms" => 1e6,
            "s" | "" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            "d" => 86_400e9,
            _ => return None,
        };
        scaled(number, nanos).map(|nanos| Self(Duration::from_nanos(nanos)))
    }
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

fn scaled(number: f64, factor: f64) -> Option<u64> {
    let product = (number * factor).round();
    // 2^53: beyond it a float no longer holds every integer.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (product.is_finite() && (0.0..=9_007_199_254_740_992.0).contains(&product))
        .then_some(product as u64)
}

macro_rules! quantity {
    ($type:ident, $expected:literal, $from_integer:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Quantity;
                impl Visitor<'_> for Quantity {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_i64<E: Error>(self, value: i64) -> Result<$type, E> {
                        let value = u64::try_from(value)
                            .map_err(|_| E::custom(format!("`{value}` is negative")))?;
                        Ok($from_integer(value))
                    }
                    fn visit_u64<E: Error>(self, value: u64) -> Result<$type, E> {
                        Ok($from_integer(value))
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$type, E> {
                        $type::parse(text)
                            .ok_or_else(|| E::custom(format!("`{text}` is not {}", $expected)))
                    }
                }
                deserializer.deserialize_any(Quantity)
            }
        }
    };
}

quantity!(Bytes, "a size such as `64MiB` or a number of bytes", Bytes);
quantity!(Span, "a time such as `500ms`, `10s` or `1h`", |secs| {
    Span::secs(secs)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(Bytes::parse("64MiB"), Some(Bytes(64 << 20)));
        assert_eq!(Bytes::parse("1.5 kB"), Some(Bytes(1_500)));
        assert_eq!(Span::parse("1.5s"), Some(Span::millis(1_500)));
        assert_eq!(Span::parse("2d"), Some(Span::secs(172_800)));
        for wrong in ["", "MiB", "1 parsec", "-1s", "1e400s"] {
            assert_eq!(Span::parse(wrong), None, "{wrong}");
            assert_eq!(Bytes::parse(wrong), None, "{wrong}");
        }
    }
}
