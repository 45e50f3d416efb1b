//! The `[packaging]` table: how sources become HLS.

use serde::{Deserialize, Serialize};

/// The `[packaging]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PackagingSettings {
    /// Wanted duration of a media segment in seconds.
    pub segment_seconds: f64,
    /// Write an I-frame playlist for every video track.
    pub i_frame_playlists: bool,
    /// Write an MPEG-DASH manifest over the same segments.
    pub dash: bool,
    /// Jobs that run at once.
    pub concurrency: usize,
    /// Files of one job that are written to the store at once.
    pub write_concurrency: usize,
    /// How often a job is tried when the store fails.
    pub attempts: u32,
    /// Seconds without a sign of life after which another origin takes a job over.
    pub takeover_seconds: u64,
    /// Profile of assets that name none: `copy` or another one.
    pub profile: String,
    /// Writes a gzip twin of every playlist, so that none is compressed while viewers wait.
    pub gzip: bool,
    /// How much of a version is checked before it is published.
    pub lint: LintDepth,
    /// Makes a preview: a few seconds as animated WebP. It needs ffmpeg, and a protected film has none.
    pub preview: bool,
    /// Names the storyboard in the multivariant playlist too, as an image media playlist.
    pub image_playlist: bool,
    /// Adds an I-frame rendition of JPEG pictures (`CODECS="mjpg"`), which players show while somebody scrubs. It needs ffmpeg.
    pub scrub_pictures: bool,
}

/// How much of a version is checked before it is published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LintDepth {
    /// Nothing.
    Off,
    /// Playlists alone.
    Playlists,
    /// Playlists, and what segments say of themselves.
    #[default]
    Media,
}

impl Default for PackagingSettings {
    fn default() -> Self {
        Self {
            segment_seconds: 6.0,
            i_frame_playlists: true,
            dash: false,
            concurrency: 2,
            write_concurrency: 4,
            attempts: 3,
            takeover_seconds: 60,
            profile: "copy".to_owned(),
            gzip: true,
            lint: LintDepth::default(),
            preview: false,
            image_playlist: false,
            scrub_pictures: false,
        }
    }
}
