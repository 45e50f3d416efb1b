//! Conditional requests: the viewer's against what is stored, and ours to the origin (RFC 9110 section 13, RFC 9111 section 4.3).

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
    RANGE, TRANSFER_ENCODING,
};

use super::freshness::date_of;

/// True when the viewer already has what is stored, so that 304 is the answer (RFC 9110 section 13.2.2, steps 3 and 4).
pub(crate) fn not_modified(request: &HeaderMap, stored: &HeaderMap) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        let tag = stored.get(ETAG).map(|tag| tag.as_bytes());
        return request.get_all(IF_NONE_MATCH).iter().any(|list| {
            tags(list.as_bytes()).any(|candidate| {
                candidate == b"*" || tag.is_some_and(|tag| weak(candidate) == weak(tag))
            })
        });
    }
    match (
        request.get(IF_MODIFIED_SINCE).and_then(date_of),
        stored.get(LAST_MODIFIED).and_then(date_of),
    ) {
        (Some(since), Some(changed)) => changed <= since,
        _ => false,
    }
}

/// An entity tag without its weakness: what the weak comparison compares.
fn weak(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The members of a list of entity tags. A comma may stand inside the quotes.
fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        while let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
        }
        if rest.is_empty() {
            return None;
        }
        let opening = rest
            .iter()
            .position(|&byte| byte == b'"' || byte == b',')?
            .min(rest.len());
        let end = if rest[opening] == b'"' {
            rest[opening + 1..]
                .iter()
                .position(|&byte| byte == b'"')
                .map_or(rest.len(), |at| opening + at + 2)
        } else {
            opening
        };
        let (tag, after) = rest.split_at(end);
        rest = after;
        Some(tag.trim_ascii_end())
    })
    .chain((list.trim_ascii() == b"*").then_some(b"*".as_slice()))
}

/// True when a range may be cut out of what is stored (RFC 9110 section 13.1.5): no `if-range`, or one that matches strongly.
pub(crate) fn range_applies(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let Some(condition) = request.get(IF_RANGE) else {
        return true;
    };
    let condition_bytes = condition.as_bytes();
    if condition_bytes.starts_with(b"\"") {
        return stored
            .get(ETAG)
            .is_some_and(|tag| tag.as_bytes() == condition_bytes);
    }
    if condition_bytes.starts_with(b"W/") {
        return false;
    }
    // A date must be the very one, and old enough beside `date` to be a strong validator (section 8.8.2.2).
    let (Some(wanted), Some(changed)) = (
        date_of(condition),
        stored.get(LAST_MODIFIED).and_then(date_of),
    ) else {
        return false;
    };
    let date = stored.get(http::header::DATE).and_then(date_of);
    wanted == changed && date.is_none_or(|date| date > changed)
}

/// Conditions and ranges of the viewer: the cache answers them itself, from the whole response.
pub(crate) const VIEWER_CONDITIONS: [HeaderName; 6] = [
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
    IF_RANGE,
    RANGE,
];

/// Turns a request into one that asks the origin whether what is stored still holds (RFC 9111 section 4.3.1).
/// False when nothing stored can be asked about; then it is an ordinary request.
pub(crate) fn ask_about(request: &mut HeaderMap, stored: &HeaderMap) -> bool {
    for name in VIEWER_CONDITIONS {
        request.remove(name);
    }
    let mut asks = false;
    for (validator, condition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
        if let Some(value) = stored.get(validator) {
            request.insert(condition, value.clone());
            asks = true;
        }
    }
    asks
}

/// Takes the headers of a 304 into what is stored (RFC 9111 section 3.2): each field that came replaces the stored one, those
/// aside that describe the stored bytes.
pub(crate) fn freshen(stored: &mut HeaderMap, answer: &HeaderMap) {
    const KEPT: [HeaderName; 6] = [
        ETAG,
        CONTENT_LENGTH,
        CONTENT_ENCODING,
        HeaderName::from_static("content-md5"),
        CONTENT_RANGE,
        TRANSFER_ENCODING,
    ];
    for name in answer.keys().filter(|name| !KEPT.contains(name)) {
        stored.remove(name);
        for value in answer.get_all(name) {
            stored.append(name.clone(), value.clone());
        }
    }
}

