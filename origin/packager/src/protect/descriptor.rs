//! What a key server wants said in the `ContentProtection` descriptor of its system in an MPEG-DASH manifest (CPIX 2.3, `ContentProtectionData`).

use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use serde::{Deserialize, Serialize};

/// Longest content in bytes: PlayReady's objects have some thousand.
const MAX_LEN: usize = 64 << 10;

/// The content of a `ContentProtection` descriptor: elements that may stand in any manifest of this crate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct DescriptorContent {
    system_id: [u8; 16],
    xml: String,
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct Parts {
    system_id: String,
    xml: String,
}

impl DescriptorContent {
    /// Takes XML for the descriptor of a key system.
    ///
    /// # Errors
    /// What is wrong with it. A manifest takes elements that are closed, whose prefixes are declared in themselves (`cenc` is declared
    /// by the manifest), and no document type or processing instruction. An XML declaration before them is left out.
    pub fn new(system_id: [u8; 16], xml: &str) -> Result<Self, String> {
        let xml = xml.trim_start_matches('\u{feff}').trim();
        let xml = match xml.strip_prefix("<?xml ") {
            Some(rest) => rest.split_once("?>").map_or("", |(_, rest)| rest).trim(),
            None => xml,
        };
        if xml.len() > MAX_LEN {
            return Err(format!("longer than {MAX_LEN} bytes"));
        }
        check(xml)?;
        Ok(Self {
            system_id,
            xml: xml.to_owned(),
        })
    }

    /// The system's id, as in `pssh` boxes and `urn:uuid:` names.
    #[must_use]
    pub const fn system_id(&self) -> [u8; 16] {
        self.system_id
    }

    /// The elements.
    #[must_use]
    pub fn xml(&self) -> &str {
        &self.xml
    }
}

impl TryFrom<Parts> for DescriptorContent {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let mut system_id = [0; 16];
        hex::decode_to_slice(&parts.system_id, &mut system_id)
            .map_err(|error| error.to_string())?;
        Self::new(system_id, &parts.xml)
    }
}

impl From<DescriptorContent> for Parts {
    fn from(own: DescriptorContent) -> Self {
        Self {
            system_id: hex::encode(own.system_id),
            xml: own.xml,
        }
    }
}

/// Whether these are elements that can stand inside of another one.
fn check(xml: &str) -> Result<(), String> {
    // XML 1.0, 2.2: no other control characters stand in a document.
    if xml
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return Err("it has control characters".to_owned());
    }
    let mut reader = NsReader::from_str(xml);
    let (mut depth, mut elements) = (0_usize, 0_usize);
    loop {
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|error| format!("not XML: {error}"))?;
        let is_unknown = is_undeclared(&namespace);
        match event {
            Event::Start(start) => {
                check_start(&reader, &start, is_unknown)?;
                depth += 1;
                elements += 1;
            }
            Event::Empty(start) => {
                check_start(&reader, &start, is_unknown)?;
                elements += 1;
            }
            // The reader has checked that it ends what began.
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) => {
                let text = text.decode().map_err(|error| error.to_string())?;
                if depth == 0 && !text.trim().is_empty() {
                    return Err("text outside of an element".to_owned());
                }
            }
            Event::GeneralRef(reference) if depth > 0 => {
                let name = reference.decode().map_err(|error| error.to_string())?;
                unescape(&format!("&{name};")).map_err(|error| error.to_string())?;
            }
            Event::CData(_) if depth > 0 => {}
            Event::Comment(_) => {}
            Event::Eof if depth > 0 => return Err("it ends inside of an element".to_owned()),
            Event::Eof if elements == 0 => return Err("it has no element".to_owned()),
            Event::Eof => return Ok(()),
            _ => return Err("it has more than elements".to_owned()),
        }
    }
}

fn check_start(
    reader: &NsReader<&[u8]>,
    start: &BytesStart<'_>,
    is_unknown: bool,
) -> Result<(), String> {
    let prefix = start
        .name()
        .prefix()
        .map(|prefix| prefix.into_inner().to_vec());
    let undeclared = |prefix: &[u8]| {
        let prefix = String::from_utf8_lossy(prefix).into_owned();
        format!("the prefix `{prefix}` is not declared: declare it in the element")
    };
    if is_unknown {
        return Err(undeclared(&prefix.unwrap_or_default()));
    }
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = String::from_utf8_lossy(&attribute.value).into_owned();
        if value.contains('<') {
            return Err("an attribute has `<` in it".to_owned());
        }
        unescape(&value).map_err(|error| error.to_string())?;
        if is_undeclared(&reader.resolver().resolve_attribute(attribute.key).0) {
            let prefix = attribute
                .key
                .prefix()
                .map(|prefix| prefix.into_inner().to_vec());
            return Err(undeclared(&prefix.unwrap_or_default()));
        }
    }
    Ok(())
}

/// The manifest declares one prefix for all that is in it.
fn is_undeclared(namespace: &ResolveResult<'_>) -> bool {
    matches!(namespace, ResolveResult::Unknown(prefix) if prefix != b"cenc")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PSSH: &str = "<pssh xmlns=\"urn:mpeg:cenc:2013\">AAAA</pssh>";

    #[test]
    fn elements_are_taken_as_they_stand() {
        let pro = "<mspr:pro xmlns:mspr=\"urn:microsoft:playready\">AA&#61;</mspr:pro>";
        for xml in [
            PSSH.to_owned(),
            format!("{PSSH}\n{pro}"),
            "<cenc:pssh>AAAA</cenc:pssh>".to_owned(),
            "<a b=\"&amp;\"><!-- said --><c/></a>".to_owned(),
        ] {
            let taken = DescriptorContent::new([7; 16], &xml).expect(&xml);
            assert_eq!((taken.xml(), taken.system_id()), (&*xml, [7; 16]));
            let kept = serde_json::to_string(&taken).unwrap();
            assert_eq!(
                serde_json::from_str::<DescriptorContent>(&kept).unwrap(),
                taken
            );
        }
        let document = format!("\u{feff}<?xml version=\"1.0\"?>\n{PSSH}\n");
        assert_eq!(
            DescriptorContent::new([7; 16], &document).unwrap().xml(),
            PSSH
        );
    }

    #[test]
    fn what_would_break_a_manifest_is_refused() {
        for xml in [
            "",
            "words",
            "<a>",
            "</a>",
            "<a></b>",
            "</ContentProtection><ContentProtection>",
            "<a/>words",
            "<a>&unknown;</a>",
            "<a>&</a>",
            "<a b=\"1\" b=\"2\"/>",
            "<a b=\"<\"/>",
            "<a b=1/>",
            "<a>\u{1}</a>",
            "<mspr:pro>AAAA</mspr:pro>",
            "<a mspr:b=\"1\"/>",
            "<!DOCTYPE a><a/>",
            "<?php ?><a/>",
            "<?xml version=\"1.0\"?>",
        ] {
            assert!(DescriptorContent::new([7; 16], xml).is_err(), "{xml}");
        }
        let long = format!("<a>{}</a>", "A".repeat(MAX_LEN));
        assert!(DescriptorContent::new([7; 16], &long).is_err());
        let kept = r#"{"system_id":"07070707070707070707070707070707","xml":"<a>"}"#;
        assert!(serde_json::from_str::<DescriptorContent>(kept).is_err());
    }
}
