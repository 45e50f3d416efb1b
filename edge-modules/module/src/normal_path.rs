//! One reading of a path, made before any decision.
//!
//! A token allows a path; the origin opens a path. When the two read the same bytes differently, a viewer reaches what the token
//! does not cover (CWE-647, CWE-22). So the path is normalised once, everything is decided on the normal form, the normal form
//! is what goes on, and whatever honest servers read in two ways is refused.

use std::borrow::Cow;

/// A path that every server reads the same way: it begins with `/`, has no `.` or `..` segment, no empty segment but the last,
/// and is percent-encoded in one way only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NormalPath<'a> {
    encoded: Cow<'a, str>,
    /// The same path with every percent-encoding undone; the same text when there is none.
    decoded: Option<String>,
}

/// A path that servers may read in two ways, or that is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path can be read in two ways")]
pub struct AmbiguousPath;

/// Longest path taken, in bytes.
pub const MAX_PATH: usize = 8 * 1024;

impl<'a> NormalPath<'a> {
    /// Normalises a path (no query):
    ///
    /// - percent-encodings of characters that a segment may hold (RFC 3986 section 3.3) are undone, all others are written in capitals;
    /// - `.` and `..` segments, encoded or not, are resolved (section 5.2.4); runs of slashes become one.
    ///
    /// # Errors
    /// [`AmbiguousPath`] for: no leading slash; `..` above the root; an encoded slash or a backslash in any form; `;`
    /// (path parameters, which some servers cut off); an encoding inside an encoding (`%252e`); a broken `%`; control characters and
    /// NUL; bytes that are not UTF-8 (overlong forms are not); `#`; dot segments with spaces; more than [`MAX_PATH`] bytes.
    pub fn new(path: &'a str) -> Result<Self, AmbiguousPath> {
        if path.len() > MAX_PATH || !path.starts_with('/') {
            return Err(AmbiguousPath);
        }
        if is_plain(path.as_bytes()) {
            return Ok(Self {
                encoded: Cow::Borrowed(path),
                decoded: None,
            });
        }
        let decoded = resolve(&decode(path)?)?;
        let encoded = encode(&decoded);
        let decoded = (encoded != decoded).then_some(decoded);
        Ok(Self {
            encoded: Cow::Owned(encoded),
            decoded,
        })
    }

    /// The path as it goes on.
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// The path as people write it in a token's scope.
    pub fn decoded(&self) -> &str {
        self.decoded.as_deref().unwrap_or(&self.encoded)
    }

    /// The path without its first `count` segments: `/t/abc/vod/x` without 2 is `/vod/x`. None when it has no more than that.
    pub fn without_first(&self, count: usize) -> Option<NormalPath<'a>> {
        let encoded = match &self.encoded {
            Cow::Borrowed(text) => Cow::Borrowed(cut(text, count)?),
            Cow::Owned(text) => Cow::Owned(cut(text, count)?.to_owned()),
        };
        let decoded = match &self.decoded {
            Some(text) => Some(cut(text, count)?.to_owned()).filter(|text| **text != *encoded),
            None => None,
        };
        Some(Self { encoded, decoded })
    }

    /// The segments of the encoded form, the leading slash aside.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.encoded[1..].split('/')
    }

    /// Detached from the text that it was read from.
    pub fn into_owned(self) -> NormalPath<'static> {
        NormalPath {
            encoded: Cow::Owned(self.encoded.into_owned()),
            decoded: self.decoded,
        }
    }
}

fn cut(path: &str, count: usize) -> Option<&str> {
    let mut rest = path;
    for _ in 0..count {
        let slash = rest[1..].find('/')?;
        rest = &rest[1 + slash..];
    }
    Some(rest)
}

/// True for the paths that nearly every request has: already normal, nothing to do.
fn is_plain(path: &[u8]) -> bool {
    let mut before = 0_u8;
    for &byte in path {
        if !literal(byte) && byte != b'/' || before == b'/' && (byte == b'/' || byte == b'.') {
            return false;
        }
        before = byte;
    }
    true
}

