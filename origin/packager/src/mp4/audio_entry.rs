//! Audio sample entries (ISO/IEC 14496-12, 12.2.3) and QuickTime's sound sample descriptions, versions 0 to 2.

use super::sample_entry::{Codec, Parsed, SampleEntry, copy};
use crate::Error;
use crate::codec::aac::{AudioConfig, ElementaryStream};
use crate::codec::dolby::DolbyAudio;
use crate::codec::lossless::LosslessConfig;
use crate::codec::opus::OpusConfig;
use crate::isobmff::{BoxWriter, Mp4Box};
use crate::presentation::{AudioInfo, TrackKind};

/// What the fields of an entry say.
#[derive(Clone, Copy, Default)]
struct Header {
    channels: u32,
    sample_rate: u32,
}

/// Reads an audio entry.
pub(super) fn parse(entry: &Mp4Box) -> Result<Parsed, Error> {
    let (header, config) = read_layout(entry)?;
    let found = |kinds: &[&[u8; 4]]| {
        config
            .iter()
            .find(|child| kinds.iter().any(|kind| child.kind == *kind))
    };
    let missing = || entry.malformed("it has no decoder configuration box");
    let broken = |child: &Mp4Box| child.malformed("the decoder configuration cannot be read");
    let after_version = |child: &Mp4Box| child.payload.slice(child.payload.len().min(4)..);

    let made = match &entry.kind.bytes() {
        b"mp4a" => {
            let esds = found(&[b"esds"]).ok_or_else(missing)?;
            let stream =
                ElementaryStream::parse(&after_version(esds)).ok_or_else(|| broken(esds))?;
            return mpeg4(entry, esds, header, stream);
        }
        b".mp3" | b"ms\0U" => return Ok(mp3(header, 0x6b)),
        b"ac-3" => {
            let dac3 = found(&[b"dac3"]).ok_or_else(missing)?;
            let audio = DolbyAudio::parse_ac3(&dac3.payload).ok_or_else(|| broken(dac3))?;
            (
                Codec::Ac3,
                "ac-3",
                dac3,
                audio.channels.to_string(),
                audio.channels,
                audio.sample_rate,
            )
        }
        b"ec-3" => {
            let dec3 = found(&[b"dec3"]).ok_or_else(missing)?;
            let audio = DolbyAudio::parse_eac3(&dec3.payload).ok_or_else(|| broken(dec3))?;
            let channels = audio.objects.map_or_else(
                || audio.channels.to_string(),
                |index| format!("{index}/JOC"),
            );
            (
                Codec::Eac3,
                "ec-3",
                dec3,
                channels,
                audio.channels,
                audio.sample_rate,
            )
        }
        b"Opus" => {
            let dops = found(&[b"dOps"]).ok_or_else(missing)?;
            let channels = OpusConfig::parse(&dops.payload)
                .ok_or_else(|| broken(dops))?
                .channels;
            (
                Codec::Opus,
                "Opus",
                dops,
                channels.to_string(),
                channels,
                48000,
            )
        }
        b"fLaC" => {
            let dfla = found(&[b"dfLa"]).ok_or_else(missing)?;
            let flac =
                LosslessConfig::parse_flac(&after_version(dfla)).ok_or_else(|| broken(dfla))?;
            (
                Codec::Flac,
                "fLaC",
                dfla,
                flac.channels.to_string(),
                flac.channels,
                flac.sample_rate,
            )
        }
        b"alac" => {
            let cookie = found(&[b"alac"]).ok_or_else(missing)?;
            let alac =
                LosslessConfig::parse_alac(&after_version(cookie)).ok_or_else(|| broken(cookie))?;
            (
                Codec::Alac,
                "alac",
                cookie,
                alac.channels.to_string(),
                alac.channels,
                alac.sample_rate,
            )
        }
        _ => return Ok(Parsed::unsupported(TrackKind::Audio, entry.kind)),
    };
    let (codec, name, config, channels, channel_count, sample_rate) = made;
    let mut kind = *b"    ";
    kind.copy_from_slice(&name.as_bytes()[..4]);
    Ok(Parsed::Entry(Box::new(SampleEntry {
        kind: TrackKind::Audio,
        codec,
        codec_string: name.to_owned(),
        supplemental: None,
        video: None,
        audio: Some(AudioInfo {
            channels,
            channel_count,
            sample_rate,
        }),
        entry: write(&kind, channel_count, sample_rate, |w| copy(w, config)),
        notes: Vec::new(),
    })))
}

