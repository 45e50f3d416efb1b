//! URI references, RFC 3986, as browsers read them.

/// The five parts of a reference (RFC 3986 appendix B). A part that is absent is `None`, an empty one `Some("")`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UriReference<'a> {
    /// Without the colon.
    pub scheme: Option<&'a [u8]>,
    /// User information, host and port, without the slashes.
    pub authority: Option<&'a [u8]>,
    /// Up to `?` or `#`.
    pub path: &'a [u8],
    /// Without the question mark.
    pub query: Option<&'a [u8]>,
    /// Without the hash.
    pub fragment: Option<&'a [u8]>,
}

impl<'a> UriReference<'a> {
    /// Splits a reference. Every text has exactly one reading.
    ///
    /// A backslash counts as a slash before the path, since browsers read `https:\\host\` and `/\host` so: a host that is to be
    /// left out must be seen however it is written.
    pub fn split(uri: &'a [u8]) -> Self {
        let (rest, fragment) = cut(uri, b'#');
        let (rest, query) = cut(rest, b'?');
        let scheme_end = rest
            .iter()
            .position(|byte| matches!(byte, b':' | b'/' | b'\\'));
        let (scheme, rest) = match scheme_end {
            Some(at) if rest[at] == b':' && is_scheme(&rest[..at]) => {
                (Some(&rest[..at]), &rest[at + 1..])
            }
            _ => (None, rest),
        };
        let (authority, path) = match rest {
            [b'/' | b'\\', b'/' | b'\\', tail @ ..] => {
                let end = tail
                    .iter()
                    .position(|byte| matches!(byte, b'/' | b'\\'))
                    .unwrap_or(tail.len());
                (Some(&tail[..end]), &tail[end..])
            }
            _ => (None, rest),
        };
        Self {
            scheme,
            authority,
            path,
            query,
            fragment,
        }
    }

    /// True when a player would fetch this over HTTP: no scheme, `http` or `https`.
    pub fn is_http(&self) -> bool {
        self.scheme.is_none_or(|scheme| {
            scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https")
        })
    }

    /// The host of the authority: no user information, no port, no final dot.
    pub fn host(&self) -> Option<&'a [u8]> {
        self.authority.map(host_of)
    }
}

/// The host part of an authority.
pub fn host_of(authority: &[u8]) -> &[u8] {
    let host = memchr::memrchr(b'@', authority).map_or(authority, |at| &authority[at + 1..]);
    let host = if host.first() == Some(&b'[') {
        memchr::memchr(b']', host).map_or(host, |end| &host[..=end])
    } else {
        cut(host, b':').0
    };
    host.strip_suffix(b".").unwrap_or(host)
}

fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(mark, text) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn is_scheme(text: &[u8]) -> bool {
    matches!(text, [first, rest @ ..] if first.is_ascii_alphabetic()
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
}

/// Resolves the path of a relative reference against the path of the playlist (RFC 3986 section 5.2.3 and 5.2.4).
///
/// `base` begins with a slash; so does the result.
pub fn resolve_path(base: &[u8], path: &[u8]) -> Vec<u8> {
    let directory = memchr::memrchr(b'/', base).map_or(b"/".as_slice(), |at| &base[..=at]);
    let whole = match path {
        [] => base.to_vec(),
        [b'/', ..] => path.to_vec(),
        _ => [directory, path].concat(),
    };
    let mut out: Vec<&[u8]> = Vec::new();
    let mut segments = whole.split(|byte| *byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." if !last => {}
            b".." if !last => drop(out.pop()),
            b"." => out.push(b""),
            b".." => {
                out.pop();
                out.push(b"");
            }
            _ => out.push(segment),
        }
    }
    let mut resolved = Vec::with_capacity(whole.len() + 1);
    for segment in &out {
        resolved.push(b'/');
        resolved.extend_from_slice(segment);
    }
    if resolved.is_empty() {
        resolved.push(b'/');
    }
    resolved
}

/// True when a relative path climbs above the root of `base`: what RFC 3986 cuts off in silence.
pub fn climbs_out(base: &[u8], path: &[u8]) -> bool {
    let mut depth = base
        .iter()
        .filter(|byte| **byte == b'/')
        .count()
        .saturating_sub(1);
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            b"." => {}
            _ => depth += 1,
        }
    }
    false
}

