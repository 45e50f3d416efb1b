//! The values that options take, each with its one printed form.

use std::fmt;

use super::literals::write_fixed;
pub(crate) use super::literals::{colour, fixed, integer};

/// How the picture meets the box of `w` and `h`. None of them enlarges unless `enlarge` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Whole, inside the box, aspect kept.
    ScaleDown,
    /// As scale-down, and may be enlarged to touch the box.
    Contain,
    /// Fills the box, what hangs over is cut. A smaller source keeps the box's aspect at its own size.
    Cover,
    /// As cover where the source is larger than the box; a smaller source is only cut, never resized.
    Crop,
    /// As contain, then the canvas is extended to the box exactly.
    Pad,
}

impl Fit {
    pub(crate) const WORDS: &'static str = "scale-down, contain, cover, crop or pad";

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "scale-down" => Self::ScaleDown,
            "contain" => Self::Contain,
            "cover" => Self::Cover,
            "crop" => Self::Crop,
            "pad" => Self::Pad,
            _ => return None,
        })
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ScaleDown => "scale-down",
            Self::Contain => "contain",
            Self::Cover => "cover",
            Self::Crop => "crop",
            Self::Pad => "pad",
        })
    }
}

/// Which part survives a cut: the point of the source that should stay, or the part with the most detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// A point in thousandths of the width and of the height.
    Point(u16, u16),
    /// The window with the most detail.
    Smart,
}

impl Gravity {
    /// The middle.
    pub const CENTRE: Self = Self::Point(500, 500);

    pub(crate) const WORDS: &'static str = "center, top, bottom, left, right, top-left, top-right, bottom-left, bottom-right, smart, or two fractions `x,y`";

    const NAMED: [(&'static str, (u16, u16)); 9] = [
        ("center", (500, 500)),
        ("top", (500, 0)),
        ("bottom", (500, 1000)),
        ("left", (0, 500)),
        ("right", (1000, 500)),
        ("top-left", (0, 0)),
        ("top-right", (1000, 0)),
        ("bottom-left", (0, 1000)),
        ("bottom-right", (1000, 1000)),
    ];

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        if word == "smart" {
            return Some(Self::Smart);
        }
        if let Some((_, (x, y))) = Self::NAMED.iter().find(|(name, _)| *name == word) {
            return Some(Self::Point(*x, *y));
        }
        let (x, y) = word.split_once(',')?;
        let part = |text: &str| {
            fixed(text, 3)
                .and_then(|value| u16::try_from(value).ok())
                .filter(|value| *value <= 1000)
        };
        Some(Self::Point(part(x)?, part(y)?))
    }
}

impl fmt::Display for Gravity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Smart => f.write_str("smart"),
            Self::Point(x, y) => match Self::NAMED.iter().find(|(_, point)| *point == (x, y)) {
                Some((name, _)) => f.write_str(name),
                None => {
                    write_fixed(f, u64::from(x), 3)?;
                    f.write_str(",")?;
                    write_fixed(f, u64::from(y), 3)
                }
            },
        }
    }
}

/// A rectangle of the source, in pixels of its upright orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Columns left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Its columns, at least 1.
    pub width: u32,
    /// Its rows, at least 1.
    pub height: u32,
}

impl Region {
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(',').map(integer);
        let region = Self {
            left: parts.next()??,
            top: parts.next()??,
            width: parts.next()??,
            height: parts.next()??,
        };
        (parts.next().is_none() && region.width > 0 && region.height > 0).then_some(region)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},{},{},{}",
            self.left, self.top, self.width, self.height
        )
    }
}

/// A number with one decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tenths(pub u16);

impl Tenths {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads a number of at most `most` whole units; further decimals are refused.
    pub(crate) fn from_text(text: &str, most: u16) -> Option<Self> {
        let value = u16::try_from(fixed(text, 1)?).ok()?;
        (value <= most.checked_mul(10)?).then_some(Self(value))
    }

    /// As a float.
    pub fn as_f32(self) -> f32 {
        f32::from(self.0) / 10.0
    }
}

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fixed(f, u64::from(self.0), 1)
    }
}

/// Mirroring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flip {
    /// Left becomes right.
    pub horizontal: bool,
    /// Top becomes bottom.
    pub vertical: bool,
}

impl Flip {
    /// No mirroring.
    pub const NONE: Self = Self {
        horizontal: false,
        vertical: false,
    };

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "h" => Self {
                horizontal: true,
                vertical: false,
            },
            "v" => Self {
                horizontal: false,
                vertical: true,
            },
            "hv" | "vh" => Self {
                horizontal: true,
                vertical: true,
            },
            _ => return None,
        })
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.horizontal, self.vertical) {
            (true, true) => "hv",
            (true, false) => "h",
            (false, true) => "v",
            (false, false) => "",
        })
    }
}

/// A time in milliseconds, printed as seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub u64);

impl Span {
    /// Reads seconds (`12`, `12.5`), clock time (`1:02:03.5`) or units (`1h2m3s`, `1m5s`).
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let ms = if text.contains(':') {
            let parts: Vec<&str> = text.split(':').collect();
            if parts.len() > 3 {
                return None;
            }
            let (seconds, rest) = parts.split_last()?;
            let mut minutes = 0u64;
            for part in rest {
                minutes = minutes
                    .checked_mul(60)?
                    .checked_add(u64::from(integer(part)?))?;
            }
            minutes
                .checked_mul(60_000)?
                .checked_add(fixed(seconds, 3)?)?
        } else if text.ends_with(['h', 'm', 's']) {
            let mut rest = text;
            let mut total = 0u64;
            for (unit, ms) in [('h', 3_600_000), ('m', 60_000)] {
                if let Some((count, after)) = rest.split_once(unit) {
                    total = total.checked_add(u64::from(integer(count)?).checked_mul(ms)?)?;
                    rest = after;
                }
            }
            if let Some(seconds) = rest.strip_suffix('s') {
                total = total.checked_add(fixed(seconds, 3)?)?;
            } else if !rest.is_empty() {
                return None;
            }
            total
        } else {
            fixed(text, 3)?
        };
        // A year: more than any asset lasts, and far from any overflow later.
        (ms <= 31_536_000_000).then_some(Self(ms))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fixed(f, self.0, 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_spelling() {
        for (text, ms) in [
            ("12", 12_000),
            ("12.5", 12_500),
            ("1:02", 62_000),
            ("1:02:03.25", 3_723_250),
            ("1m5s", 65_000),
            ("2h", 7_200_000),
            ("1h0m0.5s", 3_600_500),
        ] {
            assert_eq!(Span::from_text(text), Some(Span(ms)), "{text}");
        }
        for bad in [
            "",
            "s",
            "1:2:3:4",
            "1s2m",
            "-3",
            "1d",
            "99999999999",
            "h",
            "::",
        ] {
            assert_eq!(Span::from_text(bad), None, "{bad}");
        }
        assert_eq!(Span(65_250).to_string(), "65.25");
    }

    #[test]
    fn gravity_prints_what_it_reads() {
        for word in ["center", "top-left", "smart", "0.25,0.755"] {
            assert_eq!(Gravity::from_word(word).unwrap().to_string(), word);
        }
        assert_eq!(
            Gravity::from_word("0.5,0.50").unwrap().to_string(),
            "center"
        );
        assert_eq!(Gravity::from_word("1.1,0"), None);
    }
}
