//! `[[session-data]]` and `[[session-keys]]`: tags of the whole presentation (RFC 8216bis sections 4.4.6.4 and 4.4.6.5).

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::multivariant::list::{Kind, Multivariant};
use crate::playlist::attributes::is_quotable;

/// `[[session-data]]`. Exactly one of `value` and `uri`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SessionData {
    /// `DATA-ID`, a reverse DNS name.
    pub data_id: String,
    /// `VALUE`.
    pub value: Option<String>,
    /// `URI` of a JSON document.
    pub uri: Option<String>,
    /// `LANGUAGE`.
    pub language: Option<String>,
}

/// `[[session-keys]]`: lets players fetch keys before the media playlists.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SessionKey {
    /// `METHOD`.
    pub method: String,
    /// `URI`.
    pub uri: String,
    /// `KEYFORMAT`.
    pub keyformat: Option<String>,
    /// `KEYFORMATVERSIONS`.
    pub keyformatversions: Option<String>,
}

/// Checks both lists.
///
/// # Errors
/// The key that is wrong.
pub fn check(data: &[SessionData], keys: &[SessionKey]) -> Result<(), ConfigError> {
    let wrong = |key: String, message: &str| Err(ConfigError::new(NAME, key, message));
    for (index, item) in data.iter().enumerate() {
        if item.value.is_some() == item.uri.is_some() {
            return wrong(
                format!("session-data[{index}]"),
                "it has either `value` or `uri`",
            );
        }
        let texts = [
            Some(&item.data_id),
            item.value.as_ref(),
            item.uri.as_ref(),
            item.language.as_ref(),
        ];
        if texts.into_iter().flatten().any(|text| !is_quotable(text)) {
            return wrong(
                format!("session-data[{index}]"),
                "a text here has no quote mark and no line end",
            );
        }
    }
    for (index, key) in keys.iter().enumerate() {
        if ![
            "AES-128",
            "AES-256",
            "AES-256-GCM",
            "SAMPLE-AES",
            "SAMPLE-AES-CTR",
        ]
        .contains(&key.method.as_str())
        {
            return wrong(
                format!("session-keys[{index}].method"),
                "it is AES-128, AES-256, AES-256-GCM, SAMPLE-AES or SAMPLE-AES-CTR",
            );
        }
        let texts = [
            Some(&key.uri),
            key.keyformat.as_ref(),
            key.keyformatversions.as_ref(),
        ];
        if texts.into_iter().flatten().any(|text| !is_quotable(text)) {
            return wrong(
                format!("session-keys[{index}]"),
                "a text here has no quote mark and no line end",
            );
        }
    }
    Ok(())
}

/// Puts session data in. What the playlist has under the same `DATA-ID` and `LANGUAGE` gives way: the pair is unique.
pub fn insert_data(list: &mut Multivariant, data: &[SessionData]) {
    for item in data {
        for entry in &mut list.entries {
            if let Kind::SessionData { id, language } = &entry.kind {
                entry.dropped |= *id == item.data_id && *language == item.language;
            }
        }
        let mut line = format!("#EXT-X-SESSION-DATA:DATA-ID=\"{}\"", item.data_id);
        for (name, value) in [
            ("VALUE", &item.value),
            ("URI", &item.uri),
            ("LANGUAGE", &item.language),
        ] {
            if let Some(value) = value {
                line.push_str(&format!(",{name}=\"{value}\""));
            }
        }
        let kind = Kind::SessionData {
            id: item.data_id.clone(),
            language: item.language.clone(),
        };
        let at = list.head_end();
        list.insert(at, &line, kind);
    }
}

/// Puts session keys in, unless the same line is there.
pub fn insert_keys(list: &mut Multivariant, keys: &[SessionKey]) {
    for key in keys {
        let mut line = format!(
            "#EXT-X-SESSION-KEY:METHOD={},URI=\"{}\"",
            key.method, key.uri
        );
        for (name, value) in [
            ("KEYFORMAT", &key.keyformat),
            ("KEYFORMATVERSIONS", &key.keyformatversions),
        ] {
            if let Some(value) = value {
                line.push_str(&format!(",{name}=\"{value}\""));
            }
        }
        let there = (0..list.entries.len())
            .any(|index| crate::playlist::lines::content(list.text(index)) == line.as_bytes());
        if !there {
            let at = list.head_end();
            list.insert(at, &line, Kind::Other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_same_id_and_keeps_others() {
        let text = "#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID=\"a\",VALUE=\"old\"\n#EXT-X-SESSION-DATA:DATA-ID=\"a\",VALUE=\"alt\",LANGUAGE=\"de\"\n";
        let mut list = Multivariant::parse(text.into());
        let item = SessionData {
            data_id: "a".into(),
            value: Some("new".into()),
            uri: None,
            language: None,
        };
        insert_data(&mut list, &[item]);
        let key = SessionKey {
            method: "SAMPLE-AES".into(),
            uri: "skd://k".into(),
            keyformat: Some("f".into()),
            keyformatversions: None,
        };
        insert_keys(&mut list, &[key.clone(), key]);
        let mut out = Vec::new();
        list.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"f\"\n\
             #EXT-X-SESSION-DATA:DATA-ID=\"a\",VALUE=\"new\"\n#EXT-X-SESSION-DATA:DATA-ID=\"a\",VALUE=\"alt\",LANGUAGE=\"de\"\n"
        );
    }
}
