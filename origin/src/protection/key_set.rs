//! The keys of one version.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use weir_packager::{ContentKey, Encryption, Key, KeyId, KeySystem, KeyTracks, Method};

use super::{Protection, ProtectionError, Scheme, System, VersionProtection};
use crate::random;

/// Most keys of one version: with more periods than that, keys come round again.
const MAX_PERIODS: usize = 64;

/// The keys of one version, and what a key server said about them. Its `Debug` form shows no key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// The keys, in the order in which they take turns.
    pub keys: Vec<ContentKey>,
    /// What the key server wants said to players.
    #[serde(default)]
    pub signalled: SystemData,
}

/// What a key server wants said to players; where it says nothing, the asset's [`Protection`] counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemData {
    /// FairPlay's address, `{kid}` standing for the key's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairplay_uri: Option<String>,
    /// Widevine's provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widevine_provider: Option<String>,
    /// Widevine's name of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widevine_content_id: Option<String>,
    /// PlayReady's licence server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playready_license_url: Option<String>,
}

impl KeySet {
    /// New keys for a film of this length.
    #[must_use]
    pub fn generate(protection: &Protection, film: Duration) -> Self {
        let keys = roles(protection, film)
            .into_iter()
            .map(|tracks| ContentKey {
                // As a random UUID (RFC 9562, 5.4): key servers and players show it in that form.
                id: KeyId(random_uuid()),
                key: Key(random_block()),
                tracks,
                ..ContentKey::default()
            })
            .collect();
        Self {
            keys,
            signalled: SystemData::default(),
        }
    }

    /// The same ids as [`KeySet::generate`] makes, for a key server that has the keys.
    #[must_use]
    pub fn wanted(protection: &Protection, film: Duration) -> Vec<(KeyId, KeyTracks)> {
        roles(protection, film)
            .into_iter()
            .map(|tracks| (KeyId(random_uuid()), tracks))
            .collect()
    }

    /// How the packager encrypts with these keys. `key_url` is where this origin serves them, without a slash at the end.
    ///
    /// # Errors
    /// [`ProtectionError::Settings`] when a track would have no key.
    pub fn encryption(
        &self,
        protection: &Protection,
        key_url: &str,
    ) -> Result<Encryption, ProtectionError> {
        let all = |tracks| {
            self.keys
                .iter()
                .any(|key| key.tracks == KeyTracks::All || key.tracks == tracks)
        };
        if !all(KeyTracks::Video) || !all(KeyTracks::Audio) {
            return Err(ProtectionError::Settings(
                "there is no key for every kind of track; give one for all, or for video and for audio"
                    .to_owned(),
            ));
        }
        let said = &self.signalled;
        let or =
            |said: &Option<String>, other: &str| said.clone().unwrap_or_else(|| other.to_owned());
        let systems = protection.systems().into_iter().map(|system| match system {
            System::Identity => KeySystem::Identity {
                uri: format!("{key_url}/{{kid}}"),
            },
            System::FairPlay => {
                let configured = match protection.fairplay_uri.as_str() {
                    "" => "skd://{kid}",
                    uri => uri,
                };
                KeySystem::FairPlay {
                    uri: or(&said.fairplay_uri, configured),
                }
            }
            System::Widevine => KeySystem::Widevine {
                provider: or(&said.widevine_provider, &protection.widevine_provider),
                content_id: or(&said.widevine_content_id, ""),
            },
            System::PlayReady => KeySystem::PlayReady {
                license_uri: or(
                    &said.playready_license_url,
                    &protection.playready_license_url,
                ),
            },
            System::ClearKey => KeySystem::ClearKey {
                license_uri: format!("{key_url}/license"),
            },
        });
        Ok(Encryption {
            method: match protection.scheme {
                Scheme::Cbcs | Scheme::SampleAes => Method::Cbcs,
                Scheme::Cenc => Method::Cenc,
                Scheme::Aes128 => Method::Aes128,
            },
            keys: self.keys.clone(),
            clear_lead: Duration::from_secs(protection.clear_lead_seconds.into()),
            crypto_period: Duration::from_secs(protection.rotation_seconds.into()),
            systems: systems.collect(),
        })
    }

