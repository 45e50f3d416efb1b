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
mod tests;
