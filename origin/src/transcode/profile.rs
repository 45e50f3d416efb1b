//! Ladders: which renditions a profile makes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The profile that leaves the codecs as they are; it needs no ffmpeg.
const COPY: &str = "copy";

/// A transcoding profile, as in the TOML files beside this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// The renditions, the largest first.
    #[serde(rename = "rung")]
    pub rungs: Vec<Rung>,
    /// The sound.
    #[serde(default)]
    pub audio: Audio,
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

/// The sound of a ladder: one AAC rendition for all rungs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Audio {
    /// Bits per second.
    pub bitrate: u32,
    /// Channels at most.
    pub channels: u32,
}

impl Default for Audio {
    fn default() -> Self {
        Self {
            bitrate: 128_000,
            channels: 2,
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
    if profile.rungs.is_empty() {
        return Err(format!("profile {source}: it has no `[[rung]]`"));
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
    }

    #[test]
    fn mistakes_are_named() {
        for (text, words) in [
            ("", "missing field `rung`"),
            ("rung = []", "no `[[rung]]`"),
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
