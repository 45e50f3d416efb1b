//! Where in a request a token travels, how it is found there, and how it is taken out.

use std::borrow::Cow;
use std::ops::Range;
use std::str::FromStr;

use memchr::{memchr, memchr_iter};
use weir_module::RequestHead;

use crate::path::NormalPath;

/// One place for a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// A query parameter.
    Query(String),
    /// A cookie.
    Cookie(String),
    /// `Authorization: Bearer <token>` (RFC 6750 section 2.1).
    Bearer,
    /// The whole value of a header, named in lower case.
    Header(String),
    /// The path segment after these first segments: `/t/<token>/…` for `t`. Relative URLs below it inherit the token.
    Path(Vec<String>),
    /// A parameter of a path segment (RFC 6570 section 3.2.7): `/vod/film;<name>=<token>`. No other parameter in a path is taken.
    PathParameter(String),
}

/// Not a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "give `query:<name>`, `cookie:<name>`, `bearer`, `header:<name>`, `path`, `path:<first segment>` or `path-parameter:<name>`"
)]
pub struct UnknownCarrier;

impl FromStr for Carrier {
    type Err = UnknownCarrier;

    fn from_str(text: &str) -> Result<Self, UnknownCarrier> {
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        let token = |name: &str| !name.is_empty() && name.bytes().all(is_token_byte);
        match kind {
            "query" if !name.is_empty() && !name.contains(['&', '=', '#']) => {
                Ok(Self::Query(name.to_owned()))
            }
            "cookie" if token(name) => Ok(Self::Cookie(name.to_owned())),
            "bearer" if !text.contains(':') => Ok(Self::Bearer),
            "header"
                if token(name)
                    && !name.eq_ignore_ascii_case("cookie")
                    && !name.starts_with("weir-") =>
            {
                Ok(Self::Header(name.to_ascii_lowercase()))
            }
            "path-parameter" if token(name) && !name.contains('%') => {
                Ok(Self::PathParameter(name.to_owned()))
            }
            "path" if !text.contains(':') => Ok(Self::Path(Vec::new())),
            "path" => {
                let path = format!("/{}", name.trim_matches('/'));
                let normal = NormalPath::new(&path).map_err(|_| UnknownCarrier)?;
                let segments: Vec<String> = normal.segments().map(str::to_owned).collect();
                let plain =
                    normal.encoded() == path && segments.iter().all(|segment| !segment.is_empty());
                if plain {
                    Ok(Self::Path(segments))
                } else {
                    Err(UnknownCarrier)
                }
            }
            _ => Err(UnknownCarrier),
        }
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A token as it was found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The token as it stands in the request, percent-encodings included.
    pub raw: Cow<'a, str>,
    /// What must be taken out of the request.
    pub place: Place<'a>,
}

/// A part of the request that a token occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// Every query parameter of this (decoded) name.
    Query(&'a str),
    /// Every cookie of this name.
    Cookie(&'a str),
    /// The whole header.
    Header(&'a str),
    /// This many segments at the front of the path.
    Path(usize),
    /// A parameter of a path segment, which is cut out before the path is read.
    PathParameter,
}

impl Carrier {
    /// The header that this carrier reads, if any.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Query(_) | Self::Path(_) | Self::PathParameter(_) => None,
            Self::Cookie(_) => Some("cookie"),
            Self::Bearer => Some("authorization"),
            Self::Header(name) => Some(name),
        }
    }

    /// Shows every token at this place; more than one when a parameter, cookie or header is repeated.
    pub fn find<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        mut show: impl FnMut(Found<'a>),
    ) {
        match self {
            Self::Query(name) => {
                for (found, value) in query_pairs(head.query().unwrap_or_default()) {
                    if decoded_eq(found, name) {
                        show(Found {
                            raw: Cow::Borrowed(value),
                            place: Place::Query(name),
                        });
                    }
                }
            }
            Self::Cookie(name) => {
                for value in cookies(head)
                    .filter(|(found, _)| found == name)
                    .map(|(_, value)| value)
                {
                    show(Found {
                        raw: Cow::Borrowed(value),
                        place: Place::Cookie(name),
                    });
                }
            }
            Self::Bearer => {
                for value in head.header_all("authorization").filter_map(text) {
                    if let Some((scheme, token)) = value.trim().split_once(' ')
                        && scheme.eq_ignore_ascii_case("bearer")
                    {
                        show(Found {
                            raw: Cow::Borrowed(token.trim()),
                            place: Place::Header("authorization"),
                        });
                    }
                }
            }
            Self::Header(name) => {
                for value in head.header_all(name) {
                    // A value that is no text is a token all the same: it must be refused, not overlooked.
                    let raw = String::from_utf8_lossy(value);
                    let raw = match raw {
                        Cow::Borrowed(value) => Cow::Borrowed(value.trim()),
                        Cow::Owned(value) => Cow::Owned(value),
                    };
                    show(Found {
                        raw,
                        place: Place::Header(name),
                    });
                }
            }
            Self::Path(prefix) => {
                let mut segments = path.segments();
                if prefix
                    .iter()
                    .all(|expected| segments.next() == Some(expected))
                    && let Some(token) = segments.next()
                    && segments.next().is_some()
                {
                    show(Found {
                        raw: Cow::Borrowed(token),
                        place: Place::Path(prefix.len() + 1),
                    });
                }
            }
            Self::PathParameter(name) => {
                let mut rest = head.path();
                while let Some((range, value)) = path_parameter(rest, name) {
                    rest = &rest[range.end..];
                    show(Found {
                        raw: Cow::Borrowed(value),
                        place: Place::PathParameter,
                    });
                }
            }
        }
    }
}

/// A parameter of the path by its name: where it stands with its semicolon, and its value, which ends with the segment or at the next
/// parameter.
fn path_parameter<'a>(path: &'a str, name: &str) -> Option<(Range<usize>, &'a str)> {
    path.match_indices(';').find_map(|(at, _)| {
        let rest = &path[at + 1..];
        let value = rest.strip_prefix(name)?.strip_prefix('=')?;
        let value = &value[..value.find(['/', ';']).unwrap_or(value.len())];
        let end = at + 1 + name.len() + 1 + value.len();
        Some((at..end, value))
    })
}

