//! Variables of a playlist: `EXT-X-DEFINE` and `{$name}`, RFC 8216bis sections 4.3 and 4.4.2.3.

use crate::playlist::attributes::AttributeList;
use crate::uri::carrier::decoded_if_plain;

/// A playlist may define this much text in variables; what comes after is unknown to the rewriter.
const MAX_TEXT: usize = 16 * 1024;

/// The variables seen so far.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    known: Vec<(Vec<u8>, Vec<u8>)>,
    text: usize,
    /// The query of the playlist's own URI, for `QUERYPARAM`.
    query: Vec<u8>,
}

impl Variables {
    /// Variables of a playlist that was fetched with this query.
    pub fn new(query: &str) -> Self {
        Self {
            query: query.into(),
            ..Self::default()
        }
    }

    /// Reads the attributes of an `EXT-X-DEFINE` tag. `IMPORT` takes its value from another playlist, which is not here: such a
    /// variable stays unknown.
    pub fn define(&mut self, attributes: &[u8]) {
        let value = match AttributeList::find(attributes, "QUERYPARAM") {
            Some(name) => self.parameter(name).map(|value| (name.to_vec(), value)),
            None => AttributeList::find(attributes, "NAME")
                .zip(AttributeList::find(attributes, "VALUE"))
                .map(|(name, value)| (name.to_vec(), value.to_vec())),
        };
        let Some((name, value)) = value else { return };
        let size = name.len() + value.len();
        if self.text + size <= MAX_TEXT && self.value(&name).is_none() {
            self.text += size;
            self.known.push((name, value));
        }
    }

    /// The text with every known variable replaced, and whether all were known.
    pub fn expand(&self, text: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Vec::with_capacity(text.len() + 32);
        let mut complete = true;
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'{', rest) {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let Some(name) = reference(rest) else {
                out.push(b'{');
                rest = &rest[1..];
                continue;
            };
            let whole = name.len() + 3;
            match self.value(name) {
                Some(value) => out.extend_from_slice(value),
                None => {
                    complete = false;
                    out.extend_from_slice(&rest[..whole]);
                }
            }
            rest = &rest[whole..];
        }
        out.extend_from_slice(rest);
        (out, complete)
    }

    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.known
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }

    fn parameter(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.query.split(|byte| *byte == b'&').find_map(|pair| {
            let at = memchr::memchr(b'=', pair)?;
            (&pair[..at] == name).then(|| decoded_if_plain(&pair[at + 1..]))?
        })
    }
}

/// True when the text holds something like a variable reference.
pub fn has_reference(text: &[u8]) -> bool {
    memchr::memchr_iter(b'{', text).any(|at| reference(&text[at..]).is_some())
}

/// The name when `text` begins with `{$name}`.
pub fn reference(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"{$")?;
    let end = memchr::memchr(b'}', rest)?;
    is_name(&rest[..end]).then(|| &rest[..end])
}

/// True for a variable name: `[a-zA-Z0-9-_]+`.
pub fn is_name(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_what_it_knows() {
        let mut variables = Variables::new("sid=9&odd=%22");
        variables.define(br#"NAME="base",VALUE="https://h.example""#);
        variables.define(br#"QUERYPARAM="sid""#);
        variables.define(br#"QUERYPARAM="odd""#);
        variables.define(br#"IMPORT="other""#);
        variables.define(br#"NAME="base",VALUE="second""#);
        assert_eq!(
            variables.expand(b"{$base}/a?s={$sid}"),
            (b"https://h.example/a?s=9".to_vec(), true)
        );
        assert_eq!(
            variables.expand(b"{$other}{$odd}"),
            (b"{$other}{$odd}".to_vec(), false)
        );
        assert_eq!(
            variables.expand(b"{a}{$}{$x y}{"),
            (b"{a}{$}{$x y}{".to_vec(), true)
        );
    }

    #[test]
    fn holds_a_bounded_amount() {
        let mut variables = Variables::default();
        for number in 0..100 {
            variables
                .define(format!(r#"NAME="v{number}",VALUE="{}""#, "x".repeat(1000)).as_bytes());
        }
        assert!(variables.text <= MAX_TEXT && variables.known.len() < 20);
    }
}
