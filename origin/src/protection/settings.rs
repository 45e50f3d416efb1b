//! How an asset is protected: everything about it but the keys.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_packager::Format;

/// How media are protected, as `[protection]` of a profile and `protection` of an asset say it. It holds no key.
///
/// Names are written with underscores; in profiles hyphens do as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// What is encrypted, and how.
    pub scheme: Scheme,
    /// How players get the keys. May be left out for `aes-128` and `sample-aes`, where players fetch them from this origin (`identity`).
    #[serde(default)]
    pub systems: Vec<System>,
    /// Where the keys come from.
    #[serde(
        default,
        alias = "key-source",
        skip_serializing_if = "KeySource::is_default"
    )]
    pub key_source: KeySource,
    /// The file of `key_source = "file"`; in profiles only.
    #[serde(default, alias = "key-file", skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub key_file: Option<PathBuf>,
    /// Seconds of film after which the next key takes its turn; 0: one key for the whole film.
    #[serde(default, alias = "rotation-seconds")]
    pub rotation_seconds: u32,
    /// Seconds at the start that stay in the clear, so that playback starts before a licence is there.
    #[serde(default, alias = "clear-lead-seconds")]
    pub clear_lead_seconds: u32,
    /// Sound gets keys of its own, so that a licence for it needs no protected path to the screen.
    #[serde(default, alias = "separate-audio-key")]
    pub separate_audio_key: bool,
    /// What a FairPlay application gets to see, `{kid}` standing for the key's id; `skd://{kid}` when absent.
    #[serde(
        default,
        alias = "fairplay-uri",
        skip_serializing_if = "String::is_empty"
    )]
    pub fairplay_uri: String,
    /// The provider's name, as agreed with the Widevine licence server.
    #[serde(
        default,
        alias = "widevine-provider",
        skip_serializing_if = "String::is_empty"
    )]
    pub widevine_provider: String,
    /// The PlayReady licence server; players know it when absent.
    #[serde(
        default,
        alias = "playready-license-url",
        skip_serializing_if = "String::is_empty"
    )]
    pub playready_license_url: String,
}

/// What is encrypted, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Samples, in CBC mode with a pattern (ISO/IEC 23001-7, 10.4): all devices of today.
    #[default]
    Cbcs,
    /// Samples, in counter mode (ISO/IEC 23001-7, 10.1): older Widevine and PlayReady devices.
    Cenc,
    /// Whole segments (RFC 8216bis, 4.4.4.4): HLS only.
    #[serde(rename = "aes-128")]
    Aes128,
    /// HLS's own name of encrypted samples, with keys from this origin; the same media as `cbcs`.
    SampleAes,
}

/// A key system: who hands keys to players.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// This origin, 16 bytes at an address (`KEYFORMAT="identity"`).
    Identity,
    /// Apple FairPlay Streaming.
    FairPlay,
    /// Google Widevine.
    Widevine,
    /// Microsoft PlayReady.
    PlayReady,
    /// W3C Clear Key: this origin, as JSON for Encrypted Media Extensions.
    ClearKey,
}

/// Where keys come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// Made here, new ones for each version.
    #[default]
    Generate,
    /// Given with the asset (`keys` or `cpix` of the call that creates it).
    Given,
    /// A file on this machine: lines of `KID:KEY`, or a CPIX document.
    File,
    /// A key server, by SPEKE v2.
    Speke,
}

impl KeySource {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference"
    )]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a published version is protected. Key ids are known to every player; the keys stand elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionProtection {
    /// What is encrypted, and how.
    pub scheme: Scheme,
    /// How players get the keys.
    pub systems: Vec<System>,
    /// The keys' ids, as 32 hexadecimal digits.
    pub key_ids: Vec<String>,
}

impl VersionProtection {
    /// Whether this origin may hand out key `id` in the way of `system`.
    #[must_use]
    pub fn hands_out(&self, system: System, id: &str) -> bool {
        self.systems.contains(&system) && self.key_ids.iter().any(|one| one == id)
    }
}

impl Protection {
    /// The key systems, those that go without saying included.
    #[must_use]
    pub fn systems(&self) -> Vec<System> {
        let implied = matches!(self.scheme, Scheme::Aes128 | Scheme::SampleAes);
        if self.systems.is_empty() && implied {
            vec![System::Identity]
        } else {
            self.systems.clone()
        }
    }

