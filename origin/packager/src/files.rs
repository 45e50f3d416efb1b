//! Names, media types and addresses of the files of a presentation.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::plan::PlannedTrack;
use crate::presentation::TrackKind;
use crate::text::TextTrack;
use crate::{Error, Layout, Output};

/// Path of the multivariant playlist.
pub(crate) const MULTIVARIANT_PATH: &str = "multivariant.m3u8";
/// Path of the MPEG-DASH manifest.
pub(crate) const DASH_PATH: &str = "manifest.mpd";
/// Path of the chapters.
pub(crate) const CHAPTERS_PATH: &str = "chapters.json";
/// Name of the initialization segment in the folder of its track.
pub(crate) const INIT_NAME: &str = "init.mp4";
/// Name of the same initialization segment for what comes after a clear lead.
pub(crate) const ENCRYPTED_INIT_NAME: &str = "init-encrypted.mp4";
/// Name of the file that holds a whole track.
pub(crate) const SINGLE_NAME: &str = "media.mp4";

/// Media type of playlists (RFC 8216bis, section 10).
pub(crate) const HLS_TYPE: &str = "application/vnd.apple.mpegurl";
/// Media type of MPEG-DASH manifests (ISO/IEC 23009-1, annex C).
pub(crate) const DASH_TYPE: &str = "application/dash+xml";
/// Media type of JSON.
pub(crate) const JSON_TYPE: &str = "application/json";
/// Media type of WebVTT.
pub(crate) const TEXT_TYPE: &str = "text/vtt";

/// Media type of an initialization segment.
pub(crate) const fn mp4_type(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "video/mp4",
        TrackKind::Audio => "audio/mp4",
        TrackKind::Subtitle => "application/mp4",
    }
}

/// Path of a track's media playlist.
pub(crate) fn playlist_path(track: &PlannedTrack) -> String {
    format!("{}/media.m3u8", track.name)
}

/// Path of a track's I-frame playlist.
pub(crate) fn i_frame_path(track: &PlannedTrack) -> String {
    format!("{}/iframes.m3u8", track.name)
}

/// Media type of segments of a track (Apple HLS Authoring Specification, section 10).
pub(crate) const fn segment_type(track: &PlannedTrack) -> &'static str {
    if track.stream.is_some() {
        "video/mp2t"
    } else {
        "video/iso.segment"
    }
}

/// Name of segment number `index` of a track, counted from 0, in the folder of the track.
pub(crate) fn segment_name(track: &PlannedTrack, index: usize) -> String {
    let suffix = if track.stream.is_some() { "ts" } else { "m4s" };
    format!("{:05}.{suffix}", index + 1)
}

/// Number of the segment with this name, counted from 0.
pub(crate) fn segment_number(track: &PlannedTrack, name: &str) -> Option<usize> {
    let (number, _) = name.split_once('.')?;
    let number = number.parse::<usize>().ok()?.checked_sub(1)?;
    (number < track.segments.len() && segment_name(track, number) == name).then_some(number)
}

/// Name of the file that holds a whole track.
const fn single_name(track: &PlannedTrack) -> &'static str {
    if track.stream.is_some() {
        "media.ts"
    } else {
        SINGLE_NAME
    }
}

/// Path of a subtitle track's media playlist.
pub(crate) fn text_playlist_path(track: &TextTrack) -> String {
    format!("{}/media.m3u8", track.name)
}

/// Name of subtitle segment number `index`, counted from 0, in the folder of its track.
pub(crate) fn text_segment_name(index: usize) -> String {
    format!("{:05}.vtt", index + 1)
}

/// Path of the file that holds a whole subtitle track.
pub(crate) fn text_whole_path(track: &TextTrack) -> String {
    format!("{}/whole.vtt", track.name)
}

/// Where bytes of a track are found, seen from the folder of the track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) name: String,
    /// Length and offset in bytes; `None` for the whole file.
    pub(crate) range: Option<(u64, u64)>,
}

impl Address {
    /// The initialization segment.
    pub(crate) fn init(track: &PlannedTrack) -> Self {
        match track.layout {
            Layout::Segments => Self {
                name: INIT_NAME.to_owned(),
                range: None,
            },
            Layout::SingleFile => Self {
                name: SINGLE_NAME.to_owned(),
                range: Some((track.init_len, 0)),
            },
        }
    }

    /// The initialization segment of what comes after a clear lead; `None` where nothing does.
    ///
    /// It is the same as before. hls.js (1.7) asks for a Clear Key licence when an initialization segment announces encryption while
    /// the playlist has a key; the first one comes before the key, and one of the same URI, whatever its byte range, is not looked at
    /// again: playback would stop at the end of the lead. So it is a file of its own beside a single file, too.
    pub(crate) fn encrypted_init(track: &PlannedTrack) -> Option<Self> {
        let protection = track.protection.as_ref()?;
        let leads = track.segments.first()?.key.is_none();
        let follows = track.segments.iter().any(|segment| segment.key.is_some());
        let common = protection.method.scheme().is_some() && track.stream.is_none();
        (common && leads && follows).then(|| Self {
            name: ENCRYPTED_INIT_NAME.to_owned(),
            range: None,
        })
    }

    /// Segment number `index`.
    pub(crate) fn segment(track: &PlannedTrack, index: usize) -> Self {
        match (track.layout, track.segments.get(index)) {
            (Layout::SingleFile, Some(segment)) => Self {
                name: single_name(track).to_owned(),
                range: Some((segment.len, segment.offset)),
            },
            _ => Self {
                name: segment_name(track, index),
                range: None,
            },
        }
    }

    /// `len` bytes at `offset` within segment number `index`.
    pub(crate) fn within(track: &PlannedTrack, index: usize, len: u64, offset: u64) -> Self {
        let whole = Self::segment(track, index);
        let base = whole.range.map_or(0, |(_, offset)| offset);
        Self {
            range: Some((len, base + offset)),
            ..whole
        }
    }

    /// Path of segment number `index` from the root of the presentation.
    pub(crate) fn segment_path(track: &PlannedTrack, index: usize) -> String {
        format!("{}/{}", track.name, Self::segment(track, index).name)
    }
}

/// The gzip twin of a playlist, stored beside it with the suffix `.gz` (Apple HLS Authoring Specification 10.1).
pub(crate) fn compress(plain: &Output) -> Result<Output, Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for part in &plain.body {
        encoder
            .write_all(part)
            .map_err(|error| Error::Protocol(format!("gzip of {}: {error}", plain.path)))?;
    }
    let packed = encoder
        .finish()
        .map_err(|error| Error::Protocol(format!("gzip of {}: {error}", plain.path)))?;
    Ok(Output {
        path: format!("{}.gz", plain.path),
        content_encoding: Some("gzip"),
        body: vec![Bytes::from(packed)],
        ..plain.clone()
    })
}
