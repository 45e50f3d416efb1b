//! What a media playlist says (RFC 8216bis 4.4.3 to 4.4.5).

use super::date::DateTime;
use super::reader::{Line, Tag};
use super::value::{ByteRangeValue, decimal_integer, floating_point};

/// A media playlist.
#[derive(Clone, Debug, Default)]
pub(in crate::lint) struct MediaPlaylist {
    /// `EXT-X-TARGETDURATION` in seconds.
    pub(in crate::lint) target_duration: Option<u64>,
    /// `EXT-X-PLAYLIST-TYPE`.
    pub(in crate::lint) playlist_type: Option<String>,
    /// `EXT-X-ENDLIST` is there.
    pub(in crate::lint) ended: bool,
    /// `EXT-X-I-FRAMES-ONLY` is there.
    pub(in crate::lint) i_frames_only: bool,
    /// `EXT-X-INDEPENDENT-SEGMENTS` is there.
    pub(in crate::lint) independent_segments: bool,
    /// `EXT-X-MEDIA-SEQUENCE`.
    pub(in crate::lint) media_sequence: u64,
    pub(in crate::lint) segments: Vec<Segment>,
    pub(in crate::lint) keys: Vec<Key>,
    pub(in crate::lint) maps: Vec<Map>,
    pub(in crate::lint) parts: Vec<Part>,
}

/// A media segment.
#[derive(Clone, Debug, Default)]
pub(in crate::lint) struct Segment {
    /// Line of the URI.
    pub(in crate::lint) line: usize,
    /// Line of `EXTINF`.
    pub(in crate::lint) info_line: Option<usize>,
    /// Duration in seconds.
    pub(in crate::lint) duration: Option<f64>,
    /// Duration as it stands.
    pub(in crate::lint) duration_text: String,
    pub(in crate::lint) uri: String,
    /// `EXT-X-BYTERANGE` and its line.
    pub(in crate::lint) range: Option<(usize, ByteRangeValue)>,
    /// First byte, worked out where the tag does not say; `None` without a range, or where it cannot be known.
    pub(in crate::lint) offset: Option<u64>,
    pub(in crate::lint) discontinuity: bool,
    pub(in crate::lint) gap: bool,
    /// Indexes of the keys that apply, one for each KEYFORMAT.
    pub(in crate::lint) keys: Vec<usize>,
    /// Index of the map that applies.
    pub(in crate::lint) map: Option<usize>,
    /// `EXT-X-PROGRAM-DATE-TIME`.
    pub(in crate::lint) date: Option<DateTime>,
    /// `EXT-X-BITRATE` that applies: its line and value in kbit/s.
    pub(in crate::lint) bit_rate: Option<(usize, u64)>,
}

impl Segment {
    /// Duration in seconds, 0 where it cannot be read.
    pub(in crate::lint) fn seconds(&self) -> f64 {
        self.duration.unwrap_or(0.0)
    }
}

/// `EXT-X-KEY` or `EXT-X-SESSION-KEY`.
#[derive(Clone, Debug, Default)]
pub(in crate::lint) struct Key {
    pub(in crate::lint) line: usize,
    pub(in crate::lint) method: String,
    pub(in crate::lint) uri: Option<String>,
    pub(in crate::lint) has_iv: bool,
    pub(in crate::lint) format: String,
    pub(in crate::lint) format_versions: String,
}

impl Key {
    /// Reads the tag.
    pub(in crate::lint) fn read(tag: &Tag) -> Self {
        let text =
            |name: &str, default: &str| tag.attributes.text(name).unwrap_or(default).to_owned();
        Self {
            line: tag.number,
            method: text("METHOD", ""),
            uri: tag.attributes.text("URI").map(str::to_owned),
            has_iv: tag.attributes.has("IV"),
            format: text("KEYFORMAT", "identity"),
            format_versions: text("KEYFORMATVERSIONS", "1"),
        }
    }
}

/// `EXT-X-MAP`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::lint) struct Map {
    pub(in crate::lint) line: usize,
    pub(in crate::lint) uri: String,
    /// Length and first byte.
    pub(in crate::lint) range: Option<(u64, u64)>,
    /// Indexes of the keys that apply.
    pub(in crate::lint) keys: Vec<usize>,
}

