//! The few texts in key systems' own headers that Weir writes into headers that it makes itself.

use super::xml::Element;

/// Field numbers of Widevine's header (`WidevinePsshData`).
const PROVIDER: u64 = 3;
const CONTENT_ID: u64 = 4;

/// What stands in Widevine's header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WidevineTexts {
    pub(super) provider: Option<String>,
    pub(super) content_id: Option<String>,
}

impl WidevineTexts {
    /// Reads the data of a `pssh` box; a text that is none, or that is not there, is left out.
    pub(super) fn read(header: &[u8]) -> Self {
        let fields = fields(header).unwrap_or_default();
        Self {
            provider: text_field(&fields, PROVIDER),
            content_id: text_field(&fields, CONTENT_ID),
        }
    }
}

/// The length-delimited fields of a protocol buffer; others are passed over.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        match tag & 7 {
            0 => drop(varint(&mut bytes)?),
            1 => bytes = bytes.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                found.push((tag >> 3, bytes.get(..length)?));
                bytes = bytes.get(length..)?;
            }
            5 => bytes = bytes.get(4..)?,
            _ => return None,
        }
    }
    Some(found)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn text_field(fields: &[(u64, &[u8])], number: u64) -> Option<String> {
    let (_, bytes) = fields.iter().find(|(own, _)| *own == number)?;
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// `LA_URL` of a PlayReady object.
pub(super) fn license_url(object: &[u8]) -> Option<String> {
    // Length in four bytes, number of records in two; a record has its type and length in two each, little-endian.
    let length = object.get(8..10)?;
    let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
    let record = object.get(10..10 + length)?;
    let units: Vec<u16> = record
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let header = Element::parse(&String::from_utf16(&units).ok()?).ok()?;
    let url = header.at(&["DATA", "LA_URL"]).map(Element::text);
    url.filter(|url| !url.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_headers_say_nothing() {
        let whole = [&[0x12, 1, 9, 0x1a, 4][..], b"weir", &[0x48, 0x80, 1]].concat();
        let read = WidevineTexts::read(&whole);
        assert_eq!(read.provider.as_deref(), Some("weir"));
        for end in 0..whole.len() {
            // Cut within a field, none of them is believed.
            let cut = WidevineTexts::read(&whole[..end]);
            assert!(cut.provider.is_none() || end == 9, "{end}: {cut:?}");
        }
        assert_eq!(
            WidevineTexts::read(b"\x1a\x02\x00\x01"),
            WidevineTexts::default()
        );
        for object in [&[][..], &[0; 9], &[0, 0, 0, 0, 1, 0, 1, 0, 9, 0, 1]] {
            assert_eq!(license_url(object), None);
        }
    }
}
