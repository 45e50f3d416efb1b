//! Sample entries: what codec a track has, and the same entry written afresh for the initialization segment.
//!
//! The entry is rebuilt rather than copied. QuickTime writes audio entries in layouts of its own and hides the decoder
//! configuration in a `wave` box; cameras add private boxes; both keep players from reading a copied entry.

use bytes::Bytes;

use super::movie::Trak;
use super::{audio_entry, video_entry};
use crate::Error;
use crate::codec::aac::AudioConfig;
use crate::codec::av1::Av1Config;
use crate::codec::avc::AvcConfig;
use crate::codec::hevc::HevcConfig;
use crate::codec::vp9::VpConfig;
use crate::isobmff::{BoxWriter, FourCc, Mp4Box};
use crate::presentation::{AudioInfo, TrackKind, VideoInfo};

/// The decoder configuration of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Avc(AvcConfig),
    Hevc(HevcConfig),
    Av1(Av1Config),
    Vp9(VpConfig),
    Aac(AudioConfig),
    Mp3,
    Ac3,
    Eac3,
    Opus,
    Flac,
    Alac,
}

/// One sample entry that can be packaged.
#[derive(Clone, Debug)]
pub(crate) struct SampleEntry {
    pub(crate) kind: TrackKind,
    pub(crate) codec: Codec,
    /// Codec string (RFC 6381).
    pub(crate) codec_string: String,
    pub(crate) supplemental: Option<String>,
    pub(crate) video: Option<VideoInfo>,
    pub(crate) audio: Option<AudioInfo>,
    /// The entry for an initialization segment.
    pub(crate) entry: Bytes,
    /// What was mended, as sentences.
    pub(crate) notes: Vec<String>,
}

/// What became of a sample entry.
#[derive(Clone, Debug)]
pub(crate) enum Parsed {
    /// It can be packaged.
    Entry(Box<SampleEntry>),
    /// It cannot; the codec's name and what to do.
    Unsupported {
        kind: TrackKind,
        codec: String,
        advice: &'static str,
    },
}

const TRANSCODE: &str = "transcode the track with a profile other than `copy`";

/// Reads the sample entries of a track.
pub(crate) fn parse(track: &Trak) -> Result<Vec<Parsed>, Error> {
    let Some(stsd) = &track.descriptions else {
        return Err(Error::malformed(
            "stbl",
            0,
            format!("track {} has no `stsd` box", track.id),
        ));
    };
    let entries: Vec<_> = stsd.children_after(8).collect::<Result<_, _>>()?;
    if entries.is_empty() {
        return Err(stsd.malformed("it holds no sample entry"));
    }
    entries
        .iter()
        .map(|entry| match &track.handler.bytes() {
            b"vide" | b"auxv" => video_entry::parse(entry, track.matrix),
            b"soun" => audio_entry::parse(entry),
            _ => Ok(Parsed::Unsupported {
                kind: TrackKind::Subtitle,
                codec: describe(entry.kind),
                advice: "bring the subtitles as WebVTT, SRT or TTML beside the film",
            }),
        })
        .collect()
}

/// A code with its plain name where that helps.
fn describe(code: FourCc) -> String {
    let name = match &code.bytes() {
        b"vvc1" | b"vvi1" => "VVC",
        b"dav1" => "Dolby Vision on AV1 without a playable base layer",
        b"encv" | b"enca" | b"enct" => "encrypted",
        b"mp4v" => "MPEG-4 part 2",
        b"jpeg" | b"mjpa" | b"mjpb" => "Motion JPEG",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "ProRes",
        b"AVdn" | b"AVdh" => "DNxHD",
        b"vp08" => "VP8",
        b"ac-4" => "AC-4",
        b"mha1" | b"mhm1" => "MPEG-H",
        b"dtsc" | b"dtsh" | b"dtsl" | b"dtse" | b"dtsx" => "DTS",
        b"sowt" | b"twos" | b"lpcm" | b"in24" | b"in32" | b"fl32" | b"fl64" | b"raw " | b"ipcm"
        | b"fpcm" | b"NONE" => "PCM",
        b"ulaw" | b"alaw" => "G.711",
        b"samr" | b"sawb" => "AMR",
        b"tx3g" => "3GPP timed text",
        b"text" => "QuickTime text",
        b"c608" | b"c708" => "closed captions in a track of their own",
        _ => return code.to_string(),
    };
    format!("{code} ({name})")
}

impl Parsed {
    /// A codec that is not packaged as it is.
    pub(super) fn unsupported(kind: TrackKind, code: FourCc) -> Self {
        Self::Unsupported {
            kind,
            codec: describe(code),
            advice: TRANSCODE,
        }
    }
}

/// Copies a box as it stands.
pub(super) fn copy(w: &mut BoxWriter, source: &Mp4Box) {
    w.nest(&source.kind.bytes(), |w| w.bytes(&source.payload));
}