/// Characters that a segment holds as they are: `pchar` of RFC 3986 section 3.3, less `;`.
fn literal(byte: u8) -> bool {
    LITERAL[usize::from(byte)]
}

/// One look-up a byte: every path of every request is read with it.
static LITERAL: [bool; 256] = {
    let mut table = [false; 256];
    let others = b"-._~!$&'()*+,=:@";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] |= byte.is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

fn decode(path: &str) -> Result<String, AmbiguousPath> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        let encoded = byte == b'%';
        let byte = if encoded {
            match (
                rest.next().and_then(hex_digit),
                rest.next().and_then(hex_digit),
            ) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(AmbiguousPath),
            }
        } else {
            byte
        };
        let double = byte == b'/' && encoded;
        if double
            || byte < 0x20
            || byte == 0x7f
            || matches!(byte, b'\\' | b';')
            || byte == b'#' && !encoded
        {
            return Err(AmbiguousPath);
        }
        bytes.push(byte);
    }
    let text = String::from_utf8(bytes).map_err(|_| AmbiguousPath)?;
    let twice = text
        .as_bytes()
        .windows(3)
        .any(|three| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit));
    // The C1 controls and the code points that a lenient server folds to a slash or a dot.
    let folded = text.chars().any(|c| {
        c.is_control()
            || matches!(
                c,
                '\u{2024}'
                    | '\u{2025}'
                    | '\u{2215}'
                    | '\u{2216}'
                    | '\u{29f8}'
                    | '\u{29f9}'
                    | '\u{fe52}'
                    | '\u{fe68}'
                    | '\u{ff0e}'
                    | '\u{ff0f}'
                    | '\u{ff3c}'
            )
    });
    if twice || folded {
        return Err(AmbiguousPath);
    }
    Ok(text)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn resolve(decoded: &str) -> Result<String, AmbiguousPath> {
    let mut kept: Vec<&str> = Vec::new();
    let mut open = false; // the path ends in a slash
    for segment in decoded[1..].split('/') {
        open = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop().ok_or(AmbiguousPath)?;
            }
            // Some file systems cut spaces off a name, and then it is a dot segment.
            _ if matches!(segment.trim(), "" | "." | "..") => {
                return Err(AmbiguousPath);
            }
            _ => kept.push(segment),
        }
    }
    let mut path = String::with_capacity(decoded.len());
    for segment in &kept {
        path.push('/');
        path.push_str(segment);
    }
    if open || path.is_empty() {
        path.push('/');
    }
    Ok(path)
}

