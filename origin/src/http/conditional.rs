//! Conditional requests (RFC 9110, 13) and ranges (14) over stored objects.

use std::time::{Duration, SystemTime};

use axum::http::HeaderMap;
use axum::http::header::{
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};

use crate::storage::ReadRange;

/// What a request's conditions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precondition {
    /// Go on.
    Holds,
    /// Answer 304.
    NotModified,
    /// Answer 412.
    Failed,
}

/// Whether a request has conditions at all: those without need no look before the read.
pub(super) fn has_conditions(headers: &HeaderMap) -> bool {
    [
        IF_MATCH,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_UNMODIFIED_SINCE,
        IF_RANGE,
    ]
    .iter()
    .any(|name| headers.contains_key(name))
}

/// Evaluates the conditions of a GET or HEAD in the order of RFC 9110, 13.2.2.
///
/// `etags` are the tags of the forms in which the object can be sent.
pub(super) fn evaluate(headers: &HeaderMap, etags: &[&str], modified: SystemTime) -> Precondition {
    if let Some(wanted) = text(headers, &IF_MATCH) {
        // Strong comparison: 13.1.1.
        if !lists_any(&wanted, etags, false) {
            return Precondition::Failed;
        }
    } else if let Some(since) = date(headers, &IF_UNMODIFIED_SINCE)
        && whole_seconds(modified) > since
    {
        return Precondition::Failed;
    }
    if let Some(known) = text(headers, &IF_NONE_MATCH) {
        // Weak comparison: 13.1.2. It also silences If-Modified-Since.
        return if lists_any(&known, etags, true) {
            Precondition::NotModified
        } else {
            Precondition::Holds
        };
    }
    match date(headers, &IF_MODIFIED_SINCE) {
        Some(since) if whole_seconds(modified) <= since => Precondition::NotModified,
        _ => Precondition::Holds,
    }
}

/// The one range to send, or `None` to send the whole: no `Range`, several ranges, one that cannot be read, or an
/// `If-Range` that does not hold. `modified` and `etag` are those of the stored object; without them `If-Range` fails.
pub(super) fn wanted_range(
    headers: &HeaderMap,
    current: Option<(&str, SystemTime)>,
) -> Option<ReadRange> {
    let range = single_range(headers.get(RANGE)?.to_str().ok()?)?;
    let Some(condition) = text(headers, &IF_RANGE) else {
        return Some(range);
    };
    let (etag, modified) = current?;
    // 13.1.5: a tag must match strongly, a date exactly.
    let holds = if condition.starts_with('"') || condition.starts_with("W/") {
        condition == etag
    } else {
        httpdate::parse_http_date(&condition).is_ok_and(|date| date == whole_seconds(modified))
    };
    holds.then_some(range)
}

/// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n` (14.1.2). Several ranges may be answered with the whole (14.2).
fn single_range(value: &str) -> Option<ReadRange> {
    let (unit, range) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (number(first), number(last)) {
        (Some(start), Some(end)) if start <= end => Some(ReadRange::Between {
            start,
            end: end.saturating_add(1),
        }),
        (Some(start), None) if last.is_empty() => Some(ReadRange::From(start)),
        (None, Some(count)) if first.is_empty() => Some(ReadRange::Last(count)),
        _ => None,
    }
}

/// Digits only: `u64::from_str` would also take a plus sign.
fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().unwrap_or(u64::MAX))
}

fn text(headers: &HeaderMap, name: &axum::http::HeaderName) -> Option<String> {
    let values: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn date(headers: &HeaderMap, name: &axum::http::HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

/// HTTP dates have no fractions.
pub(super) fn whole_seconds(time: SystemTime) -> SystemTime {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn lists_any(list: &str, etags: &[&str], weakly: bool) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let mut rest = list;
    while let Some(open) = rest.find('"') {
        let is_weak = rest[..open].ends_with("W/");
        let Some(length) = rest[open + 1..].find('"') else {
            return false;
        };
        let tag = &rest[open..open + length + 2];
        if (weakly || !is_weak) && etags.contains(&tag) {
            return true;
        }
        rest = &rest[open + length + 2..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const TAG: &str = "\"v1\"";

    fn headers(pairs: &[(&axum::http::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    (*name).clone(),
                    HeaderValue::from_str(value).expect("valid"),
                )
            })
            .collect()
    }

    fn time() -> SystemTime {
        httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date")
            + Duration::from_millis(400)
    }

    #[test]
    fn tags_win_over_dates() {
        let cases = [
            (vec![(&IF_NONE_MATCH, "\"v1\"")], Precondition::NotModified),
            (
                vec![(&IF_NONE_MATCH, "W/\"v1\"")],
                Precondition::NotModified,
            ),
            (
                vec![(&IF_NONE_MATCH, "\"a,b\", \"v1\"")],
                Precondition::NotModified,
            ),
            (vec![(&IF_NONE_MATCH, "*")], Precondition::NotModified),
            (
                vec![
                    (&IF_NONE_MATCH, "\"v0\""),
                    (&IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT"),
                ],
                Precondition::Holds,
            ),
            (
                vec![(&IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT")],
                Precondition::NotModified,
            ),
            (
                vec![(&IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:36 GMT")],
                Precondition::Holds,
            ),
            (vec![(&IF_MODIFIED_SINCE, "nonsense")], Precondition::Holds),
            (vec![(&IF_MATCH, "\"v0\"")], Precondition::Failed),
            (vec![(&IF_MATCH, "W/\"v1\"")], Precondition::Failed),
            (vec![(&IF_MATCH, "\"v1\"")], Precondition::Holds),
            (
                vec![(&IF_UNMODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:36 GMT")],
                Precondition::Failed,
            ),
            (vec![], Precondition::Holds),
        ];
        for (pairs, expected) in cases {
            assert_eq!(
                evaluate(&headers(&pairs), &[TAG], time()),
                expected,
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn ranges_are_read_strictly() {
        let range = |value| wanted_range(&headers(&[(&RANGE, value)]), None);
        assert_eq!(
            range("bytes=0-0"),
            Some(ReadRange::Between { start: 0, end: 1 })
        );
        assert_eq!(range("bytes=5-"), Some(ReadRange::From(5)));
        assert_eq!(range("bytes=-5"), Some(ReadRange::Last(5)));
        assert_eq!(
            range("Bytes=1-99999999999999999999999"),
            Some(ReadRange::Between {
                start: 1,
                end: u64::MAX
            })
        );
        for value in [
            "bytes=5-4",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes",
        ] {
            assert_eq!(range(value), None, "{value}");
        }
    }

    #[test]
    fn if_range_must_match_exactly() {
        let current = Some((TAG, time()));
        let with = |condition| {
            wanted_range(
                &headers(&[(&RANGE, "bytes=0-1"), (&IF_RANGE, condition)]),
                current,
            )
            .is_some()
        };
        assert!(with("\"v1\"") && with("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!with("\"v0\"") && !with("W/\"v1\"") && !with("Sun, 06 Nov 1994 08:49:38 GMT"));
    }
}
