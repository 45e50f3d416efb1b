//! Ladders: which renditions a profile makes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use weir_packager::Format;

use crate::protection::Protection;

/// The profile that leaves the codecs as they are; it needs no ffmpeg.
const COPY: &str = "copy";

/// A profile, as in the TOML files beside this one: which renditions, in which container, protected or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// The renditions, the largest first; none: the codecs stay as they are.
    #[serde(rename = "rung", default)]
    pub rungs: Vec<Rung>,
    /// The sound of a ladder.
    #[serde(default)]
    pub audio: Audio,
    /// What becomes of high dynamic range.
    #[serde(default)]
    pub hdr: Hdr,
    /// What segments are made of.
    #[serde(default)]
    pub container: Container,
    /// Whether an MPEG-DASH manifest is written; as configured when absent.
    #[serde(default)]
    pub dash: Option<bool>,
    /// How media are protected; in the clear when absent.
    #[serde(default)]
    pub protection: Option<Protection>,
}

/// What becomes of high dynamic range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hdr {
    /// It stays where every rung can hold it (HEVC and AV1), else it is brought down.
    #[default]
    Keep,
    /// It is brought down to standard range.
    ToneMap,
}

/// What segments are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// Fragmented MP4.
    #[default]
    Cmaf,
    /// MPEG-2 transport streams, for players that know nothing else: HLS only.
    Ts,
}

impl From<Container> for Format {
    fn from(container: Container) -> Self {
        match container {
            Container::Cmaf => Self::Cmaf,
            Container::Ts => Self::MpegTs,
        }
    }
}

/// One rendition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rung {
    /// For people and logs.
    pub name: String,
    /// Pixels of the shorter side at most.
    pub height: u32,
    /// The codec.
    pub codec: VideoCodec,
    /// Bits per second at most, over any two seconds.
    pub bitrate: u32,
    /// Constant quality below that cap; the codec's usual value when absent.
    #[serde(default)]
    pub quality: Option<u32>,
    /// The encoder's preset; a fast one when absent.
    #[serde(default)]
    pub preset: Option<String>,
}

/// Codecs that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264, by x264.
    H264,
    /// HEVC, by x265.
    Hevc,
    /// AV1, by SVT-AV1.
    Av1,
    /// VP9, by libvpx.
    Vp9,
}

/// The sound of a ladder: one AAC rendition of each of the source's sound tracks, for all rungs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Audio {
    /// Bits per second.
    pub bitrate: u32,
    /// Channels at most.
    pub channels: u32,
    /// Loudness that the whole film is brought to, in LUFS (EBU R 128), -31 to -5; as it is when absent. The film is heard twice then.
    pub loudness: Option<f64>,
}

impl Default for Audio {
    fn default() -> Self {
        Self {
            bitrate: 128_000,
            channels: 2,
            loudness: None,
        }
    }
}

/// The profiles by name.
#[derive(Debug, Clone)]
pub struct Profiles {
    profiles: BTreeMap<String, Profile>,
}

impl Profiles {
    /// The shipped profiles and those of `folder`, which win.
    ///
    /// # Errors
    /// A sentence that names file and key.
    pub fn load(folder: &Path) -> Result<Self, String> {
        let shipped = [
            ("standard", include_str!("profiles/standard.toml")),
            ("web", include_str!("profiles/web.toml")),
            ("hevc-4k", include_str!("profiles/hevc-4k.toml")),
            ("av1", include_str!("profiles/av1.toml")),
        ];
        let mut profiles = BTreeMap::new();
        for (name, text) in shipped {
            profiles.insert(name.to_owned(), parse(name, text)?);
        }
        if !folder.as_os_str().is_empty() {
            let unreadable = |error: std::io::Error| {
                format!("transcode.profile-folder = {}: {error}", folder.display())
            };
            for entry in std::fs::read_dir(folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                let Some(name) = path
                    .file_stem()
                    .and_then(|name| name.to_str())
                    .filter(|_| path.extension().is_some_and(|e| e == "toml"))
                else {
                    continue;
                };
                let text = std::fs::read_to_string(&path).map_err(unreadable)?;
                profiles.insert(name.to_owned(), parse(&path.display().to_string(), &text)?);
            }
        }
        Ok(Self { profiles })
    }

    /// A profile by its name; `None` for `copy` and for unknown names.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// A profile that transcodes, by its name.
    #[must_use]
    pub fn ladder(&self, name: &str) -> Option<&Profile> {
        self.get(name).filter(|profile| !profile.rungs.is_empty())
    }

    /// Whether assets may name it.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        name == COPY || self.profiles.contains_key(name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(COPY).chain(self.profiles.keys().map(String::as_str))
    }
}

