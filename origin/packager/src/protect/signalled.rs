//! What a key server wants said of a key, word for word: `pssh` boxes and the attributes of HLS's key tags.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Largest `pssh` box in bytes; it stands in every initialization segment and, as text, in every playlist.
const MAX_BOX: usize = 64 << 10;
/// Longest attribute list in bytes: a box in Base64 and its attributes.
const MAX_TAG: usize = 128 << 10;

/// One `pssh` box (ISO/IEC 23001-7, 8.1) that a key server made. As text it is Base64, as CPIX and MPEG-DASH write it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PsshBox {
    bytes: Vec<u8>,
    /// Where its data start.
    data: usize,
}

impl PsshBox {
    /// Takes the bytes of a box; `None` when they are not exactly one.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let number = |at: usize| -> Option<usize> {
            let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(four)).ok()
        };
        if bytes.len() > MAX_BOX || number(0)? != bytes.len() || bytes.get(4..8)? != b"pssh" {
            return None;
        }
        // Size, type, version and flags, system id; from version 1 on a list of key ids; length of the data, data.
        let mut at = 28;
        if *bytes.get(8)? > 0 {
            at = number(at)?.checked_mul(16)?.checked_add(at + 4)?;
        }
        let data = at.checked_add(4)?;
        (data.checked_add(number(at)?)? == bytes.len()).then_some(Self { bytes, data })
    }

    /// The whole box.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The system that it is for.
    #[must_use]
    pub fn system_id(&self) -> [u8; 16] {
        core::array::from_fn(|at| self.bytes[12 + at])
    }

    /// The system's own data.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.data..]
    }
}

impl fmt::Debug for PsshBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PsshBox({}, {} bytes)",
            hex::encode(self.system_id()),
            self.bytes.len()
        )
    }
}

impl FromStr for PsshBox {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text: String = text.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(text).map_err(|_| "not Base64".to_owned())?;
        Self::new(bytes).ok_or_else(|| "not one `pssh` box".to_owned())
    }
}

impl TryFrom<String> for PsshBox {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PsshBox> for String {
    fn from(own: PsshBox) -> Self {
        STANDARD.encode(own.bytes)
    }
}

/// The attributes of an `EXT-X-KEY` or `EXT-X-SESSION-KEY` (RFC 8216bis 4.4.4.4, 4.4.6.5) that a key server wrote for one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyTag {
    line: String,
    /// Where the attributes start.
    list: usize,
}

/// How the two tags begin.
const MEDIA: &str = "#EXT-X-KEY:";
const SESSION: &str = "#EXT-X-SESSION-KEY:";

impl KeyTag {
    /// The attributes as they stand in the line.
    #[must_use]
    pub fn list(&self) -> &str {
        &self.line[self.list..]
    }

    /// True for a line of multivariant playlists.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.list == SESSION.len()
    }

    /// An attribute's value without quotation marks.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        attributes(self.list())
            .filter_map(|attribute| attribute.split_once('='))
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value.trim_matches('"'))
    }
}

/// The attributes of a list: a comma within quotation marks divides nothing.
fn attributes(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

impl FromStr for KeyTag {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let list = [MEDIA, SESSION]
            .into_iter()
            .find(|tag| line.starts_with(tag))
            .ok_or("not `EXT-X-KEY` or `EXT-X-SESSION-KEY`")?
            .len();
        if line.len() > MAX_TAG || line.chars().any(char::is_control) {
            return Err("a key tag that is too long or has control characters".to_owned());
        }
        let well_formed = |attribute: &str| {
            attribute.split_once('=').is_some_and(|(name, value)| {
                let inner = value
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                    .unwrap_or(value);
                !name.is_empty()
                    && name.bytes().all(|byte| {
                        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-'
                    })
                    && !value.is_empty()
                    && !inner.contains('"')
            })
        };
        if let Some(odd) = attributes(&line[list..]).find(|one| !well_formed(one)) {
            return Err(format!(
                "`{}` is no attribute of a key tag",
                odd.escape_debug()
            ));
        }
        let tag = Self {
            line: line.to_owned(),
            list,
        };
        for name in ["METHOD", "URI", "KEYFORMAT"] {
            if tag.attribute(name).is_none_or(str::is_empty) {
                return Err(format!("a key tag has no `{name}`"));
            }
        }
        Ok(tag)
    }
}

impl TryFrom<String> for KeyTag {
    type Error = String;

    fn try_from(line: String) -> Result<Self, String> {
        line.parse()
    }
}

impl From<KeyTag> for String {
    fn from(tag: KeyTag) -> Self {
        tag.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box without key ids that holds two bytes.
    const BOX: &str = "AAAAInBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAAAIBAg==";

    #[test]
    fn boxes_are_taken_whole() {
        let found: PsshBox = BOX.parse().expect("sound");
        assert_eq!(found.data(), [1, 2]);
        assert_eq!(
            hex::encode(found.system_id()),
            "edef8ba979d64acea3c827dcd51d21ed"
        );
        assert_eq!(String::from(found.clone()), BOX);
        let bytes = found.bytes();
        for len in 0..bytes.len() {
            assert_eq!(PsshBox::new(bytes[..len].to_vec()), None);
        }
        let two = [bytes, bytes].concat();
        assert_eq!(PsshBox::new(two), None);
        // A count of key ids that the box cannot hold.
        let mut ids = bytes.to_vec();
        (ids[8], ids[28]) = (1, 0xff);
        assert_eq!(PsshBox::new(ids), None);
    }

    #[test]
    fn tags_are_taken_as_they_stand() {
        let line = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a,b\",KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"";
        let tag: KeyTag = format!("{line}\r\n").parse().expect("sound");
        assert_eq!(tag.list(), &line[MEDIA.len()..]);
        assert_eq!(tag.attribute("URI"), Some("skd://a,b"));
        assert_eq!(tag.attribute("METHOD"), Some("SAMPLE-AES"));
        assert!(!tag.is_session());
        let session = line.replace("X-KEY", "X-SESSION-KEY");
        assert!(session.parse::<KeyTag>().expect("sound").is_session());
        assert_eq!(String::from(tag), line);
    }

    #[test]
    fn what_would_break_a_playlist_is_refused() {
        for (line, words) in [
            ("#EXTINF:6,", "not `EXT-X-KEY`"),
            (
                "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"a\n#EXT\",KEYFORMAT=\"b\"",
                "control",
            ),
            (
                "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"a,KEYFORMAT=b",
                "no attribute",
            ),
            ("#EXT-X-KEY:METHOD=SAMPLE-AES,,URI=\"a\"", "no attribute"),
            ("#EXT-X-KEY:METHOD=NONE", "no `URI`"),
            ("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"a\"", "no `KEYFORMAT`"),
        ] {
            let error = line.parse::<KeyTag>().expect_err(words);
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