/// Headers of a 304: all of the stored ones but those that describe a body (RFC 9110 section 15.4.5).
pub(crate) fn not_modified_headers(stored: &HeaderMap) -> HeaderMap {
    let mut headers = stored.clone();
    for name in [
        CONTENT_LENGTH,
        CONTENT_ENCODING,
        CONTENT_TYPE,
        CONTENT_RANGE,
        TRANSFER_ENCODING,
    ] {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn a_tag_is_compared_weakly_and_found_in_any_list() {
        let stored = headers(&[
            ("etag", "\"a,b\""),
            ("last-modified", "Thu, 01 Jan 1970 00:00:10 GMT"),
        ]);
        for hit in [
            "\"a,b\"",
            "W/\"a,b\"",
            "\"x\", \"a,b\"",
            " ,\"x\" ,W/\"a,b\" ",
            "*",
        ] {
            assert!(
                not_modified(&headers(&[("if-none-match", hit)]), &stored),
                "{hit}"
            );
        }
        for miss in ["\"a\"", "a,b", "\"a", "", "\"x\",\"y\""] {
            // A tag that does not match is not saved by a date (section 13.1.3).
            let request = headers(&[
                ("if-none-match", miss),
                ("if-modified-since", "Thu, 01 Jan 1970 00:00:20 GMT"),
            ]);
            assert!(!not_modified(&request, &stored), "{miss}");
        }
    }

    #[test]
    fn a_date_counts_where_no_tag_is_asked_about() {
        let stored = headers(&[("last-modified", "Thu, 01 Jan 1970 00:00:10 GMT")]);
        for (since, want) in [("10", true), ("11", true), ("09", false)] {
            let mut request = HeaderMap::new();
            let date = format!("Thu, 01 Jan 1970 00:00:{since} GMT");
            request.insert(IF_MODIFIED_SINCE, HeaderValue::from_str(&date).unwrap());
            assert_eq!(not_modified(&request, &stored), want, "{since}");
        }
        assert!(!not_modified(
            &headers(&[("if-modified-since", "yesterday")]),
            &stored
        ));
    }

    #[test]
    fn if_range_compares_strongly() {
        let stored = headers(&[
            ("etag", "\"1\""),
            ("last-modified", "Thu, 01 Jan 1970 00:00:10 GMT"),
            ("date", "Thu, 01 Jan 1970 00:00:20 GMT"),
        ]);
        for (condition, want) in [
            ("\"1\"", true),
            ("W/\"1\"", false),
            ("\"2\"", false),
            ("Thu, 01 Jan 1970 00:00:10 GMT", true),
            ("Thu, 01 Jan 1970 00:00:11 GMT", false),
        ] {
            let mut request = HeaderMap::new();
            request.insert(IF_RANGE, HeaderValue::from_static(condition));
            assert_eq!(range_applies(&request, &stored), want, "{condition}");
        }
        assert!(range_applies(&HeaderMap::new(), &stored));
        let weak = headers(&[("etag", "W/\"1\"")]);
        assert!(!range_applies(&headers(&[("if-range", "W/\"1\"")]), &weak));
    }

    #[test]
    fn asking_replaces_the_viewers_conditions_and_the_answer_freshens() {
        let mut stored = headers(&[
            ("etag", "\"1\""),
            ("x", "old"),
            ("content-length", "5"),
            ("keep", "k"),
        ]);
        let mut request = headers(&[
            ("if-none-match", "\"viewer\""),
            ("range", "bytes=0-1"),
            ("accept", "a"),
        ]);
        assert!(ask_about(&mut request, &stored));
        assert_eq!(
            request,
            headers(&[("if-none-match", "\"1\""), ("accept", "a")])
        );
        let answer = headers(&[
            ("etag", "\"1\""),
            ("x", "new"),
            ("x", "newer"),
            ("content-length", "0"),
        ]);
        freshen(&mut stored, &answer);
        assert_eq!(stored.get_all("x").iter().count(), 2);
        assert_eq!(stored.get("content-length").unwrap(), "5");
        assert_eq!(stored.get("keep").unwrap(), "k");
        assert!(!ask_about(&mut HeaderMap::new(), &headers(&[("x", "1")])));
    }
}
