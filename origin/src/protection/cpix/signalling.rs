//! `DRMSystem`: what key systems want said to players.
//!
//! The packager writes headers of its own, made of key ids and these few texts. They are found in what the key server sends; two keys that
//! would need different texts are refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use weir_packager::{ContentKey, KeyId};

use super::read::key_id;
use super::system_id::{FAIRPLAY, PLAYREADY, WIDEVINE};
use super::xml::Element;
use crate::protection::SystemData;

/// Field numbers of Widevine's header (`WidevinePsshData`).
const PROVIDER: u64 = 3;
const CONTENT_ID: u64 = 4;

/// What the document wants said.
pub(super) fn read(root: &Element, keys: &[ContentKey]) -> Result<SystemData, String> {
    let mut data = SystemData::default();
    let systems = root
        .first("DRMSystemList")
        .into_iter()
        .flat_map(|list| list.all("DRMSystem"));
    for system in systems {
        let id = key_id(system)?;
        if !keys.iter().any(|key| key.id == id) {
            return Err(format!("DRMSystem {id}: there is no such key"));
        }
        one(system, id, &mut data).map_err(|reason| format!("DRMSystem {id}: {reason}"))?;
    }
    Ok(data)
}

fn one(system: &Element, id: KeyId, data: &mut SystemData) -> Result<(), String> {
    match system
        .attribute("systemId")
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        WIDEVINE => {
            let Some(header) = box_data(system)? else {
                return Ok(());
            };
            let fields = fields(&header).ok_or("`PSSH` holds no Widevine header")?;
            let text = |number| text_field(&fields, number);
            agree(&mut data.widevine_provider, text(PROVIDER)?, "providers")?;
            agree(
                &mut data.widevine_content_id,
                text(CONTENT_ID)?,
                "content ids",
            )
        }
        PLAYREADY => {
            let Some(object) = box_data(system)? else {
                return Ok(());
            };
            let url = license_url(&object).ok_or("`PSSH` holds no PlayReady object")?;
            agree(&mut data.playready_license_url, url, "licence servers")
        }
        FAIRPLAY => match address(system)? {
            // The id in it makes it a pattern for all keys; without one it serves a single key, or all of them alike.
            Some(uri) => agree(
                &mut data.fairplay_uri,
                Some(uri.replace(&id.to_string(), "{kid}")),
                "addresses",
            ),
            None => Ok(()),
        },
        // Keys of the others come from this origin, and what stands there is nothing that Weir would say.
        _ => Ok(()),
    }
}

fn agree(known: &mut Option<String>, found: Option<String>, what: &str) -> Result<(), String> {
    match (&known, found) {
        (_, None) => Ok(()),
        (Some(known), Some(found)) if *known != found => Err(format!(
            "its key system names other {what} for other keys; use one for all keys"
        )),
        (_, found) => {
            *known = found;
            Ok(())
        }
    }
}

/// The data of the `pssh` box (ISO/IEC 23001-7, 8.1).
fn box_data(system: &Element) -> Result<Option<Vec<u8>>, String> {
    let Some(text) = system
        .first("PSSH")
        .map(Element::text)
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| "`PSSH` is not Base64".to_owned())?;
    pssh_data(&bytes)
        .map(|data| Some(data.to_vec()))
        .ok_or_else(|| "`PSSH` is not one `pssh` box".to_owned())
}

fn pssh_data(bytes: &[u8]) -> Option<&[u8]> {
    let number = |at: usize| -> Option<usize> {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(four)).ok()
    };
    if number(0)? != bytes.len() || bytes.get(4..8)? != b"pssh" {
        return None;
    }
    // Size, type, version and flags, system id; from version 1 on a list of key ids.
    let mut at = 28;
    if *bytes.get(8)? > 0 {
        at = number(at)?.checked_mul(16)?.checked_add(at + 4)?;
    }
    let start = at.checked_add(4)?;
    bytes.get(start..start.checked_add(number(at)?)?)
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

fn text_field(fields: &[(u64, &[u8])], number: u64) -> Result<Option<String>, String> {
    let Some((_, bytes)) = fields.iter().find(|(own, _)| *own == number) else {
        return Ok(None);
    };
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(Some(text.to_owned())),
        _ => Err("a field of its Widevine header is no text, which Weir cannot say".to_owned()),
    }
}

/// `LA_URL` of a PlayReady object; the inner `None` when it has none.
fn license_url(object: &[u8]) -> Option<Option<String>> {
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
    Some(url.filter(|url| !url.is_empty()).map(str::to_owned))
}

