//! Tokens that are spread over several parameters or sign a part of the request: gathered into one text, and read from it again.
//!
//! The text is what a verified token is remembered by, so everything that the signature depends on stands in it.

use std::borrow::Cow;

use weir_module::RequestHead;

use super::Presented;
use crate::carrier::{Place, cookies};
use crate::query::{percent_decode, query_pairs};
use crate::reason::{Reason, Refused};

/// One line for each part. No part can hold a line feed: it comes from a request line, a header, or was percent-encoded again.
pub(crate) fn join(parts: &[&str]) -> String {
    parts
        .iter()
        .map(|part| part.replace('\n', "%0A"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The parts again.
pub(crate) fn split<const N: usize>(text: &str) -> Result<[&str; N], Refused> {
    let parts: Vec<&str> = text.splitn(N, '\n').collect();
    <[&str; N]>::try_from(parts).map_err(|_| Reason::TokenMalformed.into())
}

/// What a parameter or cookie of some name holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held<'a> {
    /// There is none.
    Nothing,
    /// One, as it stands.
    One(&'a str),
    /// More than one: which would count, nobody can say.
    Several,
}

impl<'a> Held<'a> {
    fn of(mut values: impl Iterator<Item = &'a str>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(one), None) => Self::One(one),
            (Some(_), Some(_)) => Self::Several,
        }
    }

    /// A query parameter by its decoded name.
    pub(crate) fn parameter(head: &RequestHead<'a>, name: &str) -> Self {
        let named =
            |found: &str| found == name || percent_decode(found).is_some_and(|found| found == name);
        Self::of(
            query_pairs(head.query().unwrap_or_default())
                .filter(|(found, _)| named(found))
                .map(|(_, value)| value),
        )
    }

    /// A cookie.
    pub(crate) fn cookie(head: &RequestHead<'a>, name: &str) -> Self {
        Self::of(
            cookies(head)
                .filter(|(found, _)| *found == name)
                .map(|(_, value)| value),
        )
    }

    pub(crate) fn is_there(self) -> bool {
        self != Self::Nothing
    }

    /// The value; empty when there is none. `Several` becomes a text that no format takes.
    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Nothing => "",
            Self::One(value) => value,
            Self::Several => "\u{0}",
        }
    }
}

/// A token over several query parameters.
pub(crate) fn from_parameters<'a>(
    text: String,
    head: &RequestHead<'a>,
    names: &[&'a str],
) -> Presented<'a> {
    let raw: Vec<String> = names
        .iter()
        .filter_map(|name| match Held::parameter(head, name) {
            Held::One(value) => Some(format!("{name}={value}")),
            _ => None,
        })
        .collect();
    let places = names.iter().map(|name| Place::Query(name)).collect();
    Presented {
        text: Cow::Owned(text),
        raw: Cow::Owned(raw.join("&")),
        places,
    }
}

/// `scheme://authority` of the request, empty when the host does not tell.
pub(crate) fn origin(head: &RequestHead<'_>) -> String {
    let authority = head
        .header_str(":authority")
        .or_else(|| head.header_str("host"));
    match (head.header_str(":scheme"), authority) {
        (Some(scheme), Some(authority)) => {
            format!(
                "{}://{}",
                scheme.to_ascii_lowercase(),
                authority.to_ascii_lowercase()
            )
        }
        _ => String::new(),
    }
}

/// The host that was asked for, in lower case and without port; an IPv6 address keeps its brackets.
pub(crate) fn host(head: &RequestHead<'_>) -> String {
    let authority = head
        .header_str(":authority")
        .or_else(|| head.header_str("host"))
        .unwrap_or_default();
    let end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    authority[..end].to_ascii_lowercase()
}

/// The headers that [`origin`] and [`host`] read.
pub(crate) const ORIGIN_HEADERS: [&str; 3] = [":scheme", ":authority", "host"];

/// A decimal Unix time without sign, spaces or leading zeros.
pub(crate) fn unix_time(text: &str) -> Option<i64> {
    let plain = (1..=12).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// A time in a text that is signed without separators: ten digits at most. With more, the last digits of a path could be read as the first
/// of its expiry, and a link to `/film2` until 1800000000 would be one to `/film` until 21800000000.
pub(crate) fn joined_time(text: &str) -> Option<i64> {
    unix_time(text).filter(|_| text.len() <= 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_module::{HeadBuffer, HeaderNames};

    #[test]
    fn a_host_has_no_port() {
        for (authority, expected) in [
            ("CDN.example", "cdn.example"),
            ("cdn.example:8443", "cdn.example"),
            ("[2001:DB8::1]:443", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("", ""),
            ("]", "]"),
        ] {
            let names = HeaderNames::new(ORIGIN_HEADERS);
            let mut buffer = HeadBuffer::default();
            buffer.start("GET", "/").unwrap();
            buffer.named(&names, "host", authority.as_bytes()).unwrap();
            let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
            assert_eq!(host(&head), expected, "{authority}");
        }
    }

    #[test]
    fn a_joined_time_has_ten_digits_at_most() {
        assert_eq!(joined_time("9999999999"), Some(9_999_999_999));
        assert_eq!(joined_time("10000000000"), None);
        assert_eq!(unix_time("10000000000"), Some(10_000_000_000));
    }
}