    /// Refuses what cannot work, with a sentence that names the key.
    ///
    /// # Errors
    /// The sentence.
    pub fn validate(&self, format: Format, dash: bool) -> Result<(), String> {
        let systems = self.systems();
        if systems.is_empty() {
            return Err("`systems` is empty: say how players get the keys, such as [\"clearkey\"] or [\"fairplay\", \"widevine\"]".to_owned());
        }
        for (index, system) in systems.iter().enumerate() {
            if systems[..index].contains(system) {
                return Err(format!("`systems` names {system:?} twice").to_lowercase());
            }
        }
        if self.scheme == Scheme::Aes128 {
            if systems != [System::Identity] {
                return Err(
                    "`systems`: with `aes-128` players take keys from this origin; leave it out"
                        .to_owned(),
                );
            }
            if dash {
                return Err(
                    "`scheme`: MPEG-DASH knows no `aes-128`; use `cbcs`, or leave `dash` off"
                        .to_owned(),
                );
            }
        } else if format == Format::MpegTs && self.scheme == Scheme::Cenc {
            return Err(
                "`scheme`: transport streams know no `cenc`; use `sample-aes`, `cbcs` or `aes-128`"
                    .to_owned(),
            );
        }
        if self.scheme == Scheme::Cenc && systems.contains(&System::FairPlay) {
            return Err("`systems`: FairPlay does not play `cenc`; use `cbcs`".to_owned());
        }
        if (self.key_source == KeySource::File) != self.key_file.is_some() {
            return Err(
                "`key_file` and `key_source = \"file\"` belong together, in a profile".to_owned(),
            );
        }
        for (name, text) in [
            ("fairplay_uri", &self.fairplay_uri),
            ("widevine_provider", &self.widevine_provider),
            ("playready_license_url", &self.playready_license_url),
        ] {
            // They stand in quoted strings of playlists (RFC 8216bis, 4.2).
            if text.len() > 1024 || text.chars().any(|c| c.is_control() || c == '"') {
                return Err(format!(
                    "`{name}`: use at most 1024 bytes without quotes and control characters"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Protection, String> {
        let protection: Protection = toml::from_str(text).map_err(|error| error.to_string())?;
        protection.validate(Format::Cmaf, false)?;
        Ok(protection)
    }

    #[test]
    fn both_spellings_are_read() {
        let hyphens = "scheme = \"cbcs\"\nsystems = [\"fairplay\", \"widevine\", \"playready\", \"clearkey\"]\nrotation-seconds = 60\n\
                       clear-lead-seconds = 6\nseparate-audio-key = true\nfairplay-uri = \"skd://a\"\nwidevine-provider = \"weir\"\n\
                       playready-license-url = \"https://l.example\"\nkey-source = \"speke\"";
        let read_in = read(hyphens).expect("sound");
        assert_eq!(
            read(
                &hyphens
                    .replace("skd", "S")
                    .replace('-', "_")
                    .replace('S', "skd")
            ),
            Ok(read_in.clone())
        );
        let json = serde_json::to_string(&read_in).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Protection>(&json).expect("again"),
            read_in
        );
        assert_eq!(
            read("scheme = \"aes-128\"").map(|one| one.systems()),
            Ok(vec![System::Identity])
        );
        assert_eq!(
            read("scheme = \"sample-aes\"").map(|one| one.systems()),
            Ok(vec![System::Identity])
        );
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (text, words) in [
            ("scheme = \"rot13\"", "rot13"),
            ("scheme = \"cbcs\"", "`systems` is empty"),
            (
                "scheme = \"cbcs\"\nsystems = [\"clearkey\", \"clearkey\"]",
                "twice",
            ),
            ("scheme = \"aes-128\"\nsystems = [\"widevine\"]", "aes-128"),
            ("scheme = \"cenc\"\nsystems = [\"fairplay\"]", "FairPlay"),
            ("scheme = \"sample-aes\"\nkey-source = \"file\"", "key_file"),
            ("scheme = \"sample-aes\"\nkey-file = \"/k\"", "key_source"),
            (
                "scheme = \"sample-aes\"\nfairplay-uri = \"skd://\\\"\"",
                "fairplay_uri",
            ),
            ("scheme = \"sample-aes\"\nclear-leed = 1", "clear-leed"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
        let sample = Protection {
            scheme: Scheme::SampleAes,
            ..Protection::default()
        };
        assert!(sample.validate(Format::MpegTs, false).is_ok());
        let counter = Protection {
            scheme: Scheme::Cenc,
            systems: vec![System::ClearKey],
            ..Protection::default()
        };
        assert!(counter.validate(Format::MpegTs, false).is_err());
        let whole = Protection {
            scheme: Scheme::Aes128,
            ..Protection::default()
        };
        assert!(whole.validate(Format::MpegTs, false).is_ok());
        assert!(whole.validate(Format::Cmaf, true).is_err());
    }
}
