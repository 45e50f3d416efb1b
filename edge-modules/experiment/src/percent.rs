//! Shares of viewers: 0 to 100 percent, to the thousandth.

use serde::{Deserialize, Deserializer, de};

/// The whole line: one point is a thousandth of a percent.
pub(crate) const WHOLE: u32 = 100_000;

/// A share in thousandths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Percent(u32);

impl Percent {
    /// Everybody.
    pub(crate) const ALL: Self = Self(WHOLE);

    /// The first point that is not in the share.
    pub(crate) const fn points(self) -> u32 {
        self.0
    }

    fn new(percent: f64) -> Result<Self, String> {
        let points = percent * 1000.0;
        let whole = points.round();
        // NaN fails the first comparison.
        if !(0.0..=100.0).contains(&percent) || (points - whole).abs() > 1e-6 {
            return Err(format!(
                "`{percent}` is not a share: 0 to 100 percent with at most three decimals"
            ));
        }
        // 0 to 100,000 as checked above; `as` from a float saturates, so nothing is cut off.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(Self(whole as u32))
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Percent;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a share of 0 to 100 percent")
            }

            fn visit_f64<E: de::Error>(self, percent: f64) -> Result<Percent, E> {
                Percent::new(percent).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, percent: i64) -> Result<Percent, E> {
                let percent =
                    i32::try_from(percent).map_err(|_| E::custom("a share is 0 to 100 percent"))?;
                Percent::new(f64::from(percent)).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_or_refused() {
        for (percent, points) in [
            (0.0, 0),
            (0.001, 1),
            (12.5, 12_500),
            (33.333, 33_333),
            (99.999, 99_999),
            (100.0, WHOLE),
        ] {
            assert_eq!(Percent::new(percent), Ok(Percent(points)), "{percent}");
        }
        for percent in [-0.001, 100.001, 0.0005, f64::NAN, f64::INFINITY, -1e300] {
            assert!(Percent::new(percent).is_err(), "{percent}");
        }
    }
}
