//! What an input holds: its tracks and their timing after edit lists.

use serde::{Deserialize, Serialize};

use crate::Chapter;

/// The edited presentation of one input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Presentation {
    /// Duration in seconds: the end of the track that ends last.
    pub duration: f64,
    /// Length of the input in bytes.
    pub size: u64,
    /// True when the index of the input comes before its media data.
    pub index_first: bool,
    /// True when the input has movie fragments.
    pub fragmented: bool,
    /// The video, audio and subtitle tracks, in the order of the source.
    pub tracks: Vec<TrackInfo>,
    /// Chapters, in the order in which they start.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub chapters: Vec<Chapter>,
}

/// One track.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrackInfo {
    /// Index of the input that holds the track.
    pub input: usize,
    /// Identifier as in the source.
    pub id: u32,
    /// What it carries.
    pub kind: TrackKind,
    /// Codec string (RFC 6381), such as `avc1.640028`.
    pub codec: String,
    /// `SUPPLEMENTAL-CODECS` value (RFC 8216bis 4.4.6.2), such as `dvh1.08.07/db4h`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub supplemental_codec: Option<String>,
    /// Language tag (BCP 47); `None` when the source does not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// Title given by the source.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Ticks per second of the source track.
    pub timescale: u32,
    /// Presentation time of the first sample in seconds, edit list applied.
    pub start: f64,
    /// Presentation duration in seconds, edit list applied.
    pub duration: f64,
    /// Number of samples that are presented.
    pub samples: u64,
    /// Number of samples at which decoding can start.
    pub keyframes: u64,
    /// Average bit rate of the sample data in bit/s.
    pub bit_rate: u64,
    /// Channels of closed captions in the pictures (`CC1` to `CC4`, `SERVICE1` to `SERVICE63`), empty when there are none. `None` when
    /// they were not looked for, cannot be looked for, or cannot be told apart.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub captions: Option<Vec<String>>,
    /// Why the track cannot be packaged as it is; `None` when it can.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unsupported: Option<String>,
    /// Set for video tracks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub video: Option<VideoInfo>,
    /// Set for audio tracks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub audio: Option<AudioInfo>,
}

/// What a track carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// Pictures.
    #[default]
    Video,
    /// Sound.
    Audio,
    /// Timed text.
    Subtitle,
}

impl TrackKind {
    /// Lower-case name, for messages and paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Subtitle => "subtitle",
        }
    }
}

/// Properties of a video track.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VideoInfo {
    /// Coded width in pixels, cropping applied.
    pub width: u32,
    /// Coded height in pixels, cropping applied.
    pub height: u32,
    /// Width in pixels as presented: pixel aspect ratio and rotation applied.
    pub display_width: u32,
    /// Height in pixels as presented: pixel aspect ratio and rotation applied.
    pub display_height: u32,
    /// Clockwise rotation in degrees: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Highest frame rate in frames per second.
    pub frame_rate: f64,
    /// Bits per luma sample.
    pub bit_depth: u8,
    /// How colour is coded.
    pub colour: ColourInfo,
}

/// How colour is coded (ISO/IEC 23091-2 code points).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColourInfo {
    /// Colour primaries; 2 when unspecified.
    pub primaries: u8,
    /// Transfer characteristics; 2 when unspecified.
    pub transfer: u8,
    /// Matrix coefficients; 2 when unspecified.
    pub matrix: u8,
    /// True when samples use the full range of code values.
    pub full_range: bool,
    /// `VIDEO-RANGE` that follows from the transfer characteristics.
    pub range: VideoRange,
}

impl Default for ColourInfo {
    fn default() -> Self {
        Self::unspecified()
    }
}

impl ColourInfo {
    /// Nothing said.
    pub(crate) fn unspecified() -> Self {
        Self::new(2, 2, 2, false)
    }

    /// The given code points, and the range of brightness that the transfer characteristics mean.
    pub(crate) fn new(primaries: u8, transfer: u8, matrix: u8, full_range: bool) -> Self {
        let range = match transfer {
            16 => VideoRange::Pq,
            18 => VideoRange::Hlg,
            _ => VideoRange::Sdr,
        };
        Self {
            primaries,
            transfer,
            matrix,
            full_range,
            range,
        }
    }

    /// True when nothing is said about primaries, transfer and matrix.
    pub(crate) const fn is_unspecified(&self) -> bool {
        self.primaries == 2 && self.transfer == 2 && self.matrix == 2
    }
}

/// Values of the `VIDEO-RANGE` attribute (RFC 8216bis 4.4.6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VideoRange {
    /// Standard dynamic range.
    #[default]
    Sdr,
    /// Hybrid log-gamma (transfer characteristics 18).
    Hlg,
    /// Perceptual quantizer (transfer characteristics 16).
    Pq,
}

/// Properties of an audio track.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AudioInfo {
    /// `CHANNELS` attribute (RFC 8216bis 4.4.6.1), such as `2` or `16/JOC`.
    pub channels: String,
    /// Number of channels.
    pub channel_count: u32,
    /// Samples of sound per second.
    pub sample_rate: u32,
}
