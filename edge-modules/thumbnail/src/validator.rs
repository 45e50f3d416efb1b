//! Validators of results (RFC 9110 section 8.8). A result's entity tag holds the source's own tag, so that a conditional request
//! becomes a conditional request to the origin: an unchanged picture is confirmed without reading or decoding anything.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Changes whenever the same source and options give other bytes than before.
const GENERATION: &str = "t1";

/// The longest source tag that is carried along; longer ones are hashed, and can then only be compared, not sent back.
const LONGEST_TAG: usize = 96;

/// Makes the tags of one variant: one set of options, one class of client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagger {
    variant: String,
}

impl Tagger {
    /// For a variant, by a text that names everything but the source that the bytes depend on.
    pub fn new(variant: &str) -> Self {
        Self {
            variant: hex(&Sha256::digest(variant), 8),
        }
    }

    /// The result's tag, from the source's tag.
    pub fn from_source_tag(&self, tag: &str) -> Option<String> {
        let (weak, opaque) = opaque(tag)?;
        let part = if opaque.len() <= LONGEST_TAG {
            URL_SAFE_NO_PAD.encode(opaque)
        } else {
            format!(".{}", hex(&Sha256::digest(opaque), 16))
        };
        Some(format!("{weak}\"{GENERATION}.{}.{part}\"", self.variant))
    }

    /// The result's tag, from the source's bytes, where the origin sends no tag.
    pub fn from_bytes(&self, bytes: &[u8]) -> String {
        format!(
            "\"{GENERATION}.{}.~{}\"",
            self.variant,
            hex(&Sha256::digest(bytes), 16)
        )
    }

    /// What to ask the origin, given what the viewer asked: the source tags inside the viewer's tags for this variant.
    pub fn ask_origin(&self, if_none_match: &str) -> Option<String> {
        let mut out = String::new();
        for tag in tags(if_none_match) {
            let Some((weak, opaque)) = opaque(tag) else {
                continue;
            };
            let Some(part) = self.own_part(opaque) else {
                continue;
            };
            let Some(source) = URL_SAFE_NO_PAD
                .decode(part)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
            else {
                continue;
            };
            if !source.is_empty() && source.bytes().all(is_tag_byte) {
                let join = if out.is_empty() { "" } else { ", " };
                // Writing to a string cannot fail.
                let _ = write!(out, "{join}{weak}\"{source}\"");
            }
        }
        (!out.is_empty()).then_some(out)
    }

    fn own_part<'a>(&self, opaque: &'a str) -> Option<&'a str> {
        opaque
            .strip_prefix(GENERATION)?
            .strip_prefix('.')?
            .strip_prefix(self.variant.as_str())?
            .strip_prefix('.')
    }
}

/// Weak comparison (RFC 9110 section 8.8.3.2) of a tag with an `If-None-Match` list.
pub fn matches(if_none_match: &str, tag: &str) -> bool {
    let Some((_, wanted)) = opaque(tag) else {
        return false;
    };
    if_none_match.trim() == "*"
        || tags(if_none_match).any(|tag| opaque(tag).is_some_and(|(_, opaque)| opaque == wanted))
}

/// `W/` or nothing, and what stands between the quotes.
fn opaque(tag: &str) -> Option<(&'static str, &str)> {
    let tag = tag.trim();
    let (weak, quoted) = match tag.strip_prefix("W/") {
        Some(quoted) => ("W/", quoted),
        None => ("", tag),
    };
    let opaque = quoted.strip_prefix('"')?.strip_suffix('"')?;
    opaque.bytes().all(is_tag_byte).then_some((weak, opaque))
}

/// `etagc` (RFC 9110 section 8.8.3), visible ASCII only.
fn is_tag_byte(byte: u8) -> bool {
    byte == 0x21 || (0x23..=0x7e).contains(&byte)
}

/// The tags of a list. A comma may stand inside a tag, so the quotes decide.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let open = rest.find('"')?;
        let close = open + 1 + rest.get(open + 1..)?.find('"')?;
        let (tag, after) = rest.split_at_checked(close + 1)?;
        rest = after;
        Some(tag)
    })
}

fn hex(bytes: &[u8], count: usize) -> String {
    bytes
        .iter()
        .take(count)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_back_to_the_source() {
        let tagger = Tagger::new("w=320 webp");
        for source in ["\"abc\"", "W/\"a,b\"", "\"\u{21}~\""] {
            let tag = tagger.from_source_tag(source).unwrap();
            assert_eq!(tagger.ask_origin(&tag).as_deref(), Some(source));
            assert_eq!(Tagger::new("w=640 webp").ask_origin(&tag), None);
            assert!(matches(&format!("\"x\", {tag}"), &tag));
        }
        let both = format!(
            "{},{}",
            tagger.from_source_tag("\"a\"").unwrap(),
            tagger.from_source_tag("W/\"b\"").unwrap()
        );
        assert_eq!(tagger.ask_origin(&both).as_deref(), Some("\"a\", W/\"b\""));
    }

    #[test]
    fn foreign_and_broken_tags_ask_nothing() {
        let tagger = Tagger::new("v");
        for list in [
            "",
            "*",
            "\"abc\"",
            "abc",
            "\"",
            "W/",
            "\"t1.x.y\"",
            "\u{e9}\"a\"",
        ] {
            assert_eq!(tagger.ask_origin(list), None, "{list}");
        }
        assert_eq!(tagger.from_source_tag("abc"), None);
        assert_eq!(tagger.from_source_tag("\"a\r\n\""), None);
    }

    #[test]
    fn long_source_tags_are_hashed() {
        let tagger = Tagger::new("v");
        let tag = tagger
            .from_source_tag(&format!("\"{}\"", "x".repeat(500)))
            .unwrap();
        assert!(tag.len() < 100);
        assert_eq!(tagger.ask_origin(&tag), None);
    }

    #[test]
    fn comparison_is_weak() {
        assert!(matches("W/\"a\"", "\"a\""));
        assert!(matches("*", "\"a\""));
        assert!(!matches("\"b\"", "\"a\""));
    }

    proptest::proptest! {
        #[test]
        fn any_list_is_survived(list in ".{0,60}") {
            let tagger = Tagger::new("v");
            if let Some(asked) = tagger.ask_origin(&list) {
                proptest::prop_assert!(asked.is_ascii());
            }
            matches(&list, "\"a\"");
        }
    }
}
