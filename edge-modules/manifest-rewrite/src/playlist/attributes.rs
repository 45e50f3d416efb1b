//! Attribute lists, RFC 8216bis section 4.2: `NAME=value,NAME="value"`.

use std::ops::Range;

/// One attribute of a list, with the place of its value in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name as written, trimmed.
    pub name: &'a [u8],
    /// The value without its quotes.
    pub value: &'a [u8],
    /// Where the value stands in the text that was scanned, quotes not included.
    pub range: Range<usize>,
    /// True for a quoted string.
    pub quoted: bool,
}

/// Walks an attribute list. Lenient where players are: white space around names, empty items and unquoted strings are read as
/// meant, and a quote that stands inside an unquoted value does not swallow the next attribute.
#[derive(Debug, Clone)]
pub struct AttributeList<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> AttributeList<'a> {
    /// Scans `text`, what follows the `:` of a tag.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The value of the first attribute called `name`.
    pub fn find(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
        Self::new(text)
            .find(|attribute| attribute.name == name.as_bytes())
            .map(|attribute| attribute.value)
    }
}

impl<'a> Iterator for AttributeList<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.text;
        loop {
            let rest = text.get(self.at..)?;
            // Up to `=` is the name; an item without `=` is skipped, as players do.
            let stop = memchr::memchr2(b'=', b',', rest)?;
            let name = rest[..stop].trim_ascii();
            let mut start = self.at + stop + 1;
            if rest[stop] == b',' {
                self.at = start;
                continue;
            }
            while text
                .get(start)
                .is_some_and(|byte| matches!(byte, b' ' | b'\t'))
            {
                start += 1;
            }
            let (range, quoted) = if text.get(start) == Some(&b'"') {
                let from = start + 1;
                let to = memchr::memchr(b'"', &text[from..]).map_or(text.len(), |at| from + at);
                let next = text.get(to..).unwrap_or_default();
                self.at = to + memchr::memchr(b',', next).map_or(next.len(), |at| at + 1);
                (from..to, true)
            } else {
                let tail = text.get(start..).unwrap_or_default();
                let to = start + memchr::memchr(b',', tail).unwrap_or(tail.len());
                self.at = to + 1;
                (start..start + text[start..to].trim_ascii_end().len(), false)
            };
            return Some(Attribute {
                name,
                value: &text[range.clone()],
                range,
                quoted,
            });
        }
    }
}

/// True for a text that a quoted string can hold (section 4.2).
pub fn is_quotable(text: &str) -> bool {
    !text.contains(['"', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String, bool)> {
        AttributeList::new(text.as_bytes())
            .map(|a| {
                assert_eq!(&text.as_bytes()[a.range.clone()], a.value);
                (
                    String::from_utf8_lossy(a.name).into(),
                    String::from_utf8_lossy(a.value).into(),
                    a.quoted,
                )
            })
            .collect()
    }

    fn pair(name: &str, value: &str, quoted: bool) -> (String, String, bool) {
        (name.into(), value.into(), quoted)
    }

    #[test]
    fn reads_quoted_and_plain_values() {
        assert_eq!(
            pairs(r#"BANDWIDTH=1,CODECS="a,b=c",RESOLUTION=1x2"#),
            [
                pair("BANDWIDTH", "1", false),
                pair("CODECS", "a,b=c", true),
                pair("RESOLUTION", "1x2", false)
            ]
        );
    }

    #[test]
    fn reads_what_real_packagers_got_wrong() {
        // From a published fixture: a closing quote without an opening one.
        assert_eq!(
            pairs(r#"METHOD=AES-128,IV=00ff",URI="https://magic.example/secret""#)[2],
            pair("URI", "https://magic.example/secret", true)
        );
        assert_eq!(
            pairs(r#",BANDWIDTH=1, URI = "x" ,Y=2 "#),
            [
                pair("BANDWIDTH", "1", false),
                pair("URI", "x", true),
                pair("Y", "2", false)
            ]
        );
        assert_eq!(pairs(r#"URI="open"#), [pair("URI", "open", true)]);
        assert_eq!(pairs("A=,B"), [pair("A", "", false)]);
        assert_eq!(pairs(""), []);
    }

    #[test]
    fn find_takes_the_first() {
        assert_eq!(AttributeList::find(b"A=1,A=2", "A"), Some(b"1".as_slice()));
        assert_eq!(AttributeList::find(b"A=1", "B"), None);
    }
}
