//! A multivariant playlist as a list of entries over its own text (RFC 8216bis section 4.4.6). Entries can be dropped, moved and
//! edited; what is left alone keeps its bytes.

use std::ops::Range;

use crate::multivariant::stream::{Rendition, Stream, field};
use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::{BOM, content, lines, terminator};
use crate::playlist::variables::Variables;

/// One playlist.
#[derive(Debug, Clone)]
pub struct Multivariant {
    text: Vec<u8>,
    /// In order of the text.
    pub entries: Vec<Entry>,
}

/// A tag with what belongs to it: a variant's entry reaches from its tag to its URI line.
#[derive(Debug, Clone)]
pub struct Entry {
    range: Range<usize>,
    /// Text that stands in for the range.
    edited: Option<Vec<u8>>,
    /// What it is.
    pub kind: Kind,
    /// Left out of the result.
    pub dropped: bool,
}

/// The entries that a policy deals with.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `EXT-X-STREAM-INF` and its URI.
    Variant(Stream),
    /// `EXT-X-I-FRAME-STREAM-INF`.
    IFrame(Stream),
    /// `EXT-X-IMAGE-STREAM-INF`.
    Image(Stream),
    /// `EXT-X-MEDIA`.
    Rendition(Rendition),
    /// `EXT-X-CONTENT-STEERING`.
    Steering {
        /// `PATHWAY-ID`.
        pathway: Option<String>,
    },
    /// `EXT-X-SESSION-DATA`.
    SessionData {
        /// `DATA-ID`.
        id: String,
        /// `LANGUAGE`.
        language: Option<String>,
    },
    /// `EXT-X-START`.
    Start,
    /// All else: header, comments, unknown tags.
    Other,
}

