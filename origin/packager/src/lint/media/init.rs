//! Initialization sections (RFC 8216bis 3.1.2).

use bytes::{Bytes, BytesMut};

use crate::isobmff::{FourCc, Mp4Box};
use crate::mp4::{Movie, Parsed, RawIndex, parse_sample_entries};
use crate::presentation::{AudioInfo, VideoInfo};
use crate::{Error, TrackKind};

/// What an initialization section says.
#[derive(Clone, Debug, Default)]
pub(in crate::lint) struct Init {
    /// Compatible brands of its `ftyp` box; `None` without one.
    pub(in crate::lint) brands: Option<Vec<String>>,
    /// The movie box; `None` without one.
    pub(in crate::lint) movie: Option<Mp4Box>,
    pub(in crate::lint) tracks: Vec<InitTrack>,
    /// True when `mvhd` says a duration other than 0.
    pub(in crate::lint) has_duration: bool,
    /// True when a sample table holds samples.
    pub(in crate::lint) has_samples: bool,
    /// True when there is an `mvex` box after the last `trak`.
    pub(in crate::lint) extends_last: bool,
    /// Media data or fragments in it.
    pub(in crate::lint) holds_media: bool,
    /// Why it cannot be read.
    pub(in crate::lint) broken: Option<String>,
}

/// A track of an initialization section.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::lint) struct InitTrack {
    pub(in crate::lint) id: u32,
    pub(in crate::lint) kind: Option<TrackKind>,
    /// Four-character code of the sample entry, what is below an encryption.
    pub(in crate::lint) entry: String,
    /// Codec string (RFC 6381); `None` when it cannot be worked out.
    pub(in crate::lint) codec: Option<String>,
    pub(in crate::lint) supplemental: Option<String>,
    pub(in crate::lint) timescale: u32,
    /// Where the presentation starts in the track's media, in ticks.
    pub(in crate::lint) media_start: i64,
    pub(in crate::lint) video: Option<VideoInfo>,
    pub(in crate::lint) audio: Option<AudioInfo>,
    pub(in crate::lint) protection: Option<Protection>,
    /// A loudness box is there.
    pub(in crate::lint) loudness: bool,
    /// Bytes of the length before every NAL unit; `None` when samples are not made of them.
    pub(in crate::lint) nal_length: Option<u8>,
    /// Data are in another file.
    pub(in crate::lint) external_data: bool,
}

/// Common Encryption of a track (ISO/IEC 23001-7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) struct Protection {
    /// `cbcs`, `cenc`, …
    pub(in crate::lint) scheme: String,
    /// Blocks encrypted and skipped of `tenc`; `None` when it says no pattern.
    pub(in crate::lint) pattern: Option<(u8, u8)>,
}

impl Init {
    /// Reads an initialization section.
    pub(in crate::lint) fn read(data: &Bytes) -> Self {
        let mut found = Self::default();
        if let Err(error) = found.fill(data) {
            found.broken = Some(reason(&error));
        }
        found
    }

    /// The track with that identifier.
    pub(in crate::lint) fn track(&self, id: u32) -> Option<&InitTrack> {
        self.tracks.iter().find(|track| track.id == id)
    }