    /// What may be said of them in public.
    #[must_use]
    pub fn described(&self, protection: &Protection) -> VersionProtection {
        VersionProtection {
            scheme: protection.scheme,
            systems: protection.systems(),
            key_ids: self.keys.iter().map(|key| key.id.to_string()).collect(),
        }
    }

    /// The key of an id.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<Key> {
        self.keys.iter().find(|one| one.id == id).map(|one| one.key)
    }
}

/// The tracks of each key that a film needs.
fn roles(protection: &Protection, film: Duration) -> Vec<KeyTracks> {
    let periods = match protection.rotation_seconds {
        0 => 1,
        seconds => {
            let whole = film.as_secs_f64() / f64::from(seconds);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to what is allowed"
            )]
            let count = whole.ceil().clamp(1.0, MAX_PERIODS as f64) as usize;
            count
        }
    };
    let each: &[KeyTracks] = if protection.separate_audio_key {
        &[KeyTracks::Video, KeyTracks::Audio]
    } else {
        &[KeyTracks::All]
    };
    each.repeat(periods)
}

fn random_block() -> [u8; 16] {
    let mut block = [0; 16];
    random::fill(&mut block);
    block
}

/// A random UUID: version 4, variant 10 (RFC 9562, 5.4).
fn random_uuid() -> [u8; 16] {
    let mut id = random_block();
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protection(rotation: u32, separate: bool) -> Protection {
        Protection {
            systems: vec![System::ClearKey, System::FairPlay],
            rotation_seconds: rotation,
            separate_audio_key: separate,
            ..Protection::default()
        }
    }

    #[test]
    fn a_film_gets_a_key_for_each_period_and_kind() {
        let count = |rotation, separate, seconds| {
            KeySet::generate(
                &protection(rotation, separate),
                Duration::from_secs(seconds),
            )
            .keys
            .len()
        };
        assert_eq!(count(0, false, 7200), 1);
        assert_eq!(count(0, true, 7200), 2);
        assert_eq!(count(10, false, 25), 3);
        assert_eq!(count(10, true, 25), 6);
        assert_eq!(count(1, false, 1_000_000), MAX_PERIODS);
        assert_eq!(count(10, false, 0), 1, "a film of unknown length");
    }

    #[test]
    fn ids_are_uuids_and_nothing_shows_a_key() {
        let set = KeySet::generate(&protection(1, false), Duration::from_secs(8));
        for (index, key) in set.keys.iter().enumerate() {
            let id = key.id.to_string();
            assert_eq!(&id[12..13], "4");
            assert!(matches!(&id[16..17], "8" | "9" | "a" | "b"), "{id}");
            assert!(!set.keys[..index].iter().any(|other| other.id == key.id));
            let shown = format!("{set:?} {:?}", set.described(&protection(0, false)));
            assert!(shown.contains(&id) && !shown.contains(&String::from(key.key)));
        }
    }

    #[test]
    fn addresses_come_from_the_key_server_first() {
        let wanted = protection(0, false);
        let mut set = KeySet::generate(&wanted, Duration::ZERO);
        let made = set.encryption(&wanted, "/vod/a/keys").expect("sound");
        assert_eq!(
            made.systems,
            [
                KeySystem::ClearKey {
                    license_uri: "/vod/a/keys/license".to_owned()
                },
                KeySystem::FairPlay {
                    uri: "skd://{kid}".to_owned()
                }
            ]
        );
        set.signalled.fairplay_uri = Some("skd://other".to_owned());
        let made = set.encryption(&wanted, "/k").expect("sound");
        assert_eq!(
            made.systems[1],
            KeySystem::FairPlay {
                uri: "skd://other".to_owned()
            }
        );
        set.keys[0].tracks = KeyTracks::Video;
        assert!(
            set.encryption(&wanted, "/k").is_err(),
            "sound would have no key"
        );
    }
}