impl Multivariant {
    /// Reads a playlist. Nothing is refused: what is not understood is [`Kind::Other`].
    pub fn parse(text: Vec<u8>) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut variables = Variables::default();
        let mut at = 0;
        let mut open: Option<usize> = None;
        for line in lines(&text) {
            let range = at..at + line.len();
            at = range.end;
            let bare = content(line.strip_prefix(BOM).unwrap_or(line));
            let tag = bare.strip_prefix(b"#EXT-X-");
            if let Some(index) = open {
                // Comments and blank lines may stand between a variant's tag and its URI.
                let is_uri = bare.first().is_some_and(|byte| *byte != b'#');
                if is_uri || tag.is_none() {
                    entries[index].range.end = range.end;
                    open = open.filter(|_| !is_uri);
                    continue;
                }
                open = None;
            }
            let colon = tag.and_then(|tag| memchr::memchr(b':', tag));
            let (name, value) = match (tag, colon) {
                (Some(tag), Some(colon)) => (&tag[..colon], &tag[colon + 1..]),
                (Some(tag), None) => (tag, &b""[..]),
                (None, _) => (&b""[..], &b""[..]),
            };
            let kind = match name {
                b"STREAM-INF" => {
                    open = Some(entries.len());
                    Kind::Variant(Stream::read(value, &variables))
                }
                b"I-FRAME-STREAM-INF" => Kind::IFrame(Stream::read(value, &variables)),
                b"IMAGE-STREAM-INF" => Kind::Image(Stream::read(value, &variables)),
                b"MEDIA" => Kind::Rendition(Rendition::read(value, &variables)),
                b"CONTENT-STEERING" => Kind::Steering {
                    pathway: field(value, "PATHWAY-ID", &variables),
                },
                b"SESSION-DATA" => Kind::SessionData {
                    id: field(value, "DATA-ID", &variables).unwrap_or_default(),
                    language: field(value, "LANGUAGE", &variables),
                },
                b"START" => Kind::Start,
                b"DEFINE" => {
                    variables.define(value);
                    Kind::Other
                }
                _ => Kind::Other,
            };
            entries.push(Entry {
                range,
                edited: None,
                kind,
                dropped: false,
            });
        }
        Self { text, entries }
    }

    /// The text of an entry as it stands now.
    pub fn text(&self, index: usize) -> &[u8] {
        let entry = &self.entries[index];
        entry
            .edited
            .as_deref()
            .unwrap_or(&self.text[entry.range.clone()])
    }

    /// The attribute list of an entry's tag as it stands now.
    pub fn attributes_of<'a>(&'a self, entry: &'a Entry) -> &'a [u8] {
        let text = entry
            .edited
            .as_deref()
            .unwrap_or(&self.text[entry.range.clone()]);
        let line = lines(text).next().unwrap_or_default();
        memchr::memchr(b':', line).map_or(&b""[..], |colon| content(&line[colon + 1..]))
    }

    /// The line end that the playlist uses.
    pub fn newline(&self) -> &'static [u8] {
        lines(&self.text)
            .map(terminator)
            .find(|end| !end.is_empty())
            .unwrap_or(b"\n")
    }

    /// Sets an attribute of an entry's tag; `None` removes it. `value` is written as it is, quotes included.
    pub fn set_attribute(&mut self, index: usize, name: &str, value: Option<&str>) {
        let text = self.text(index).to_vec();
        let line_end = memchr::memchr(b'\n', &text).map_or(text.len(), |at| at + 1);
        let (line, rest) = text.split_at(line_end);
        let body = line.len() - terminator(line).len();
        let Some(start) = memchr::memchr(b':', &line[..body]).map(|at| at + 1) else {
            return;
        };
        let list = &line[start..body];
        let found = AttributeList::new(list).find(|attribute| attribute.name == name.as_bytes());
        let mut edited = line[..start].to_vec();
        match (found, value) {
            (Some(attribute), Some(value)) => {
                let quote = usize::from(attribute.quoted);
                edited.extend_from_slice(&list[..attribute.range.start - quote]);
                edited.extend_from_slice(value.as_bytes());
                edited
                    .extend_from_slice(list.get(attribute.range.end + quote..).unwrap_or_default());
            }
            (Some(attribute), None) => {
                // With its comma: the one before it, or the one after when it is the first.
                let quote = usize::from(attribute.quoted);
                let end = (attribute.range.end + quote).min(list.len());
                let before =
                    memchr::memrchr(b',', &list[..name_start(list, &attribute.range, name)]);
                let (head, mut tail) = (&list[..before.unwrap_or(0)], &list[end..]);
                if before.is_none() {
                    tail = tail.trim_ascii_start();
                    tail = tail.strip_prefix(b",").unwrap_or(tail);
                }
                edited.extend_from_slice(head);
                edited.extend_from_slice(tail);
            }
            (None, Some(value)) => {
                edited.extend_from_slice(list);
                if !list.trim_ascii().is_empty() {
                    edited.push(b',');
                }
                edited.extend_from_slice(format!("{name}={value}").as_bytes());
            }
            (None, None) => return,
        }
        edited.extend_from_slice(&line[body..]);
        edited.extend_from_slice(rest);
        self.entries[index].edited = Some(edited);
    }

    /// Inserts a whole line (without its end) before the entry at `index`; one past the last appends.
    pub fn insert(&mut self, index: usize, line: &str, kind: Kind) {
        let mut edited = line.as_bytes().to_vec();
        edited.extend_from_slice(self.newline());
        let at = self
            .entries
            .get(index)
            .map_or(self.text.len(), |entry| entry.range.start);
        self.entries.insert(
            index,
            Entry {
                range: at..at,
                edited: Some(edited),
                kind,
                dropped: false,
            },
        );
    }

    /// Copies an entry to the end; returns where it is.
    pub fn copy_to_end(&mut self, index: usize) -> usize {
        self.entries.push(self.entries[index].clone());
        self.entries.len() - 1
    }

    /// Replaces a part of an entry's text.
    pub fn replace_text(&mut self, index: usize, range: Range<usize>, with: &str) {
        let mut text = self.text(index).to_vec();
        text.splice(range, with.bytes());
        self.entries[index].edited = Some(text);
    }

    /// Where new tags of the whole playlist go: after the header, its version, and what stands with them.
    pub fn head_end(&self) -> usize {
        let is_head = |index: &usize| {
            let line = self.text(*index);
            let bare = content(line.strip_prefix(BOM).unwrap_or(line));
            [
                &b"#EXTM3U"[..],
                b"#EXT-X-VERSION",
                b"#EXT-X-INDEPENDENT-SEGMENTS",
                b"#EXT-X-DEFINE",
                b"#EXT-X-START",
            ]
            .iter()
            .any(|tag| bare.starts_with(tag))
        };
        (0..self.entries.len())
            .filter(|index| !self.entries[*index].dropped)
            .filter(is_head)
            .max()
            .map_or(0, |index| index + 1)
    }

    /// Writes the playlist.
    pub fn write(&self, out: &mut Vec<u8>) {
        let kept: Vec<usize> = (0..self.entries.len())
            .filter(|index| !self.entries[*index].dropped)
            .collect();
        for (position, &index) in kept.iter().enumerate() {
            let text = self.text(index);
            out.extend_from_slice(text);
            // The last line of the text may have no end; moved or followed, it needs one.
            if position + 1 < kept.len() && !text.is_empty() && terminator(text).is_empty() {
                out.extend_from_slice(self.newline());
            }
        }
    }
}

