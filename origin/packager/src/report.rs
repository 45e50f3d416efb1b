//! What a finished run tells its caller.

use serde::{Deserialize, Serialize};

use crate::Presentation;

/// The outcome of a packaging run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was packaged.
    pub presentation: Presentation,
    /// Path of the multivariant playlist.
    pub multivariant: String,
    /// Paths of the media playlists and I-frame playlists, in the order written.
    pub playlists: Vec<String>,
    /// Path of the MPEG-DASH manifest, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dash: Option<String>,
    /// The variant streams of the multivariant playlist.
    pub variants: Vec<Variant>,
    /// What the operator should know: tracks left out, oddities mended.
    pub notes: Vec<Note>,
}

/// One variant stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Path of its media playlist.
    pub playlist: String,
    /// Peak segment bit rate in bit/s, the largest over all playable combinations (RFC 8216bis 4.4.6.2).
    pub bandwidth: u64,
    /// Average segment bit rate in bit/s, likewise.
    pub average_bandwidth: u64,
    /// `CODECS` attribute.
    pub codecs: String,
    /// Width and height as presented.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resolution: Option<(u32, u32)>,
    /// Highest frame rate in frames per second.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub frame_rate: Option<f64>,
}

/// Something about an input that did not stop the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Index of the input.
    pub input: usize,
    /// Track identifier as in the source, when the note is about one track.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub track: Option<u32>,
    /// What was found and what was done about it, as a sentence.
    pub message: String,
}
