//! Dates (ISO/IEC 8601) of `EXT-X-PROGRAM-DATE-TIME` and `EXT-X-DATERANGE`.

use jiff::{Timestamp, civil, tz::TimeZone};

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::lint) struct DateTime {
    /// Microseconds since 1970.
    pub(in crate::lint) micros: i64,
    /// True when the text names a time zone.
    pub(in crate::lint) zoned: bool,
    /// Digits of the fraction of a second.
    pub(in crate::lint) fraction_digits: usize,
}

impl DateTime {
    /// Reads a date and time. Without a zone it is taken as UTC (RFC 8216bis 4.4.4.6).
    pub(in crate::lint) fn parse(text: &str) -> Option<Self> {
        // A date alone is no instant; so much must be there that an hour and a minute are.
        if !text.contains(['T', 't']) {
            return None;
        }
        let (instant, zoned) = match text.parse::<Timestamp>() {
            Ok(instant) => (instant, true),
            Err(_) => {
                let local = text.parse::<civil::DateTime>().ok()?;
                (local.to_zoned(TimeZone::UTC).ok()?.timestamp(), false)
            }
        };
        let fraction_digits = text.split_once(['.', ',']).map_or(0, |(_, rest)| {
            rest.bytes().take_while(u8::is_ascii_digit).count()
        });
        Some(Self {
            micros: instant.as_microsecond(),
            zoned,
            fraction_digits,
        })
    }

    /// Seconds from `earlier` to this.
    #[expect(
        clippy::cast_precision_loss,
        reason = "2^53 microseconds are 285 years"
    )]
    pub(in crate::lint) fn seconds_since(self, earlier: Self) -> f64 {
        self.micros.saturating_sub(earlier.micros) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_dates() {
        let at = |text: &str| DateTime::parse(text);
        let base = at("2010-02-19T14:54:23.031+08:00").unwrap();
        assert!(base.zoned && base.fraction_digits == 3);
        assert_eq!(at("2010-02-19T06:54:23.031Z").unwrap().micros, base.micros);
        assert_eq!(
            at("2010-02-19T14:54:23.031+0800").unwrap().micros,
            base.micros
        );
        let unzoned = at("2010-02-19T06:54:23").unwrap();
        assert!(!unzoned.zoned && unzoned.fraction_digits == 0);
        assert!((base.seconds_since(unzoned) - 0.031).abs() < 1e-9);
        for bad in ["", "yesterday", "2010-02-19", "2010-13-19T00:00:00Z"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
