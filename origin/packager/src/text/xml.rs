//! The little of XML that TTML needs: a tree of elements and text, names without their prefixes.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 64;
/// Most nodes that are read: a film has some thousand captions.
const MAX_NODES: usize = 1 << 20;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

/// What an element holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Reads a document; the reason where it is none. The reader expands no entities but those of XML itself, so a document cannot
    /// grow.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        let mut nodes = 0;
        loop {
            let event = reader
                .read_event()
                .map_err(|error| format!("not XML at byte {}: {error}", reader.error_position()))?;
            match event {
                Event::Start(start) => {
                    if open.len() > MAX_DEPTH {
                        return Err(format!("more than {MAX_DEPTH} elements in each other"));
                    }
                    open.push(Self::begin(&start));
                }
                Event::Empty(start) => add(&mut open, Node::Element(Self::begin(&start))),
                Event::End(_) => {
                    // The reader has checked that it ends what began; the first stands for the document itself.
                    if open.len() > 1
                        && let Some(element) = open.pop()
                    {
                        add(&mut open, Node::Element(element));
                    }
                }
                Event::Text(text) => push(&mut open, &text.decode().unwrap_or_default()),
                Event::CData(text) => push(&mut open, &text.decode().unwrap_or_default()),
                Event::GeneralRef(reference) => {
                    let name = reference.decode().unwrap_or_default();
                    let text = quick_xml::escape::unescape(&format!("&{name};"))
                        .map(std::borrow::Cow::into_owned)
                        .unwrap_or_default();
                    push(&mut open, &text);
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            }
            nodes += 1;
            if nodes > MAX_NODES {
                return Err(format!("more than {MAX_NODES} elements and texts"));
            }
        }
        if open.len() > 1 {
            return Err("it ends in the middle of an element".to_owned());
        }
        let mut document = open.pop().unwrap_or_default();
        let at = document
            .children
            .iter()
            .position(|node| matches!(node, Node::Element(_)));
        match at.map(|at| document.children.swap_remove(at)) {
            Some(Node::Element(root)) => Ok(root),
            _ => Err("it has no element".to_owned()),
        }
    }

    fn begin(start: &BytesStart<'_>) -> Self {
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let attributes = start.attributes().filter_map(Result::ok).map(|attribute| {
            let raw = String::from_utf8_lossy(&attribute.value).into_owned();
            let value = quick_xml::escape::unescape(&raw)
                .map_or_else(|_| raw.clone(), std::borrow::Cow::into_owned);
            (name(attribute.key.local_name().as_ref()), value)
        });
        Self {
            attributes: attributes.collect(),
            name: name(start.local_name().as_ref()),
            children: Vec::new(),
        }
    }

    /// An attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The elements inside this one.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first element of a name inside this one, at any depth.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        self.elements().find_map(|element| {
            if element.name == name {
                Some(element)
            } else {
                element.find(name)
            }
        })
    }

    /// The text in this element, without that of others inside it.
    pub(super) fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }
}

fn add(open: &mut [Element], node: Node) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(node);
    }
}

/// Adds text, to the text before it where there is some.
fn push(open: &mut [Element], text: &str) {
    let Some(parent) = open.last_mut() else {
        return;
    };
    match parent.children.last_mut() {
        Some(Node::Text(before)) => before.push_str(text),
        _ => parent.children.push(Node::Text(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_text_and_references() {
        let text = "<?xml version=\"1.0\"?><!DOCTYPE a><a:tt b:x=\"1 &amp; 2\"><p>a &lt;&#233;&nbsp;<br/>b</p></a:tt>";
        let root = Element::parse(text).unwrap();
        assert_eq!(
            (root.name.as_str(), root.attribute("x")),
            ("tt", Some("1 & 2"))
        );
        let p = root.find("p").unwrap();
        assert_eq!(p.children.len(), 3);
        assert_eq!(p.text(), "a <éb");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(100);
        for text in ["", "text", "<a>", "<a></b>", deep.as_str()] {
            assert!(Element::parse(text).is_err(), "{text}");
        }
    }
}
