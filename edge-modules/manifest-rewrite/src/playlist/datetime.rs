//! Dates of playlists: the RFC 3339 form of `EXT-X-PROGRAM-DATE-TIME` (RFC 8216bis section 4.4.4.6) as milliseconds of Unix time.

/// Reads a date and time with its offset. Leap seconds count as the second before them; a missing offset is UTC.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, offset) = match rest.find(['Z', 'z', '+']).or_else(|| rest.rfind('-')) {
        Some(at) => rest.split_at(at),
        None => (rest, "Z"),
    };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(whole, ':')?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour <= 24
        && minute < 60
        && second <= 60;
    if !in_range || !(0..=9999).contains(&year) {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis: i64 = digits.parse().ok()?;
    let offset = match offset {
        "Z" | "z" => 0,
        _ => {
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            let digits: String = offset[1..].chars().filter(|c| *c != ':').collect();
            let (hours, minutes): (i64, i64) = match digits.len() {
                2 => (digits.parse().ok()?, 0),
                4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
                _ => return None,
            };
            sign * (hours * 60 + minutes)
        }
    };
    let seconds =
        days(year, month, day) * 86_400 + hour * 3600 + (minute - offset) * 60 + second.min(59);
    Some(seconds * 1000 + millis)
}

/// Writes `2026-11-20T08:00:00.250Z`.
pub fn format(millis: i64) -> String {
    let (seconds, fraction) = (millis.div_euclid(1000), millis.rem_euclid(1000));
    let (day, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

fn numbers(text: &str, mark: char) -> Option<[i64; 3]> {
    let mut parts = text.split(mark).map(|part| {
        let digits =
            !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| digits)
    });
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (
        year + era * 400 + i64::from(month <= 2),
        month,
        of_year - (153 * shifted + 2) / 5 + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_usual_forms() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2019-02-14T02:13:36.106Z", 1_550_110_416_106),
            ("2010-02-19T14:54:23.031+08:00", 1_266_562_463_031),
            ("2010-02-19T14:54:23.031+0800", 1_266_562_463_031),
            ("2010-02-19T06:54:23.0319-00:00", 1_266_562_463_031),
            ("2024-02-29T23:59:60Z", 1_709_251_199_000),
            ("2024-11-25T14:56:19.68", 1_732_546_579_680),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for bad in [
            "",
            "2024-13-01T00:00:00Z",
            "2024-01-01",
            "2024-01-01T1:2Z",
            "20240101T000000Z",
            "2024-01-01T00:00:00+1",
            "é24-01-01T00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(millis in 0i64..253_402_300_799_999) {
            prop_assert_eq!(parse(&format(millis)), Some(millis));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}|[0-9TZ:+.-]{0,30}") {
            let _ = parse(&text);
        }
    }
}
