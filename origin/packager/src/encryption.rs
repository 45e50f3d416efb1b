//! What a caller may choose about encryption: the method, the keys, and the key systems that hand the keys to players.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::protect::key_format;
use crate::{DescriptorContent, Error, KeyTag, PsshBox, TrackKind};

/// How media are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Encryption {
    /// What is encrypted, and how.
    pub method: Method,
    /// The keys. A track takes those that [`ContentKey::tracks`] allows it, the first of them unless keys rotate.
    pub keys: Vec<ContentKey>,
    /// Media time at the start that stays in the clear, so that playback starts before a licence is there. Segments that begin
    /// earlier are not encrypted.
    pub clear_lead: Duration,
    /// Media time after which the next key of a track takes its turn, the first again after the last. Zero: keys do not rotate.
    /// Keys change with segments only.
    pub crypto_period: Duration,
    /// How players get the keys. At least one.
    pub systems: Vec<KeySystem>,
}

/// What is encrypted, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Samples, in CBC mode with the pattern 1:9 for pictures (ISO/IEC 23001-7, 10.4): what Apple's devices want (HLS
    /// `SAMPLE-AES`), and all key systems of today can do.
    #[default]
    Cbcs,
    /// Samples, in counter mode (ISO/IEC 23001-7, 10.1): for older Widevine and PlayReady devices (HLS `SAMPLE-AES-CTR`).
    Cenc,
    /// Whole segments, in CBC mode (RFC 8216bis 4.4.4.4, `AES-128`): HLS only.
    #[serde(rename = "aes-128")]
    Aes128,
}

impl Method {
    /// What `METHOD` says in playlists (RFC 8216bis 4.4.4.4).
    pub(crate) const fn in_playlists(self) -> &'static str {
        match self {
            Self::Cbcs => "SAMPLE-AES",
            Self::Cenc => "SAMPLE-AES-CTR",
            Self::Aes128 => "AES-128",
        }
    }

    /// The scheme's four-character code; `None` when it is not one of Common Encryption.
    pub(crate) const fn scheme(self) -> Option<[u8; 4]> {
        match self {
            Self::Cbcs => Some(*b"cbcs"),
            Self::Cenc => Some(*b"cenc"),
            Self::Aes128 => None,
        }
    }
}

/// A key and what it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContentKey {
    /// The key's name, known to everyone.
    pub id: KeyId,
    /// The key itself.
    pub key: Key,
    /// Initialization vector, where the key server prescribes one (the constant IV of `cbcs`, the `IV` of `AES-128`). Without it
    /// `cbcs` takes one that follows from the input, and `AES-128` the media sequence number. `cenc` never takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iv: Option<KeyId>,
    /// Which tracks it encrypts.
    pub tracks: KeyTracks,
    /// Headers that a key server made for this key. They stand in the output in place of those that would be written for their
    /// systems, where [`Encryption::systems`] names these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pssh: Vec<PsshBox>,
    /// Lines that a key server wrote for playlists of this key: they stand there in place of those of their `KEYFORMAT`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyTag>,
    /// What a key server wrote for MPEG-DASH manifests: it stands there in the descriptor of its system in place of what would be
    /// written for this key, where [`Encryption::systems`] names the system.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub descriptors: Vec<DescriptorContent>,
}

impl ContentKey {
    /// An address of a key system, for this key.
    pub(crate) fn address(&self, template: &str) -> String {
        template.replace("{kid}", &self.id.to_string())
    }
}

/// Which tracks a key encrypts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyTracks {
    /// All of them.
    #[default]
    All,
    /// Video tracks.
    Video,
    /// Audio tracks.
    Audio,
}

impl KeyTracks {
    /// True when the key is for tracks of this kind.
    pub(crate) fn hold(self, kind: TrackKind) -> bool {
        match self {
            Self::All => true,
            Self::Video => kind == TrackKind::Video,
            Self::Audio => kind == TrackKind::Audio,
        }
    }
}

