//! The movie box: its tracks with their sample tables, edits and sample descriptions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fragment::{TrackExtends, parse_moof};
use super::sample_table::SampleTable;
use super::samples::Samples;
use super::scan::RawIndex;
use super::user_data;
use crate::chapters::Mark;
use crate::import::Carriage;
use crate::isobmff::{FourCc, Mp4Box};
use crate::language;
use crate::{Error, Note};

/// Most tracks that are read.
const MAX_TRACKS: usize = 256;
/// Most edits of one track.
const MAX_EDITS: u32 = 1024;

/// A movie as its index describes it.
#[derive(Debug, Default)]
pub(crate) struct Movie {
    /// Ticks per second of edit durations.
    pub(crate) timescale: u32,
    pub(crate) fragmented: bool,
    pub(crate) tracks: Vec<Trak>,
    /// Chapters that stand in the index.
    pub(crate) chapters: Vec<Mark>,
    pub(crate) notes: Vec<Note>,
}

/// One track.
#[derive(Debug)]
pub(crate) struct Trak {
    pub(crate) id: u32,
    /// `vide`, `soun`, …
    pub(crate) handler: FourCc,
    pub(crate) timescale: u32,
    /// Language tag (BCP 47).
    pub(crate) language: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) edits: Vec<RawEdit>,
    /// Transformation matrix of the track header: a, b, c, d as 16.16 fixed point numbers.
    pub(crate) matrix: [i32; 4],
    /// True when the track is to be presented (`tkhd`).
    pub(crate) enabled: bool,
    /// What the track is for, by its `kind` boxes (ISO/IEC 14496-12, 8.10.4).
    pub(crate) roles: Vec<String>,
    /// Tracks that hold this track's chapters.
    pub(crate) chapters: Vec<u32>,
    /// The `stsd` box.
    pub(crate) descriptions: Option<Mp4Box>,
    pub(crate) samples: Samples,
    /// How samples are unwrapped, where they do not lie in the input as they are.
    pub(crate) carriage: Option<Arc<Carriage>>,
}

/// One entry of an edit list (ISO/IEC 14496-12, 8.6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawEdit {
    /// Duration in ticks of the movie; 0 in the last entry stands for the rest of the media.
    pub(crate) duration: u64,
    /// Start in ticks of the track; −1 for an empty edit.
    pub(crate) media_time: i64,
    /// Rate as a 16.16 fixed point number; 0 holds one picture.
    pub(crate) rate: i32,
}

impl Movie {
    /// Reads the index of a file.
    pub(crate) fn parse(raw: RawIndex) -> Result<Self, Error> {
        let RawIndex {
            moov,
            moofs,
            notes,
            carriages,
            packed,
            ..
        } = raw;
        let mut movie = Self {
            timescale: 0,
            fragmented: !moofs.is_empty(),
            tracks: Vec::new(),
            chapters: Vec::new(),
            notes,
        };
        let mut defaults = BTreeMap::new();
        for child in moov.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"mvhd" => {
                    let (version, _, mut fields) = child.full()?;
                    fields.skip(if version == 1 { 16 } else { 8 })?;
                    movie.timescale = fields.u32()?;
                    if movie.timescale == 0 {
                        return Err(child.malformed("its timescale is 0"));
                    }
                }
                b"trak" if movie.tracks.len() < MAX_TRACKS => {
                    if let Some(track) = Trak::parse(&child, &mut movie.notes)? {
                        movie.tracks.push(track);
                    }
                }
                b"mvex" => {
                    for trex in child.children() {
                        let trex = trex?;
                        if trex.kind == b"trex" {
                            let (track, values) = TrackExtends::parse(&trex)?;
                            defaults.insert(track, values);
                        }
                    }
                }
                b"udta" => movie.chapters = user_data::chapters(&child),
                b"cmov" => {
                    return Err(Error::UnsupportedFeature {
                        input: 0,
                        feature: "a compressed movie box (`cmov`)".to_owned(),
                        advice: "rewrite the file with a current tool first",
                    });
                }
                _ => {}
            }
        }
        if movie.timescale == 0 {
            return Err(moov.malformed("it has no `mvhd` box"));
        }
        for (id, samples) in packed {
            if let Some(track) = movie.tracks.iter_mut().find(|track| track.id == id) {
                track.samples.packed = Some(samples);
            }
        }
        for (id, data) in carriages {
            if let Some(track) = movie.tracks.iter_mut().find(|track| track.id == id) {
                track.carriage = Some(Arc::new(Carriage::parse(data)?));
            }
        }
        for moof in &moofs {
            let tracks = &mut movie.tracks;
            parse_moof(
                moof,
                |track| defaults.get(&track).copied(),
                |id, run| {
                    if let Some(track) = tracks.iter_mut().find(|track| track.id == id) {
                        track.samples.runs.push(run);
                    }
                },
            )?;
        }
        Ok(movie)
    }
}

impl Movie {
    /// True when other tracks name this one as that of their chapters.
    pub(crate) fn has_chapters_in(&self, track: u32) -> bool {
        self.tracks
            .iter()
            .any(|other| other.chapters.contains(&track))
    }
}

