//! Filters in a viewer's own query: `aws.manifestfilter` of AWS Elemental MediaPackage, and Akamai's bitrate list.
//!
//! A filter can only take away. It is turned into the same questions that a policy's expressions ask.

mod text;

use crate::multivariant::stream::{Rendition, Stream};
use crate::playlist::codec::Medium;
use crate::select::expression::is_language;

pub use text::FilterError;

/// The query parameter of MediaPackage.
pub const AWS: &str = "aws.manifestfilter";

/// The query parameter of Akamai's manifest manipulation.
pub const AKAMAI: &str = "br_in";

/// What a viewer asked for. A list that is absent takes nothing away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManifestFilter {
    audio_channels: Option<Vec<(f64, f64)>>,
    audio_codec: Option<Vec<String>>,
    audio_language: Option<Vec<String>>,
    audio_sample_rate: Option<Vec<(f64, f64)>>,
    subtitle_language: Option<Vec<String>>,
    trickplay_height: Option<Vec<(f64, f64)>>,
    trickplay_type: Option<Vec<String>>,
    video_bitrate: Option<Vec<(f64, f64)>>,
    video_codec: Option<Vec<String>>,
    video_dynamic_range: Option<Vec<String>>,
    video_framerate: Option<Vec<(f64, f64)>>,
    video_height: Option<Vec<(f64, f64)>>,
}

impl ManifestFilter {
    /// False when the filter takes this variant away.
    pub fn keeps_variant(&self, stream: &Stream) -> bool {
        let video = stream.families(Medium::Video);
        let audio_only = !stream.codecs.is_empty() && video.is_empty() && stream.height.is_none();
        if audio_only {
            // The video filters say nothing about it, the audio filters all.
            return self.keeps_audio_codec(&stream.families(Medium::Audio));
        }
        in_ranges(&self.video_bitrate, stream.bandwidth)
            && in_ranges(&self.video_height, stream.height)
            && in_ranges(&self.video_framerate, stream.frame_rate)
            && (video.is_empty()
                || in_list(&self.video_codec, &video, |wanted, family| {
                    is_video_codec(wanted, family)
                }))
            && stream.video_range.as_deref().is_none_or(|range| {
                in_list(
                    &self.video_dynamic_range,
                    &[range.to_owned()],
                    |wanted, range| match wanted {
                        "hdr10" => range.eq_ignore_ascii_case("PQ"),
                        _ => range.eq_ignore_ascii_case(wanted),
                    },
                )
            })
            && self.keeps_audio_codec(&stream.families(Medium::Audio))
    }

    fn keeps_audio_codec(&self, families: &[String]) -> bool {
        families.is_empty() || in_list(&self.audio_codec, families, is_audio_codec)
    }

    /// False when the filter takes this audio rendition away.
    pub fn keeps_audio(&self, rendition: &Rendition) -> bool {
        in_ranges(&self.audio_channels, rendition.channels)
            && in_ranges(&self.audio_sample_rate, rendition.sample_rate)
            && keeps_language(&self.audio_language, rendition)
    }

    /// False when the filter takes these subtitles away.
    pub fn keeps_subtitles(&self, rendition: &Rendition) -> bool {
        keeps_language(&self.subtitle_language, rendition)
    }

    /// False when the filter takes this I-frame stream away.
    pub fn keeps_i_frames(&self, stream: &Stream) -> bool {
        self.keeps_trick_play("iframe") && in_ranges(&self.trickplay_height, stream.height)
    }

    /// False when the filter takes this image stream away.
    pub fn keeps_images(&self, stream: &Stream) -> bool {
        self.keeps_trick_play("image") && in_ranges(&self.trickplay_height, stream.height)
    }

    fn keeps_trick_play(&self, kind: &str) -> bool {
        self.trickplay_type
            .as_ref()
            .is_none_or(|kinds| kinds.iter().any(|wanted| wanted == kind))
    }
}

fn keeps_language(wanted: &Option<Vec<String>>, rendition: &Rendition) -> bool {
    rendition.language.as_deref().is_none_or(|tag| {
        wanted.as_ref().is_none_or(|list| {
            list.iter()
                .any(|range| is_language(tag, range) || is_language(range, tag))
        })
    })
}

fn is_video_codec(wanted: &str, family: &str) -> bool {
    match wanted {
        "h265" | "hevc" => family == "h265" || family == "dolby-vision",
        _ => family == wanted,
    }
}

fn is_audio_codec(wanted: &str, family: &str) -> bool {
    match wanted {
        "aacl" => family == "aac",
        "aach" => family == "aac-he",
        "aac" => family.starts_with("aac"),
        "ac3" => family == "ac-3",
        "ec3" | "eac3" => family == "ec-3",
        _ => family == wanted,
    }
}

