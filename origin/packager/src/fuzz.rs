//! What fuzz targets run: every parser of outside bytes, with the properties that must hold for any input.
//!
//! A target is one line that calls one of these functions. Ordinary tests call them too, over the fixtures with bytes changed.

use std::time::Duration;

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
use crate::lint::{Failure, Linter, Response, Step as LintStep};
use crate::{
    ContentKey, Encryption, Format, Index, Key, KeyId, KeySystem, Layout, Method, Options,
    Packager, Report, Resource, Step, Subtitle,
};

/// Packages all but the last two bytes of `data` as a film, in the way that these two say.
pub fn film(data: &[u8]) {
    if let Some((film, [first, second])) = data.split_last_chunk() {
        let _ = package(film, &chosen(*first, *second));
    }
}

/// Options out of two bytes: every format, layout and method, with and without a manifest, keys that take turns, a clear lead.
#[must_use]
pub fn chosen(first: u8, second: u8) -> Options {
    let method = match first & 7 {
        0 => Some(Method::Cbcs),
        1 => Some(Method::Cenc),
        2 => Some(Method::Aes128),
        _ => None,
    };
    let key = |number: u8| ContentKey {
        id: KeyId([number; 16]),
        key: Key([number; 16]),
        ..ContentKey::default()
    };
    Options {
        segment_duration: Duration::from_millis(100 + 33 * u64::from(second)),
        format: if first & 7 == 3 {
            Format::MpegTs
        } else {
            Format::Cmaf
        },
        layout: if first & 8 == 0 {
            Layout::SingleFile
        } else {
            Layout::Segments
        },
        dash: first & 23 == 20,
        gzip: first & 32 != 0,
        encryption: method.map(|method| Encryption {
            method,
            keys: vec![key(1), key(2)],
            clear_lead: Duration::from_millis(u64::from(first >> 6) * 700),
            crypto_period: Duration::from_millis(u64::from(second >> 6) * 700),
            systems: vec![KeySystem::Identity {
                uri: "/key".to_owned(),
            }],
        }),
        ..Options::default()
    }
}

/// Reads `data` as a subtitle document, and writes it as WebVTT.
pub fn subtitle(data: &[u8]) {
    let subtitle = Subtitle {
        text: String::from_utf8_lossy(data).into_owned(),
        ..Subtitle::default()
    };
    if let Ok(mut track) = crate::text::read(1, &subtitle) {
        let whole = crate::text::whole(&track.document);
        track.divide(&[(0, 6_000)], &mut u64::MAX.clone());
        let first = crate::text::segment(&track.document.head, track.cues(0), 0);
        assert!(
            first.len() <= whole.len() + 100,
            "a segment of all of it holds more than it"
        );
    }
}

/// Reads all but the first byte of `data` as a sample of a text track, in the way that this byte says.
pub fn text_sample(data: &[u8]) {
    if let Some((way, sample)) = data.split_first() {
        crate::text::fuzz_sample(*way, sample);
    }
}

/// Looks for closed captions in the pictures that `data` is cut into.
pub fn captions(data: &[u8]) {
    crate::captions::fuzz_samples(data);
}

/// Lints a presentation whose files are the parts of `data` between bytes 0xff: the multivariant playlist, the media playlists, then
/// what they name, each part again where there are more names than parts.
///
/// # Panics
/// When the linter does not come to an end.
pub fn presentation(data: &[u8]) {
    let parts: Vec<&[u8]> = data.split(|byte| *byte == 0xff).collect();
    let Ok(mut linter) = Linter::new("https://host/index.m3u8", crate::lint::Options::default())
    else {
        return;
    };
    for turn in 0..20_000 {
        match linter.step() {
            LintStep::Read(request) => {
                let Some(part) = parts.get(turn).or_else(|| parts.get(turn % parts.len())) else {
                    linter.fail(Failure::Missing);
                    continue;
                };
                let total = part.len() as u64;
                let (from, to) = request.range.map_or((0, total), |range| {
                    (range.start.min(total), range.end.min(total))
                });
                let bounds = (usize::try_from(from), usize::try_from(to.max(from)));
                let body = match bounds {
                    (Ok(from), Ok(to)) => part.get(from..to).unwrap_or_default(),
                    _ => &[],
                };
                linter.supply(Response::part(Bytes::copy_from_slice(body), from, total));
            }
            LintStep::Done(_) => return,
        }
    }
    panic!("the linter asked 20000 times");
}

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

/// Reads `data` as an index sidecar, and opens the first files of its presentation.
pub fn sidecar(data: &[u8]) {
    let Ok(index) = Index::from_sidecar(Bytes::copy_from_slice(data), &Options::default()) else {
        return;
    };
    for path in index.paths().unwrap_or_default().iter().take(64) {
        if let Ok(Some(Resource::Segment(request))) = index.open(path) {
            let most = request.reads().map(|range| range.len()).max();
            assert!(most.is_none_or(|most| most <= MAX_READ), "{path}: {most:?}");
        }
    }
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