/// The fields of an entry and its boxes, with those inside a `wave` box among them.
fn read_layout(entry: &Mp4Box) -> Result<(Header, Vec<Mp4Box>), Error> {
    let mut fields = entry.fields();
    fields.skip(8)?;
    let version = fields.u16()?;
    fields.skip(6)?;
    let mut header = Header {
        channels: u32::from(fields.u16()?),
        sample_rate: 0,
    };
    fields.skip(6)?;
    header.sample_rate = fields.u32()? >> 16;
    // QuickTime's versions 1 and 2 have more fields. ISO files use version 1 without them, so the boxes decide.
    let skips: &[usize] = match version {
        1 => &[28 + 16, 28],
        2 => &[28 + 36],
        _ => &[28],
    };
    let mut boxes = Vec::new();
    for skip in skips {
        let found: Result<Vec<_>, _> = entry.children_after(*skip).collect();
        let readable = found.as_ref().is_ok_and(|found| {
            found.iter().any(|child| {
                matches!(
                    &child.kind.bytes(),
                    b"esds" | b"wave" | b"dac3" | b"dec3" | b"dOps" | b"dfLa" | b"alac"
                )
            })
        });
        if readable {
            boxes = found?;
            break;
        }
    }
    let inner: Vec<_> = boxes
        .iter()
        .filter(|child| child.kind == b"wave")
        .flat_map(|wave| wave.children().map_while(Result::ok))
        .collect();
    boxes.extend(inner);
    Ok((header, boxes))
}

fn mpeg4(
    entry: &Mp4Box,
    esds: &Mp4Box,
    header: Header,
    mut stream: ElementaryStream,
) -> Result<Parsed, Error> {
    match stream.object_type {
        0x40 | 0x66..=0x68 => {}
        0x69 | 0x6b => return Ok(mp3(header, stream.object_type)),
        other => {
            return Ok(Parsed::Unsupported {
                kind: TrackKind::Audio,
                codec: format!(
                    "mp4a.{other:02x}{}",
                    if other == 0xdd { " (Vorbis)" } else { "" }
                ),
                advice: "transcode the track with a profile other than `copy`",
            });
        }
    }
    let config = AudioConfig::parse(&stream.specific)
        .ok_or_else(|| esds.malformed("its AudioSpecificConfig cannot be read"))?;
    // MPEG-2 AAC decodes like MPEG-4 AAC, and only the latter is named in HLS.
    stream.object_type = 0x40;
    let channels = if config.channels > 0 {
        config.channels
    } else {
        header.channels
    };
    let rate = if header.sample_rate > 0 {
        header.sample_rate
    } else {
        config.core_rate
    };
    if channels == 0 || config.sample_rate == 0 {
        return Err(entry.malformed("its number of channels or its sample rate is 0"));
    }
    Ok(Parsed::Entry(Box::new(SampleEntry {
        kind: TrackKind::Audio,
        codec: Codec::Aac(config),
        codec_string: format!("mp4a.40.{}", config.object_type),
        supplemental: None,
        video: None,
        audio: Some(AudioInfo {
            channels: channels.to_string(),
            channel_count: channels,
            sample_rate: config.sample_rate,
        }),
        entry: write(b"mp4a", channels, rate, |w| stream.write(w)),
        notes: Vec::new(),
    })))
}

/// MPEG audio layer III. HLS names it `mp4a.40.34` (Apple HLS Authoring Specification, 2.1).
fn mp3(header: Header, object_type: u8) -> Parsed {
    let stream = ElementaryStream {
        object_type,
        specific: Vec::new(),
    };
    Parsed::Entry(Box::new(SampleEntry {
        kind: TrackKind::Audio,
        codec: Codec::Mp3,
        codec_string: "mp4a.40.34".to_owned(),
        supplemental: None,
        video: None,
        audio: Some(AudioInfo {
            channels: header.channels.to_string(),
            channel_count: header.channels,
            sample_rate: header.sample_rate,
        }),
        entry: write(b"mp4a", header.channels, header.sample_rate, |w| {
            stream.write(w)
        }),
        notes: Vec::new(),
    }))
}

fn write(
    kind: &[u8; 4],
    channels: u32,
    rate: u32,
    config: impl FnOnce(&mut BoxWriter),
) -> bytes::Bytes {
    let mut w = BoxWriter::with_capacity(128);
    w.nest(kind, |w| {
        w.zeros(6);
        w.u16(1);
        w.zeros(8);
        w.u16(u16::try_from(channels).unwrap_or(2));
        w.u16(16);
        w.zeros(4);
        // 16.16 fixed point; rates that do not fit are left to the decoder configuration.
        w.u32(u16::try_from(rate).map_or(0, |rate| u32::from(rate) << 16));
        config(w);
    });
    w.finish()
}
