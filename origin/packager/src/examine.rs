//! Looks into the media data of an input whose index has been read, for what the index does not say.

use std::sync::Arc;

use bytes::Bytes;

use crate::captions::{CaptionScan, Heard};
use crate::chapters::{self, ChapterTitle, Mark};
use crate::found::Wanted;
use crate::mp4::{Movie, Trak};
use crate::open_gop_scan::{OpenGopScan, Opened};
use crate::sidecar::Source;
use crate::slice_scan::{Counted, SliceScan};
use crate::sync_scan::{Looked, SyncScan};
use crate::text::{Embedded, Read, Syntax, TextScan};
use crate::{ByteRange, Error, Note, Subtitle, timeline};

/// Most bytes of text of one track.
const MOST_TEXT: u64 = 32 << 20;

/// Looks into the tracks of one input, one after the other, once for each question.
#[derive(Debug)]
pub(crate) struct Examination {
    number: usize,
    wanted: Wanted,
    movie: Box<Movie>,
    source: Source,
    question: Question,
    track: usize,
    scan: Option<Scan>,
}

/// What is asked of a track, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// At which samples decoding can start.
    Sync,
    /// Whether pictures refer over keyframes.
    Open,
    /// How many slices pictures have.
    Slices,
    /// Which channels of captions there are.
    Captions,
    /// What is written in it.
    Text,
}

#[derive(Debug)]
enum Scan {
    Sync(Box<SyncScan>),
    Open(Box<OpenGopScan>),
    Slices(Box<SliceScan>),
    Captions(Box<CaptionScan>),
    Text(Box<TextScan>),
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Examined {
    Need(ByteRange),
    Done(Box<Movie>, Box<Source>),
}

impl Examination {
    /// Looks into the tracks of `movie`, of input `number`.
    pub(crate) fn new(number: usize, wanted: Wanted, movie: Movie, source: Source) -> Self {
        Self {
            number,
            wanted,
            movie: Box::new(movie),
            source,
            question: Question::Sync,
            track: 0,
            scan: None,
        }
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        match &mut self.scan {
            Some(Scan::Sync(scan)) => scan.supply(offset, data),
            Some(Scan::Open(scan)) => scan.supply(offset, data),
            Some(Scan::Slices(scan)) => scan.supply(offset, data),
            Some(Scan::Captions(scan)) => scan.supply(offset, data),
            Some(Scan::Text(scan)) => scan.supply(offset, data),
            None => Err(Error::Protocol(format!(
                "{} bytes at {offset} were not asked for",
                data.len()
            ))),
        }
    }

    /// Goes on until bytes are missing or everything is known.
    pub(crate) fn step(&mut self) -> Result<Examined, Error> {
        loop {
            while self.is_asked() && self.track < self.movie.tracks.len() {
                if self.scan.is_none() {
                    self.scan = self.start()?;
                }
                if let Some(range) = self.go_on()? {
                    return Ok(Examined::Need(range));
                }
                self.track += 1;
                self.scan = None;
            }
            self.track = 0;
            self.question = match self.question {
                Question::Sync => Question::Open,
                Question::Open => Question::Slices,
                Question::Slices => Question::Captions,
                Question::Captions => Question::Text,
                Question::Text => {
                    let movie = std::mem::take(&mut self.movie);
                    return Ok(Examined::Done(
                        movie,
                        Box::new(std::mem::take(&mut self.source)),
                    ));
                }
            };
        }
    }

    const fn is_asked(&self) -> bool {
        match self.question {
            Question::Sync => true,
            Question::Open => self.wanted.open,
            Question::Slices => self.wanted.slices,
            Question::Captions => self.wanted.captions,
            Question::Text => self.wanted.texts || self.wanted.chapters,
        }
    }

    /// The scan of the track at hand; `None` when there is nothing to ask of it.
    fn start(&self) -> Result<Option<Scan>, Error> {
        let trak = &self.movie.tracks[self.track];
        if trak.samples.check_count().is_err() {
            // A walk over its samples would not come to an end; the track is refused when its times are read.
            return Ok(None);
        }
        let len = self.source.input_len;
        Ok(match self.question {
            Question::Sync => SyncScan::new(trak, len)?.map(|scan| Scan::Sync(Box::new(scan))),
            Question::Open => OpenGopScan::new(trak, len)?.map(|scan| Scan::Open(Box::new(scan))),
            Question::Slices => SliceScan::new(trak, len)?.map(|scan| Scan::Slices(Box::new(scan))),
            Question::Captions => {
                CaptionScan::new(trak, len)?.map(|scan| Scan::Captions(Box::new(scan)))
            }
            Question::Text => {
                let is_chapters = self.movie.has_chapters_in(trak.id);
                let is_wanted = if is_chapters {
                    self.wanted.chapters
                } else {
                    self.wanted.texts
                };
                let scan = is_wanted
                    .then(|| TextScan::new(trak, len, MOST_TEXT, is_chapters))
                    .flatten();
                scan.map(|scan| Scan::Text(Box::new(scan)))
            }
        })
    }