/// A key system: who hands the keys to players, and where. `{kid}` in an address stands for the key's id as 32 hexadecimal digits.
///
/// Addresses are absolute, or paths that start with `/`: the same address is read from playlists in different folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum KeySystem {
    /// The 16 bytes of the key at an address (`KEYFORMAT="identity"`). The only one that `AES-128` knows.
    Identity {
        /// Where the key is.
        uri: String,
    },
    /// Apple FairPlay Streaming.
    #[serde(rename = "fairplay")]
    FairPlay {
        /// What the player's application gets to see, such as `skd://{kid}`.
        uri: String,
    },
    /// Google Widevine.
    Widevine {
        /// The provider's name, as agreed with the licence server; may be empty.
        #[serde(default)]
        provider: String,
        /// The licence server's name of the content; may be empty.
        #[serde(default)]
        content_id: String,
    },
    /// Microsoft PlayReady.
    #[serde(rename = "playready")]
    PlayReady {
        /// The licence server; may be empty when the player knows it.
        #[serde(default)]
        license_uri: String,
    },
    /// W3C Clear Key, for MPEG-DASH and players that speak Encrypted Media Extensions.
    #[serde(rename = "clearkey")]
    ClearKey {
        /// The licence server; may be empty when the player knows it.
        #[serde(default)]
        license_uri: String,
    },
}

/// The id of a key, or an initialization vector: 16 bytes, written as 32 hexadecimal digits or as a UUID.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(pub [u8; 16]);

impl KeyId {
    /// The id as a UUID (RFC 9562).
    pub(crate) fn uuid(self) -> String {
        let text = self.to_string();
        format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read_hex(text).map(Self)
    }
}

impl TryFrom<String> for KeyId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

/// A content key: 16 bytes, written as 32 hexadecimal digits. Its `Debug` form keeps it secret; serialized it is in the clear.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(pub [u8; 16]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text is not repeated: it may be a key with a typing mistake.
        read_hex(text)
            .map(Self)
            .map_err(|_| "a key is written as 32 hexadecimal digits".to_owned())
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        hex::encode(key.0)
    }
}

fn read_hex(text: &str) -> Result<[u8; 16], String> {
    let digits = text.strip_prefix("0x").unwrap_or(text).replace('-', "");
    let mut bytes = [0; 16];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| {
        format!(
            "`{}` is not 32 hexadecimal digits or a UUID",
            text.escape_debug()
        )
    })?;
    Ok(bytes)
}

impl Encryption {
    /// Refuses values that no run could honour.
    pub(crate) fn validate(&self, dash: bool) -> Result<(), Error> {
        let refuse = |reason: &str| {
            Err(Error::InvalidOption {
                option: "encryption",
                reason: reason.to_owned(),
            })
        };
        if self.keys.is_empty() {
            return refuse("there is no key; give at least one");
        }
        for (index, key) in self.keys.iter().enumerate() {
            let twin = self.keys[..index].iter().find(|other| other.id == key.id);
            if twin.is_some_and(|twin| twin.key != key.key) {
                return refuse(&format!(
                    "key id {} names two keys; give each its own id",
                    key.id
                ));
            }
        }
        for key in &self.keys {
            if let Err(reason) = self.check_tags(key) {
                return refuse(&format!("key {}: {reason}", key.id));
            }
        }
        if self.systems.is_empty() {
            return refuse("no key system says how players get the key; give at least one");
        }
        if self.method == Method::Aes128 {
            if dash {
                return refuse("`aes-128` is not for MPEG-DASH; use `cbcs` or `cenc`");
            }
            if !self
                .systems
                .iter()
                .any(|system| matches!(system, KeySystem::Identity { .. }))
            {
                return refuse("`aes-128` needs the key system `identity`");
            }
        }
        if self.method == Method::Cenc
            && self
                .systems
                .iter()
                .any(|system| matches!(system, KeySystem::FairPlay { .. }))
        {
            return refuse("FairPlay does not play `cenc`; use `cbcs`");
        }
        if self.crypto_period > Duration::ZERO && self.crypto_period < Duration::from_secs(1) {
            return refuse("`crypto_period` is shorter than a second; an hour is a usual value");
        }
        Ok(())
    }

