//! Sample entries for tracks of Matroska: what its codec mappings (RFC 9559, 27; "Matroska Media Container Codec Specifications")
//! keep in `CodecPrivate`, and what the first frame says where they keep nothing.

use bytes::Bytes;

use super::track_entry::{TrackEntry, Video};
use crate::codec::dolby_frame;
use crate::codec::mpeg_audio::AudioFrame;
use crate::codec::vp9_format::Vp9Format;
use crate::import::{audio_entry, mpeg4_entry, video_entry};
use crate::isobmff::BoxWriter;

/// What a track holds.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) entry: Bytes,
    /// Of sound: samples per second, and how long frames last.
    pub(super) sound: Option<(u32, FrameLength)>,
}

/// How many samples of sound a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameLength {
    /// All the same.
    Fixed(u32),
    /// All the same but the last, which holds the rest of so many in all.
    Total(u32, u64),
    /// Each Opus packet says.
    Opus,
    /// As the times say.
    Unknown,
}

/// The sample entry of a track whose first frame starts with `first`. `Err` names what keeps the track from being read.
pub(super) fn describe(track: &TrackEntry, first: &[u8]) -> Result<Described, &'static str> {
    if let Some(sealed) = track.sealed {
        return Err(sealed);
    }
    let video = |kind: &[u8; 4], config: Option<(&[u8; 4], &[u8])>| Described {
        entry: video_entry(kind, (track.video.width, track.video.height), |w| {
            if let Some((name, content)) = config {
                w.nest(name, |w| w.bytes(content));
            }
            write_extensions(w, &track.video);
        }),
        sound: None,
    };
    let private = track.private.as_slice();
    Ok(match track.codec.as_str() {
        "V_MPEG4/ISO/AVC" => video(b"avc1", Some((b"avcC", private))),
        "V_MPEGH/ISO/HEVC" => video(b"hvc1", Some((b"hvcC", private))),
        "V_AV1" if private.is_empty() => {
            return Err("AV1 without a configuration record (CodecPrivate)");
        }
        "V_AV1" => video(b"av01", Some((b"av1C", private))),
        "V_VP9" => {
            let config = vp9_config(track, first).ok_or("VP9 whose first frame cannot be read")?;
            video(b"vp09", Some((b"vpcC", &config)))
        }
        "V_VP8" => video(b"vp08", None),
        "V_MPEGI/ISO/VVC" => video(b"vvc1", None),
        "V_MJPEG" => video(b"jpeg", None),
        "V_PRORES" => video(b"apcn", None),
        codec if codec.starts_with("V_MPEG4/") => video(b"mp4v", None),
        codec if codec.starts_with("V_") => video(&other(codec), None),
        _ => sound(track, first)?,
    })
}