/// The path without its parameters of these names.
pub(crate) fn without_path_parameters<'a>(path: &'a str, names: &[String]) -> Cow<'a, str> {
    let mut path = Cow::Borrowed(path);
    for name in names {
        while let Some((range, _)) = path_parameter(&path, name) {
            path.to_mut().replace_range(range, "");
        }
    }
    path
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

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

fn decoded_eq(raw: &str, name: &str) -> bool {
    raw == name || raw.contains('%') && percent_decode(raw).is_some_and(|decoded| decoded == name)
}

/// The cookies of every `cookie` field (RFC 6265 section 4.2.1), double quotes around a value taken off.
pub(crate) fn cookies<'a>(
    head: &RequestHead<'a>,
) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    head.header_all("cookie")
        .filter_map(text)
        .flat_map(|field| field.split(';'))
        .filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let value = value.trim();
            let inner = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'))
                .unwrap_or(value);
            Some((name.trim_end(), inner))
        })
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

/// The `cookie` header without the cookies of these names. None when nothing is left.
pub(crate) fn cookies_without(head: &RequestHead<'_>, names: &[&str]) -> Option<Vec<u8>> {
    let mut kept: Vec<u8> = Vec::new();
    for pair in head
        .header_all("cookie")
        .flat_map(|field| field.split(|byte| *byte == b';'))
    {
        let pair = pair.trim_ascii();
        let name = pair
            .split(|byte| *byte == b'=')
            .next()
            .unwrap_or_default()
            .trim_ascii_end();
        if pair.is_empty() || names.iter().any(|gone| gone.as_bytes() == name) {
            continue;
        }
        if !kept.is_empty() {
            kept.extend_from_slice(b"; ");
        }
        kept.extend_from_slice(pair);
    }
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_module::{HeadBuffer, HeaderNames};

    fn found(carrier: &str, target: &str, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let carrier: Carrier = carrier.parse().unwrap();
        with_head(target, headers, |head| {
            let path = without_path_parameters(head.path(), &["t".to_owned(), "u".to_owned()]);
            let path = NormalPath::new(&path).unwrap();
            let mut out = Vec::new();
            carrier.find(head, &path, |found| out.push(found));
            out.iter()
                .map(|found| (found.raw.to_string(), format!("{:?}", found.place)))
                .collect()
        })
    }

    fn with_head<T>(
        target: &str,
        headers: &[(&str, &str)],
        run: impl FnOnce(&RequestHead<'_>) -> T,
    ) -> T {
        let names = HeaderNames::new(["cookie", "authorization", "x-token"]);
        let mut buffer = HeadBuffer::default();
        buffer.start("GET", target).unwrap();
        for (name, value) in headers {
            buffer.named(&names, name, value.as_bytes()).unwrap();
        }
        run(&RequestHead::decode(&names, buffer.as_bytes()).unwrap())
    }

    #[test]
    fn tokens_are_found_where_they_travel() {
        let one = |token: &str, place: &str| vec![(token.to_owned(), place.to_owned())];
        let query = r#"Query("token")"#;
        assert_eq!(
            found("query:token", "/a?x=1&token=abc&y", &[]),
            one("abc", query)
        );
        assert_eq!(
            found("query:token", "/a?%74oken=abc", &[]),
            one("abc", query)
        );
        assert_eq!(found("query:token", "/a?token=a&token=b", &[]).len(), 2);
        assert_eq!(found("query:token", "/a?Token=a&tokens=b", &[]), []);
        let cookies = [("cookie", "a=1; t=abc"), ("cookie", "t=\"def\"; T=x")];
        let both = [one("abc", r#"Cookie("t")"#), one("def", r#"Cookie("t")"#)].concat();
        assert_eq!(found("cookie:t", "/", &cookies), both);
        let authorization = r#"Header("authorization")"#;
        assert_eq!(
            found("bearer", "/", &[("authorization", "bearer  abc ")]),
            one("abc", authorization)
        );
        assert_eq!(found("bearer", "/", &[("authorization", "Basic abc")]), []);
        assert_eq!(
            found("header:X-Token", "/", &[("x-token", "abc")]),
            one("abc", r#"Header("x-token")"#)
        );
        assert_eq!(found("path:t", "/t/abc/vod/x", &[]), one("abc", "Path(2)"));
        assert_eq!(found("path:t", "/vod/t/abc/x", &[]), []);
        assert_eq!(found("path:t", "/t/abc", &[]), []);
        assert_eq!(found("path", "/abc/vod/x", &[]), one("abc", "Path(1)"));
        let parameter = found("path-parameter:t", "/vod;t=abc/x;t=def;u=1", &[]);
        let place = "PathParameter";
        assert_eq!(parameter, [one("abc", place), one("def", place)].concat());
    }

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
        let cookies = [("cookie", "a=1; t=x;b=\"2\""), ("cookie", "t=y; c")];
        let rest = with_head("/", &cookies, |head| cookies_without(head, &["t"]));
        assert_eq!(rest.as_deref(), Some(b"a=1; b=\"2\"; c".as_slice()));
        assert_eq!(
            with_head("/", &[("cookie", "t=x")], |head| cookies_without(
                head,
                &["t"]
            )),
            None
        );
    }

    #[test]
    fn unknown_carriers_are_refused() {
        for text in [
            "",
            "query",
            "query:",
            "query:a&b",
            "cookie:",
            "cookie:a b",
            "bearer:",
            "header:",
            "header:cookie",
            "header:weir-token",
            "path:",
            "path:a//b",
            "path:..",
            "path:a%41",
            "path-parameter",
            "path-parameter:",
            "path-parameter:a;b",
            "path-parameter:a%41",
            "body:x",
        ] {
            assert_eq!(text.parse::<Carrier>(), Err(UnknownCarrier), "{text}");
        }
        assert_eq!(
            "path:/s/t/".parse(),
            Ok(Carrier::Path(vec!["s".to_owned(), "t".to_owned()]))
        );
    }
}
