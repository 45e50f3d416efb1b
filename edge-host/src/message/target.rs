//! One reading of every path, made before a route is chosen.
//!
//! A route that guards `/vod/` must not be passed by `/%76od/` or `/x/../vod/`. Percent-encoded unreserved characters are
//! decoded (RFC 3986 section 6.2.2.2); what the next hop could read in another way than this node is refused.

use std::borrow::Cow;

use http::uri::PathAndQuery;

/// The target with its path in the one form, or why it is refused.
///
/// # Errors
/// A text for the problem body.
pub(crate) fn normalize(target: &PathAndQuery) -> Result<Cow<'_, PathAndQuery>, &'static str> {
    let path = target.path();
    if !path.starts_with('/') {
        // `OPTIONS *`
        return Ok(Cow::Borrowed(target));
    }
    let decoded = decode_unreserved(path)?;
    check_segments(&decoded)?;
    match decoded {
        Cow::Borrowed(_) => Ok(Cow::Borrowed(target)),
        Cow::Owned(mut path) => {
            if let Some(query) = target.query() {
                path.push('?');
                path.push_str(query);
            }
            PathAndQuery::try_from(path)
                .map(Cow::Owned)
                .map_err(|_| "the path holds characters that do not belong there")
        }
    }
}

fn decode_unreserved(path: &str) -> Result<Cow<'_, str>, &'static str> {
    if path.contains('\\') {
        return Err("a backslash in the path");
    }
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut out = String::with_capacity(path.len());
    let mut changed = false;
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let escape = rest.get(at..at + 3).ok_or("a cut percent-encoding")?;
        let byte = u8::from_str_radix(&escape[1..], 16)
            .ok()
            .filter(|_| escape.as_bytes()[1] != b'+')
            .ok_or("a broken percent-encoding")?;
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
                changed = true;
            }
            b'/' => return Err("an encoded slash in the path"),
            b'\\' => return Err("an encoded backslash in the path"),
            b'%' => return Err("a doubly encoded path"),
            0..=0x1f | 0x7f => return Err("an encoded control character in the path"),
            _ => out.push_str(escape),
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    Ok(if changed {
        Cow::Owned(out)
    } else {
        Cow::Borrowed(path)
    })
}

fn check_segments(path: &str) -> Result<(), &'static str> {
    let segments = path.get(1..).unwrap_or_default();
    let last = segments.matches('/').count();
    for (index, segment) in segments.split('/').enumerate() {
        match segment {
            "" if index < last => return Err("an empty segment in the path"),
            "." | ".." => return Err("a dot segment in the path"),
            // Some servers read `..;x` as `..` with a parameter.
            _ if segment.starts_with(".;") || segment.starts_with("..;") => {
                return Err("a dot segment with a parameter in the path");
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(target: &str) -> Result<String, &'static str> {
        let target = PathAndQuery::try_from(target).unwrap();
        normalize(&target).map(|target| target.as_str().to_owned())
    }

    #[test]
    fn one_path_one_form() {
        for (target, want) in [
            ("/a/b.m3u8?x=%2e%2e", "/a/b.m3u8?x=%2e%2e"),
            ("/%61/b%2Em3u8", "/a/b.m3u8"),
            ("/a%20b/", "/a%20b/"),
            ("/", "/"),
            ("/a/", "/a/"),
            ("/%C3%A9", "/%C3%A9"),
            ("/a/...", "/a/..."),
        ] {
            assert_eq!(normalized(target).unwrap(), want);
        }
    }

    #[test]
    fn what_can_be_read_two_ways_is_refused() {
        for target in [
            "/a/../b",
            "/a/%2e%2e/b",
            "/a/.%2E/b",
            "/a//b",
            "//a",
            "/a/./b",
            "/a%2fb",
            "/a%5cb",
            "/a%00",
            "/a%252e",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "/a/..;x/b",
            "/a/..",
        ] {
            assert!(normalized(target).is_err(), "{target}");
        }
    }
}
