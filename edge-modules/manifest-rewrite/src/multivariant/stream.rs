//! What the tags of a multivariant playlist say about a stream and about a rendition.

use crate::playlist::attributes::AttributeList;
use crate::playlist::codec::{self, Medium};
use crate::playlist::variables::Variables;

/// The types of rendition groups and the `EXT-X-STREAM-INF` attributes that name them: the same words.
pub const GROUP_TYPES: [&str; 4] = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"];

/// What a stream tag says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stream {
    /// Bits a second, peak.
    pub bandwidth: Option<f64>,
    /// Bits a second, average.
    pub average_bandwidth: Option<f64>,
    /// Pixels.
    pub width: Option<f64>,
    /// Pixels.
    pub height: Option<f64>,
    /// Frames a second.
    pub frame_rate: Option<f64>,
    /// RFC 6381 identifiers.
    pub codecs: Vec<String>,
    /// `SDR`, `HLG` or `PQ`; `SDR` when the tag does not say and there is video.
    pub video_range: Option<String>,
    /// `HDCP-LEVEL`.
    pub hdcp_level: Option<String>,
    /// `SCORE`.
    pub score: Option<f64>,
    /// `PATHWAY-ID`; `.` when the tag does not say.
    pub pathway: String,
    /// `NAME`, of older playlists.
    pub name: Option<String>,
    /// The group for each of [`GROUP_TYPES`].
    pub groups: [Option<String>; 4],
}

impl Stream {
    /// The families of its codecs that carry `medium`.
    pub fn families(&self, medium: Medium) -> Vec<String> {
        let families = self.codecs.iter().map(|codec| codec::family(codec));
        families
            .filter(|(_, of)| *of == medium)
            .map(|(name, _)| name.to_owned())
            .collect()
    }
}

/// What a rendition's tag says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendition {
    /// Index into [`GROUP_TYPES`]; none for an unknown type.
    pub group_type: Option<usize>,
    /// `GROUP-ID`.
    pub group: String,
    /// `NAME`.
    pub name: String,
    /// `LANGUAGE`, RFC 5646.
    pub language: Option<String>,
    /// The number in `CHANNELS`.
    pub channels: Option<f64>,
    /// `SAMPLE-RATE` in hertz.
    pub sample_rate: Option<f64>,
    /// `DEFAULT=YES`.
    pub default: bool,
    /// `AUTOSELECT=YES`.
    pub autoselect: bool,
    /// `FORCED=YES`.
    pub forced: bool,
    /// `CHARACTERISTICS`.
    pub characteristics: Vec<String>,
}

/// An attribute as text, its variables replaced.
pub(super) fn field(attributes: &[u8], name: &str, variables: &Variables) -> Option<String> {
    let value = AttributeList::find(attributes, name)?;
    Some(String::from_utf8_lossy(&variables.expand(value).0).into_owned())
}

fn number(attributes: &[u8], name: &str, variables: &Variables) -> Option<f64> {
    field(attributes, name, variables)?
        .trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

fn is_yes(attributes: &[u8], name: &str) -> bool {
    AttributeList::find(attributes, name) == Some(b"YES")
}

fn split(text: Option<String>) -> Vec<String> {
    text.map(|text| {
        text.split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    })
    .unwrap_or_default()
}

impl Stream {
    pub(super) fn read(attributes: &[u8], variables: &Variables) -> Self {
        let text = |name| field(attributes, name, variables);
        let size = text("RESOLUTION");
        let (width, height) = size
            .as_deref()
            .and_then(|size| size.split_once(['x', 'X']))
            .unzip();
        let pixels = |text: Option<&str>| text.and_then(|text| text.trim().parse().ok());
        let mut stream = Self {
            bandwidth: number(attributes, "BANDWIDTH", variables),
            average_bandwidth: number(attributes, "AVERAGE-BANDWIDTH", variables),
            width: pixels(width),
            height: pixels(height),
            frame_rate: number(attributes, "FRAME-RATE", variables),
            codecs: split(text("CODECS")),
            video_range: text("VIDEO-RANGE"),
            hdcp_level: text("HDCP-LEVEL"),
            score: number(attributes, "SCORE", variables),
            pathway: text("PATHWAY-ID").unwrap_or_else(|| ".".to_owned()),
            name: text("NAME"),
            groups: GROUP_TYPES.map(text),
        };
        // `CLOSED-CAPTIONS=NONE` names no group.
        if AttributeList::new(attributes)
            .any(|a| a.name == b"CLOSED-CAPTIONS" && !a.quoted && a.value == b"NONE")
        {
            stream.groups[3] = None;
        }
        let has_video = stream.height.is_some() || !stream.families(Medium::Video).is_empty();
        if stream.video_range.is_none() && has_video {
            stream.video_range = Some("SDR".to_owned());
        }
        stream
    }
}

impl Rendition {
    pub(super) fn read(attributes: &[u8], variables: &Variables) -> Self {
        let text = |name| field(attributes, name, variables);
        let kind = text("TYPE");
        Self {
            group_type: kind.and_then(|kind| GROUP_TYPES.iter().position(|known| *known == kind)),
            group: text("GROUP-ID").unwrap_or_default(),
            name: text("NAME").unwrap_or_default(),
            language: text("LANGUAGE"),
            channels: text("CHANNELS").and_then(|text| text.split('/').next()?.trim().parse().ok()),
            sample_rate: number(attributes, "SAMPLE-RATE", variables),
            default: is_yes(attributes, "DEFAULT"),
            autoselect: is_yes(attributes, "AUTOSELECT"),
            forced: is_yes(attributes, "FORCED"),
            characteristics: split(text("CHARACTERISTICS")),
        }
    }
}
