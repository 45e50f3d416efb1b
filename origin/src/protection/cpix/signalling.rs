//! `DRMSystem`: what key systems want said to players.
//!
//! `pssh` boxes and the lines for playlists go into the output as they stand. The few texts of which the packager makes headers are read
//! too, for keys that have none; an address of FairPlay that stands alone must then be one for all keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use weir_packager::{ContentKey, DescriptorContent, KeyId, KeyTag, PsshBox};

use super::header_texts::{WidevineTexts, license_url};
use super::read::key_id;
use super::system_id::{FAIRPLAY, PLAYREADY, WIDEVINE};
use super::xml::Element;
use crate::protection::SystemData;

/// `KEYFORMAT` of the systems whose lines are taken.
const FAIRPLAY_FORMAT: &str = "com.apple.streamingkeydelivery";
const WIDEVINE_FORMAT: &str = "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
const PLAYREADY_FORMAT: &str = "com.microsoft.playready";

/// What the document wants said: of each key in the key, of all of them in the answer.
pub(super) fn read(root: &Element, keys: &mut [ContentKey]) -> Result<SystemData, String> {
    let mut data = SystemData::default();
    let systems = root
        .first("DRMSystemList")
        .into_iter()
        .flat_map(|list| list.all("DRMSystem"));
    for system in systems {
        let id = key_id(system)?;
        let Some(key) = keys.iter_mut().find(|key| key.id == id) else {
            return Err(format!("DRMSystem {id}: there is no such key"));
        };
        one(system, key, &mut data).map_err(|reason| format!("DRMSystem {id}: {reason}"))?;
    }
    Ok(data)
}

fn one(system: &Element, key: &mut ContentKey, data: &mut SystemData) -> Result<(), String> {
    match system
        .attribute("systemId")
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        WIDEVINE => {
            if let Some(header) = pssh(system, WIDEVINE)? {
                let said = WidevineTexts::read(header.data());
                data.widevine_provider = data.widevine_provider.take().or(said.provider);
                data.widevine_content_id = data.widevine_content_id.take().or(said.content_id);
                key.pssh.push(header);
            }
            key.descriptors.extend(descriptor(system, WIDEVINE)?);
            take(key, tags(system, WIDEVINE_FORMAT)?)
        }
        PLAYREADY => {
            if let Some(header) = pssh(system, PLAYREADY)? {
                let url = license_url(header.data());
                data.playready_license_url = data.playready_license_url.take().or(url);
                key.pssh.push(header);
            }
            key.descriptors.extend(descriptor(system, PLAYREADY)?);
            take(key, tags(system, PLAYREADY_FORMAT)?)
        }
        FAIRPLAY => {
            // The id in it makes it a pattern for all keys; without one it serves a single key, or all of them alike.
            let uri = address(system)?.map(|uri| uri.replace(&key.id.to_string(), "{kid}"));
            key.descriptors.extend(descriptor(system, FAIRPLAY)?);
            let tags = tags(system, FAIRPLAY_FORMAT)?;
            if tags.is_empty() {
                agree(&mut data.fairplay_uri, uri, "addresses")?;
            } else {
                data.fairplay_uri = data.fairplay_uri.take().or(uri);
            }
            take(key, tags)
        }
        // Keys of the others come from this origin, and what stands there is nothing that Weir would say.
        _ => Ok(()),
    }
}

/// Gives a key its lines, and the initialization vector that they name.
fn take(key: &mut ContentKey, tags: Vec<KeyTag>) -> Result<(), String> {
    for tag in &tags {
        if let Some(text) = tag.attribute("IV") {
            let iv: KeyId = text
                .to_ascii_lowercase()
                .parse()
                .map_err(|error| format!("`IV`: {error}"))?;
            if *key.iv.get_or_insert(iv) != iv {
                return Err("its lines name different initialization vectors".to_owned());
            }
        }
    }
    key.tags.extend(tags);
    Ok(())
}

/// The lines for playlists.
fn tags(system: &Element, format: &str) -> Result<Vec<KeyTag>, String> {
    let mut found = Vec::new();
    for data in system.all("HLSSignalingData") {
        let text = decoded(data.text()).ok_or("`HLSSignalingData` is not Base64 of text")?;
        for line in text.lines().filter(|line| line.starts_with("#EXT")) {
            let tag: KeyTag = line
                .parse()
                .map_err(|error| format!("`HLSSignalingData`: {error}"))?;
            if tag.attribute("KEYFORMAT") != Some(format) {
                return Err(format!(
                    "`HLSSignalingData` has another `KEYFORMAT` than `{format}`"
                ));
            }
            found.push(tag);
        }
    }
    Ok(found)
}