/// Where the name of the attribute whose value is at `value` begins.
fn name_start(list: &[u8], value: &Range<usize>, name: &str) -> usize {
    let before = &list[..value.start];
    (0..before.len())
        .rev()
        .find(|at| before[*at..].starts_with(name.as_bytes()))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",CHANNELS=\"6/JOC\",DEFAULT=YES\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d,mp4a.40.2\",RESOLUTION=640x360,AUDIO=\"a\",CLOSED-CAPTIONS=NONE\n# c\nv.m3u8\n\
        #EXT-X-UNKNOWN:1\nloose.m3u8";

    fn write(list: &Multivariant) -> String {
        let mut out = Vec::new();
        list.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_and_writes_back() {
        let list = Multivariant::parse(TEXT.as_bytes().to_vec());
        assert_eq!(write(&list), TEXT);
        let Kind::Rendition(audio) = &list.entries[1].kind else {
            panic!()
        };
        assert_eq!(
            (audio.channels, audio.default, audio.group_type),
            (Some(6.0), true, Some(0))
        );
        let Kind::Variant(variant) = &list.entries[2].kind else {
            panic!()
        };
        assert_eq!(variant.height, Some(360.0));
        assert_eq!(variant.groups, [Some("a".to_owned()), None, None, None]);
        assert_eq!(variant.video_range.as_deref(), Some("SDR"));
        assert!(list.text(2).ends_with(b"# c\nv.m3u8\n"));
    }

    #[test]
    fn edits_attributes_in_place() {
        let mut list = Multivariant::parse(TEXT.as_bytes().to_vec());
        list.set_attribute(2, "AUDIO", None);
        list.set_attribute(2, "BANDWIDTH", Some("2"));
        list.set_attribute(2, "CODECS", Some("\"x\""));
        list.set_attribute(2, "NEW", Some("YES"));
        list.set_attribute(1, "TYPE", None);
        assert_eq!(
            std::str::from_utf8(list.text(2)).unwrap(),
            "#EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"x\",RESOLUTION=640x360,CLOSED-CAPTIONS=NONE,NEW=YES\n# c\nv.m3u8\n"
        );
        assert_eq!(
            std::str::from_utf8(list.text(1)).unwrap(),
            "#EXT-X-MEDIA:GROUP-ID=\"a\",NAME=\"x\",CHANNELS=\"6/JOC\",DEFAULT=YES\n"
        );
    }

    #[test]
    fn drops_inserts_and_moves() {
        let mut list = Multivariant::parse(TEXT.as_bytes().to_vec());
        list.entries[2].dropped = true;
        let at = list.head_end();
        list.insert(at, "#EXT-X-START:TIME-OFFSET=1", Kind::Start);
        let last = list.entries.len() - 1;
        list.entries.swap(2, last);
        let text = write(&list);
        assert!(
            text.starts_with("#EXTM3U\n#EXT-X-START:TIME-OFFSET=1\nloose.m3u8\n"),
            "{text}"
        );
        assert!(!text.contains("STREAM-INF"));
    }
}
