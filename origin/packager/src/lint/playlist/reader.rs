//! Lines, tags and URIs of a playlist (RFC 8216bis 4.1).

use super::attributes::Attributes;
use super::media::MediaPlaylist;
use super::multivariant::Multivariant;
use super::variables::{Variables, substitute};
use crate::lint::rules::tag_table::{Place, spec};

/// A line that says something.
#[derive(Clone, Debug)]
pub(in crate::lint) enum Line {
    /// A tag that the specification knows, or one that it does not.
    Tag(Tag),
    /// A URI.
    Uri {
        /// Line number, counted from 1.
        number: usize,
        /// The text, variables replaced.
        text: String,
    },
}

/// A line that starts with `#EXT`.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Tag {
    /// Line number, counted from 1.
    pub(in crate::lint) number: usize,
    /// Name without `#`.
    pub(in crate::lint) name: String,
    /// What follows the colon, variables replaced; `None` without a colon.
    pub(in crate::lint) value: Option<String>,
    /// The value as an attribute list; empty for tags that have none.
    pub(in crate::lint) attributes: Attributes,
}

impl Tag {
    /// What follows the colon, or nothing.
    pub(in crate::lint) fn text(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }

    /// The tag as it stands, to be shown.
    pub(in crate::lint) fn shown(&self) -> String {
        match &self.value {
            Some(value) => format!("#{}:{value}", self.name),
            None => format!("#{}", self.name),
        }
    }
}

/// What a playlist is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Kind {
    /// It names playlists.
    Multivariant,
    /// It names media segments.
    Media,
}

/// Something that stands in the way of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum ProblemKind {
    /// Bytes that are not UTF-8.
    Encoding,
    /// A byte order mark.
    ByteOrderMark,
    /// A control character.
    ControlCharacter,
    /// Not an attribute list.
    AttributeList,
    /// White space at the start or end of a line, which parsers take for a part of a URI or a value.
    WhiteSpace,
    /// A variable that is not declared.
    UndefinedVariable,
    /// A variable name with other characters.
    VariableName,
    /// A variable declared twice.
    DuplicateVariable,
    /// Not one of NAME, IMPORT and QUERYPARAM.
    DefineForm,
    /// NAME without VALUE.
    DefineValue,
    /// IMPORT in a multivariant playlist, or of a name that it does not declare.
    DefineImport,
    /// QUERYPARAM of a parameter that the address does not have.
    DefineQuery,
}

/// A problem and where it is.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Problem {
    pub(in crate::lint) kind: ProblemKind,
    pub(in crate::lint) line: usize,
    pub(in crate::lint) value: String,
    pub(in crate::lint) message: String,
}

/// A playlist.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Playlist {
    /// Address it was read from.
    pub(in crate::lint) url: String,
    pub(in crate::lint) kind: Kind,
    /// True when the first line is `#EXTM3U`.
    pub(in crate::lint) starts_right: bool,
    pub(in crate::lint) lines: Vec<Line>,
    pub(in crate::lint) problems: Vec<Problem>,
    /// Variables that it declares.
    pub(in crate::lint) variables: Variables,
    /// What it says, if it is a media playlist.
    pub(in crate::lint) media: MediaPlaylist,
    /// What it says, if it is a multivariant playlist.
    pub(in crate::lint) multivariant: Multivariant,
}

impl Playlist {
    /// Reads a playlist. `imported` holds the variables of the multivariant playlist that led to it; `None` when none did.
    pub(in crate::lint) fn read(url: &str, bytes: &[u8], imported: Option<&Variables>) -> Self {
        let mut reader = Reader {
            url,
            imported,
            multivariant: false,
            lines: Vec::new(),
            problems: Vec::new(),
            variables: Variables::new(),
        };
        let starts_right = reader.read(bytes);
        let kind = if reader.multivariant {
            Kind::Multivariant
        } else {
            Kind::Media
        };
        let Reader {
            lines,
            problems,
            variables,
            ..
        } = reader;
        Self {
            url: url.to_owned(),
            kind,
            starts_right,
            media: MediaPlaylist::read(&lines),
            multivariant: Multivariant::read(&lines),
            lines,
            problems,
            variables,
        }
    }