/// The text in Base64; none for no text.
fn decoded(text: &str) -> Option<String> {
    let text: String = text.split_ascii_whitespace().collect();
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// The `pssh` box, which must be the system's own.
fn pssh(system: &Element, id: &str) -> Result<Option<PsshBox>, String> {
    let Some(text) = system
        .first("PSSH")
        .map(Element::text)
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let header: PsshBox = text
        .parse()
        .map_err(|reason| format!("`PSSH` is {reason}"))?;
    if id.parse() != Ok(KeyId(header.system_id())) {
        return Err("`PSSH` is for another system".to_owned());
    }
    Ok(Some(header))
}

/// What stands in the descriptor of an MPEG-DASH manifest.
fn descriptor(system: &Element, id: &str) -> Result<Option<DescriptorContent>, String> {
    let texts = system.all("ContentProtectionData").map(Element::text);
    let xml: Option<Vec<String>> = texts.filter(|text| !text.is_empty()).map(decoded).collect();
    let xml = xml.ok_or("`ContentProtectionData` is not Base64 of text")?;
    if xml.is_empty() {
        return Ok(None);
    }
    let wrong = |reason: String| format!("`ContentProtectionData`: {reason}");
    let id: KeyId = id.parse().map_err(wrong)?;
    DescriptorContent::new(id.0, &xml.concat())
        .map(Some)
        .map_err(wrong)
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

/// FairPlay's address, out of the lines for media playlists, or out of the older element for it.
fn address(system: &Element) -> Result<Option<String>, String> {
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
        read(&Element::parse(&text)?, &mut keys(count))
    }

    fn pssh(version: u8, system: &str, ids: &[u8], data: &[u8]) -> String {
        let mut body = vec![version, 0, 0, 0];
        body.extend(system.parse::<KeyId>().unwrap().0);
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

    fn dash(xml: &str) -> String {
        let text = STANDARD.encode(xml);
        format!("<ContentProtectionData>{text}</ContentProtectionData>")
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
        let all = system(1, WIDEVINE, &pssh(0, WIDEVINE, &[], &widevine))
            + &system(1, PLAYREADY, &pssh(1, PLAYREADY, &[5; 32], &object))
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

    /// A line of FairPlay's with a key's own address.
    fn fairplay(id: u8, iv: u8) -> String {
        format!(
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://{id}/a\",IV=0x{},KEYFORMAT=\"{FAIRPLAY_FORMAT}\"",
            hex::encode_upper([iv; 16])
        )
    }

    #[test]
    fn boxes_and_lines_are_taken_as_they_stand() {
        let text = |id| {
            let inner = pssh(0, WIDEVINE, &[], &[0x1a, 1, id]) + &dash(&format!("<a>{id}</a>"));
            system(id, WIDEVINE, &inner) + &system(id, FAIRPLAY, &media(&fairplay(id, id)))
        };
        let text = format!(
            "<CPIX><DRMSystemList>{}{}</DRMSystemList></CPIX>",
            text(1),
            text(2)
        );
        let mut keys = keys(2);
        read(&Element::parse(&text).unwrap(), &mut keys).expect("two addresses are no matter");
        for (key, id) in keys.iter().zip([1_u8, 2]) {
            assert_eq!(key.pssh[0].data(), [0x1a, 1, id]);
            assert_eq!(key.descriptors[0].xml(), format!("<a>{id}</a>"));
            assert_eq!(key.tags[0].list(), &fairplay(id, id)["#EXT-X-KEY:".len()..]);
            assert_eq!(key.iv, Some(KeyId([id; 16])));
        }
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
            (
                system(1, PLAYREADY, &dash("<mspr:pro>AAAA</mspr:pro>")),
                "`ContentProtectionData`: the prefix `mspr` is not declared",
            ),
            (
                system(1, WIDEVINE, &pssh(0, PLAYREADY, &[], &[])),
                "another system",
            ),
            (
                system(
                    1,
                    WIDEVINE,
                    &media("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:,\",KEYFORMAT=\"identity\""),
                ),
                "another `KEYFORMAT`",
            ),
            (
                system(1, PLAYREADY, &media("#EXTINF:6,\n#EXT-X-ENDLIST")),
                "not `EXT-X-KEY`",
            ),
            (
                system(
                    1,
                    FAIRPLAY,
                    &(media(&fairplay(1, 1)) + &media(&fairplay(1, 2))),
                ),
                "different initialization vectors",
            ),
        ] {
            let error = read_in(&systems, 2).expect_err(words);
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
