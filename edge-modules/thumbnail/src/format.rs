//! The picture formats: told apart by their first bytes, never by name or by `content-type`.

use std::fmt;

/// A format that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormat {
    /// JPEG (ITU-T T.81).
    Jpeg,
    /// PNG (W3C PNG, third edition).
    Png,
    /// WebP (RFC 9649).
    WebP,
    /// GIF (87a, 89a).
    Gif,
}

impl fmt::Display for SourceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
        })
    }
}

/// A format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

impl OutputFormat {
    /// The word in the `format` option.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    /// The format of a file extension or option word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// Can be decoded.
    Known(SourceFormat),
    /// Something else; the name is for the error.
    Other(&'static str),
}

/// Tells a format by its signature (the same table as the WHATWG MIME Sniffing Standard, section 6.1, with the newer formats
/// by their box and codestream signatures).
pub fn sniff(bytes: &[u8]) -> Sniffed {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Sniffed::Known(SourceFormat::Jpeg),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Sniffed::Known(SourceFormat::Png),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Sniffed::Known(SourceFormat::WebP),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Sniffed::Known(SourceFormat::Gif),
        [a, b, c, d, b'f', b't', b'y', b'p', brands @ ..] => {
            let length = u32::from_be_bytes([*a, *b, *c, *d]).saturating_sub(8);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            Sniffed::Other(by_brand(&brands[..brands.len().min(length)]))
        }
        [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => Sniffed::Other("JPEG XL"),
        [b'B', b'M', ..] => Sniffed::Other("BMP"),
        [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => Sniffed::Other("TIFF"),
        [] => Sniffed::Other("an empty file"),
        _ if looks_like_svg(bytes) => Sniffed::Other("SVG"),
        _ => Sniffed::Other("a file of unknown type"),
    }
}

/// The name of an ISO base media file by the major brand and the compatible ones (ISO/IEC 14496-12 section 4.3). Many AVIF files
/// have the general major brand of still pictures and say AVIF among the others.
fn by_brand(brands: &[u8]) -> &'static str {
    // The second four bytes are a version.
    let mut all = brands
        .chunks_exact(4)
        .enumerate()
        .filter(|(index, _)| *index != 1);
    let any = |wanted: &[&[u8]]| all.clone().any(|(_, brand)| wanted.contains(&brand));
    if any(&[b"avif", b"avis"]) {
        return AVIF;
    }
    match all.next() {
        Some((_, b"heic" | b"heix" | b"heif" | b"mif1" | b"msf1")) => "HEIF",
        _ => "an ISO base media file",
    }
}

/// The name of AVIF in [`Sniffed::Other`].
pub const AVIF: &str = "AVIF";

/// SVG has no signature: XML whose first element is `svg`. Refused by name, since a script may hide in it.
fn looks_like_svg(bytes: &[u8]) -> bool {
    // Text of 16 bits has a zero in every other byte, and a mark in front.
    let wide = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    let narrowed: Vec<u8>;
    let text = if wide {
        narrowed = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        narrowed.get(2..).unwrap_or_default()
    } else {
        bytes
    };
    let begins = text
        .iter()
        .find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf));
    // A comment of any length may stand in front of the element.
    begins == Some(&b'<')
        && text
            .windows(4)
            .any(|four| four.eq_ignore_ascii_case(b"<svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_formats_by_their_bytes() {
        assert_eq!(
            sniff(b"\xff\xd8\xff\xe0"),
            Sniffed::Known(SourceFormat::Jpeg)
        );
        assert_eq!(
            sniff(b"\x89PNG\r\n\x1a\n...."),
            Sniffed::Known(SourceFormat::Png)
        );
        assert_eq!(
            sniff(b"RIFF\x10\0\0\0WEBPVP8 "),
            Sniffed::Known(SourceFormat::WebP)
        );
        assert_eq!(
            sniff(b"RIFF\x10\0\0\0WAVEfmt "),
            Sniffed::Other("a file of unknown type")
        );
        assert_eq!(sniff(b"GIF89a.."), Sniffed::Known(SourceFormat::Gif));
        assert_eq!(sniff(b"\0\0\0\x1cftypavif"), Sniffed::Other("AVIF"));
        assert_eq!(
            sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf...."),
            Sniffed::Other("AVIF")
        );
        assert_eq!(
            sniff(b"\0\0\0\x14ftypmif1avifmif1avif"),
            Sniffed::Other("HEIF")
        );
        assert_eq!(
            sniff(b"\0\0\0\0ftyp"),
            Sniffed::Other("an ISO base media file")
        );
        assert_eq!(
            sniff(b"\xef\xbb\xbf <?xml version='1.0'?>\n<SVG onload='x'>"),
            Sniffed::Other("SVG")
        );
        assert_eq!(
            sniff(b"<html><body>"),
            Sniffed::Other("a file of unknown type")
        );
        assert_eq!(sniff(b""), Sniffed::Other("an empty file"));
    }
}
