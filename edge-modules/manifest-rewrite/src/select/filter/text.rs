//! The grammars of filters: MediaPackage's `name:values;…` and Akamai's list of bitrates.

use super::ManifestFilter;

/// MediaPackage's limit on the parameter's length.
const MAX_LENGTH: usize = 1024;

/// Kilobits by which a bitrate may differ from one that was asked for.
const AKAMAI_TOLERANCE: f64 = 100_000.0;

/// Why a filter cannot be read, for the viewer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// The text is over MediaPackage's limit.
    #[error("the filter is over {MAX_LENGTH} characters")]
    TooLong,
    /// A part is not `name:values`.
    #[error("`{0}` is not name:values")]
    Malformed(String),
    /// A name that is none.
    #[error("`{0}` is no filter")]
    Unknown(String),
    /// A name that stands twice.
    #[error("`{0}` stands twice")]
    Repeated(String),
    /// A number or range that is none.
    #[error("`{0}` is no number or range from 0 to 2147483647, lower end first")]
    Range(String),
    /// A value outside a fixed list.
    #[error("`{0}` is no value of this filter")]
    Value(String),
}

impl ManifestFilter {
    /// Reads the decoded value of `aws.manifestfilter`: `video_height:240-720;audio_language:en,fr`.
    ///
    /// # Errors
    /// What MediaPackage answers 400 to.
    pub fn parse_aws(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_LENGTH {
            return Err(FilterError::TooLong);
        }
        let mut filter = Self::default();
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, values) = part
                .split_once(':')
                .ok_or_else(|| FilterError::Malformed(part.to_owned()))?;
            if values.contains(':') || values.trim().is_empty() {
                return Err(FilterError::Malformed(part.to_owned()));
            }
            let name = name.trim().to_ascii_lowercase();
            let repeated = match name.as_str() {
                "audio_channels" => filter.audio_channels.replace(ranges(values)?).is_some(),
                "audio_sample_rate" => filter.audio_sample_rate.replace(ranges(values)?).is_some(),
                "trickplay_height" => filter.trickplay_height.replace(ranges(values)?).is_some(),
                "video_bitrate" => filter.video_bitrate.replace(ranges(values)?).is_some(),
                "video_framerate" => filter.video_framerate.replace(ranges(values)?).is_some(),
                "video_height" => filter.video_height.replace(ranges(values)?).is_some(),
                // Playlists do not say the bitrate of a rendition: the range is checked, and takes nothing away.
                "audio_bitrate" => ranges(values).map(|_| false)?,
                "audio_codec" => filter.audio_codec.replace(list(values)).is_some(),
                "audio_language" => filter.audio_language.replace(list(values)).is_some(),
                "subtitle_language" => filter.subtitle_language.replace(list(values)).is_some(),
                "video_codec" => filter
                    .video_codec
                    .replace(fixed(values, &["h264", "h265", "hevc", "av1"])?)
                    .is_some(),
                "video_dynamic_range" => filter
                    .video_dynamic_range
                    .replace(fixed(values, &["hdr10", "hlg", "sdr"])?)
                    .is_some(),
                "trickplay_type" => filter
                    .trickplay_type
                    .replace(fixed(values, &["iframe", "image", "none"])?)
                    .is_some(),
                _ => return Err(FilterError::Unknown(name)),
            };
            if repeated {
                return Err(FilterError::Repeated(name));
            }
        }
        Ok(filter)
    }

    /// Reads the decoded value of `br_in`: bitrates and ranges of bitrates in kilobits, `300,1500-4000`. A single bitrate means
    /// whatever lies within 100 kbit/s of it.
    ///
    /// # Errors
    /// A part that is no number or range.
    pub fn parse_akamai(text: &str) -> Result<Self, FilterError> {
        let kilobits = ranges(text)?.into_iter().map(|(low, high)| {
            let slack = if low == high { AKAMAI_TOLERANCE } else { 0.0 };
            (low * 1000.0 - slack, high * 1000.0 + slack)
        });
        Ok(Self {
            video_bitrate: Some(kilobits.collect()),
            ..Self::default()
        })
    }
}

fn list(values: &str) -> Vec<String> {
    values
        .split(',')
        .map(|value| value.trim().to_ascii_lowercase())
        .filter(|value| !value.is_empty())
        .collect()
}

fn fixed(values: &str, known: &[&str]) -> Result<Vec<String>, FilterError> {
    let list = list(values);
    match list.iter().find(|value| !known.contains(&value.as_str())) {
        Some(value) => Err(FilterError::Value(value.clone())),
        None => Ok(list),
    }
}

fn ranges(values: &str) -> Result<Vec<(f64, f64)>, FilterError> {
    let number = |text: &str| {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        text.parse()
            .ok()
            .filter(|value: &f64| plain && *value <= f64::from(i32::MAX))
    };
    values
        .split(',')
        .map(|part| {
            let part = part.trim();
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            number(low)
                .zip(number(high))
                .filter(|(low, high)| low <= high)
                .ok_or_else(|| FilterError::Range(part.to_owned()))
        })
        .collect()
}
