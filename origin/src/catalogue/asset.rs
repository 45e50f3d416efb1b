//! The record of one asset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_packager::Report;

use super::{AssetId, LintReport};
use crate::protection::{Protection, VersionProtection};
use crate::transcode::Profile;

/// A version's place in the order of versions, counted from 1; never used twice.
pub type VersionNumber = u32;

/// One asset: what was uploaded, what was made of it, and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Asset {
    /// Its name.
    pub id: AssetId,
    /// How it stands.
    pub state: AssetState,
    /// What people say about it.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// How it is turned into HLS: `copy`, or a transcoding profile.
    #[schema(example = "copy")]
    pub profile: String,
    /// How it is protected; as the profile says when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// The uploaded file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The subtitles that were uploaded beside it, by their names. Versions made from now on have them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subtitles: BTreeMap<String, Subtitles>,
    /// The version that viewers get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_version: Option<VersionNumber>,
    /// What was published, oldest first.
    #[serde(default)]
    pub versions: Vec<Version>,
    /// The number that the next version gets.
    pub next_version: VersionNumber,
    /// Why the last upload or packaging failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: jiff::Timestamp,
    /// When the record last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: jiff::Timestamp,
}

/// How an asset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AssetState {
    /// Waiting for its upload.
    Created,
    /// Uploaded, not yet packaged.
    Uploaded,
    /// Waiting for a free worker.
    Queued,
    /// Being packaged.
    Packaging,
    /// Published.
    Ready,
    /// The last upload or packaging failed; an earlier version may still be live.
    Failed,
}

/// What people say about an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Metadata {
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(example = "Big Buck Bunny")]
    pub title: String,
    /// For searching.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Anything else, kept as it is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// The uploaded file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Bytes.
    pub size: u64,
    /// The entity tag in the store: what is packaged is what was probed.
    pub etag: String,
    /// Media type that the sender gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// When the upload ended.
    #[schema(value_type = String, format = DateTime)]
    pub uploaded_at: jiff::Timestamp,
    /// What was found in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub presentation: Option<weir_packager::Presentation>,
}

/// Subtitles beside the uploaded file; their text is an object of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Subtitles {
    /// Language tag (BCP 47).
    #[schema(example = "de")]
    pub language: String,
    /// What viewers read when they choose; the language when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Shown unless the viewer chooses otherwise; at most one is.
    pub default: bool,
    /// Holds only what is needed to follow the film.
    pub forced: bool,
    /// For viewers who do not hear.
    pub sdh: bool,
    /// Bytes of their text.
    pub size: u64,
}

/// One published version. Its files never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Its number.
    pub number: VersionNumber,
    /// The profile it was made with.
    pub profile: String,
    /// Path of the multivariant playlist within the version.
    #[schema(example = "main.m3u8")]
    pub multivariant: String,
    /// Path of the MPEG-DASH manifest within the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dash: Option<String>,
    /// Path of a picture of the film within the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "poster.jpg")]
    pub poster: Option<String>,
    /// Path of the storyboard's WebVTT index within the version; `storyboard.json` lies beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "storyboard.vtt")]
    pub storyboard: Option<String>,
    /// Path of a few seconds of the film as animated WebP within the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "preview.webp")]
    pub preview: Option<String>,
    /// How it is protected; in the clear when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<VersionProtection>,
    /// What the linter said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lint: Option<LintReport>,
    /// Seconds.
    pub duration: f64,
    /// Number of files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Tracks, variants, and notes about what was found.
    #[schema(value_type = Object)]
    pub report: Report,
    /// When it was published.
    #[schema(value_type = String, format = DateTime)]
    pub published_at: jiff::Timestamp,
}

/// Why an upload or a packaging run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// A stable short word.
    #[schema(example = "media-unsupported")]
    pub code: String,
    /// A sentence that says what was found where, and what to do.
    pub detail: String,
    /// The track it is about, as the source numbers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<u32>,
    /// The codec it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// What the linter said, where that is why nothing was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lint: Option<LintReport>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: jiff::Timestamp,
}

impl Asset {
    /// A new asset, waiting for its upload.
    #[must_use]
    pub fn new(metadata: Metadata, profile: String) -> Self {
        let now = jiff::Timestamp::now();
        Self {
            id: AssetId::new(),
            state: AssetState::Created,
            metadata,
            profile,
            protection: None,
            source: None,
            subtitles: BTreeMap::new(),
            live_version: None,
            versions: Vec::new(),
            next_version: 1,
            failure: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// How it is protected: what it says itself, else what its profile says.
    #[must_use]
    pub fn protection_under<'a>(&'a self, profile: Option<&'a Profile>) -> Option<&'a Protection> {
        self.protection
            .as_ref()
            .or_else(|| profile?.protection.as_ref())
    }

    /// The version that viewers get.
    #[must_use]
    pub fn live(&self) -> Option<&Version> {
        self.version(self.live_version?)
    }

    /// A published version.
    #[must_use]
    pub fn version(&self, number: VersionNumber) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }

    /// Whether title, tags or id contain `text`, without regard to case.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let contains = |field: &str| field.to_lowercase().contains(&text);
        contains(&self.metadata.title)
            || contains(self.id.as_str())
            || self.metadata.tags.iter().any(|tag| contains(tag))
    }
}
