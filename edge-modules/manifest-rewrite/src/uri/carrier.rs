//! The token as it travelled: what must be put into every URI so that the next request carries it too.
//!
//! `token-check` takes the token out of the request and, when told to, passes its carrier form on in the request header
//! `weir-token`: `query:<name>=<token>` (several pairs joined by `&` for schemes that sign with more than one parameter) or
//! `path:<token>` for a path segment in front of the path, `path:/<prefix>/<token>` when the prefix comes with it.

/// How the viewer's token travels from URI to URI.
#[derive(Clone, PartialEq, Eq)]
pub enum Carrier {
    /// Query parameters, ready to be written: names and values are valid in a query.
    Query(Vec<(Vec<u8>, Vec<u8>)>),
    /// A path in front of every path, `/t/<token>`: begins with a slash and does not end with one.
    Path(Vec<u8>),
}

impl std::fmt::Debug for Carrier {
    /// Tokens are secrets: only the form is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Query(pairs) => write!(f, "Query({} parameters)", pairs.len()),
            Self::Path(_) => f.write_str("Path(..)"),
        }
    }
}

impl Carrier {
    /// Reads the header's value. Bytes that may not stand in a URI are percent-encoded, so that nothing which a client sends can
    /// end a quoted string or a line. None when the form is unknown or empty.
    pub fn parse(text: &[u8], path_prefix: &str) -> Option<Self> {
        if let Some(pairs) = text.strip_prefix(b"query:") {
            return Self::query(pairs);
        }
        let token = text.strip_prefix(b"path:")?;
        let prefix: &[u8] = if token.starts_with(b"/") {
            b""
        } else {
            path_prefix.as_bytes()
        };
        let mut path = Vec::with_capacity(prefix.len() + token.len() + 1);
        if !prefix.is_empty() && !prefix.starts_with(b"/") {
            path.push(b'/');
        }
        encode(prefix, is_path_byte, &mut path);
        encode(token, is_path_byte, &mut path);
        while path.last() == Some(&b'/') {
            path.pop();
        }
        // Two slashes in front would make the rest a host.
        let one_slash = path.starts_with(b"/") && !path.starts_with(b"//");
        (one_slash && !token.is_empty()).then_some(Self::Path(path))
    }

    /// Query parameters `a=1&b=2` as they stood in a request.
    pub fn query(pairs: &[u8]) -> Option<Self> {
        let pairs: Vec<_> = pairs
            .split(|byte| *byte == b'&')
            .filter_map(|pair| {
                let at = memchr::memchr(b'=', pair)?;
                let (name, value) = (&pair[..at], &pair[at + 1..]);
                (!name.is_empty() && !value.is_empty())
                    .then(|| (encoded_query(name), encoded_query(value)))
            })
            .collect();
        (!pairs.is_empty()).then_some(Self::Query(pairs))
    }
}

/// Makes `text` safe in a query: what is allowed stays as it is, all else is percent-encoded.
pub fn encoded_query(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    encode(text, is_query_byte, &mut out);
    out
}

fn encode(text: &[u8], allowed: impl Fn(u8) -> bool, out: &mut Vec<u8>) {
    for (at, &byte) in text.iter().enumerate() {
        let escape = byte == b'%'
            && matches!(text.get(at + 1..at + 3), Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
        if escape || allowed(byte) {
            out.push(byte);
        } else {
            out.push(b'%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

// RFC 3986 section 3.3 and 3.4, without the quote marks that markup languages use and the `$` of DASH templates.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!&()*+,;=:@/".contains(&byte)
}

fn is_query_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!()*+,;:@/?=".contains(&byte)
}

/// Percent-decodes a query component; `+` stays `+`. None when the result would not be text that a URI may hold as it is,
/// which is what RFC 8216bis section 4.3 needs of a variable that is put into URIs.
pub fn decoded_if_plain(text: &[u8]) -> Option<Vec<u8>> {
    let plain = text
        .iter()
        .all(|byte| *byte != b'%' && *byte != b'+' && is_query_byte(*byte));
    plain.then(|| text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms() {
        assert_eq!(
            Carrier::parse(b"query:token=a.b-c", "/t/"),
            Carrier::query(b"token=a.b-c")
        );
        let Some(Carrier::Query(pairs)) =
            Carrier::parse(b"query:Policy=x~&Signature=y&Key-Pair-Id=z", "/t/")
        else {
            panic!()
        };
        assert_eq!(pairs.len(), 3);
        assert_eq!(
            Carrier::parse(b"path:abc", "/t/"),
            Some(Carrier::Path(b"/t/abc".to_vec()))
        );
        assert_eq!(
            Carrier::parse(b"path:/s/abc/", "/t/"),
            Some(Carrier::Path(b"/s/abc".to_vec()))
        );
    }

    #[test]
    fn nothing_breaks_out_of_a_line_or_a_quoted_string() {
        let Some(Carrier::Query(pairs)) =
            Carrier::parse(b"query:t=a\"b\r\n#EXT {$x} %zz%41", "/t/")
        else {
            panic!()
        };
        assert_eq!(pairs[0].1, b"a%22b%0D%0A%23EXT%20%7B%24x%7D%20%25zz%41");
        assert_eq!(
            Carrier::parse(b"path:a\nb", "/t/"),
            Some(Carrier::Path(b"/t/a%0Ab".to_vec()))
        );
        assert_eq!(Carrier::parse(b"path://evil.example", "/t/"), None);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bad in [
            &b""[..],
            b"cookie:a=b",
            b"query:",
            b"query:a",
            b"query:=b",
            b"path:",
        ] {
            assert_eq!(Carrier::parse(bad, "/t/"), None);
        }
    }

    #[test]
    fn a_debug_print_shows_no_token() {
        let shown = format!(
            "{:?}{:?}",
            Carrier::parse(b"query:t=secret", ""),
            Carrier::parse(b"path:/secret", "")
        );
        assert!(!shown.contains("secret"));
    }
}
