//! Ranges cut out of a whole response (RFC 9110 section 14).

/// What a `range` asks of a body whose length is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: no range, another unit, several ranges, or one that cannot be read (section 14.2 allows to ignore it).
    Whole,
    /// These bytes, half open; never empty.
    Part {
        /// The first byte.
        start: u64,
        /// The byte after the last.
        end: u64,
    },
    /// Nothing that there is: 416.
    Unsatisfiable,
}

/// Reads a `range` value against a length in bytes.
pub(crate) fn wanted(value: Option<&http::HeaderValue>, length: u64) -> Wanted {
    let Some(text) = value.and_then(|value| value.to_str().ok()) else {
        return Wanted::Whole;
    };
    let Some((unit, set)) = text.split_once('=') else {
        return Wanted::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let mut specs = set
        .split(',')
        .map(str::trim)
        .filter(|spec| !spec.is_empty());
    let (Some(spec), None) = (specs.next(), specs.next()) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else {
        return Wanted::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (
        first.is_empty(),
        number(first),
        last.is_empty(),
        number(last),
    ) {
        // The last N bytes.
        (true, _, false, Some(suffix)) => {
            if suffix == 0 || length == 0 {
                return Wanted::Unsatisfiable;
            }
            Wanted::Part {
                start: length.saturating_sub(suffix),
                end: length,
            }
        }
        (false, Some(start), true, _) => part(start, u64::MAX, length),
        (false, Some(start), false, Some(last)) if start <= last => part(start, last, length),
        _ => Wanted::Whole,
    }
}

fn part(start: u64, last: u64, length: u64) -> Wanted {
    if start >= length {
        return Wanted::Unsatisfiable;
    }
    Wanted::Part {
        start,
        end: last.saturating_add(1).min(length),
    }
}

/// `content-range` of a 206.
pub(crate) fn content_range(start: u64, end: u64, length: u64) -> String {
    format!("bytes {start}-{}/{length}", end.saturating_sub(1))
}

/// `content-range` of a 416.
pub(crate) fn unsatisfied_range(length: u64) -> String {
    format!("bytes */{length}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn every_form_against_ten_bytes() {
        let part = |start, end| Wanted::Part { start, end };
        for (text, want) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-", part(2, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-99", part(0, 10)),
            ("bytes=5-99999999999999999999999", part(5, 10)),
            ("Bytes= 1-2 ", part(1, 3)),
            ("bytes=1-2,", part(1, 3)),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=10-20", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=3-2", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("bytes", Wanted::Whole),
        ] {
            let value = HeaderValue::from_static(text);
            assert_eq!(wanted(Some(&value), 10), want, "{text}");
        }
        assert_eq!(wanted(None, 10), Wanted::Whole);
        assert_eq!(
            wanted(Some(&HeaderValue::from_static("bytes=0-")), 0),
            Wanted::Unsatisfiable
        );
        assert_eq!(content_range(2, 5, 10), "bytes 2-4/10");
        assert_eq!(unsatisfied_range(10), "bytes */10");
    }
}