fn encode(decoded: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(decoded.len());
    for byte in decoded.bytes() {
        if literal(byte) || byte == b'/' {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(path: &str) -> Option<String> {
        NormalPath::new(path)
            .ok()
            .map(|path| path.encoded().to_owned())
    }

    #[test]
    fn spellings_of_one_path_become_one() {
        for spelling in [
            "/vod/a/x.m3u8",
            "/vod/%61/x.m3u8",
            "//vod///a/x.m3u8",
            "/vod/./a/x.m3u8",
            "/vod/%2e/a/x.m3u8",
            "/vod/b/../a/x.m3u8",
            "/vod/b/%2e%2E/a/x.m3u8",
            "/vod/b/.%2e/a/x%2em3u8",
        ] {
            assert_eq!(
                normal(spelling).as_deref(),
                Some("/vod/a/x.m3u8"),
                "{spelling}"
            );
        }
        assert_eq!(
            normal("/a%20b/%c3%a9%2c%3f").as_deref(),
            Some("/a%20b/%C3%A9,%3F")
        );
        assert_eq!(normal("/a/..").as_deref(), Some("/"));
        assert_eq!(normal("/a/.").as_deref(), Some("/a/"));
        assert_eq!(normal("/...").as_deref(), Some("/..."));
        assert_eq!(normal("/.well-known/x").as_deref(), Some("/.well-known/x"));
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        for path in [
            "",
            "a",
            "*",
            "http://x/y",
            "/..",
            "/../a",
            "/a/../../b",
            "/%2e%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/a\\b",
            "/a%5cb",
            "/a%5Cb",
            "/a;v=1/b",
            "/a%3bb",
            "/a/..;/b",
            "/%252e%252e/a",
            "/a%25%32%65",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%00",
            "/a\0b",
            "/a%0d%0ab",
            "/a\tb",
            "/a%7f",
            "/%c0%ae%c0%ae/a",
            "/%c0%afa",
            "/%e0%80%ae",
            "/%ff",
            "/%f0%82%82%ac",
            "/a#b",
            "/%ef%bc%8fa",
            "/%ef%bc%8e%ef%bc%8e/a",
            "/%u002e/a",
            "/a/%uff0e",
            "/a/..%20/b",
            "/a/%20../b",
            "/a/.%20",
            "/a/%20/b",
        ] {
            assert_eq!(normal(path), None, "{path}");
        }
        assert_eq!(normal(&format!("/{}", "a".repeat(MAX_PATH))), None);
    }

    #[test]
    fn segments_can_be_taken_off_the_front() {
        let path = NormalPath::new("/t/ab%20c/vod/%C3%A9").unwrap();
        let rest = path.without_first(2).unwrap();
        assert_eq!((rest.encoded(), rest.decoded()), ("/vod/%C3%A9", "/vod/é"));
        assert_eq!(path.without_first(4), None);
        assert_eq!(NormalPath::new("/t/abc").unwrap().without_first(2), None);
        assert_eq!(
            NormalPath::new("/t/abc/")
                .unwrap()
                .without_first(2)
                .unwrap()
                .encoded(),
            "/"
        );
    }

    /// What a plain file server opens: decode once, resolve dot segments, drop empty ones.
    fn file_server(path: &str) -> Option<Vec<Vec<u8>>> {
        let mut bytes = Vec::new();
        let mut rest = path.as_bytes().iter();
        while let Some(&byte) = rest.next() {
            if byte == b'%' {
                let pair = [*rest.next()?, *rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
            } else {
                bytes.push(byte);
            }
        }
        let mut kept = Vec::new();
        for segment in bytes.split(|byte| *byte == b'/') {
            match segment {
                b"" | b"." => {}
                b".." => {
                    kept.pop()?;
                }
                other => kept.push(other.to_vec()),
            }
        }
        Some(kept)
    }

    fn spelling() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("/"),
            Just("."),
            Just(".."),
            Just("%2e"),
            Just("%2E"),
            Just("%2f"),
            Just("%5c"),
            Just("a"),
            Just("%61"),
            Just("b"),
            Just("%"),
            Just("%25"),
            Just("2e"),
            Just(";"),
            Just("%c3%a9"),
            Just("é"),
            Just("%00"),
            Just("\\"),
            Just(","),
            Just("%2C"),
            Just("%7E"),
        ];
        proptest::collection::vec(part, 0..12).prop_map(|parts| format!("/{}", parts.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_normal_form_is_normal_and_opens_the_same_object(path in spelling()) {
            if let Ok(first) = NormalPath::new(&path) {
                let again = NormalPath::new(first.encoded()).unwrap();
                prop_assert_eq!(again.encoded(), first.encoded());
                prop_assert_eq!(again.decoded(), first.decoded());
                prop_assert_eq!(file_server(first.encoded()), file_server(&path));
            }
        }

        #[test]
        fn two_spellings_of_one_object_have_one_normal_form(one in spelling(), two in spelling()) {
            let slash = |path: &str| path.ends_with('/');
            if let (Ok(first), Ok(second)) = (NormalPath::new(&one), NormalPath::new(&two)) {
                let same_object = file_server(&one) == file_server(&two) && slash(first.encoded()) == slash(second.encoded());
                prop_assert_eq!(same_object, first.encoded() == second.encoded());
            }
        }

        #[test]
        fn any_text_is_read_or_refused(path in "\\PC{0,40}") {
            let _ = NormalPath::new(&path);
        }
    }
}
