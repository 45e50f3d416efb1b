//! Video sample entries (ISO/IEC 14496-12, 12.1.3).

use super::sample_entry::{Codec, Parsed, SampleEntry, copy};
use crate::Error;
use crate::codec::PictureFormat;
use crate::codec::av1::Av1Config;
use crate::codec::avc::AvcConfig;
use crate::codec::dolby::DolbyVision;
use crate::codec::hevc::HevcConfig;
use crate::codec::vp9::VpConfig;
use crate::isobmff::{BoxWriter, FourCc, Mp4Box};
use crate::presentation::{ColourInfo, TrackKind, VideoInfo};

/// Bytes of fields before the boxes of an entry.
const FIELDS: usize = 78;

/// The boxes of an entry that matter.
#[derive(Default)]
struct Extensions {
    config: Option<Mp4Box>,
    dolby: Option<(Mp4Box, DolbyVision)>,
    colour: Option<ColourInfo>,
    pixel_aspect: Option<(u32, u32)>,
    /// Boxes that are copied as they stand.
    kept: Vec<Mp4Box>,
}

impl Extensions {
    fn read(entry: &Mp4Box) -> Result<Self, Error> {
        let mut found = Self::default();
        for child in entry.children_after(FIELDS) {
            let child = child?;
            match &child.kind.bytes() {
                b"avcC" | b"hvcC" | b"av1C" | b"vpcC" if found.config.is_none() => {
                    found.config = Some(child)
                }
                b"dvcC" | b"dvvC" | b"dvwC" => {
                    found.dolby = DolbyVision::parse(&child.payload).map(|vision| (child, vision));
                }
                b"colr" => found.colour = read_colour(&child).or(found.colour),
                b"pasp" => {
                    let mut fields = child.fields();
                    let aspect = (fields.u32()?, fields.u32()?);
                    found.pixel_aspect = Some(aspect).filter(|(x, y)| *x > 0 && *y > 0);
                }
                b"clli" | b"mdcv" | b"vexu" | b"hfov" | b"lhvC" | b"amve" => found.kept.push(child),
                _ => {}
            }
        }
        Ok(found)
    }
}

/// Reads a video entry of a track with the transformation matrix `matrix`.
pub(super) fn parse(entry: &Mp4Box, matrix: [i32; 4]) -> Result<Parsed, Error> {
    if !matches!(
        &entry.kind.bytes(),
        b"avc1"
            | b"avc3"
            | b"dva1"
            | b"dvav"
            | b"hvc1"
            | b"hev1"
            | b"dvh1"
            | b"dvhe"
            | b"av01"
            | b"dav1"
            | b"vp09"
    ) {
        return Ok(Parsed::unsupported(TrackKind::Video, entry.kind));
    }
    let mut fields = entry.fields();
    fields.skip(24)?;
    let (width, height) = (u32::from(fields.u16()?), u32::from(fields.u16()?));
    let extensions = Extensions::read(entry)?;
    let Some(config) = &extensions.config else {
        return Err(entry.malformed("it has no decoder configuration box"));
    };
    let broken = || config.malformed("the decoder configuration cannot be read");

    let mut notes = Vec::new();
    let name = entry.kind.to_string();
    let vision = extensions.dolby.as_ref().map(|(_, vision)| *vision);
    // A base layer that plays by itself is named first, Dolby Vision beside it.
    let plays_alone = vision.is_none_or(|vision| vision.supplemental(&name).is_some());
    let (codec, name, picture) = match &entry.kind.bytes() {
        b"avc1" | b"avc3" | b"dva1" | b"dvav" => {
            let avc = AvcConfig::parse(&config.payload).ok_or_else(broken)?;
            let complete = !avc.sps.is_empty() && !avc.pps.is_empty();
            let name = match (&entry.kind.bytes(), complete, plays_alone) {
                (b"dva1" | b"dvav", true, false) => "dva1",
                (_, true, _) => "avc1",
                (_, false, _) => "avc3",
            };
            let picture = avc.picture_format();
            (Codec::Avc(avc), name, picture)
        }
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => {
            let hevc = HevcConfig::parse(&config.payload).ok_or_else(broken)?;
            let dolby_entry = matches!(&entry.kind.bytes(), b"dvh1" | b"dvhe");
            let name = match (hevc.has_parameter_sets(), dolby_entry && !plays_alone) {
                (true, true) => "dvh1",
                (true, false) => "hvc1",
                (false, true) => "dvhe",
                (false, false) => "hev1",
            };
            let picture = hevc.picture_format();
            (Codec::Hevc(hevc), name, picture)
        }
        b"av01" | b"dav1" => {
            if entry.kind == b"dav1" && !plays_alone {
                return Ok(Parsed::unsupported(TrackKind::Video, entry.kind));
            }
            let av1 = Av1Config::parse(&config.payload).ok_or_else(broken)?;
            let picture = av1.picture_format();
            (Codec::Av1(av1), "av01", Some(picture))
        }
        _ => {
            let vp9 = config
                .payload
                .get(4..)
                .and_then(VpConfig::parse)
                .ok_or_else(broken)?;
            let picture = PictureFormat {
                bit_depth: vp9.bit_depth,
                colour: vp9.colour,
                ..PictureFormat::default()
            };
            (Codec::Vp9(vp9), "vp09", Some(picture))
        }
    };
    if entry.kind.to_string() != name {
        notes.push(format!(
            "sample entry `{}` is written as `{name}`, which HLS players expect",
            entry.kind
        ));
    }

    let mut picture = picture.unwrap_or(PictureFormat {
        bit_depth: 8,
        ..PictureFormat::default()
    });
    if picture.width == 0 || picture.height == 0 {
        (picture.width, picture.height) = (width, height);
    }
    picture.pixel_aspect = extensions.pixel_aspect.or(picture.pixel_aspect);
    // What decoders act on is the bitstream; the container only helps where the bitstream is silent.
    match extensions.colour {
        Some(colour) if picture.colour.is_unspecified() => picture.colour = colour,
        Some(colour) if colour.range != picture.colour.range && picture.colour.transfer != 2 => {
            notes.push(format!(
                "the container says {:?} but the bitstream says {:?}; the bitstream is believed",
                colour.range, picture.colour.range
            ))
        }
        _ => {}
    }

    let codec_string = match (&codec, vision) {
        (_, Some(vision)) if matches!(name, "dvh1" | "dvhe" | "dva1") => vision.codec_string(name),
        (Codec::Avc(avc), _) => avc.codec_string(name),
        (Codec::Hevc(hevc), _) => hevc.codec_string(name),
        (Codec::Av1(av1), _) => av1.codec_string(&picture.colour),
        (Codec::Vp9(vp9), _) => vp9.codec_string(),
        _ => return Err(broken()),
    };
    let supplemental = vision
        .filter(|_| matches!(name, "avc1" | "hvc1" | "hev1" | "av01"))
        .and_then(|vision| vision.supplemental(name));
    Ok(Parsed::Entry(Box::new(SampleEntry {
        kind: TrackKind::Video,
        codec,
        codec_string,
        supplemental,
        entry: write(name, (width, height), config, &picture, &extensions),
        video: Some(describe(&picture, matrix)),
        audio: None,
        notes,
    })))
}