    fn fill(&mut self, data: &Bytes) -> Result<(), Error> {
        let file = Mp4Box {
            kind: FourCc(*b"file"),
            offset: 0,
            payload: data.clone(),
            payload_offset: 0,
        };
        for child in file.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"ftyp" => {
                    let brands = child.payload.get(8..).unwrap_or_default().chunks_exact(4);
                    self.brands = Some(
                        brands
                            .map(|brand| brand.escape_ascii().to_string())
                            .collect(),
                    );
                }
                b"moov" if self.movie.is_none() => {
                    let movie = self.read_movie(&child)?;
                    self.movie = Some(movie);
                }
                b"moof" | b"mdat" => self.holds_media = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the movie box. Returns it with the sample entries of encrypted tracks renamed to what they are below the encryption.
    fn read_movie(&mut self, moov: &Mp4Box) -> Result<Mp4Box, Error> {
        let mut renamed = BytesMut::from(&moov.payload[..]);
        let mut extras = Vec::new();
        for child in moov.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"mvhd" => {
                    let (version, _, mut fields) = child.full()?;
                    fields.skip(if version == 1 { 20 } else { 12 })?;
                    self.has_duration = fields.by_version(version)? != 0;
                }
                b"trak" => {
                    self.extends_last = false;
                    extras.push(self.read_extras(moov, &child, &mut renamed)?);
                }
                b"mvex" => self.extends_last = true,
                _ => {}
            }
        }
        let movie = Mp4Box {
            payload: renamed.freeze(),
            ..moov.clone()
        };
        let parsed = Movie::parse(RawIndex {
            moov: movie.clone(),
            moofs: Vec::new(),
            index_first: true,
            notes: Vec::new(),
            carriages: Vec::new(),
        })?;
        for trak in &parsed.tracks {
            let mut track = extras
                .iter()
                .find(|extra| extra.id == trak.id)
                .cloned()
                .unwrap_or_default();
            track.id = trak.id;
            track.timescale = trak.timescale;
            track.kind = match &trak.handler.bytes() {
                b"vide" | b"auxv" => Some(TrackKind::Video),
                b"soun" => Some(TrackKind::Audio),
                b"text" | b"sbtl" | b"subt" | b"clcp" => Some(TrackKind::Subtitle),
                _ => None,
            };
            track.media_start = trak
                .edits
                .iter()
                .map(|edit| edit.media_time)
                .find(|time| *time >= 0)
                .unwrap_or(0);
            if let Ok(entries) = parse_sample_entries(trak)
                && let Some(Parsed::Entry(entry)) = entries.into_iter().next()
            {
                track.codec = Some(entry.codec_string);
                track.supplemental = entry.supplemental;
                track.video = entry.video;
                track.audio = entry.audio;
            } else {
                track.codec = plain_codec(&track.entry).map(str::to_owned);
            }
            self.tracks.push(track);
        }
        Ok(movie)
    }

    /// What the packager's own reader does not look for.
    fn read_extras(
        &mut self,
        moov: &Mp4Box,
        trak: &Mp4Box,
        renamed: &mut BytesMut,
    ) -> Result<InitTrack, Error> {
        let mut track = InitTrack::default();
        for child in trak.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"tkhd" => {
                    let (version, _, mut fields) = child.full()?;
                    fields.skip(if version == 1 { 16 } else { 8 })?;
                    track.id = fields.u32()?;
                }
                b"udta" => track.loudness = child.children().find(b"ludt").ok().flatten().is_some(),
                _ => {}
            }
        }
        let Some(information) = descend(trak, &[b"mdia", b"minf"])? else {
            return Ok(track);
        };
        if let Some(dref) = descend(&information, &[b"dinf", b"dref"])? {
            for entry in dref.children_after(8) {
                let (_, flags, _) = entry?.full()?;
                track.external_data |= flags & 1 == 0;
            }
        }
        if let Some(stsz) = descend(&information, &[b"stbl", b"stsz"])? {
            let (_, _, mut fields) = stsz.full()?;
            fields.skip(4)?;
            self.has_samples |= fields.u32()? > 0;
        }
        let Some(stsd) = descend(&information, &[b"stbl", b"stsd"])? else {
            return Ok(track);
        };
        let Some(entry) = stsd.children_after(8).next().transpose()? else {
            return Ok(track);
        };
        track.entry = entry.kind.to_string();
        let fields = match &entry.kind.bytes() {
            b"encv" => 78,
            b"enca" => 28,
            _ => {
                track.nal_length = nal_length(&entry, &track.entry)?;
                return Ok(track);
            }
        };
        let Some(sinf) = entry.children_after(fields).find(b"sinf")? else {
            return Ok(track);
        };
        if let Some(frma) = sinf.children().find(b"frma")? {
            let original = frma.fields().four_cc()?;
            track.entry = original.to_string();
            let at = usize::try_from(entry.offset - moov.payload_offset).unwrap_or(usize::MAX);
            if let Some(place) = at
                .checked_add(4)
                .and_then(|start| renamed.get_mut(start..start + 4))
            {
                place.copy_from_slice(&original.bytes());
            }
            track.nal_length = nal_length(&entry, &track.entry)?;
        }
        let mut protection = Protection {
            scheme: String::new(),
            pattern: None,
        };
        if let Some(schm) = sinf.children().find(b"schm")? {
            let (_, _, mut fields) = schm.full()?;
            protection.scheme = fields.four_cc()?.to_string();
        }
        if let Some(tenc) = descend(&sinf, &[b"schi", b"tenc"])? {
            let (version, _, mut fields) = tenc.full()?;
            fields.skip(1)?;
            let pattern = fields.u8()?;
            protection.pattern = (version > 0).then_some((pattern >> 4, pattern & 15));
        }
        track.protection = Some(protection);
        Ok(track)
    }
}

/// The message of an error without the advice for whoever uploads a film.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::Malformed {
            what,
            offset,
            reason,
            ..
        } => format!("the `{what}` box at byte {offset} is broken: {reason}"),
        other => other.to_string(),
    }
}

/// The first box along a path.
fn descend(start: &Mp4Box, path: &[&[u8; 4]]) -> Result<Option<Mp4Box>, Error> {
    let mut at = start.clone();
    for kind in path {
        match at.children().find(kind)? {
            Some(child) => at = child,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// Bytes of the length before every NAL unit of a sample.
fn nal_length(entry: &Mp4Box, kind: &str) -> Result<Option<u8>, Error> {
    let (config, at): (&[u8; 4], usize) = match kind {
        "avc1" | "avc3" | "dva1" | "dvav" => (b"avcC", 4),
        "hvc1" | "hev1" | "dvh1" | "dvhe" => (b"hvcC", 21),
        _ => return Ok(None),
    };
    let config = entry.children_after(78).find(config)?;
    Ok(config.and_then(|config| config.payload.get(at).map(|byte| (byte & 3) + 1)))
}

/// Codec strings that are the four-character code itself.
fn plain_codec(entry: &str) -> Option<&str> {
    matches!(
        entry,
        "mjpg" | "wvtt" | "ac-3" | "ec-3" | "Opus" | "fLaC" | "alac"
    )
    .then_some(entry)
}