    /// Lines of a key server must say of a key what is done with it. Those of systems that are not asked for are not written.
    fn check_tags(&self, key: &ContentKey) -> Result<(), String> {
        let wanted = self.method.in_playlists();
        let written = key.tags.iter().filter(|tag| {
            let format = tag.attribute("KEYFORMAT");
            self.systems
                .iter()
                .any(|system| format == Some(key_format(system)))
        });
        for tag in written {
            let method = tag.attribute("METHOD").unwrap_or_default();
            if method != wanted {
                return Err(format!(
                    "its line for playlists says `METHOD={method}`, but the method is `{wanted}`"
                ));
            }
            if let Some(iv) = tag.attribute("IV") {
                let iv = iv.to_ascii_lowercase().parse::<KeyId>().ok();
                if iv.is_none() || iv != key.iv {
                    return Err("its line for playlists has another `IV` than the key".to_owned());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_kept_secret() {
        let id: KeyId = "9eb4050d-e44b-4802-932e-27d75083e266".parse().unwrap();
        assert_eq!(id.to_string(), "9eb4050de44b4802932e27d75083e266");
        assert_eq!(id.uuid(), "9eb4050d-e44b-4802-932e-27d75083e266");
        let key: Key = "166634c675823c235a4a9446fad52e4d".parse().unwrap();
        let options = Encryption {
            keys: vec![ContentKey {
                id,
                key,
                ..ContentKey::default()
            }],
            ..Encryption::default()
        };
        let shown = format!("{options:?}");
        assert!(shown.contains("9eb4") && !shown.contains("1666") && !shown.contains("22, 102"));
        let error = "166634c675823c235a4a9446fad52e4"
            .parse::<Key>()
            .unwrap_err();
        assert!(!error.contains("1666"), "{error}");
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<Encryption>(&text).unwrap(), options);
        let systems: Vec<KeySystem> =
            serde_json::from_str(r#"[{"identity":{"uri":"/keys/{kid}"}},{"playready":{}}]"#)
                .unwrap();
        assert_eq!(systems.len(), 2);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let key = |id: u8, key: u8| ContentKey {
            id: KeyId([id; 16]),
            key: Key([key; 16]),
            ..ContentKey::default()
        };
        let identity = KeySystem::Identity {
            uri: "/k".to_owned(),
        };
        let sound = Encryption {
            keys: vec![key(1, 1)],
            systems: vec![identity.clone()],
            ..Encryption::default()
        };
        assert!(sound.validate(true).is_ok());
        let fairplay = KeySystem::FairPlay {
            uri: "skd://{kid}".to_owned(),
        };
        for (broken, named) in [
            (
                Encryption {
                    keys: vec![],
                    ..sound.clone()
                },
                "no key",
            ),
            (
                Encryption {
                    keys: vec![key(1, 1), key(1, 2)],
                    ..sound.clone()
                },
                "two keys",
            ),
            (
                Encryption {
                    systems: vec![],
                    ..sound.clone()
                },
                "key system",
            ),
            (
                Encryption {
                    method: Method::Aes128,
                    ..sound.clone()
                },
                "MPEG-DASH",
            ),
            (
                Encryption {
                    method: Method::Cenc,
                    systems: vec![fairplay],
                    ..sound.clone()
                },
                "FairPlay",
            ),
            (
                Encryption {
                    crypto_period: Duration::from_millis(1),
                    ..sound
                },
                "crypto_period",
            ),
        ] {
            let error = broken.validate(true).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