fn parse(source: &str, text: &str) -> Result<Profile, String> {
    let profile: Profile =
        toml::from_str(text).map_err(|error| format!("profile {source}: {error}"))?;
    if profile.rungs.is_empty() && profile.audio != Audio::default() {
        return Err(format!(
            "profile {source}: `[audio]` without a `[[rung]]` changes nothing; add a rung, or take it away"
        ));
    }
    let dash = profile.dash.unwrap_or(false);
    if dash && profile.container == Container::Ts {
        return Err(format!(
            "profile {source}: dash = true: MPEG-DASH is written over CMAF; leave `container` at \"cmaf\""
        ));
    }
    if profile.container == Container::Ts
        && let Some(rung) = profile
            .rungs
            .iter()
            .find(|rung| rung.codec != VideoCodec::H264)
    {
        return Err(format!(
            "profile {source}: rung `{}`: container = \"ts\" takes H.264 only",
            rung.name
        ));
    }
    if let Some(protection) = &profile.protection {
        protection
            .validate(profile.container.into(), dash)
            .map_err(|reason| format!("profile {source}: [protection]: {reason}"))?;
        if protection
            .key_file
            .as_ref()
            .is_some_and(|file| !file.is_absolute())
        {
            return Err(format!(
                "profile {source}: [protection]: `key-file`: write the whole path, beginning with `/`"
            ));
        }
    }
    for rung in &profile.rungs {
        if !(64..=4320).contains(&rung.height) {
            return Err(format!(
                "profile {source}: rung `{}`: height = {}; use 64 to 4320",
                rung.name, rung.height
            ));
        }
        if rung.bitrate < 50_000 {
            return Err(format!(
                "profile {source}: rung `{}`: bitrate = {}; use at least 50000",
                rung.name, rung.bitrate
            ));
        }
    }
    if let Some(loudness) = profile.audio.loudness
        && !(-31.0..=-5.0).contains(&loudness)
    {
        return Err(format!(
            "profile {source}: [audio]: loudness = {loudness}; use -31 to -5 (LUFS), such as -16"
        ));
    }
    if !profile.rungs.is_sorted_by(|a, b| a.height >= b.height) {
        return Err(format!(
            "profile {source}: write the rungs from the largest to the smallest"
        ));
    }
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_profiles_are_valid_and_a_folder_adds_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[[rung]]\nname = \"tiny\"\nheight = 240\ncodec = \"vp9\"\nbitrate = 300000\n";
        std::fs::write(folder.path().join("tiny.toml"), text).expect("written");
        let profiles = Profiles::load(folder.path()).expect("valid");
        assert_eq!(
            profiles.names().collect::<Vec<_>>(),
            ["copy", "av1", "hevc-4k", "standard", "tiny", "web"]
        );
        assert_eq!(profiles.get("standard").expect("shipped").rungs.len(), 4);
        assert!(profiles.knows("copy") && !profiles.knows("gold"));
        assert!(profiles.ladder("web").is_some() && profiles.ladder("copy").is_none());
    }

    #[test]
    fn a_profile_without_rungs_changes_the_packaging_alone() {
        let text =
            "container = \"ts\"\n[protection]\nscheme = \"aes-128\"\nrotation-seconds = 60\n";
        let profile = parse("ts", text).expect("valid");
        assert_eq!(Format::from(profile.container), Format::MpegTs);
        assert_eq!(profile.protection.map(|one| one.rotation_seconds), Some(60));
        assert_eq!(
            parse("dash", "dash = true").map(|one| one.dash),
            Ok(Some(true))
        );
    }

    /// The README's block names every key of a profile, and is one.
    #[test]
    fn the_readme_tells_every_key() {
        let block = include_str!("../../README.md")
            .split_once("## Profiles")
            .and_then(|(_, rest)| rest.split_once("```toml\n"))
            .and_then(|(_, rest)| rest.split("```").next())
            .expect("a TOML block");
        let profile = parse("README.md", block).expect("a profile");
        let written = toml::Table::try_from(&profile).expect("serializable");
        let documented: toml::Table = block.parse().expect("TOML");
        for (name, part) in [("rung", false), ("audio", true)] {
            assert!(documented.contains_key(name), "{name}");
            if part {
                let keys = |table: &toml::Table| {
                    table[name]
                        .as_table()
                        .map(|one| one.keys().cloned().collect::<Vec<_>>())
                };
                assert_eq!(keys(&documented), keys(&written));
            }
        }
        let names = |table: &toml::Table| table.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&documented), names(&written));
        let rung = |table: &toml::Table| table["rung"][0].as_table().map(names);
        assert_eq!(rung(&documented), rung(&written));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, words) in [
            ("[audio]\nbitrate = 64000", "without a `[[rung]]`"),
            ("container = \"mkv\"", "mkv"),
            ("hdr = \"more\"", "more"),
            (
                "[audio]\nloudness = -90\n[[rung]]\nname = \"a\"\nheight = 500\ncodec = \"h264\"\nbitrate = 100000",
                "loudness = -90",
            ),
            ("container = \"ts\"\ndash = true", "dash"),
            (
                "container = \"ts\"\n[[rung]]\nname = \"a\"\nheight = 500\ncodec = \"hevc\"\nbitrate = 100000",
                "H.264 only",
            ),
            ("[protection]\nscheme = \"cbcs\"", "systems"),
            (
                "container = \"ts\"\n[protection]\nscheme = \"cenc\"\nsystems = [\"widevine\"]",
                "no `cenc`",
            ),
            (
                "[protection]\nscheme = \"aes-128\"\nkey-source = \"file\"\nkey-file = \"keys\"",
                "whole path",
            ),
            (
                "[[rung]]\nname = \"a\"\nheight = 5\ncodec = \"h264\"\nbitrate = 100000",
                "height = 5",
            ),
            (
                "[[rung]]\nname = \"a\"\nheight = 500\ncodec = \"h265\"\nbitrate = 100000",
                "h265",
            ),
            (
                "[[rung]]\nname = \"a\"\nheight = 500\ncodec = \"h264\"\nbitrate = 100000\nbitrat = 1",
                "bitrat",
            ),
        ] {
            let error = parse("mine", text).expect_err("a mistake");
            assert!(error.contains("mine") && error.contains(words), "{error}");
        }
    }
}
