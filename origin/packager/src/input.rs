//! Opens one input: finds its index, reads its tracks.

use bytes::Bytes;

use crate::examine::{Examination, Examined};
use crate::found::Wanted;
use crate::matroska::{self, is_matroska};
use crate::mp4::{Movie, RawIndex, Scan, Scanned, Trak};
use crate::presentation::{Presentation, TrackInfo, TrackKind};
use crate::sidecar::Source;
use crate::text::Syntax;
use crate::track::{self, Context, Opened, Track};
use crate::transport::{self, packet_len};
use crate::{ByteRange, Error, Note, chapters};

/// An input that has been opened.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) tracks: Vec<Track>,
    /// The first track that cannot be packaged.
    pub(crate) refused: Option<Error>,
    pub(crate) presentation: Presentation,
    pub(crate) notes: Vec<Note>,
    /// What the input was read from.
    pub(crate) source: Source,
}

/// Opens one input step by step.
#[derive(Debug)]
pub(crate) struct Opening {
    number: usize,
    input_len: u64,
    limit: u64,
    wanted: Wanted,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Looking for the index.
    Index(Box<Scan>),
    /// Making the index of a Matroska file.
    Matroska(Box<matroska::Scan>),
    /// Making the index of a transport stream.
    Transport(Box<transport::Scan>),
    /// Looking into the media data.
    Examine(Box<Examination>),
    Done,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum OpeningStep {
    Need(ByteRange),
    Done(Box<Input>),
}

impl Opening {
    /// Starts on input `number` of `input_len` bytes, whose index may take `limit` bytes.
    pub(crate) fn new(number: usize, input_len: u64, limit: u64, wanted: Wanted) -> Self {
        Self {
            number,
            input_len,
            limit,
            wanted,
            phase: Phase::Index(Box::new(Scan::new(input_len, limit))),
        }
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        match &mut self.phase {
            Phase::Index(_) if offset == 0 && is_matroska(&data) => {
                let scan = matroska::Scan::new(self.input_len, self.limit);
                self.phase = Phase::Matroska(Box::new(scan));
                Ok(())
            }
            Phase::Index(_)
                if offset == 0
                    && let Some(packet) = packet_len(&data) =>
            {
                let scan = transport::Scan::new(self.input_len, packet, self.limit);
                self.phase = Phase::Transport(Box::new(scan));
                Ok(())
            }
            Phase::Index(scan) => scan.supply(offset, data),
            Phase::Matroska(scan) => scan.supply(offset, data),
            Phase::Transport(scan) => scan.supply(offset, &data),
            Phase::Examine(examination) => examination.supply(offset, data),
            _ => Err(Error::Protocol(format!(
                "{} bytes at {offset} were not asked for",
                data.len()
            ))),
        }
    }

    /// Goes on until bytes are missing or the input is open.
    pub(crate) fn step(&mut self) -> Result<OpeningStep, Error> {
        self.advance().map_err(|error| error.in_input(self.number))
    }