fn sound(track: &TrackEntry, first: &[u8]) -> Result<Described, &'static str> {
    let private = track.private.as_slice();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is cast to the nearest integer that there is, and rates fit"
    )]
    let rate = track.audio.rate.round() as u32;
    let channels = track.audio.channels;
    let made = |entry: Bytes, rate: u32, length: FrameLength| Described {
        entry,
        sound: Some((rate.max(1), length)),
    };
    let plain = |kind: &[u8; 4], name: &[u8; 4], full: bool, content: &[u8]| {
        audio_entry(kind, channels, rate, |w| {
            if full {
                w.nest_full(name, 0, 0, |w| w.bytes(content));
            } else {
                w.nest(name, |w| w.bytes(content));
            }
        })
    };
    Ok(match track.codec.as_str() {
        codec if codec.starts_with("A_AAC") => {
            if private.is_empty() {
                return Err("AAC without a configuration (CodecPrivate)");
            }
            let length = aac_length(private, rate).ok_or("AAC of an unknown configuration")?;
            made(mpeg4_entry(channels, rate, 0x40, private), rate, length)
        }
        "A_OPUS" => {
            let config = opus_config(private).ok_or("Opus without its head (CodecPrivate)")?;
            made(
                plain(b"Opus", b"dOps", false, &config),
                48_000,
                FrameLength::Opus,
            )
        }
        "A_FLAC" => {
            let blocks = private
                .strip_prefix(b"fLaC")
                .ok_or("FLAC without its head (CodecPrivate)")?;
            let length = flac_length(blocks).unwrap_or(FrameLength::Unknown);
            made(plain(b"fLaC", b"dfLa", true, blocks), rate, length)
        }
        "A_ALAC" => {
            let length = private.get(..4).map_or(FrameLength::Unknown, |frame| {
                FrameLength::Fixed(u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]))
            });
            made(plain(b"alac", b"alac", true, private), rate, length)
        }
        codec if codec.starts_with("A_AC3") || codec.starts_with("A_EAC3") => {
            let (frame, config) =
                dolby_frame::config_of(first).ok_or("AC-3 whose first frame cannot be read")?;
            let (kind, name) = if frame.enhanced {
                (b"ec-3", b"dec3")
            } else {
                (b"ac-3", b"dac3")
            };
            let entry = plain(kind, name, false, &config);
            made(entry, frame.sample_rate, FrameLength::Fixed(frame.samples))
        }
        "A_MPEG/L3" => {
            let frame =
                AudioFrame::parse_mpeg(first).ok_or("MP3 whose first frame cannot be read")?;
            let entry = mpeg4_entry(u64::from(frame.channels), frame.sample_rate, 0x6b, &[]);
            made(entry, frame.sample_rate, FrameLength::Fixed(frame.samples))
        }
        "A_VORBIS" => made(
            mpeg4_entry(channels, rate, 0xdd, &[]),
            rate,
            FrameLength::Unknown,
        ),
        codec => {
            let kind = match codec {
                _ if codec.starts_with("A_PCM") => *b"ipcm",
                _ if codec.starts_with("A_DTS") => *b"dtsc",
                "A_TRUEHD" | "A_MLP" => *b"mlpa",
                "A_MPEG/L2" => *b".mp2",
                _ => other(codec),
            };
            let entry = audio_entry(&kind, channels, rate, |_| {});
            made(entry, rate, FrameLength::Unknown)
        }
    })
}

/// A code for a codec that has none: the first letters of its name.
fn other(codec: &str) -> [u8; 4] {
    let mut code = *b"    ";
    let letters = codec.bytes().skip(2).filter(u8::is_ascii_alphanumeric);
    for (place, letter) in code.iter_mut().zip(letters) {
        *place = letter.to_ascii_lowercase();
    }
    code
}

/// Samples of a frame of AAC at `rate`, which is that of the core coder or twice it.
fn aac_length(private: &[u8], rate: u32) -> Option<FrameLength> {
    let config = crate::codec::aac::AudioConfig::parse(private)?;
    // `frameLengthFlag` follows the channel configuration; 960 samples are for broadcasting, and are not told apart here.
    let samples = 1024 * u64::from(rate) / u64::from(config.core_rate.max(1));
    u32::try_from(samples)
        .ok()
        .map(|samples| FrameLength::Fixed(samples.max(1)))
}

/// Lengths by the stream information of FLAC (RFC 9639, 8.2), whose blocks of metadata `blocks` are.
fn flac_length(blocks: &[u8]) -> Option<FrameLength> {
    let information = blocks.get(4..4 + 18)?;
    let size = |at: usize| u32::from(u16::from_be_bytes([information[at], information[at + 1]]));
    if size(0) != size(2) {
        return None;
    }
    // 36 bits at the end of these bytes.
    let total = information[13..18]
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some(match total & 0xf_ffff_ffff {
        0 => FrameLength::Fixed(size(0)),
        total => FrameLength::Total(size(0), total),
    })
}