/// `EXT-X-PART`.
#[derive(Clone, Debug, Default)]
pub(in crate::lint) struct Part {
    pub(in crate::lint) line: usize,
    pub(in crate::lint) duration: Option<f64>,
    pub(in crate::lint) independent: bool,
    pub(in crate::lint) gap: bool,
    /// True for the last of its segment.
    pub(in crate::lint) last: bool,
}

impl MediaPlaylist {
    /// Collects what the lines say.
    pub(super) fn read(lines: &[Line]) -> Self {
        let mut found = Self::default();
        let mut next = Segment::default();
        let mut keys: Vec<usize> = Vec::new();
        let mut map = None;
        let mut bit_rate = None;
        for line in lines {
            match line {
                Line::Tag(tag) => match tag.name.as_str() {
                    "EXT-X-TARGETDURATION" => found.target_duration = decimal_integer(tag.text()),
                    "EXT-X-PLAYLIST-TYPE" => found.playlist_type = Some(tag.text().to_owned()),
                    "EXT-X-ENDLIST" => found.ended = true,
                    "EXT-X-I-FRAMES-ONLY" => found.i_frames_only = true,
                    "EXT-X-INDEPENDENT-SEGMENTS" => found.independent_segments = true,
                    "EXT-X-MEDIA-SEQUENCE" => {
                        found.media_sequence = decimal_integer(tag.text()).unwrap_or(0);
                    }
                    "EXTINF" => {
                        let text = tag.text().split(',').next().unwrap_or_default();
                        next.info_line = Some(tag.number);
                        next.duration = floating_point(text, false);
                        next.duration_text = text.to_owned();
                    }
                    "EXT-X-BYTERANGE" => {
                        next.range =
                            ByteRangeValue::parse(tag.text()).map(|range| (tag.number, range));
                    }
                    "EXT-X-DISCONTINUITY" => next.discontinuity = true,
                    "EXT-X-GAP" => next.gap = true,
                    "EXT-X-PROGRAM-DATE-TIME" => next.date = DateTime::parse(tag.text()),
                    "EXT-X-BITRATE" => {
                        bit_rate = decimal_integer(tag.text()).map(|rate| (tag.number, rate));
                    }
                    "EXT-X-KEY" => {
                        let key = Key::read(tag);
                        if key.method == "NONE" {
                            keys.clear();
                        } else {
                            keys.retain(|other| found.keys[*other].format != key.format);
                            keys.push(found.keys.len());
                        }
                        found.keys.push(key);
                    }
                    "EXT-X-MAP" => {
                        map = Some(found.maps.len());
                        let range = tag
                            .attributes
                            .text("BYTERANGE")
                            .and_then(ByteRangeValue::parse);
                        found.maps.push(Map {
                            line: tag.number,
                            uri: tag.attributes.text("URI").unwrap_or_default().to_owned(),
                            range: range.map(|range| (range.len, range.offset.unwrap_or(0))),
                            keys: keys.clone(),
                        });
                    }
                    "EXT-X-PART" => found.parts.push(Part {
                        line: tag.number,
                        duration: tag.attributes.float("DURATION"),
                        independent: tag.attributes.yes("INDEPENDENT"),
                        gap: tag.attributes.yes("GAP"),
                        last: false,
                    }),
                    _ => {}
                },
                Line::Uri { number, text } => {
                    let mut segment = std::mem::take(&mut next);
                    segment.line = *number;
                    segment.uri.clone_from(text);
                    segment.keys.clone_from(&keys);
                    segment.map = map;
                    segment.bit_rate = bit_rate.filter(|_| segment.range.is_none());
                    segment.offset = segment.range.and_then(|(_, range)| {
                        range.offset.or_else(|| {
                            let before = found.segments.last()?;
                            let (_, last) = before.range?;
                            (before.uri == segment.uri)
                                .then(|| before.offset?.checked_add(last.len))
                                .flatten()
                        })
                    });
                    if let Some(part) = found.parts.last_mut() {
                        part.last = true;
                    }
                    found.segments.push(segment);
                }
            }
        }
        found
    }

    /// True when segments will not change: there is an end, or the type is VOD.
    pub(in crate::lint) fn is_complete(&self) -> bool {
        self.ended || self.playlist_type.as_deref() == Some("VOD")
    }

    /// Sum of the segment durations in seconds.
    pub(in crate::lint) fn duration(&self) -> f64 {
        self.segments.iter().map(Segment::seconds).sum()
    }
}
