//! The query of a request: its pairs, percent-encodings, and a query without some of them.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// The pairs of a query as they stand; a pair without `=` has an empty value.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    pairs(query)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match memchr(b'=', pair.as_bytes()) {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, ""),
        })
}

/// What stands between the ampersands, empty texts too. `memchr` looks at sixteen bytes at a time, `str::split` at eight, and a token
/// is the longest thing in a query.
fn pairs(query: &str) -> impl Iterator<Item = &str> {
    let ends = memchr_iter(b'&', query.as_bytes()).chain([query.len()]);
    ends.scan(0, |start, end| {
        let pair = &query[*start..end];
        *start = end + 1;
        Some(pair)
    })
}

/// Percent-decodes; bytes that are not UTF-8 or a broken `%` leave nothing.
pub(crate) fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if memchr(b'%', text.as_bytes()).is_none() {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        if *byte == b'%' {
            let [high, low, tail @ ..] = tail else {
                return None;
            };
            let digit = |byte: u8| {
                char::from(byte)
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
            };
            bytes.push(digit(*high)? << 4 | digit(*low)?);
            rest = tail;
        } else {
            bytes.push(*byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// True when a name as it stands is this name, decoded.
pub(crate) fn decoded_eq(raw: &str, name: &str) -> bool {
    raw == name || raw.contains('%') && percent_decode(raw).is_some_and(|decoded| decoded == name)
}

/// A query without the parameters of these (decoded) names, every other byte as it was. None when nothing is left.
pub(crate) fn query_without(query: &str, names: &[&str]) -> Option<String> {
    let kept: Vec<&str> = pairs(query)
        .filter(|pair| {
            let name = memchr(b'=', pair.as_bytes()).map_or(*pair, |at| &pair[..at]);
            !names.iter().any(|gone| decoded_eq(name, gone))
        })
        .collect();
    (!kept.is_empty() && kept != [""]).then(|| kept.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_out_leaves_every_other_byte() {
        assert_eq!(
            query_without("a=%20&token=x&b&&c=1", &["token"]).as_deref(),
            Some("a=%20&b&&c=1")
        );
        assert_eq!(query_without("token=x", &["token"]), None);
        assert_eq!(query_without("", &["token"]), None);
        assert_eq!(
            query_without("t%6Fken=x&a", &["token"]).as_deref(),
            Some("a")
        );
    }
}
