//! Where in a request a token travels, how it is found there, and how it is taken out.

use std::borrow::Cow;
use std::str::FromStr;

use memchr::memchr;
use weir_module::RequestHead;

use crate::path::NormalPath;
use crate::query::{decoded_eq, query_pairs};

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
                let pieces = head.path().split(';').skip(1);
                for value in pieces.filter_map(|piece| path_parameter(piece, name)) {
                    show(Found {
                        raw: Cow::Borrowed(value),
                        place: Place::PathParameter,
                    });
                }
            }
        }
    }
}

/// The value of a path parameter, from what follows a semicolon: it ends with the segment.
fn path_parameter<'a>(piece: &'a str, name: &str) -> Option<&'a str> {
    let value = piece.strip_prefix(name)?.strip_prefix('=')?;
    value.split('/').next()
}

/// The path without its parameters of these names.
pub(crate) fn without_path_parameters<'a>(path: &'a str, names: &[String]) -> Cow<'a, str> {
    if names.is_empty() || memchr(b';', path.as_bytes()).is_none() {
        return Cow::Borrowed(path);
    }
    let mut pieces = path.split(';');
    let mut left = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        if names
            .iter()
            .any(|name| path_parameter(piece, name).is_some())
        {
            left.push_str(piece.find('/').map_or("", |slash| &piece[slash..]));
        } else {
            left.push(';');
            left.push_str(piece);
        }
    }
    Cow::Owned(left)
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
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
