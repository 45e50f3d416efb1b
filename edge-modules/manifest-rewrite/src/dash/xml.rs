//! An XML document as a list of pieces over its own text: what is left alone keeps its bytes. `quick-xml` finds the pieces and
//! checks that they nest; attributes are found here, since their place in the text is needed.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::error::RewriteError;

/// Elements may nest this deep.
const MAX_DEPTH: usize = 64;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it stands.
    pub range: Range<usize>,
    /// What it is.
    pub kind: PieceKind,
    /// How many elements it stands in.
    pub depth: usize,
}

/// The kinds of pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PieceKind {
    /// A start tag, with the local name.
    Start(String),
    /// An end tag, with the local name.
    End(String),
    /// An empty element's tag, with the local name.
    Empty(String),
    /// Text and references between tags.
    Text,
    /// Comments, declarations, instructions, CDATA.
    Other,
}

/// Cuts a document into pieces.
///
/// # Errors
/// A document that is not well-formed, or nests too deep.
pub fn pieces(text: &str) -> Result<Vec<Piece>, RewriteError> {
    let broken = |error: String| RewriteError::Xml(error);
    let mut reader = Reader::from_str(text);
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut from = 0;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| broken(error.to_string()))?;
        let to =
            usize::try_from(reader.buffer_position()).map_err(|error| broken(error.to_string()))?;
        let local = |name: &[u8]| {
            let name = memchr::memrchr(b':', name).map_or(name, |at| &name[at + 1..]);
            String::from_utf8_lossy(name).into_owned()
        };
        let mut inside = depth;
        let kind = match &event {
            Event::Eof => break,
            Event::Start(tag) => {
                depth += 1;
                PieceKind::Start(local(tag.name().as_ref()))
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                inside = depth;
                PieceKind::End(local(tag.name().as_ref()))
            }
            Event::Empty(tag) => PieceKind::Empty(local(tag.name().as_ref())),
            Event::Text(_) | Event::GeneralRef(_) => PieceKind::Text,
            _ => PieceKind::Other,
        };
        if depth > MAX_DEPTH {
            return Err(broken(format!("elements nest over {MAX_DEPTH} deep")));
        }
        // A text with references in it comes in several events and is one text.
        match found.last_mut() {
            Some(Piece {
                range,
                kind: PieceKind::Text,
                ..
            }) if kind == PieceKind::Text => range.end = to,
            _ => found.push(Piece {
                range: from..to,
                kind,
                depth: inside,
            }),
        }
        from = to;
    }
    if depth > 0 {
        return Err(broken("the document ends inside an element".to_owned()));
    }
    Ok(found)
}

/// The attributes of a tag's text: the full name and the place of the value without its quotes.
pub fn attributes(tag: &str) -> Vec<(&str, Range<usize>)> {
    let bytes = tag.as_bytes();
    let mut found = Vec::new();
    // Behind `<name`.
    let mut at = bytes
        .iter()
        .position(|byte| byte.is_ascii_whitespace())
        .unwrap_or(bytes.len());
    while let Some(equals) = bytes
        .get(at..)
        .and_then(|rest| memchr::memchr(b'=', rest))
        .map(|offset| at + offset)
    {
        let name = tag[at..equals].trim();
        let Some(open) = bytes[equals + 1..]
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\''))
            .map(|offset| equals + 1 + offset)
        else {
            break;
        };
        let Some(length) = memchr::memchr(bytes[open], &bytes[open + 1..]) else {
            break;
        };
        found.push((name, open + 1..open + 1 + length));
        at = open + length + 2;
    }
    found
}

/// The value of an attribute, unescaped.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let found = attributes(tag)
        .into_iter()
        .find(|(known, _)| *known == name)?;
    Some(unescape(&tag[found.1]))
}

/// Replaces the five predefined entities and numeric references; what is no reference stays.
pub fn unescape(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

/// Makes a text safe for attributes and content.
pub fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_cover_the_text() {
        let text = "<?xml version=\"1.0\"?>\n<a:MPD x='1' y=\"a&amp;b>\"><!-- c --><B/> t&lt;u <C>v</C></a:MPD>\n";
        let found = pieces(text).unwrap();
        let joined: String = found
            .iter()
            .map(|piece| &text[piece.range.clone()])
            .collect();
        assert_eq!(joined, text);
        assert!(
            found
                .iter()
                .any(|piece| piece.kind == PieceKind::Start("MPD".into()))
        );
        let texts: Vec<&str> = found
            .iter()
            .filter(|piece| piece.kind == PieceKind::Text)
            .map(|piece| &text[piece.range.clone()])
            .collect();
        assert_eq!(texts, ["\n", " t&lt;u ", "v", "\n"]);
    }

    #[test]
    fn attributes_with_their_places() {
        let tag = "<S media = \"a?b=1&amp;c\" n='\"x\"'/>";
        assert_eq!(attribute(tag, "media").as_deref(), Some("a?b=1&c"));
        assert_eq!(attribute(tag, "n").as_deref(), Some("\"x\""));
        assert_eq!(attributes("<S/>"), []);
    }

    #[test]
    fn broken_documents_are_refused() {
        for text in ["<a>", "<a></b>", "<a", &"<a>".repeat(100)] {
            assert!(pieces(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_covered_or_refused(text in "(<a>|</a>|<b x='1'/>|&lt;|&|text|<!--|-->|<|>|\"| |é){0,20}") {
            if let Ok(found) = pieces(&text) {
                let joined: String = found.iter().map(|piece| &text[piece.range.clone()]).collect();
                prop_assert_eq!(joined, text.as_str());
                for piece in found {
                    attributes(&text[piece.range]);
                }
            }
        }
    }
}