/// FairPlay's address, out of the lines for media playlists, or out of the older element for it.
fn address(system: &Element) -> Result<Option<String>, String> {
    let decoded = |text: &str| {
        STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
    };
    let lines = system
        .all("HLSSignalingData")
        .filter(|data| {
            data.attribute("playlist")
                .is_none_or(|kind| kind == "media")
        })
        .find(|data| !data.text().is_empty());
    let uri = if let Some(lines) = lines {
        let text = decoded(lines.text()).ok_or("`HLSSignalingData` is not Base64 of text")?;
        let uri = text
            .split_once("URI=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(uri, _)| uri.to_owned());
        Some(uri.ok_or("`HLSSignalingData` has no `URI`")?)
    } else if let Some(uri) = system
        .first("URIExtXKey")
        .filter(|uri| !uri.text().is_empty())
    {
        Some(decoded(uri.text()).ok_or("`URIExtXKey` is not Base64 of text")?)
    } else {
        None
    };
    match uri {
        Some(uri) if uri.is_empty() || uri.chars().any(|c| c.is_control() || c == '"') => {
            Err("its address has control characters".to_owned())
        }
        uri => Ok(uri),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_packager::Key;

    fn keys(count: u8) -> Vec<ContentKey> {
        (1..=count)
            .map(|id| ContentKey {
                id: KeyId([id; 16]),
                key: Key([id; 16]),
                ..ContentKey::default()
            })
            .collect()
    }

    fn system(id: u8, system: &str, inner: &str) -> String {
        format!(
            "<DRMSystem kid=\"{}\" systemId=\"{}\">{inner}</DRMSystem>",
            KeyId([id; 16]),
            system.to_uppercase()
        )
    }

    fn read_in(systems: &str, count: u8) -> Result<SystemData, String> {
        let text = format!("<CPIX><DRMSystemList>{systems}</DRMSystemList></CPIX>");
        read(&Element::parse(&text)?, &keys(count))
    }

    fn pssh(version: u8, ids: &[u8], data: &[u8]) -> String {
        let mut body = vec![version, 0, 0, 0];
        body.extend([7; 16]);
        if version > 0 {
            body.extend(u32::try_from(ids.len() / 16).unwrap().to_be_bytes());
            body.extend(ids);
        }
        body.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        body.extend(data);
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        format!(
            "<PSSH>{}</PSSH>",
            STANDARD.encode([&size[..], b"pssh", &body].concat())
        )
    }

    fn media(line: &str) -> String {
        format!(
            "<HLSSignalingData playlist=\"media\">{}</HLSSignalingData>",
            STANDARD.encode(line)
        )
    }

    #[test]
    fn texts_are_found() {
        // Key id, provider "weir", content id "film", scheme: as Widevine's header has them.
        let widevine = [
            &[0x12, 1, 9][..],
            &[0x1a, 4],
            b"weir",
            &[0x22, 4],
            b"film",
            &[0x48, 0xe3, 0xdc, 0x95, 0x9b, 6],
        ]
        .concat();
        let xml = "<WRMHEADER><DATA><LA_URL>https://l.example/?a&amp;b</LA_URL></DATA></WRMHEADER>";
        let units: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut object = vec![0, 0, 0, 0, 1, 0, 1, 0];
        object.extend(u16::try_from(units.len()).unwrap().to_le_bytes());
        object.extend(&units);
        let fairplay = media(&format!(
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://{}/a\",KEYFORMAT=\"com.apple.streamingkeydelivery\"",
            KeyId([1; 16])
        ));
        let all = system(1, WIDEVINE, &pssh(0, &[], &widevine))
            + &system(1, PLAYREADY, &pssh(1, &[5; 32], &object))
            + &system(1, FAIRPLAY, &fairplay);
        let data = read_in(&all, 1).expect("sound");
        assert_eq!(
            data,
            SystemData {
                fairplay_uri: Some("skd://{kid}/a".to_owned()),
                widevine_provider: Some("weir".to_owned()),
                widevine_content_id: Some("film".to_owned()),
                playready_license_url: Some("https://l.example/?a&b".to_owned()),
            }
        );
        assert_eq!(
            read_in(&system(1, "other", "<PSSH>%</PSSH>"), 1),
            Ok(SystemData::default())
        );
        let older = format!("<URIExtXKey>{}</URIExtXKey>", STANDARD.encode("skd://a"));
        assert_eq!(
            read_in(&system(1, FAIRPLAY, &older), 1)
                .unwrap()
                .fairplay_uri
                .as_deref(),
            Some("skd://a")
        );
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let two = system(1, FAIRPLAY, &media("URI=\"skd://a\""))
            + &system(2, FAIRPLAY, &media("URI=\"skd://b\""));
        for (systems, words) in [
            (two, "addresses"),
            (system(9, FAIRPLAY, ""), "no such key"),
            (
                system(1, FAIRPLAY, "<HLSSignalingData>%</HLSSignalingData>"),
                "Base64",
            ),
            (
                system(1, FAIRPLAY, &media("#EXT-X-KEY:METHOD=NONE")),
                "no `URI`",
            ),
            (system(1, WIDEVINE, "<PSSH>AAAA</PSSH>"), "pssh"),
            (system(1, WIDEVINE, &pssh(0, &[], &[0x1a, 90])), "Widevine"),
            (
                system(1, WIDEVINE, &pssh(0, &[], &[0x1a, 1, 0xff])),
                "no text",
            ),
            (system(1, PLAYREADY, &pssh(0, &[], &[0; 4])), "PlayReady"),
        ] {
            let error = read_in(&systems, 2).expect_err(words);
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