/// `colr` of type `nclx`, or QuickTime's `nclc`; `None` for colour profiles, which players of streams do not read.
fn read_colour(colr: &Mp4Box) -> Option<ColourInfo> {
    let mut fields = colr.fields();
    let kind: FourCc = fields.four_cc().ok()?;
    if kind != b"nclx" && kind != b"nclc" {
        return None;
    }
    let mut point = || fields.u16().ok().and_then(|value| u8::try_from(value).ok());
    let (primaries, transfer, matrix) = (point()?, point()?, point()?);
    let full_range = kind == b"nclx" && fields.u8().is_ok_and(|flags| flags & 0x80 != 0);
    Some(ColourInfo::new(primaries, transfer, matrix, full_range))
}

fn describe(picture: &PictureFormat, [a, b, c, d]: [i32; 4]) -> VideoInfo {
    let rotation = match (a.signum(), b.signum(), c.signum(), d.signum()) {
        (0, 1, _, 0) => 90,
        (-1, 0, 0, -1) => 180,
        (0, -1, _, 0) => 270,
        _ => 0,
    };
    let (mut display_width, mut display_height) = (picture.width, picture.height);
    if let Some((x, y)) = picture.pixel_aspect {
        let wide = (u64::from(picture.width) * u64::from(x) + u64::from(y) / 2) / u64::from(y);
        display_width = u32::try_from(wide).unwrap_or(picture.width);
    }
    if rotation % 180 == 90 {
        std::mem::swap(&mut display_width, &mut display_height);
    }
    VideoInfo {
        width: picture.width,
        height: picture.height,
        display_width,
        display_height,
        rotation,
        frame_rate: 0.0,
        bit_depth: picture.bit_depth,
        colour: picture.colour,
    }
}

fn write(
    name: &str,
    (width, height): (u32, u32),
    config: &Mp4Box,
    picture: &PictureFormat,
    extensions: &Extensions,
) -> bytes::Bytes {
    let mut kind = *b"    ";
    kind.copy_from_slice(&name.as_bytes()[..4]);
    let mut w = BoxWriter::with_capacity(256);
    w.nest(&kind, |w| {
        w.zeros(6);
        w.u16(1);
        w.zeros(16);
        for value in [width, height] {
            w.u16(u16::try_from(value).unwrap_or(u16::MAX));
        }
        // 72 dpi, one frame a sample, no compressor name, 24 bits of colour.
        w.u32(0x0048_0000);
        w.u32(0x0048_0000);
        w.u32(0);
        w.u16(1);
        w.zeros(32);
        w.u16(0x18);
        w.u16(0xffff);
        copy(w, config);
        if let Some((dolby, _)) = &extensions.dolby {
            copy(w, dolby);
        }
        if !picture.colour.is_unspecified() {
            w.nest(b"colr", |w| {
                w.bytes(b"nclx");
                for value in [
                    picture.colour.primaries,
                    picture.colour.transfer,
                    picture.colour.matrix,
                ] {
                    w.u16(u16::from(value));
                }
                w.u8(u8::from(picture.colour.full_range) << 7);
            });
        }
        if let Some((x, y)) = picture.pixel_aspect {
            w.nest(b"pasp", |w| {
                w.u32(x);
                w.u32(y);
            });
        }
        for kept in &extensions.kept {
            copy(w, kept);
        }
    });
    w.finish()
}
