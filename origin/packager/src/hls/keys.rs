//! Keys: `EXT-X-KEY` (RFC 8216bis 4.4.4.4) and `EXT-X-SESSION-KEY` (4.4.6.5).

use std::fmt::Write;

use super::attributes::Attributes;
use crate::files::Address;
use crate::plan::{Plan, PlannedTrack};
use crate::protect::{Protection, base64, headers, key_format};
use crate::{ContentKey, KeyId, KeySystem, Method};

/// Writes the tags of media segments as their key changes.
#[derive(Debug, Default)]
pub(super) struct KeyTags {
    current: Option<usize>,
    /// The initialization vector that is written beside it.
    vector: Option<KeyId>,
}

impl KeyTags {
    /// Writes what the next segment of a track needs, which is encrypted with `key`, or in the clear. At the end of a clear lead that
    /// is an initialization segment too.
    pub(super) fn write(&mut self, text: &mut String, track: &PlannedTrack, key: Option<usize>) {
        self.change(text, track, key, None);
    }

    /// The same for a keyframe in segment number `segment`, counted from 0, of an I-frame playlist. Where segments are encrypted whole
    /// that names the initialization vector of the segment: the number of the picture in this playlist, which is what its absence
    /// means, has nothing to do with it. Players need it for what stands at the start of a segment, as program tables do.
    pub(super) fn write_i_frame(
        &mut self,
        text: &mut String,
        track: &PlannedTrack,
        segment: usize,
    ) {
        let key = track.segments.get(segment).and_then(|found| found.key);
        let vector = key
            .zip(track.protection.as_deref())
            .and_then(|(key, protection)| protection.whole_segment_iv(key, segment));
        self.change(text, track, key, vector);
    }

    fn change(
        &mut self,
        text: &mut String,
        track: &PlannedTrack,
        key: Option<usize>,
        vector: Option<KeyId>,
    ) {
        let Some(protection) = track.protection.as_deref() else {
            return;
        };
        if (key, vector) == (self.current, self.vector) {
            return;
        }
        let before = std::mem::replace(&mut self.current, key);
        self.vector = vector;
        let Some(key) = key else {
            text.push_str("#EXT-X-KEY:METHOD=NONE\n");
            return;
        };
        for list in attribute_lists(protection, protection.key(key), false) {
            let _ = match vector.filter(|_| !list.contains(",IV=")) {
                Some(vector) => writeln!(text, "#EXT-X-KEY:{list},IV={}", hexadecimal(vector)),
                None => writeln!(text, "#EXT-X-KEY:{list}"),
            };
        }
        if before.is_none()
            && let Some(init) = Address::encrypted_init(track)
        {
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"{}\"", init.name);
        }
    }
}

/// Writes the session keys: every key of every track once, so that players fetch licences before they choose a variant.
pub(super) fn write_session_keys(text: &mut String, plan: &Plan) {
    let mut written: Vec<String> = Vec::new();
    for protection in plan
        .tracks
        .iter()
        .filter_map(|track| track.protection.as_ref())
    {
        for key in protection.keys() {
            for list in attribute_lists(protection, key, true) {
                if !written.contains(&list) {
                    let _ = writeln!(text, "#EXT-X-SESSION-KEY:{list}");
                    written.push(list);
                }
            }
        }
    }
}

/// The attributes of a key, one list for each key system: as a key server wrote it, else our own.
fn attribute_lists(protection: &Protection, key: &ContentKey, session: bool) -> Vec<String> {
    let method = protection.method.in_playlists();
    let systems = protection
        .systems
        .iter()
        // Whole segments are a matter of the player itself, not of a decryption module.
        .filter(|system| {
            protection.method.scheme().is_some() || matches!(system, KeySystem::Identity { .. })
        });
    systems
        .map(|system| {
            let format = key_format(system);
            let given = |session| {
                key.tags.iter().find(|tag| {
                    tag.is_session() == session && tag.attribute("KEYFORMAT") == Some(format)
                })
            };
            // A line for one kind of playlist tells players of the other kind the same.
            if let Some(tag) = given(session).or_else(|| given(!session)) {
                return tag.list().to_owned();
            }
            let list = Attributes::default().plain("METHOD", method);
            let header = headers(system, protection.method, &[key])
                .into_iter()
                .next();
            let data = |kind: &str, bytes: &[u8]| format!("data:{kind};base64,{}", base64(bytes));
            let pssh = || {
                let pssh = header.as_ref().map(|header| header.pssh.clone());
                data("text/plain", &pssh.unwrap_or_default())
            };
            let list = match system {
                KeySystem::Identity { uri } => {
                    let list = list.quoted("URI", &key.address(uri));
                    let list = match (protection.method, key.iv, protection.constant_iv(key)) {
                        (Method::Aes128, Some(iv), _) | (Method::Cbcs, _, Some(iv)) => {
                            list.plain("IV", hexadecimal(iv))
                        }
                        _ => list,
                    };
                    // "identity" is what the attribute means when it is absent, which the oldest players know.
                    return if protection.method == Method::Aes128 {
                        list.finish()
                    } else {
                        list.quoted("KEYFORMAT", format).finish()
                    };
                }
                KeySystem::FairPlay { uri } => list
                    .quoted("URI", &key.address(uri))
                    .quoted("KEYFORMAT", format),
                KeySystem::Widevine { .. } => list
                    .quoted("URI", &pssh())
                    .plain("KEYID", hexadecimal(key.id))
                    .quoted("KEYFORMAT", format),
                KeySystem::PlayReady { .. } => {
                    let object = header.as_ref().map(|header| header.object.clone());
                    list.quoted(
                        "URI",
                        &data("text/plain;charset=UTF-16", &object.unwrap_or_default()),
                    )
                    .quoted("KEYFORMAT", format)
                }
                KeySystem::ClearKey { license_uri } => {
                    let uri = if license_uri.is_empty() {
                        pssh()
                    } else {
                        key.address(license_uri)
                    };
                    list.quoted("URI", &uri).quoted("KEYFORMAT", format)
                }
            };
            list.quoted("KEYFORMATVERSIONS", "1").finish()
        })
        .collect()
}

/// A hexadecimal-sequence: `0x` and digits in upper case (RFC 8216bis, section 4.2).
fn hexadecimal(value: impl ToString) -> String {
    format!("0x{}", value.to_string().to_ascii_uppercase())
}