    /// Goes on with the scan at hand: what it has to read, or `None` when it is done.
    fn go_on(&mut self) -> Result<Option<ByteRange>, Error> {
        if let Some(Scan::Text(scan)) = &mut self.scan {
            if let Read::Need(range) = scan.step(&self.movie.tracks[self.track])? {
                return Ok(Some(range));
            }
            if let Some(Scan::Text(scan)) = self.scan.take() {
                self.finish_text(*scan)?;
            }
            return Ok(None);
        }
        let trak = &mut self.movie.tracks[self.track];
        let found = &mut self.source.found;
        match &mut self.scan {
            None | Some(Scan::Text(_)) => {}
            Some(Scan::Sync(scan)) => match scan.step(&trak.samples)? {
                Looked::Need(range) => return Ok(Some(range)),
                Looked::Done(None) => {}
                Looked::Done(Some(sync)) => {
                    self.source.sync.push((trak.id, sync.clone()));
                    trak.samples.sync = Some(sync);
                    self.movie.notes.push(Note {
                        input: self.number,
                        track: Some(trak.id),
                        message: "the index does not tell keyframes from other pictures; they were looked up in the bitstream"
                            .to_owned(),
                    });
                }
            },
            Some(Scan::Open(scan)) => match scan.step(&trak.samples)? {
                Opened::Need(range) => return Ok(Some(range)),
                Opened::Done { open, cut } => {
                    if open {
                        found.open.push(trak.id);
                    }
                    if cut {
                        found.cut.push(trak.id);
                    }
                }
            },
            Some(Scan::Slices(scan)) => match scan.step(&trak.samples)? {
                Counted::Need(range) => return Ok(Some(range)),
                Counted::Done(most) => self.source.slices.push((trak.id, most)),
            },
            Some(Scan::Captions(scan)) => match scan.step(&trak.samples)? {
                Heard::Need(range) => return Ok(Some(range)),
                Heard::Done(channels) => found.captions.push((trak.id, channels)),
            },
        }
        Ok(None)
    }

    /// Takes in what a text track says.
    fn finish_text(&mut self, scan: TextScan) -> Result<(), Error> {
        let movie = &mut self.movie;
        let trak = &movie.tracks[self.track];
        let samples = Arc::new(trak.samples.clone());
        let (document, forced, broken) = scan.finish(&timeline::Source {
            samples: &samples,
            timescale: trak.timescale,
            movie_timescale: movie.timescale,
            edits: &trak.edits,
            fragmented: movie.fragmented,
            is_video: false,
            input_len: match &trak.carriage {
                Some(carriage) => carriage.addresses(),
                None => self.source.input_len,
            },
            track: trak.id,
        })?;
        if broken > 0 {
            movie.notes.push(Note {
                input: self.number,
                track: Some(trak.id),
                message: format!("{broken} samples of text cannot be read; left out"),
            });
        }
        if movie.has_chapters_in(trak.id) {
            for cue in document.cues {
                let title = ChapterTitle {
                    language: trak.language.clone(),
                    title: cue.text,
                };
                let mark = Mark {
                    start: cue.start,
                    end: Some(cue.end),
                    titles: vec![title],
                };
                chapters::add(&mut self.source.found.chapters, mark);
            }
            return Ok(());
        }
        // A track alone is enabled whether it is to be shown or not; among several the flag tells which one is.
        let is_other = |other: &&Trak| {
            other.id != trak.id && !movie.has_chapters_in(other.id) && Syntax::of(other).is_some()
        };
        let mut others = movie.tracks.iter().filter(is_other);
        let has_role = |role: &str| trak.roles.iter().any(|own| own == role);
        let codec = Syntax::of(trak).map(|(syntax, entry)| syntax.codec(&entry));
        self.source.found.texts.push(Embedded {
            track: trak.id,
            codec: codec.unwrap_or_default(),
            about: Subtitle {
                language: trak.language.clone().unwrap_or_else(|| "und".to_owned()),
                name: trak.name.clone().unwrap_or_default(),
                default: trak.enabled && others.any(|other| !other.enabled),
                forced: forced || has_role("forced-subtitle"),
                hearing_impaired: has_role("caption") || has_role("captions"),
                text: String::new(),
            },
            document,
        });
        Ok(())
    }
}
