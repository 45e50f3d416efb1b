//! The little of XML that CPIX needs: elements with attributes and text, names without their prefixes.
//!
//! The packager has a tree of its own for TTML, and the two are no one thing: there text and elements take turns and what cannot be read
//! is passed over, as in any caption; here whatever cannot be read refuses the document, for a key hangs on it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting: CPIX has seven levels.
const MAX_DEPTH: usize = 32;
/// Most elements: a document of a thousand keys has about ten thousand.
const MAX_ELEMENTS: usize = 50_000;

/// An element.
#[derive(Default)]
pub(super) struct Element {
    /// The name without its prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    text: String,
}

impl Element {
    /// Reads a document. The reader expands no entities but those of XML itself, so a document cannot grow.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        let mut elements = 0;
        loop {
            let event = reader
                .read_event()
                .map_err(|error| format!("not XML at byte {}: {error}", reader.error_position()))?;
            match event {
                Event::Start(start) => {
                    if open.len() > MAX_DEPTH {
                        return Err(format!("more than {MAX_DEPTH} elements in each other"));
                    }
                    open.push(Self::begin(&start)?);
                }
                Event::Empty(start) => {
                    let element = Self::begin(&start)?;
                    add(&mut open, element);
                }
                Event::End(_) => {
                    // The reader has checked that it ends what began; the first stands for the document itself.
                    if open.len() > 1
                        && let Some(element) = open.pop()
                    {
                        add(&mut open, element);
                    }
                }
                Event::Text(text) => push(&mut open, &text.decode().map_err(|e| e.to_string())?),
                Event::CData(text) => push(&mut open, &text.decode().map_err(|e| e.to_string())?),
                Event::GeneralRef(reference) => {
                    let name = reference.decode().map_err(|error| error.to_string())?;
                    let text = quick_xml::escape::unescape(&format!("&{name};"))
                        .map_err(|error| error.to_string())?
                        .into_owned();
                    push(&mut open, &text);
                }
                Event::DocType(_) => return Err("a document type is not taken".to_owned()),
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            }
            elements += 1;
            if elements > 3 * MAX_ELEMENTS {
                return Err(format!("more than {MAX_ELEMENTS} elements"));
            }
        }
        if open.len() > 1 {
            return Err("it ends in the middle of an element".to_owned());
        }
        let mut document = open.pop().unwrap_or_default();
        document
            .children
            .pop()
            .ok_or_else(|| "it has no element".to_owned())
    }

    fn begin(start: &BytesStart<'_>) -> Result<Self, String> {
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let raw = String::from_utf8_lossy(&attribute.value).into_owned();
            let value = quick_xml::escape::unescape(&raw)
                .map_err(|error| error.to_string())?
                .into_owned();
            attributes.push((name(attribute.key.local_name().as_ref()), value));
        }
        Ok(Self {
            name: name(start.local_name().as_ref()),
            attributes,
            ..Self::default()
        })
    }

    /// An attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The children of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child of a name.
    pub(super) fn first<'a>(&'a self, name: &'a str) -> Option<&'a Self> {
        self.all(name).next()
    }

    /// The first element at a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| {
            element.children.iter().find(|child| child.name == *name)
        })
    }

    /// The text without space around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }
}

fn add(open: &mut [Element], element: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(element);
    }
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}
