//! Times and rates as an operator writes them: `"90s"`, `"100/1m"`, `"500M/1h"`.

use serde::{Deserialize, Deserializer, de};

const SECOND: u64 = 1_000_000_000;
/// The longest time that a configuration may name: 366 days.
const LONGEST_NS: u64 = 366 * 86_400 * SECOND;

/// A time: a whole number and a unit (`ms`, `s`, `m`, `h`, `d`). More than 0, at most 366 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(u64);

impl Span {
    /// A span of whole seconds, for defaults.
    pub(crate) const fn secs(secs: u64) -> Self {
        Self(secs * SECOND)
    }

    /// The time in nanoseconds.
    pub(crate) const fn ns(self) -> u64 {
        self.0
    }

    /// The time in whole seconds, rounded up.
    pub(crate) const fn secs_up(self) -> u64 {
        self.0.div_ceil(SECOND)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is not a time; write a whole number and ms, s, m, h or d, like `90s`")
        };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let unit_ns = match unit {
            "ms" => SECOND / 1_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3_600 * SECOND,
            "d" => 86_400 * SECOND,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        match number.checked_mul(unit_ns) {
            Some(ns @ 1..=LONGEST_NS) => Ok(Self(ns)),
            _ => Err(format!(
                "`{text}` is out of range: more than 0, at most 366d"
            )),
        }
    }
}

/// So many units in so much time: `"100/1m"`. The amount may end in `k`, `M` or `G` (powers of 1000). `"unlimited"` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    /// No limit.
    Unlimited,
    /// A quota for each window.
    Of {
        /// Units for each window, at least 1.
        quota: u64,
        /// The window.
        window: Span,
    },
}

impl Rate {
    /// A rate for defaults.
    pub(crate) const fn of(quota: u64, window: Span) -> Self {
        Self::Of { quota, window }
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let (amount, window) = text.split_once('/').ok_or_else(|| {
            format!(
                "`{text}` is not a rate; write an amount and a time, like `100/1m`, or `unlimited`"
            )
        })?;
        // `100/m` is what people write too.
        let window = if window.starts_with(|c: char| c.is_ascii_digit()) {
            Span::parse(window)?
        } else {
            Span::parse(&format!("1{window}"))?
        };
        Ok(Self::Of {
            quota: parse_amount(amount)?,
            window,
        })
    }
}

/// A whole number, at least 1, that may end in `k`, `M` or `G`.
fn parse_amount(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.as_bytes().last() {
        Some(b'k') => (&text[..text.len() - 1], 1_000),
        Some(b'M') => (&text[..text.len() - 1], 1_000_000),
        Some(b'G') => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1_u64),
    };
    let number = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse::<u64>().ok()
    } else {
        None
    };
    // 2^50 (a petabyte) leaves the arithmetic of nanoseconds room.
    number
        .and_then(|number| number.checked_mul(factor))
        .filter(|amount| (1..=1 << 50).contains(amount))
        .ok_or_else(|| format!("`{text}` is not an amount; write a whole number of at least 1, k, M or G may follow"))
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_operators_write() {
        assert_eq!(Span::parse("90s"), Ok(Span::secs(90)));
        assert_eq!(Span::parse("250ms").map(Span::ns), Ok(250_000_000));
        assert_eq!(Span::parse("250ms").map(Span::secs_up), Ok(1));
        assert_eq!(Rate::parse("100/1m"), Ok(Rate::of(100, Span::secs(60))));
        assert_eq!(Rate::parse("100/m"), Ok(Rate::of(100, Span::secs(60))));
        assert_eq!(
            Rate::parse("500M/1h"),
            Ok(Rate::of(500_000_000, Span::secs(3_600)))
        );
        assert_eq!(Rate::parse("unlimited"), Ok(Rate::Unlimited));
    }

    #[test]
    fn refuses_what_means_nothing() {
        for text in [
            "",
            "s",
            "1",
            "0s",
            "-1s",
            "1.5s",
            "1w",
            "367d",
            "99999999999999999999s",
            "1 s",
            "١s",
        ] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
        for text in [
            "",
            "100",
            "0/1m",
            "/1m",
            "100/",
            "1x/1m",
            "-1/1m",
            "+1/1m",
            "100/0s",
            "9999999999G/1s",
            "1/1m/1m",
            "k/1s",
        ] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }
}
