//! Time expressions of TTML (TTML2, 12.3), as microseconds.

/// What the parameters of a document say about its clock (TTML2, 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// Frames in so many seconds.
    frames: (i128, i128),
    sub_frames: i128,
    ticks: i128,
}

const MICROS: i128 = 1_000_000;
/// Decimals of a fraction that are looked at.
const DECIMALS: usize = 9;

impl Clock {
    /// A clock by the values of `frameRate`, `frameRateMultiplier`, `subFrameRate` and `tickRate`.
    pub(super) fn new(
        rate: Option<&str>,
        multiplier: Option<&str>,
        sub: Option<&str>,
        ticks: Option<&str>,
    ) -> Self {
        let whole = |text: &str| text.trim().parse::<u32>().ok().filter(|value| *value > 0);
        let given = rate.and_then(whole);
        let rate = i128::from(given.unwrap_or(30));
        let sub_frames = i128::from(sub.and_then(whole).unwrap_or(1));
        let (numerator, denominator) = multiplier
            .and_then(|text| {
                // Two numbers; early documents have a colon between them.
                let mut parts = text.split([' ', ':']).filter(|part| !part.is_empty());
                Some((whole(parts.next()?)?, whole(parts.next()?)?))
            })
            .unwrap_or((1, 1));
        let ticks = ticks.and_then(whole).map(i128::from);
        Self {
            frames: (rate * i128::from(numerator), i128::from(denominator)),
            sub_frames,
            ticks: ticks.unwrap_or(if given.is_some() {
                rate * sub_frames
            } else {
                1
            }),
        }
    }

    /// Reads a time expression.
    pub(super) fn parse(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        let micros = if text.contains(':') {
            self.clock_time(text)?
        } else {
            self.offset_time(text)?
        };
        i64::try_from(micros).ok()
    }

    /// `hh:mm:ss`, with a fraction or with frames.
    fn clock_time(&self, text: &str) -> Option<i128> {
        let mut parts = text.split(':');
        let (hours, minutes) = (decimal(parts.next()?)?, decimal(parts.next()?)?);
        let (seconds, frames) = (decimal(parts.next()?)?, parts.next());
        let mut micros = in_micros(hours, 3600, 1)?
            .checked_add(in_micros(minutes, 60, 1)?)?
            .checked_add(in_micros(seconds, 1, 1)?)?;
        if let Some(frames) = frames {
            let (frames, sub) = frames.split_once('.').unwrap_or((frames, "0"));
            let sub = in_micros(
                decimal(sub)?,
                self.frames.1,
                self.frames.0.checked_mul(self.sub_frames)?,
            )?;
            micros = micros.checked_add(sub)?.checked_add(in_micros(
                decimal(frames)?,
                self.frames.1,
                self.frames.0,
            )?)?;
        }
        parts.next().is_none().then_some(micros)
    }

    /// A number and its unit.
    fn offset_time(&self, text: &str) -> Option<i128> {
        let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
        let value = decimal(&text[..unit])?;
        match &text[unit..] {
            "h" => in_micros(value, 3600, 1),
            "m" => in_micros(value, 60, 1),
            "s" => in_micros(value, 1, 1),
            "ms" => in_micros(value, 1, 1000),
            "f" => in_micros(value, self.frames.1, self.frames.0),
            "t" => in_micros(value, 1, self.ticks),
            _ => None,
        }
    }
}

/// A decimal number as a fraction.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 15 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(DECIMALS)];
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction = match fraction {
        "" => 0,
        digits => digits.parse::<i128>().ok()?,
    };
    Some((whole.parse::<i128>().ok()? * scale + fraction, scale))
}

/// `value` times `numerator` / `denominator` seconds, rounded to the nearest microsecond.
fn in_micros(value: (i128, i128), numerator: i128, denominator: i128) -> Option<i128> {
    let above = value.0.checked_mul(numerator)?.checked_mul(MICROS)?;
    let below = value.1.checked_mul(denominator)?;
    Some((above * 2 + below).div_euclid(below * 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_expression() {
        let plain = Clock::new(None, None, None, None);
        for (text, micros) in [
            ("00:00:01", 1_000_000),
            ("01:02:03.0405", 3_723_040_500),
            ("100:00:00.000", 360_000_000_000),
            ("00:00:01:15", 1_500_000),
            ("1.5h", 5_400_000_000),
            ("2m", 120_000_000),
            ("0.25s", 250_000),
            ("12ms", 12_000),
            ("30f", 1_000_000),
            ("7t", 7_000_000),
        ] {
            assert_eq!(plain.parse(text), Some(micros), "{text}");
        }
        for text in ["", "1", "s", "1x", "1:2", "-1s", "00:00:0a", "1:2:3:4:5"] {
            assert_eq!(plain.parse(text), None, "{text}");
        }
    }

    #[test]
    fn frames_and_ticks_follow_the_parameters() {
        let ntsc = Clock::new(Some("30"), Some("1000 1001"), None, None);
        assert_eq!(ntsc.parse("00:00:00:15"), Some(500_500));
        assert_eq!(ntsc.parse("30f"), Some(1_001_000));
        assert_eq!(ntsc.parse("30t"), Some(1_000_000), "frame rate by default");
        let pal = Clock::new(Some("25"), None, Some("2"), Some("10000000"));
        assert_eq!(pal.parse("00:00:00:01.1"), Some(60_000));
        assert_eq!(pal.parse("12345678t"), Some(1_234_568));
        assert_eq!(pal.parse("999999999999999h"), None, "out of range");
    }
}
