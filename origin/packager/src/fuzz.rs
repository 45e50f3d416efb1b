//! What fuzz targets run: every parser of outside bytes, with the properties that must hold for any input.
//!
//! A target is one line that calls one of these functions. Ordinary tests call them too, over the fixtures with bytes changed.

use bytes::Bytes;

use crate::codec::aac::{AudioConfig, ElementaryStream};
use crate::codec::av1::Av1Config;
use crate::codec::avc::AvcConfig;
use crate::codec::dolby::{DolbyAudio, DolbyVision};
use crate::codec::hevc::HevcConfig;
use crate::codec::lossless::LosslessConfig;
use crate::codec::opus::OpusConfig;
use crate::codec::vp9::VpConfig;
use crate::fetch::MAX_READ;
use crate::{Format, Index, Options, Packager, Report, Step};

/// Packages `data` as a film. Returns the report, or the message of the error.
///
/// # Panics
/// When a property is broken: reads within the input and bounded, an end after a bounded number of steps, and output that is not much
/// larger than the input.
pub fn package(data: &[u8], options: &Options) -> Result<Report, String> {
    let len = data.len() as u64;
    let mut packager = Packager::new(len, options.clone()).map_err(|error| error.to_string())?;
    let most_steps = len.saturating_mul(8) + 1_000;
    for _ in 0..most_steps {
        match packager.step().map_err(|error| error.to_string())? {
            Step::Read { range, .. } => {
                assert!(
                    !range.is_empty() && range.end <= len && range.len() <= MAX_READ,
                    "{range:?} of {len}"
                );
                let (Ok(start), Ok(end)) =
                    (usize::try_from(range.start), usize::try_from(range.end))
                else {
                    continue;
                };
                let part = Bytes::copy_from_slice(&data[start..end]);
                packager
                    .supply(0, range.start, part)
                    .map_err(|error| error.to_string())?;
            }
            Step::Write(output) => {
                assert!(
                    !output.path.contains("..") && !output.path.starts_with('/'),
                    "{}",
                    output.path
                );
            }
            Step::Done(report) => {
                let written = packager.progress().bytes_written;
                // Samples may overlap up to sixteenfold. In transport streams each takes packets of its own, and encrypted ones a list.
                let most = match (options.format, &options.encryption) {
                    (Format::Cmaf, None) => 400,
                    _ => 16 * 400,
                };
                assert!(
                    written <= len.saturating_mul(most) + 1_000_000,
                    "{written} bytes made from {len}"
                );
                return Ok(*report);
            }
        }
    }
    panic!("{most_steps} steps over {len} bytes without an end");
}

/// Reads `data` as an index sidecar.
pub fn sidecar(data: &[u8]) {
    let _ = Index::from_sidecar(Bytes::copy_from_slice(data), &Options::default());
}

/// Reads `data` as the decoder configuration of every codec.
pub fn codec_configurations(data: &[u8]) {
    if let Some(config) = AvcConfig::parse(data) {
        let _ = (config.picture_format(), config.codec_string("avc1"));
    }
    if let Some(config) = HevcConfig::parse(data) {
        let _ = (config.picture_format(), config.codec_string("hvc1"));
    }
    if let Some(config) = Av1Config::parse(data) {
        let _ = config.codec_string(&config.picture_format().colour);
    }
    let _ = VpConfig::parse(data).map(|config| config.codec_string());
    let _ = ElementaryStream::parse(data).map(|stream| AudioConfig::parse(&stream.specific));
    let _ = (
        AudioConfig::parse(data),
        DolbyAudio::parse_ac3(data),
        DolbyAudio::parse_eac3(data),
    );
    let _ = DolbyVision::parse(data).map(|vision| vision.supplemental("hvc1"));
    let _ = (
        OpusConfig::parse(data),
        LosslessConfig::parse_flac(data),
        LosslessConfig::parse_alac(data),
    );
}
