//! Tokens that were taken back before they expired: a document by URL, in the form that Weir's operator endpoint for Spin serves.

use std::collections::HashMap;

use serde::Deserialize;
use weir_module::{ConfigError, DocumentNeed};

use crate::config::wrong;
use crate::grant::Grant;
use crate::reason::{Reason, Refused};

/// Where the list is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RevocationConfig {
    /// The URL of the document.
    pub url: String,
    /// How old the copy may be, in seconds.
    #[serde(default = "max_age")]
    pub max_age: u32,
    /// What a token gets while there is no copy yet.
    #[serde(default)]
    pub until_loaded: UntilLoaded,
}

fn max_age() -> u32 {
    60
}

/// What becomes of tokens before the first copy of the list is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UntilLoaded {
    /// 503.
    #[default]
    Refuse,
    /// They pass.
    Pass,
}

/// The name of the document.
pub(crate) const DOCUMENT: &str = "revocations";

/// Most entries of a list: an instance has 4 MiB in all.
const MAX_ENTRIES: usize = 20_000;

/// The list, as far as it is known.
#[derive(Debug)]
pub(crate) struct Revocations {
    config: RevocationConfig,
    /// Kind and value, and the second after which the entry is no longer in force.
    entries: Option<HashMap<(Kind, String), Option<u64>>>,
}

/// What is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Subject,
    Session,
    Token,
}

#[derive(Deserialize)]
struct Document {
    revocations: Vec<Entry>,
}

/// Members that are not known are for people, or for later versions.
#[derive(Deserialize)]
struct Entry {
    kind: Kind,
    value: String,
    until: Option<u64>,
}

impl Revocations {
    pub(crate) fn new(config: RevocationConfig) -> Result<Self, ConfigError> {
        if !config.url.starts_with("https://") && !config.url.starts_with("http://") {
            return Err(wrong("revocations.url", "give an http or https URL"));
        }
        Ok(Self {
            config,
            entries: None,
        })
    }

    pub(crate) fn document(&self) -> DocumentNeed {
        DocumentNeed {
            name: DOCUMENT.to_owned(),
            url: self.config.url.clone(),
            max_age: self.config.max_age.max(5),
        }
    }

    /// Takes a new copy. One that cannot be read whole changes nothing: half a list would let somebody in.
    pub(crate) fn load(&mut self, body: &[u8]) -> Result<(), String> {
        let document: Document = serde_json::from_slice(body)
            .map_err(|error| format!("not a revocation list: {error}"))?;
        if document.revocations.len() > MAX_ENTRIES {
            return Err(format!(
                "more than {MAX_ENTRIES} revocations: let entries end with `until`"
            ));
        }
        let entry = |entry: Entry| ((entry.kind, entry.value), entry.until);
        self.entries = Some(document.revocations.into_iter().map(entry).collect());
        Ok(())
    }

    /// Refuses a token that was taken back.
    pub(crate) fn check(&self, grant: &Grant, now: i64) -> Result<(), Refused> {
        let Some(entries) = &self.entries else {
            return match self.config.until_loaded {
                UntilLoaded::Refuse => Err(Refused::about(Reason::StateUnavailable, "revocations")),
                UntilLoaded::Pass => Ok(()),
            };
        };
        if entries.is_empty() {
            return Ok(());
        }
        let now = u64::try_from(now).unwrap_or(0);
        let named = [
            (Kind::Subject, &grant.subject),
            (Kind::Session, &grant.session),
            (Kind::Token, &grant.token_id),
        ];
        let revoked = named.into_iter().any(|(kind, value)| {
            let entry = value
                .as_ref()
                .and_then(|value| entries.get(&(kind, value.clone())));
            entry.is_some_and(|until| until.is_none_or(|until| until >= now))
        });
        if revoked {
            Err(Reason::TokenRevoked.into())
        } else {
            Ok(())
        }
    }
}