impl Trak {
    /// Reads a `trak` box. A track that carries neither pictures, sound nor text is left out with a note.
    fn parse(trak: &Mp4Box, notes: &mut Vec<Note>) -> Result<Option<Self>, Error> {
        let mut track = Self {
            id: 0,
            handler: FourCc(*b"    "),
            timescale: 0,
            language: None,
            name: None,
            edits: Vec::new(),
            matrix: [0x1_0000, 0, 0, 0x1_0000],
            enabled: true,
            roles: Vec::new(),
            chapters: Vec::new(),
            descriptions: None,
            samples: Samples::default(),
            carriage: None,
        };
        let mut media = None;
        for child in trak.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"tkhd" => track.read_header(&child)?,
                b"edts" => {
                    if let Some(list) = child.children().find(b"elst")? {
                        track.edits = read_edits(&list)?;
                    }
                }
                b"tref" => {
                    if let Some(chapters) = child.children().find(b"chap")? {
                        track.chapters = chapters
                            .payload
                            .chunks_exact(4)
                            .map(|id| u32::from_be_bytes([id[0], id[1], id[2], id[3]]))
                            .collect();
                    }
                }
                b"udta" => {
                    track.name = user_data::name(&child);
                    track.roles = user_data::roles(&child);
                }
                b"mdia" => media = Some(child),
                _ => {}
            }
        }
        let Some(media) = media else {
            return Err(trak.malformed("it has no `mdia` box"));
        };
        let mut information = None;
        for child in media.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"mdhd" => track.read_media_header(&child)?,
                b"hdlr" => {
                    let (_, _, mut fields) = child.full()?;
                    fields.skip(4)?;
                    track.handler = fields.four_cc()?;
                }
                b"elng" => {
                    let tag = child.payload.get(4..).unwrap_or_default();
                    let tag = tag.split(|byte| *byte == 0).next().unwrap_or_default();
                    track.language = language::from_tag(&String::from_utf8_lossy(tag));
                }
                b"minf" => information = Some(child),
                _ => {}
            }
        }
        let wanted = matches!(
            &track.handler.bytes(),
            b"vide" | b"soun" | b"auxv" | b"text" | b"sbtl" | b"subt" | b"clcp"
        );
        if !wanted {
            notes.push(Note {
                input: 0,
                track: Some(track.id),
                message: format!(
                    "a track of type `{}` carries no pictures, sound or text; left out",
                    track.handler
                ),
            });
            return Ok(None);
        }
        if track.timescale == 0 {
            return Err(trak.malformed("its media has no timescale"));
        }
        let Some(information) = information else {
            return Err(media.malformed("it has no `minf` box"));
        };
        for child in information.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"dinf" => check_references(&child, track.id)?,
                b"stbl" => {
                    track.samples.table = SampleTable::parse(&child)?;
                    track.descriptions = child.children().find(b"stsd")?;
                }
                _ => {}
            }
        }
        Ok(Some(track))
    }

    fn read_header(&mut self, tkhd: &Mp4Box) -> Result<(), Error> {
        let (version, flags, mut fields) = tkhd.full()?;
        self.enabled = flags & 1 != 0;
        fields.skip(if version == 1 { 16 } else { 8 })?;
        self.id = fields.u32()?;
        // Reserved, duration, reserved, layer, alternate group, volume, reserved.
        fields.skip(4 + if version == 1 { 8 } else { 4 } + 8 + 8)?;
        let mut matrix = [0; 9];
        for value in &mut matrix {
            *value = fields.i32()?;
        }
        self.matrix = [matrix[0], matrix[1], matrix[3], matrix[4]];
        Ok(())
    }

    fn read_media_header(&mut self, mdhd: &Mp4Box) -> Result<(), Error> {
        let (version, _, mut fields) = mdhd.full()?;
        fields.skip(if version == 1 { 16 } else { 8 })?;
        self.timescale = fields.u32()?;
        fields.by_version(version)?;
        if self.language.is_none() {
            self.language = language::from_packed(fields.u16()?);
        }
        Ok(())
    }
}

fn read_edits(list: &Mp4Box) -> Result<Vec<RawEdit>, Error> {
    let (version, _, mut fields) = list.full()?;
    let count = fields.u32()?;
    if count > MAX_EDITS {
        return Err(Error::UnsupportedFeature {
            input: 0,
            feature: format!("an edit list of {count} entries"),
            advice: "render the edits into the media first",
        });
    }
    (0..count)
        .map(|_| {
            let duration = fields.by_version(version)?;
            let media_time = if version == 1 {
                fields.i64()?
            } else {
                i64::from(fields.i32()?)
            };
            Ok(RawEdit {
                duration,
                media_time,
                rate: fields.i32()?,
            })
        })
        .collect()
}

/// Refuses media data that lie in another file. QuickTime's `alis` references are read as references to the file itself,
/// as every reader does: cameras write them so.
fn check_references(dinf: &Mp4Box, track: u32) -> Result<(), Error> {
    let Some(dref) = dinf.children().find(b"dref")? else {
        return Ok(());
    };
    for entry in dref.children_after(8) {
        let entry = entry?;
        let (_, flags, fields) = entry.full()?;
        if entry.kind == b"url " && flags & 1 == 0 && fields.remaining() > 1 {
            return Err(Error::UnsupportedFeature {
                input: 0,
                feature: format!("track {track}, whose media data lie in another file,"),
                advice: "export the film as a self-contained file",
            });
        }
    }
    Ok(())
}