    fn advance(&mut self) -> Result<OpeningStep, Error> {
        loop {
            let scanned = match &mut self.phase {
                Phase::Index(scan) => scan.step()?,
                Phase::Matroska(scan) => scan.step()?,
                Phase::Transport(scan) => scan.step()?,
                Phase::Examine(examination) => match examination.step()? {
                    Examined::Need(range) => return Ok(OpeningStep::Need(range)),
                    Examined::Done(movie, source) => {
                        self.phase = Phase::Done;
                        let input = describe(self.number, *movie, *source)?;
                        return Ok(OpeningStep::Done(Box::new(input)));
                    }
                },
                Phase::Done => return Err(Error::Protocol("the input is open already".to_owned())),
            };
            let raw = match scanned {
                Scanned::Need(range) => return Ok(OpeningStep::Need(range)),
                Scanned::Done(raw) => raw,
            };
            let source = Source::of(self.input_len, &raw);
            let movie = Movie::parse(*raw)?;
            let examination = Examination::new(self.number, self.wanted, movie, source);
            self.phase = Phase::Examine(Box::new(examination));
        }
    }
}

/// Reads the tracks of input `number`.
fn describe(number: usize, mut movie: Movie, source: Source) -> Result<Input, Error> {
    let context = Context {
        input: number,
        input_len: source.input_len,
        movie_timescale: movie.timescale,
        fragmented: movie.fragmented,
    };
    let mut input = Input {
        tracks: Vec::new(),
        refused: None,
        presentation: Presentation {
            size: source.input_len,
            index_first: source.index_first,
            fragmented: movie.fragmented,
            ..Presentation::default()
        },
        notes: std::mem::take(&mut movie.notes),
        source,
    };
    input.notes.iter_mut().for_each(|note| note.input = number);
    let mut infos: Vec<TrackInfo> = Vec::new();
    input
        .source
        .timelines
        .resize_with(movie.tracks.len(), || None);
    for (at, trak) in movie.tracks.iter().enumerate() {
        if movie.has_chapters_in(trak.id) {
            if Syntax::of(trak).is_some() {
                // It is read apart.
                continue;
            }
            input.notes.push(Note {
                input: number,
                track: Some(trak.id),
                message: "the track holds chapters; left out".to_owned(),
            });
            continue;
        }
        let timeline = &mut input.source.timelines[at];
        match track::open(trak, context, timeline, &mut input.notes)? {
            Opened::Empty => {}
            Opened::Text(info) => infos.push(*info),
            Opened::Ready(mut track) => {
                let counted = input.source.slices.iter().find(|(id, _)| *id == trak.id);
                track.slices = counted.map(|(_, most)| *most);
                track.independent = !input.source.found.open.contains(&trak.id);
                track.cut = input.source.found.cut.contains(&trak.id);
                if !track.independent {
                    input.notes.push(Note {
                        input: number,
                        track: Some(trak.id),
                        message: "pictures refer over keyframes (open groups of pictures), so segments are not independent of each other, \
                                  and players may show less after a seek; encode with closed groups of pictures"
                            .to_owned(),
                    });
                }
                track.info.captions = input.source.found.captions_of(trak.id);
                infos.push(track.info.clone());
                input.tracks.push(*track);
            }
            Opened::Unsupported {
                info,
                codec,
                advice,
            } if is_spare(trak, &info, &movie) => {
                input.notes.push(Note {
                    input: number,
                    track: Some(info.id),
                    message: format!("{} codec {codec} is left out; {advice}", info.kind.as_str()),
                });
                infos.push(*info);
            }
            Opened::Unsupported {
                info,
                codec,
                advice,
            } => {
                input.refused.get_or_insert(Error::UnsupportedCodec {
                    input: number,
                    track: info.id,
                    kind: info.kind.as_str(),
                    codec,
                    format: "HLS",
                    advice,
                });
                infos.push(*info);
            }
        }
    }
    if infos.is_empty() {
        return Err(Error::Missing {
            input: number,
            what: "video or audio track with samples",
            length: input.source.input_len,
            advice: "check that the recording was finished before it was uploaded",
        });
    }
    input.presentation.duration = infos
        .iter()
        .map(|info| info.start + info.duration)
        .fold(0.0, f64::max);
    // Text of other containers is no track of the movie that was made of them.
    let found = &input.source.found;
    let apart = found.texts.iter().filter(|text| {
        let mut tracks = movie.tracks.iter();
        tracks.all(|track| track.id != text.track)
    });
    infos.extend(apart.map(|text| text.info(number)));
    input.presentation.tracks = infos;
    let marks = match found.chapters.as_slice() {
        [] => movie.chapters,
        marks => marks.to_vec(),
    };
    input.presentation.chapters = chapters::chapters(marks, input.presentation.duration);
    Ok(input)
}

/// True for a track that a film can do without: text, an auxiliary picture, or a still picture such as a cover.
fn is_spare(trak: &Trak, info: &TrackInfo, movie: &Movie) -> bool {
    let others = movie
        .tracks
        .iter()
        .filter(|other| other.id != trak.id && &other.handler.bytes() != b"text");
    match info.kind {
        TrackKind::Subtitle => true,
        TrackKind::Video => {
            (info.samples <= 1 || &trak.handler.bytes() == b"auxv") && others.count() > 0
        }
        TrackKind::Audio => false,
    }
}

/// Opens input `number` from an index that was read before.
pub(crate) fn from_index(number: usize, raw: RawIndex, source: Source) -> Result<Input, Error> {
    let mut movie = Movie::parse(raw)?;
    for trak in &mut movie.tracks {
        let found = source.sync.iter().find(|(track, _)| *track == trak.id);
        trak.samples.sync = found.map(|(_, words)| words.clone());
    }
    describe(number, movie, source)
}
