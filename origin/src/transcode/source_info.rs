//! What ffprobe says about a source.

use serde::Deserialize;

use super::{HdrTransfer, TranscodeError};

/// ffprobe's names of subtitles that are text and not pictures.
const TEXT_CODECS: [&str; 7] = ["ass", "mov_text", "srt", "ssa", "subrip", "text", "webvtt"];

/// What planning needs to know about a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    /// Its first video track; `None` when there is only something to hear.
    pub video: Option<SourceVideo>,
    /// Seconds.
    pub duration: f64,
    /// Its sound tracks, in the order of the source.
    pub sounds: Vec<SourceSound>,
    /// Places among the subtitle tracks of the source of those that are text.
    pub texts: Vec<usize>,
}

/// A sound track of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceSound {
    /// Its place among the sound tracks of the source.
    pub place: usize,
    /// How many channels it has.
    pub channels: u32,
}

/// The pictures of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceVideo {
    /// Width in pixels as shown: pixel shape and rotation applied.
    pub width: u32,
    /// Height in pixels as shown.
    pub height: u32,
    /// How brightness is coded when it is HDR.
    pub hdr: Option<HdrTransfer>,
    /// Whether a picture holds two fields, one after the other in time.
    pub is_interlaced: bool,
}

#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Deserialize)]
struct Format {
    duration: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    color_transfer: Option<String>,
    field_order: Option<String>,
    channels: Option<u32>,
    duration: Option<String>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
    #[serde(default)]
    disposition: Disposition,
}

#[derive(Debug, Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Debug, Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

impl SourceInfo {
    /// Reads ffprobe's JSON.
    ///
    /// # Errors
    /// [`TranscodeError::Unreadable`] when it is none, [`TranscodeError::NothingToPlay`] when nothing is to be seen or heard.
    pub(super) fn parse(json: &[u8]) -> Result<Self, TranscodeError> {
        let report: Report =
            serde_json::from_slice(json).map_err(|error| TranscodeError::Unreadable {
                reason: error.to_string(),
            })?;
        let of_kind = |kind: &'static str| {
            report
                .streams
                .iter()
                .filter(move |stream| stream.codec_type.as_deref() == Some(kind))
        };
        // Cover pictures of music files pose as video.
        let video = of_kind("video").find(|stream| stream.disposition.attached_pic == 0);
        // A sound that ffmpeg cannot read has no channels.
        let sounds: Vec<SourceSound> = of_kind("audio")
            .enumerate()
            .filter_map(|(place, stream)| {
                let channels = stream.channels.filter(|count| *count > 0)?;
                Some(SourceSound { place, channels })
            })
            .collect();
        let texts = of_kind("subtitle")
            .enumerate()
            .filter(|(_, stream)| {
                let codec = stream.codec_name.as_deref();
                codec.is_some_and(|codec| TEXT_CODECS.contains(&codec))
            })
            .map(|(place, _)| place)
            .collect();
        if video.is_none() && sounds.is_empty() {
            return Err(TranscodeError::NothingToPlay);
        }
        let of_video = video.and_then(|stream| stream.duration.as_ref());
        let seconds = [report.format.duration.as_ref(), of_video]
            .into_iter()
            .flatten()
            .find_map(|text| text.parse().ok());
        Ok(Self {
            video: video.map(SourceVideo::of).transpose()?,
            duration: seconds.unwrap_or(0.0),
            sounds,
            texts,
        })
    }
}

impl SourceVideo {
    fn of(stream: &Stream) -> Result<Self, TranscodeError> {
        let positive = |side: Option<u32>| side.filter(|pixels| *pixels > 0);
        let (Some(width), Some(height)) = (positive(stream.width), positive(stream.height)) else {
            return Err(TranscodeError::Unreadable {
                reason: "its pictures have no size".to_owned(),
            });
        };
        let shown_width =
            rounded(f64::from(width) * pixel_shape(stream.sample_aspect_ratio.as_deref()));
        let turned = stream
            .side_data_list
            .iter()
            .filter_map(|data| data.rotation)
            .any(|degrees| (degrees / 90.0).round() % 2.0 != 0.0);
        let transfer = stream.color_transfer.as_deref();
        Ok(Self {
            width: if turned { height } else { shown_width },
            height: if turned { shown_width } else { height },
            hdr: transfer.and_then(HdrTransfer::from_name),
            is_interlaced: matches!(
                stream.field_order.as_deref(),
                Some("tt" | "bb" | "tb" | "bt")
            ),
        })
    }
}

/// Width of a pixel over its height, out of `4:3`.
fn pixel_shape(ratio: Option<&str>) -> f64 {
    let parse = |ratio: &str| {
        let (width, height) = ratio.split_once(':')?;
        let shape = width.parse::<f64>().ok()? / height.parse::<f64>().ok()?;
        (0.1..=10.0).contains(&shape).then_some(shape)
    };
    ratio.and_then(parse).unwrap_or(1.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a picture's width is far below u32::MAX"
)]
fn rounded(value: f64) -> u32 {
    value.round().clamp(1.0, 65_536.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(place: usize, channels: u32) -> SourceSound {
        SourceSound { place, channels }
    }

    #[test]
    fn pixel_shape_rotation_and_covers_are_seen() {
        let json = br#"{"streams":[
            {"codec_type":"video","width":600,"height":600,"disposition":{"attached_pic":1}},
            {"codec_type":"video","width":720,"height":576,"sample_aspect_ratio":"16:11","color_transfer":"smpte2084","field_order":"tb","side_data_list":[{"rotation":-90.0}]},
            {"codec_type":"audio","channels":6},{"codec_type":"audio"},{"codec_type":"audio","channels":2},
            {"codec_type":"subtitle","codec_name":"hdmv_pgs_subtitle"},{"codec_type":"subtitle","codec_name":"subrip"}],
            "format":{"duration":"12.5"}}"#;
        let info = SourceInfo::parse(json).expect("readable");
        assert_eq!(
            info,
            SourceInfo {
                video: Some(SourceVideo {
                    width: 576,
                    height: 1047,
                    hdr: Some(HdrTransfer::Pq),
                    is_interlaced: true,
                }),
                duration: 12.5,
                sounds: vec![sound(0, 6), sound(2, 2)],
                texts: vec![1],
            }
        );
        assert!(matches!(
            SourceInfo::parse(br#"{"streams":[{"codec_type":"data"}]}"#),
            Err(TranscodeError::NothingToPlay)
        ));
        let music = br#"{"streams":[{"codec_type":"audio","channels":2}],"format":{}}"#;
        assert_eq!(
            SourceInfo::parse(music).expect("readable"),
            SourceInfo {
                video: None,
                duration: 0.0,
                sounds: vec![sound(0, 2)],
                texts: Vec::new(),
            }
        );
        assert!(matches!(
            SourceInfo::parse(b"nonsense"),
            Err(TranscodeError::Unreadable { .. })
        ));
    }
}