/// The content of `dOps` (Encapsulation of Opus in ISO BMFF, 4.3.2) from the head of an Ogg stream (RFC 7845, 5.1).
fn opus_config(private: &[u8]) -> Option<Vec<u8>> {
    let head = private.strip_prefix(b"OpusHead")?;
    let &[
        _,
        channels,
        s0,
        s1,
        r0,
        r1,
        r2,
        r3,
        g0,
        g1,
        family,
        ref mapping @ ..,
    ] = head
    else {
        return None;
    };
    let mut out = vec![0, channels, s1, s0, r3, r2, r1, r0, g1, g0, family];
    if family != 0 {
        out.extend_from_slice(mapping.get(..2 + usize::from(channels))?);
    }
    Some(out)
}

/// The content of `vpcC` with its version, from the features in `CodecPrivate` or the first frame.
fn vp9_config(track: &TrackEntry, first: &[u8]) -> Option<Vec<u8>> {
    let format = Vp9Format::parse(first)?;
    let mut level = 0;
    let mut features = track.private.as_slice();
    while let [id, len, rest @ ..] = features {
        let (value, after) = rest.split_at_checked(usize::from(*len))?;
        if *id == 2 {
            level = value.first().copied().unwrap_or(0);
        }
        features = after;
    }
    if level == 0 {
        level = format.least_level(track.video.width, track.video.height, track.frame);
    }
    let (primaries, transfer, matrix, full) =
        track
            .video
            .colour
            .unwrap_or((2, 2, format.matrix(), format.full_range));
    let code = |value: u64| u8::try_from(value).unwrap_or(2);
    Some(vec![
        1,
        0,
        0,
        0,
        format.profile,
        level,
        format.bit_depth << 4 | format.chroma << 1 | u8::from(full),
        code(primaries),
        code(transfer),
        code(matrix),
        0,
        0,
    ])
}

/// What Matroska keeps beside the configuration: colour, pixel aspect, light levels, Dolby Vision.
fn write_extensions(w: &mut BoxWriter, video: &Video) {
    if let Some((primaries, transfer, matrix, full)) = video.colour {
        w.nest(b"colr", |w| {
            w.bytes(b"nclx");
            for value in [primaries, transfer, matrix] {
                w.u16(u16::try_from(value).unwrap_or(2));
            }
            w.u8(u8::from(full) << 7);
        });
    }
    if let Some((shown_width, shown_height)) = video.display {
        // A pixel is as wide as it takes to show the picture so.
        let x = u128::from(shown_width) * u128::from(video.height);
        let y = u128::from(shown_height) * u128::from(video.width);
        let divisor = greatest_common_divisor(x, y).max(1);
        if let (Ok(x), Ok(y)) = (u32::try_from(x / divisor), u32::try_from(y / divisor))
            && x != y
            && x > 0
            && y > 0
        {
            w.nest(b"pasp", |w| {
                w.u32(x);
                w.u32(y);
            });
        }
    }
    if let Some((most, mean)) = video.light {
        w.nest(b"clli", |w| {
            for value in [most, mean] {
                w.u16(u16::try_from(value).unwrap_or(u16::MAX));
            }
        });
    }
    if let Some(mastering) = &video.mastering {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float is cast to the nearest integer that there is"
        )]
        let scaled = |value: f64, unit: f64| (value * unit).round() as u32;
        w.nest(b"mdcv", |w| {
            // Green, blue, red, white (ISO/IEC 14496-12, 12.1.5.4).
            for place in [2, 3, 4, 5, 0, 1, 6, 7] {
                w.u16(u16::try_from(scaled(mastering[place], 50_000.0)).unwrap_or(u16::MAX));
            }
            w.u32(scaled(mastering[8], 10_000.0));
            w.u32(scaled(mastering[9], 10_000.0));
        });
    }
    if let Some((kind, content)) = &video.dolby {
        w.nest(kind, |w| w.bytes(content));
    }
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
