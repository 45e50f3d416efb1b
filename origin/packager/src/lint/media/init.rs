//! Initialization sections (RFC 8216bis 3.1.2).

use bytes::{Bytes, BytesMut};

use super::description::Description;
use crate::isobmff::{FourCc, Mp4Box};
use crate::mp4::{Movie, RawIndex, TrackExtends, parse_sample_entries};
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
    /// What samples may be, in the order of the `stsd` box.
    pub(in crate::lint) descriptions: Vec<Description>,
    /// Number of the description that fragments take which name none: 1 is the first.
    pub(in crate::lint) default_description: u32,
    pub(in crate::lint) timescale: u32,
    /// Where the presentation starts in the track's media, in ticks.
    pub(in crate::lint) media_start: i64,
    /// A loudness box is there.
    pub(in crate::lint) loudness: bool,
    /// Data are in another file.
    pub(in crate::lint) external_data: bool,
}

impl InitTrack {
    /// The description with that number; 1 is the first.
    pub(in crate::lint) fn description(&self, number: u32) -> Option<&Description> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.descriptions.get(index)
    }

    /// True when a description is one of pictures.
    pub(in crate::lint) fn shows_video(&self) -> bool {
        self.descriptions.iter().any(|one| one.video.is_some())
    }
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
        let mut defaults = Vec::new();
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
                b"mvex" => {
                    self.extends_last = true;
                    for trex in child.children() {
                        let trex = trex?;
                        if trex.kind == b"trex" {
                            defaults.push(TrackExtends::parse(&trex)?);
                        }
                    }
                }
                _ => {}
            }
        }
        let movie = Mp4Box {
            payload: renamed.freeze(),
            ..moov.clone()
        };
        let parsed = Movie::parse(RawIndex::of_boxes(movie.clone(), Vec::new()))?;
        for trak in &parsed.tracks {
            let mut track = extras
                .iter()
                .find(|extra| extra.id == trak.id)
                .cloned()
                .unwrap_or_default();
            track.id = trak.id;
            track.default_description = defaults
                .iter()
                .find(|(id, _)| *id == trak.id)
                .map_or(1, |(_, values)| values.description);
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
            let parsed = parse_sample_entries(trak).unwrap_or_default();
            for (index, description) in track.descriptions.iter_mut().enumerate() {
                description.complete(parsed.get(index));
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
        track.descriptions = Description::read_all(&stsd, moov.payload_offset, renamed)?;
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