/// Hosts by name: `video.example` is that host, `*.example` every host below it, `*` every host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// Every host.
    Any,
    /// One host, in lower case.
    Exact(String),
    /// Every host that ends with this text, which begins with a dot, in lower case.
    Below(String),
}

impl HostPattern {
    /// Reads a pattern; none when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('.').to_ascii_lowercase();
        match text.strip_prefix('*') {
            Some("") => Some(Self::Any),
            Some(rest) if rest.starts_with('.') && is_host(&rest[1..]) => {
                Some(Self::Below(rest.to_owned()))
            }
            None if is_host(&text) => Some(Self::Exact(text)),
            _ => None,
        }
    }

    /// True when the host is meant.
    pub fn matches(&self, host: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(name) => host.eq_ignore_ascii_case(name.as_bytes()),
            Self::Below(suffix) => {
                host.len() > suffix.len()
                    && host[host.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes())
            }
        }
    }
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'[' | b']' | b':')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(uri: &str) -> UriReference<'_> {
        UriReference::split(uri.as_bytes())
    }

    #[test]
    fn splits_every_form() {
        let all = split("https://u@h.example:8443/a/b?c=d?e#f?g");
        assert_eq!(all.scheme, Some(b"https".as_slice()));
        assert_eq!(all.host(), Some(b"h.example".as_slice()));
        assert_eq!(
            (all.path, all.query, all.fragment),
            (&b"/a/b"[..], Some(&b"c=d?e"[..]), Some(&b"f?g"[..]))
        );
        assert_eq!(
            split("//cdn.example/x").host(),
            Some(b"cdn.example".as_slice())
        );
        assert_eq!(split("a/b:c").scheme, None);
        assert_eq!(split("1a:b").scheme, None);
        assert_eq!(split("?x").query, Some(b"x".as_slice()));
        assert_eq!(split("//[::1]:80/x").host(), Some(b"[::1]".as_slice()));
        assert_eq!(
            split("https://Example.COM./").host(),
            Some(b"Example.COM".as_slice())
        );
    }

    #[test]
    fn sees_a_host_behind_backslashes() {
        assert_eq!(
            split(r"/\evil.example/x").host(),
            Some(b"evil.example".as_slice())
        );
        assert_eq!(
            split(r"https:\\evil.example\x").host(),
            Some(b"evil.example".as_slice())
        );
    }

    #[test]
    fn only_http_is_fetched() {
        for other in [
            "skd://k",
            "data:text/plain,x",
            "SKD:k",
            "urn:x",
            "com.widevine:a",
        ] {
            assert!(!split(other).is_http(), "{other}");
        }
        for http in ["HTTP://h/", "https:x", "//h/x", "x", "", "?q", "#f"] {
            assert!(split(http).is_http(), "{http}");
        }
    }

    #[test]
    fn resolves_as_in_rfc_3986_section_5_4() {
        let cases = [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("g/./h", "/b/c/g/h"),
            ("g/../h", "/b/c/h"),
            ("", "/b/c/d"),
            ("a//b", "/b/c/a//b"),
        ];
        for (reference, expected) in cases {
            let resolved = resolve_path(b"/b/c/d", reference.as_bytes());
            assert_eq!(String::from_utf8_lossy(&resolved), expected, "{reference}");
        }
    }

    #[test]
    fn notices_a_climb_above_the_root() {
        assert!(!climbs_out(b"/b/c/d", b"../../g"));
        assert!(climbs_out(b"/b/c/d", b"../../../g"));
        assert!(!climbs_out(b"/b/c/d", b"x/../../../g"));
        assert!(climbs_out(b"/d", b"../g"));
    }

    #[test]
    fn host_patterns() {
        let below = HostPattern::parse("*.Ads.example").unwrap();
        assert!(below.matches(b"a.ads.EXAMPLE"));
        assert!(!below.matches(b"ads.example") && !below.matches(b"xads.example"));
        assert!(
            HostPattern::parse("ads.example")
                .unwrap()
                .matches(b"ADS.example")
        );
        assert!(HostPattern::parse("*").unwrap().matches(b"x"));
        for bad in ["", "*x", "a b", "http://a", "*.*"] {
            assert_eq!(HostPattern::parse(bad), None, "{bad}");
        }
    }
}