fn in_ranges(ranges: &Option<Vec<(f64, f64)>>, value: Option<f64>) -> bool {
    match (ranges, value) {
        (Some(ranges), Some(value)) => ranges
            .iter()
            .any(|(low, high)| *low <= value && value <= *high),
        _ => true,
    }
}

fn in_list(
    list: &Option<Vec<String>>,
    values: &[String],
    same: impl Fn(&str, &str) -> bool,
) -> bool {
    list.as_ref().is_none_or(|list| {
        list.iter()
            .any(|wanted| values.iter().any(|value| same(wanted, value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn video(height: f64, codecs: &str, range: &str) -> Stream {
        Stream {
            bandwidth: Some(height * 1000.0),
            height: Some(height),
            frame_rate: Some(29.97),
            codecs: codecs.split(',').map(str::to_owned).collect(),
            video_range: Some(range.to_owned()),
            ..Stream::default()
        }
    }

    #[test]
    fn takes_away_what_is_out_of_range() {
        let filter = |text| ManifestFilter::parse_aws(text).unwrap();
        let hd = video(1080.0, "hvc1.2,mp4a.40.2", "PQ");
        for (text, expected) in [
            ("video_height:240-1080", true),
            ("video_height:240-720,1080", true),
            ("VIDEO_HEIGHT:0-1079", false),
            ("video_bitrate:0-2147483647", true),
            ("video_codec:h264", false),
            ("video_codec:H264,h265", true),
            ("video_dynamic_range:hdr10", true),
            ("video_dynamic_range:sdr,hlg", false),
            ("video_framerate:23.976-30", true),
            ("audio_codec:AACL", true),
            ("audio_codec:ec-3", false),
            ("audio_bitrate:0-1", true),
            ("", true),
        ] {
            assert_eq!(filter(text).keeps_variant(&hd), expected, "{text}");
        }
        let audio_only = Stream {
            codecs: vec!["mp4a.40.5".into()],
            bandwidth: Some(64000.0),
            ..Stream::default()
        };
        assert!(filter("video_height:1-2;video_bitrate:1-2").keeps_variant(&audio_only));
        assert!(!filter("audio_codec:aacl").keeps_variant(&audio_only));
    }

    #[test]
    fn languages_match_both_ways() {
        let filter =
            ManifestFilter::parse_aws("audio_language:fr,en-US;subtitle_language:de").unwrap();
        let spoken = |tag: &str| Rendition {
            language: Some(tag.into()),
            ..Rendition::default()
        };
        assert!(
            filter.keeps_audio(&spoken("en"))
                && filter.keeps_audio(&spoken("fr-CA"))
                && !filter.keeps_audio(&spoken("de"))
        );
        assert!(filter.keeps_audio(&Rendition::default()));
        assert!(filter.keeps_subtitles(&spoken("DE")) && !filter.keeps_subtitles(&spoken("en")));
    }

    #[test]
    fn refuses_what_mediapackage_refuses() {
        for (text, expected) in [
            (
                "audio_sample_rate:0-1;audio_sample_rate:0-2",
                FilterError::Repeated("audio_sample_rate".into()),
            ),
            (
                "donut_type:rhododendron",
                FilterError::Unknown("donut_type".into()),
            ),
            (
                "audio_sample_rate:300-0",
                FilterError::Range("300-0".into()),
            ),
            (
                "audio_sample_rate:0-2147483648",
                FilterError::Range("0-2147483648".into()),
            ),
            (
                "audio_sample_rate:is:0-44100",
                FilterError::Malformed("audio_sample_rate:is:0-44100".into()),
            ),
            (
                "video_height",
                FilterError::Malformed("video_height".into()),
            ),
            ("video_codec:divx", FilterError::Value("divx".into())),
        ] {
            assert_eq!(ManifestFilter::parse_aws(text), Err(expected), "{text}");
        }
        assert_eq!(
            ManifestFilter::parse_aws(&"a".repeat(1025)),
            Err(FilterError::TooLong)
        );
    }

    #[test]
    fn akamai_bitrates() {
        let filter = ManifestFilter::parse_akamai("720,2000-3000").unwrap();
        let kept = |kilobits: f64| {
            filter.keeps_variant(&Stream {
                bandwidth: Some(kilobits * 1000.0),
                ..Stream::default()
            })
        };
        assert!(kept(640.0) && kept(820.0) && kept(2000.0) && !kept(1000.0) && !kept(3001.0));
        assert!(ManifestFilter::parse_akamai("x").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}|(video_height|audio_language|:|;|,|-|1|9){0,12}") {
            let _ = ManifestFilter::parse_aws(&text);
            let _ = ManifestFilter::parse_akamai(&text);
        }
    }
}
