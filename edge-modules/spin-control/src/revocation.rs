//! A revocation: a subject, a session or a token that may no longer watch.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything of one viewer: the `sub` claim.
    Subject,
    /// One playback session.
    Session,
    /// One token: its `jti` or `cti`.
    Token,
}

impl Kind {
    /// The word in URLs and keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Token => "token",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Subject, Self::Session, Self::Token]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// Where revocations stand in the store: one key each, so that two operators never overwrite each other.
pub(crate) const PREFIX: &str = "weir:revocation:";
/// The longest value that can be revoked, in bytes: Spin's stores take keys of 255.
const LONGEST: usize = 200;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub kind: Kind,
    /// The subject, session or token id.
    pub value: String,
}

/// What is kept with an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Details {
    /// Unix seconds after which the entry may be forgotten: the latest `exp` of any token that it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<u64>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Revocation {
    /// An entry for a value of 1 to 200 bytes without control characters.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn new(kind: Kind, value: &str) -> Result<Self, String> {
        if value.is_empty() || value.len() > LONGEST {
            return Err(format!(
                "a {} has 1 to {LONGEST} bytes, this one {}",
                kind.as_str(),
                value.len()
            ));
        }
        if value.chars().any(char::is_control) {
            return Err(format!("a {} has no control characters", kind.as_str()));
        }
        Ok(Self {
            kind,
            value: value.to_owned(),
        })
    }

    /// The key in the store.
    pub fn key(&self) -> String {
        format!("{PREFIX}{}:{}", self.kind.as_str(), self.value)
    }

    /// Reads a key of the store; none for keys that are not revocations.
    pub fn from_key(key: &str) -> Option<Self> {
        let (kind, value) = key.strip_prefix(PREFIX)?.split_once(':')?;
        Self::new(Kind::parse(kind)?, value).ok()
    }
}

/// The document that `token-check` reads: entries whose `until` has passed are left out.
///
/// `{"revocations":[{"kind":"subject","value":"ada","until":1700000000,"reason":"…"}]}`
pub fn list_document(entries: &[(Revocation, Vec<u8>)], now: u64) -> Value {
    let mut entries: Vec<&(Revocation, Vec<u8>)> = entries.iter().collect();
    entries.sort_by(|(a, _), (b, _)| (a.kind.as_str(), &a.value).cmp(&(b.kind.as_str(), &b.value)));
    let list: Vec<Value> = entries
        .iter()
        .filter_map(|(entry, details)| {
            // An entry that cannot be read still revokes: forgetting one would let somebody in.
            let details: Details = serde_json::from_slice(details).unwrap_or_default();
            if details.until.is_some_and(|until| until < now) {
                return None;
            }
            let mut object = json!({ "kind": entry.kind, "value": entry.value });
            if let Some(until) = details.until {
                object["until"] = until.into();
            }
            if let Some(reason) = details.reason {
                object["reason"] = reason.into();
            }
            Some(object)
        })
        .collect();
    json!({ "revocations": list })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_whatever_the_value_holds() {
        for value in ["ada", "a:b", "ü/?", &"x".repeat(200)] {
            let entry = Revocation::new(Kind::Session, value).unwrap();
            assert_eq!(Revocation::from_key(&entry.key()), Some(entry));
        }
        assert_eq!(Revocation::from_key("other"), None);
        assert_eq!(Revocation::from_key("weir:revocation:user:ada"), None);
        for bad in ["", "a\n", &"x".repeat(201)] {
            assert!(Revocation::new(Kind::Subject, bad).is_err());
        }
    }

    #[test]
    fn the_document_forgets_what_has_passed_but_not_what_it_cannot_read() {
        let entry = |value: &str| Revocation::new(Kind::Token, value).unwrap();
        let entries = [
            (entry("old"), br#"{"until":99}"#.to_vec()),
            (entry("new"), br#"{"until":100,"reason":"shared"}"#.to_vec()),
            (entry("broken"), b"not json".to_vec()),
        ];
        assert_eq!(
            list_document(&entries, 100),
            json!({"revocations": [
                {"kind": "token", "value": "broken"},
                {"kind": "token", "value": "new", "until": 100, "reason": "shared"},
            ]})
        );
    }
}
