//! What ffprobe says about a source.

use serde::Deserialize;

use super::{HdrTransfer, TranscodeError};

/// What planning needs to know about a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    /// Its first video track; `None` when there is only something to hear.
    pub video: Option<SourceVideo>,
    /// Seconds.
    pub duration: f64,
    /// Channels of the first audio track; `None` without sound.
    pub audio_channels: Option<u32>,
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
        let audio_channels = of_kind("audio").find_map(|stream| stream.channels);
        if video.is_none() && audio_channels.is_none() {
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
            audio_channels,
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

    #[test]
    fn pixel_shape_rotation_and_covers_are_seen() {
        let json = br#"{"streams":[
            {"codec_type":"video","width":600,"height":600,"disposition":{"attached_pic":1}},
            {"codec_type":"video","width":720,"height":576,"sample_aspect_ratio":"16:11","color_transfer":"smpte2084","field_order":"tb","side_data_list":[{"rotation":-90.0}]},
            {"codec_type":"audio","channels":6}],"format":{"duration":"12.5"}}"#;
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
                audio_channels: Some(6)
            }
        );
        assert!(matches!(
            SourceInfo::parse(br#"{"streams":[{"codec_type":"data"}]}"#),
            Err(TranscodeError::NothingToPlay)
        ));
        let sound = br#"{"streams":[{"codec_type":"audio","channels":2}],"format":{}}"#;
        assert_eq!(
            SourceInfo::parse(sound).expect("readable"),
            SourceInfo {
                video: None,
                duration: 0.0,
                audio_channels: Some(2)
            }
        );
        assert!(matches!(
            SourceInfo::parse(b"nonsense"),
            Err(TranscodeError::Unreadable { .. })
        ));
    }
}
