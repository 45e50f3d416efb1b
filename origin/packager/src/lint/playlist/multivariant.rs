//! What a multivariant playlist says (RFC 8216bis 4.4.6).

use super::attributes::Attributes;
use super::reader::Line;
use super::value::resolution;

/// A multivariant playlist.
#[derive(Clone, Debug, Default)]
pub(in crate::lint) struct Multivariant {
    pub(in crate::lint) variants: Vec<Variant>,
    /// `EXT-X-I-FRAME-STREAM-INF`.
    pub(in crate::lint) i_frames: Vec<Variant>,
    pub(in crate::lint) renditions: Vec<Rendition>,
    /// URI lines that no `EXT-X-STREAM-INF` precedes.
    pub(in crate::lint) stray_uris: Vec<(usize, String)>,
}

/// `EXT-X-STREAM-INF` or `EXT-X-I-FRAME-STREAM-INF`.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Variant {
    pub(in crate::lint) line: usize,
    pub(in crate::lint) attributes: Attributes,
    /// Where its playlist is; `None` when there is no such line or attribute.
    pub(in crate::lint) uri: Option<String>,
}

impl Variant {
    /// BANDWIDTH in bit/s.
    pub(in crate::lint) fn bandwidth(&self) -> Option<u64> {
        self.attributes.integer("BANDWIDTH")
    }

    /// AVERAGE-BANDWIDTH in bit/s.
    pub(in crate::lint) fn average_bandwidth(&self) -> Option<u64> {
        self.attributes.integer("AVERAGE-BANDWIDTH")
    }

    /// The formats of CODECS.
    pub(in crate::lint) fn codecs(&self) -> Vec<&str> {
        split_codecs(self.attributes.text("CODECS").unwrap_or_default())
    }

    /// RESOLUTION in pixels.
    pub(in crate::lint) fn resolution(&self) -> Option<(u64, u64)> {
        self.attributes.text("RESOLUTION").and_then(resolution)
    }

    /// FRAME-RATE in frames per second.
    pub(in crate::lint) fn frame_rate(&self) -> Option<f64> {
        self.attributes.float("FRAME-RATE")
    }

    /// VIDEO-RANGE, `SDR` where it is not said.
    pub(in crate::lint) fn video_range(&self) -> &str {
        self.attributes.text("VIDEO-RANGE").unwrap_or("SDR")
    }

    /// True when it has pictures as far as the playlist says.
    pub(in crate::lint) fn has_video(&self) -> bool {
        self.attributes.has("RESOLUTION")
            || self.attributes.has("FRAME-RATE")
            || self.attributes.has("VIDEO")
            || self.codecs().iter().any(|codec| is_video(codec))
    }
}

/// `EXT-X-MEDIA`.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Rendition {
    pub(in crate::lint) line: usize,
    pub(in crate::lint) attributes: Attributes,
    pub(in crate::lint) kind: Option<RenditionType>,
    pub(in crate::lint) group: String,
    pub(in crate::lint) name: String,
    pub(in crate::lint) uri: Option<String>,
}

/// TYPE of a rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lint) enum RenditionType {
    Audio,
    Video,
    Subtitles,
    ClosedCaptions,
}

impl RenditionType {
    /// All of them.
    pub(in crate::lint) const ALL: [Self; 4] = [
        Self::Audio,
        Self::Video,
        Self::Subtitles,
        Self::ClosedCaptions,
    ];

    /// The value of TYPE, and the name of the attribute that points at a group.
    pub(in crate::lint) const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "AUDIO",
            Self::Video => "VIDEO",
            Self::Subtitles => "SUBTITLES",
            Self::ClosedCaptions => "CLOSED-CAPTIONS",
        }
    }
}

impl Multivariant {
    /// Collects what the lines say.
    pub(super) fn read(lines: &[Line]) -> Self {
        let mut found = Self::default();
        let mut waiting = false;
        for line in lines {
            match line {
                Line::Tag(tag) => match tag.name.as_str() {
                    "EXT-X-STREAM-INF" => {
                        waiting = true;
                        found.variants.push(Variant {
                            line: tag.number,
                            attributes: tag.attributes.clone(),
                            uri: None,
                        });
                    }
                    "EXT-X-I-FRAME-STREAM-INF" => found.i_frames.push(Variant {
                        line: tag.number,
                        attributes: tag.attributes.clone(),
                        uri: tag.attributes.text("URI").map(str::to_owned),
                    }),
                    "EXT-X-MEDIA" => {
                        let text =
                            |name: &str| tag.attributes.text(name).unwrap_or_default().to_owned();
                        let kind = text("TYPE");
                        found.renditions.push(Rendition {
                            line: tag.number,
                            kind: RenditionType::ALL
                                .into_iter()
                                .find(|known| known.as_str() == kind),
                            group: text("GROUP-ID"),
                            name: text("NAME"),
                            uri: tag.attributes.text("URI").map(str::to_owned),
                            attributes: tag.attributes.clone(),
                        });
                    }
                    _ => {}
                },
                Line::Uri { number, text } => match found.variants.last_mut() {
                    Some(variant) if waiting => {
                        variant.uri = Some(text.clone());
                        waiting = false;
                    }
                    _ => found.stray_uris.push((*number, text.clone())),
                },
            }
        }
        found
    }

    /// The renditions of a group.
    pub(in crate::lint) fn group<'a>(
        &'a self,
        kind: RenditionType,
        id: &'a str,
    ) -> impl Iterator<Item = &'a Rendition> {
        self.renditions
            .iter()
            .filter(move |rendition| rendition.kind == Some(kind) && rendition.group == id)
    }
}

/// The formats of a CODECS value.
pub(in crate::lint) fn split_codecs(text: &str) -> Vec<&str> {
    text.split(',')
        .map(str::trim)
        .filter(|codec| !codec.is_empty())
        .collect()
}

/// True for a format of pictures.
pub(in crate::lint) fn is_video(codec: &str) -> bool {
    const KINDS: [&str; 16] = [
        "avc1", "avc3", "hvc1", "hev1", "dvh1", "dvhe", "dva1", "dvav", "dav1", "av01", "vp09",
        "vp08", "mp4v", "vvc1", "vvi1", "mjpg",
    ];
    KINDS.contains(&codec.split('.').next().unwrap_or(codec))
}

/// True for a format of timed text.
pub(in crate::lint) fn is_text(codec: &str) -> bool {
    matches!(
        codec.split('.').next(),
        Some("wvtt" | "stpp" | "c608" | "c708")
    )
}
