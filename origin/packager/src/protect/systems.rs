//! Headers of key systems: the `pssh` box (ISO/IEC 23001-7, 8.1) and what each system puts into it.

use bytes::Bytes;

use super::cipher::BLOCK;
use crate::isobmff::BoxWriter;
use crate::{ContentKey, KeySystem, Method, PsshBox};

/// System id of the common `pssh` box (W3C, "cenc" Initialization Data Format).
const COMMON: [u8; 16] = *b"\x10\x77\xef\xec\xc0\xb2\x4d\x02\xac\xe3\x3c\x1e\x52\xe2\xfb\x4b";
/// System id of Widevine.
const WIDEVINE: [u8; 16] = *b"\xed\xef\x8b\xa9\x79\xd6\x4a\xce\xa3\xc8\x27\xdc\xd5\x1d\x21\xed";
/// System id of PlayReady.
const PLAYREADY: [u8; 16] = *b"\x9a\x04\xf0\x79\x98\x40\x42\x86\xab\x92\xe6\x5b\xe0\x88\x5f\x95";

/// What a key system wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SystemHeader {
    /// The `pssh` box.
    pub(crate) pssh: Bytes,
    /// PlayReady's header object, which also stands alone; empty for others.
    pub(crate) object: Vec<u8>,
}

/// The `KEYFORMAT` of a system in playlists.
pub(crate) const fn key_format(system: &KeySystem) -> &'static str {
    match system {
        KeySystem::Identity { .. } => "identity",
        KeySystem::FairPlay { .. } => "com.apple.streamingkeydelivery",
        KeySystem::Widevine { .. } => "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
        KeySystem::PlayReady { .. } => "com.microsoft.playready",
        KeySystem::ClearKey { .. } => "org.w3.clearkey",
    }
}

/// The headers of `system` for `keys`; none for systems that have no `pssh` box. PlayReady takes one for each key. Where a key server
/// made a box for a key, that one stands here as it is.
pub(crate) fn headers(
    system: &KeySystem,
    method: Method,
    keys: &[&ContentKey],
) -> Vec<SystemHeader> {
    let own_id = match system {
        KeySystem::Widevine { .. } => WIDEVINE,
        KeySystem::PlayReady { .. } => PLAYREADY,
        _ => return built(system, method, keys),
    };
    let mut given: Vec<&PsshBox> = Vec::new();
    let mut others = Vec::new();
    for &key in keys {
        let mut boxes = key.pssh.iter().filter(|one| one.system_id() == own_id);
        match boxes.next() {
            // Some servers make one box for all keys.
            Some(header) if given.contains(&header) => {}
            Some(header) => given.push(header),
            None => others.push(key),
        }
    }
    let given = given.into_iter().map(|header| SystemHeader {
        pssh: Bytes::copy_from_slice(header.bytes()),
        object: if own_id == PLAYREADY {
            header.data().to_vec()
        } else {
            Vec::new()
        },
    });
    let built = (!others.is_empty()).then(|| built(system, method, &others));
    given.chain(built.into_iter().flatten()).collect()
}

/// The headers that are written for keys.
fn built(system: &KeySystem, method: Method, keys: &[&ContentKey]) -> Vec<SystemHeader> {
    let ids = || keys.iter().map(|key| key.id.0);
    match system {
        KeySystem::Widevine {
            provider,
            content_id,
        } => {
            let data = widevine(method, ids(), provider, content_id);
            vec![SystemHeader {
                pssh: pssh(WIDEVINE, None, &data),
                object: Vec::new(),
            }]
        }
        KeySystem::PlayReady { license_uri } => keys
            .iter()
            .map(|key| {
                let object = playready(method, key, license_uri);
                SystemHeader {
                    pssh: pssh(PLAYREADY, None, &object),
                    object,
                }
            })
            .collect(),
        KeySystem::ClearKey { .. } => vec![SystemHeader {
            pssh: pssh(COMMON, Some(ids().collect()), &[]),
            object: Vec::new(),
        }],
        KeySystem::Identity { .. } | KeySystem::FairPlay { .. } => Vec::new(),
    }
}

/// A `pssh` box, of version 1 when it lists key ids.
fn pssh(system: [u8; 16], ids: Option<Vec<[u8; 16]>>, data: &[u8]) -> Bytes {
    let mut w = BoxWriter::with_capacity(64 + data.len());
    w.nest_full(b"pssh", u8::from(ids.is_some()), 0, |w| {
        w.bytes(&system);
        if let Some(ids) = &ids {
            w.u32(u32::try_from(ids.len()).unwrap_or(0));
            ids.iter().for_each(|id| w.bytes(id));
        }
        w.u32(u32::try_from(data.len()).unwrap_or(0));
        w.bytes(data);
    });
    w.finish()
}