    /// The tags.
    pub(in crate::lint) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.lines.iter().filter_map(|line| match line {
            Line::Tag(tag) => Some(tag),
            Line::Uri { .. } => None,
        })
    }

    /// The tags of that name.
    pub(in crate::lint) fn tags_named<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Tag> {
        self.tags().filter(move |tag| tag.name == name)
    }

    /// The first tag of that name.
    pub(in crate::lint) fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags().find(|tag| tag.name == name)
    }

    /// True when there is such a tag.
    pub(in crate::lint) fn has(&self, name: &str) -> bool {
        self.tag(name).is_some()
    }
}

/// A playlist while it is read.
pub(super) struct Reader<'a> {
    pub(super) url: &'a str,
    pub(super) imported: Option<&'a Variables>,
    /// True when there is a tag of multivariant playlists.
    pub(super) multivariant: bool,
    lines: Vec<Line>,
    problems: Vec<Problem>,
    pub(super) variables: Variables,
}

impl Reader<'_> {
    pub(super) fn problem(
        &mut self,
        kind: ProblemKind,
        line: usize,
        value: &str,
        message: impl Into<String>,
    ) {
        self.problems.push(Problem {
            kind,
            line,
            value: value.to_owned(),
            message: message.into(),
        });
    }

    fn read(&mut self, bytes: &[u8]) -> bool {
        let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => {
                self.problem(
                    ProblemKind::ByteOrderMark,
                    1,
                    "",
                    "the playlist starts with a byte order mark",
                );
                rest
            }
            None => bytes,
        };
        // Known before the lines are read, since what IMPORT may do depends on it.
        self.multivariant = bytes.split(|byte| *byte == b'\n').any(is_multivariant_line);
        let mut starts_right = false;
        for (index, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            let text = String::from_utf8_lossy(raw);
            if matches!(text, std::borrow::Cow::Owned(_)) {
                self.problem(
                    ProblemKind::Encoding,
                    number,
                    &text,
                    "the line is not UTF-8",
                );
            }
            if text.chars().any(char::is_control) {
                self.problem(
                    ProblemKind::ControlCharacter,
                    number,
                    &text,
                    "the line holds a control character",
                );
            }
            let line = text.trim();
            if line.is_empty() {
                continue;
            }
            // Comments are skipped, and a title may be anything.
            let matters =
                !line.starts_with('#') || line.starts_with("#EXT") && !line.starts_with("#EXTINF:");
            if line.len() != text.len() && matters {
                self.problem(
                    ProblemKind::WhiteSpace,
                    number,
                    &text,
                    "white space stands at an end of the line",
                );
            }
            if number == 1 {
                starts_right = line == "#EXTM3U";
            }
            if line.starts_with("#EXT") {
                self.read_tag(number, line);
            } else if !line.starts_with('#') {
                let text = self.resolve(number, line);
                self.lines.push(Line::Uri { number, text });
            }
        }
        starts_right
    }

    /// Replaces variables.
    fn resolve(&mut self, number: usize, text: &str) -> String {
        let (text, unknown) = substitute(text, &self.variables);
        for name in unknown {
            self.problem(
                ProblemKind::UndefinedVariable,
                number,
                &name,
                format!("the variable {name} is not declared before this line"),
            );
        }
        text
    }

    fn read_tag(&mut self, number: usize, line: &str) {
        let (name, value) = match line[1..].split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (&line[1..], None),
        };
        let mut tag = Tag {
            number,
            name: name.to_owned(),
            value: value.map(str::to_owned),
            attributes: Attributes::default(),
        };
        if spec(name).is_some_and(|tag| tag.has_attributes()) {
            tag.attributes = Attributes::parse(tag.text());
            for problem in std::mem::take(&mut tag.attributes.problems) {
                self.problem(ProblemKind::AttributeList, number, line, problem);
            }
            let mut list = std::mem::take(&mut tag.attributes.list);
            for attribute in &mut list {
                if attribute.quoted || attribute.value.starts_with("{$") {
                    attribute.value = self.resolve(number, &attribute.value);
                }
            }
            tag.attributes.list = list;
        }
        if name == "EXT-X-DEFINE" {
            self.define(&tag);
        }
        self.lines.push(Line::Tag(tag));
    }
}

fn is_multivariant_line(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else {
        return false;
    };
    let Some(tag) = text.trim().strip_prefix('#') else {
        return false;
    };
    let name = tag.split(':').next().unwrap_or(tag);
    spec(name).is_some_and(|tag| tag.place == Place::Multivariant)
}
