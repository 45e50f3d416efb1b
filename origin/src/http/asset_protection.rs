//! What the call that creates an asset says about its protection.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::App;
use super::problem::Problem;
use crate::catalogue::Asset;
use crate::protection::{DeliveryKey, KeySet, KeySource, Protection, SystemData, cpix, parse_key};
use crate::transcode::{Container, Profile};

/// Most keys that an asset may bring.
const MAX_KEYS: usize = 256;

/// Keys that come with an asset. Its `Debug` form shows none.
#[derive(Clone)]
pub(super) enum GivenKeys {
    /// Each as `KID:KEY` or `KID:KEY:IV`, perhaps after `video=` or `audio=`.
    Lines(Vec<String>),
    /// A CPIX document.
    Cpix(String),
}

impl fmt::Debug for GivenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenKeys(…)")
    }
}

/// For defaults in the API's description alone: keys go in, never out.
impl Serialize for GivenKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

/// A list is one of keys, a text is a CPIX document. Errors repeat nothing of it, as serde's own would.
impl<'de> Deserialize<'de> for GivenKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || {
            de::Error::custom(
                "write a list of keys, each as \"KID:KEY\", or a CPIX document as one text",
            )
        };
        match Value::deserialize(deserializer)? {
            Value::String(document) => Ok(Self::Cpix(document)),
            Value::Array(lines) => lines
                .into_iter()
                .map(|line| match line {
                    Value::String(line) => Ok(line),
                    _ => Err(wrong()),
                })
                .collect::<Result<_, _>>()
                .map(Self::Lines),
            _ => Err(wrong()),
        }
    }
}

impl GivenKeys {
    fn read(
        &self,
        protection: &Protection,
        delivery: Option<&DeliveryKey>,
    ) -> Result<KeySet, String> {
        match self {
            Self::Cpix(document) => cpix::read(document, delivery)
                .and_then(|document| document.for_scheme(protection.scheme))
                .map_err(|error| error.to_string()),
            Self::Lines(lines) if lines.is_empty() || lines.len() > MAX_KEYS => {
                Err(format!("give 1 to {MAX_KEYS} keys"))
            }
            Self::Lines(lines) => {
                let mut keys = Vec::new();
                for (index, line) in lines.iter().enumerate() {
                    keys.push(parse_key(line).map_err(|reason| format!("[{index}]: {reason}"))?);
                }
                Ok(KeySet {
                    keys,
                    signalled: SystemData::default(),
                })
            }
        }
    }
}

impl App {
    /// The profile of an asset, unless it is `copy`.
    pub(super) fn profile_of(&self, name: &str) -> Option<&Profile> {
        self.transcoder.profiles().get(name)
    }

    /// Whether anything of an asset is protected: then its upload is played by nobody.
    pub(super) fn is_protected(&self, asset: &Asset) -> bool {
        asset
            .protection_under(self.profile_of(&asset.profile))
            .is_some()
            || asset
                .versions
                .iter()
                .any(|version| version.protection.is_some())
    }

    /// Refuses a protection that cannot work under a profile.
    pub(super) fn check_own_protection(
        &self,
        own: Option<&Protection>,
        profile: &str,
    ) -> Result<(), Problem> {
        let refuse = |reason: String| Problem::bad_request(format!("`protection`: {reason}"));
        let Some(own) = own else {
            return Ok(());
        };
        if own.key_source == KeySource::File || own.key_file.is_some() {
            return Err(refuse(
                "`key_source`: files are named in profiles only".to_owned(),
            ));
        }
        let profile = self.profile_of(profile);
        let container = profile.map_or_else(Container::default, |profile| profile.container);
        let dash = profile.and_then(|profile| profile.dash).unwrap_or(false);
        own.validate(container.into(), dash).map_err(refuse)
    }

    /// The same, and reads the keys that come with a new asset.
    pub(super) fn check_protection(
        &self,
        own: Option<&Protection>,
        profile: &str,
        given: Option<&GivenKeys>,
    ) -> Result<Option<KeySet>, Problem> {
        self.check_own_protection(own, profile)?;
        let profile = self.profile_of(profile);
        let effective = own.or_else(|| profile?.protection.as_ref());
        let source = effective.map(|one| one.key_source);
        if source == Some(KeySource::Speke) && !self.content_keys.has_key_server() {
            return Err(Problem::bad_request(
                "`protection`: `key_source`: no key server is configured (`protection.speke.url`)",
            ));
        }
        match (effective, source, given) {
            (Some(protection), Some(KeySource::Given), Some(given)) => {
                let keys = given
                    .read(protection, self.content_keys.delivery_key())
                    .map_err(|reason| Problem::bad_request(format!("`keys`: {reason}")))?;
                keys.encryption(protection, "/keys")
                    .map_err(|error| Problem::bad_request(format!("`keys`: {error}")))?;
                Ok(Some(keys))
            }
            (_, Some(KeySource::Given), None) => Err(Problem::bad_request(
                "`keys`: with `key_source` = \"given\" they come with the asset",
            )),
            (_, _, Some(_)) => Err(Problem::bad_request(
                "`keys`: they need a `protection` with `key_source` = \"given\"",
            )),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_never_repeated() {
        const KEY: &str = "166634c675823c235a4a9446fad52e4d";
        for text in [
            format!("{{\"a\":\"{KEY}\"}}"),
            format!("[[\"{KEY}\"]]"),
            "3".to_owned(),
        ] {
            let error = serde_json::from_str::<GivenKeys>(&text)
                .expect_err("wrong")
                .to_string();
            assert!(!error.contains(KEY) && error.contains("CPIX"), "{error}");
        }
        let given: GivenKeys = serde_json::from_str(&format!("[\"{KEY}:{KEY}\"]")).expect("right");
        assert!(!format!("{given:?}").contains(KEY));
        assert_eq!(
            given
                .read(&Protection::default(), None)
                .map(|set| set.keys.len()),
            Ok(1)
        );
        let broken = GivenKeys::Lines(vec![KEY.to_owned()]);
        let error = broken
            .read(&Protection::default(), None)
            .expect_err("wrong");
        assert!(error.starts_with("[0]") && !error.contains(KEY), "{error}");
        assert!(
            GivenKeys::Lines(vec![])
                .read(&Protection::default(), None)
                .is_err()
        );
    }
}