/// Widevine's header, a Protocol Buffers message: key ids (field 2), provider (3), content id (4), scheme (9).
fn widevine(
    method: Method,
    ids: impl Iterator<Item = [u8; 16]>,
    provider: &str,
    content_id: &str,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut field = |number: u8, value: &[u8]| {
        out.push(number << 3 | 2);
        write_varint(&mut out, value.len() as u64);
        out.extend_from_slice(value);
    };
    ids.for_each(|id| field(2, &id));
    for (number, text) in [(3, provider), (4, content_id)] {
        if !text.is_empty() {
            field(number, text.as_bytes());
        }
    }
    if let Some(scheme) = method.scheme() {
        out.push(9 << 3);
        write_varint(&mut out, u64::from(u32::from_be_bytes(scheme)));
    }
    out
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

/// A PlayReady header object with one record, the rights management header (PlayReady Header Specification): version 4.0, which
/// every device reads, in counter mode; version 4.3, the first with CBC, for `cbcs`.
fn playready(method: Method, key: &ContentKey, license_uri: &str) -> Vec<u8> {
    let guid = guid(key.id.0);
    let id = base64(&guid);
    let address = if license_uri.is_empty() {
        String::new()
    } else {
        format!("<LA_URL>{}</LA_URL>", crate::dash::escape(license_uri))
    };
    let xml = if method == Method::Cbcs {
        format!(
            "<WRMHEADER xmlns=\"http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader\" version=\"4.3.0.0\"><DATA>\
             <PROTECTINFO><KIDS><KID ALGID=\"AESCBC\" VALUE=\"{id}\"></KID></KIDS></PROTECTINFO>{address}</DATA></WRMHEADER>"
        )
    } else {
        format!(
            "<WRMHEADER xmlns=\"http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader\" version=\"4.0.0.0\"><DATA>\
             <PROTECTINFO><KEYLEN>16</KEYLEN><ALGID>AESCTR</ALGID></PROTECTINFO><KID>{id}</KID><CHECKSUM>{}</CHECKSUM>\
             {address}</DATA></WRMHEADER>",
            base64(&checksum(key, guid))
        )
    };
    let text: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut object = Vec::with_capacity(text.len() + 10);
    object.extend_from_slice(&(u32::from(len) + 10).to_le_bytes());
    object.extend_from_slice(&1_u16.to_le_bytes());
    object.extend_from_slice(&1_u16.to_le_bytes());
    object.extend_from_slice(&len.to_le_bytes());
    object.extend_from_slice(&text);
    object
}

/// A key id as a GUID: its first three fields are little-endian.
fn guid(id: [u8; BLOCK]) -> [u8; BLOCK] {
    let mut guid = id;
    guid[..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    guid
}

/// The first eight bytes of the key id, encrypted with the key: a player sees that it has the right one.
fn checksum(key: &ContentKey, mut guid: [u8; BLOCK]) -> [u8; 8] {
    super::Cipher::new(key.key).cbcs([0; BLOCK], false, &mut guid);
    core::array::from_fn(|at| guid[at])
}

/// Standard Base64 with padding.
pub(crate) fn base64(data: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, KeyId};

    fn key() -> ContentKey {
        ContentKey {
            id: KeyId(*b"\x9e\xb4\x05\x0d\xe4\x4b\x48\x02\x93\x2e\x27\xd7\x50\x83\xe2\x66"),
            key: Key(*b"\x16\x66\x34\xc6\x75\x82\x3c\x23\x5a\x4a\x94\x46\xfa\xd5\x2e\x4d"),
            ..ContentKey::default()
        }
    }

    #[test]
    fn the_common_box_lists_key_ids() {
        let system = KeySystem::ClearKey {
            license_uri: String::new(),
        };
        let found = headers(&system, Method::Cbcs, &[&key()]);
        let wanted = "00000034707373680100000010 77efecc0b24d02ace33c1e52e2fb4b 00000001 \
                      9eb4050de44b4802932e27d75083e266 00000000"
            .replace(' ', "");
        assert_eq!(hex::encode(&found[0].pssh), wanted);
    }

    #[test]
    fn boxes_of_a_key_server_stand_as_they_are() {
        let header: PsshBox = "AAAAInBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAAAIBAg=="
            .parse()
            .unwrap();
        let widevine = KeySystem::Widevine {
            provider: String::new(),
            content_id: String::new(),
        };
        let with = |id: u8, pssh: Vec<PsshBox>| ContentKey {
            id: KeyId([id; 16]),
            pssh,
            ..key()
        };
        let (first, second, third) = (
            with(1, vec![header.clone()]),
            with(2, vec![header.clone()]),
            with(3, Vec::new()),
        );
        let keys = [&first, &second, &third];
        let found = headers(&widevine, Method::Cbcs, &keys);
        assert_eq!(
            found.len(),
            2,
            "one that two keys share, and one of our own"
        );
        assert_eq!(found[0].pssh, header.bytes());
        assert_eq!(found[1], headers(&widevine, Method::Cbcs, &[&third])[0]);
        let playready = KeySystem::PlayReady {
            license_uri: String::new(),
        };
        assert_eq!(headers(&playready, Method::Cbcs, &keys).len(), 3);
    }

    #[test]
    fn widevine_names_keys_and_scheme() {
        let data = widevine(Method::Cenc, [key().id.0].into_iter(), "weir", "");
        assert_eq!(
            hex::encode(data),
            "12109eb4050de44b4802932e27d75083e2661a047765697248e3dc959b06"
        );
    }

    #[test]
    fn playready_writes_the_id_as_a_guid() {
        let object = playready(Method::Cenc, &key(), "https://l.example/?a&b");
        assert_eq!(
            object.len(),
            usize::from(object[0]) + usize::from(object[1]) * 256
        );
        let text: Vec<u16> = object[10..]
            .chunks(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let text = String::from_utf16(&text).unwrap();
        assert!(
            text.contains("<KID>DQW0nkvkAkiTLifXUIPiZg==</KID>"),
            "{text}"
        );
        assert!(
            text.contains("<LA_URL>https://l.example/?a&amp;b</LA_URL>"),
            "{text}"
        );
        assert!(text.contains("<CHECKSUM>"));
        let object = playready(Method::Cbcs, &key(), "");
        assert!(object.windows(12).any(|part| part == b"A\0E\0S\0C\0B\0C\0"));
    }
}
