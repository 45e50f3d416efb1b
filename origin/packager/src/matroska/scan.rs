//! Walks over a file and makes its index: every block of every cluster, without reading the frames themselves.

use bytes::Bytes;

use super::block::{Block, HEAD, LACED_HEAD, is_laced};
use super::chapters;
use super::ebml::{Header, elements, signed, unsigned};
use super::ids::{
    ADDITIONS, BLOCK, CHAPTERS, CLUSTER, DISCARD, DURATION, EBML, GROUP, INFO, REFERENCE, SEGMENT,
    SIMPLE_BLOCK, TIME, TRACKS,
};
use super::track_entry::TrackEntry;
use super::tracks::{Clock, Found, Track};
use super::walked::Walked;
use crate::chapters::Mark;
use crate::fetch::{Fetch, Fetched};
use crate::mp4::Scanned;
use crate::{ByteRange, Error, Note};

/// Bytes read at once.
const READ_AHEAD: u64 = 256 << 10;
/// Most bytes of the elements that are held in memory.
const MOST: u64 = 16 << 20;

/// Most bytes of what is added to a block of text.
const MOST_ADDITIONS: u64 = 64 << 10;

/// Nanoseconds and microseconds of a second.
const SECOND: u64 = 1_000_000_000;
const MICRO: u32 = 1_000_000;

/// True when `data` starts a Matroska or WebM file.
pub(crate) fn is_matroska(data: &[u8]) -> bool {
    data.starts_with(&EBML.to_be_bytes())
}

/// Walks over a file.
#[derive(Debug)]
pub(crate) struct Scan {
    fetch: Fetch,
    at: u64,
    limit: u64,
    /// Nanoseconds of a tick.
    tick: u64,
    tracks: Vec<Track>,
    cluster_time: i64,
    /// The block of the group at hand, and the bytes of it that were read.
    group: Option<(Found, Bytes)>,
    /// Where the group ends.
    group_end: u64,
    blocks: u64,
    segments: u32,
    chapters: Vec<Mark>,
    notes: Vec<Note>,
}

/// How a part of a step ended.
type Part<T> = Result<T, ByteRange>;

impl Scan {
    /// A walk over a file of `input_len` bytes whose index may take `limit` bytes.
    pub(crate) fn new(input_len: u64, limit: u64) -> Self {
        Self {
            fetch: Fetch::new(input_len),
            at: 0,
            limit,
            tick: 1_000_000,
            tracks: Vec::new(),
            cluster_time: 0,
            group: None,
            group_end: 0,
            blocks: 0,
            segments: 0,
            chapters: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.fetch.supply(offset, data)
    }

    /// Goes on until bytes are missing or the index is complete.
    pub(crate) fn step(&mut self) -> Result<Scanned, Error> {
        loop {
            let left = self.fetch.input_len().saturating_sub(self.at);
            if left == 0 {
                return self.finish();
            }
            let head = match self.read(self.at, left.min(Header::MOST)) {
                Ok(head) => head,
                Err(range) => return Ok(Scanned::Need(range)),
            };
            let Some(header) = Header::parse(&head) else {
                self.note(format!(
                    "what stands at byte {} is no element; read up to there",
                    self.at
                ));
                return self.finish();
            };
            match self.element(header, left)? {
                Ok(true) => {}
                Ok(false) => return self.finish(),
                Err(range) => return Ok(Scanned::Need(range)),
            }
        }
    }

    /// Takes an element in; false at the end of what can be read.
    fn element(&mut self, header: Header, left: u64) -> Result<Part<bool>, Error> {
        let start = self.at + header.len as u64;
        if self.at >= self.group_end {
            self.end_group()?;
        }
        match header.id {
            // These are entered: what they hold comes next.
            SEGMENT => {
                self.segments += 1;
                if self.segments > 1 {
                    self.note(
                        "the file goes on with another segment, which is left out".to_owned(),
                    );
                    return Ok(Ok(false));
                }
                self.at = start;
                return Ok(Ok(true));
            }
            CLUSTER => {
                self.at = start;
                return Ok(Ok(true));
            }
            _ => {}
        }
        let Some(size) = header.size else {
            return Err(Error::malformed(
                format!("element {:x}", header.id),
                self.at,
                "its size is not given",
            ));
        };
        if size > left.saturating_sub(header.len as u64) {
            self.note(format!(
                "the file is cut off: the element at byte {} ends after it; packaged without it",
                self.at
            ));
            return Ok(Ok(false));
        }
        let end = start + size;
        let whole = |scan: &mut Self, most: u64| -> Result<Part<Bytes>, Error> {
            if size > most {
                return Err(Error::IndexTooLarge {
                    input: 0,
                    size,
                    limit: most,
                });
            }
            Ok(scan.read(start, size))
        };
        match header.id {
            GROUP => {
                self.group_end = end;
                self.at = start;
                return Ok(Ok(true));
            }
            INFO | TRACKS => {
                let content = match whole(self, MOST)? {
                    Ok(content) => content,
                    Err(range) => return Ok(Err(range)),
                };
                if header.id == INFO {
                    self.read_info(&content)?;
                } else if self.tracks.is_empty() {
                    let entries = elements(&content).filter(|(id, _)| *id == 0xae);
                    self.tracks = entries
                        .map(|(_, content)| Track::new(TrackEntry::parse(content)))
                        .collect();
                }
            }
            TIME | DURATION | REFERENCE | DISCARD => {
                let content = match whole(self, 8)? {
                    Ok(content) => content,
                    Err(range) => return Ok(Err(range)),
                };
                match (header.id, &mut self.group) {
                    (TIME, _) => {
                        self.cluster_time = i64::try_from(unsigned(&content)).unwrap_or(i64::MAX)
                    }
                    (DURATION, Some((found, ..))) => found.duration = Some(unsigned(&content)),
                    (REFERENCE, Some((found, ..))) => found.keyframe = false,
                    (DISCARD, Some((found, ..))) => found.discard = signed(&content),
                    _ => {}
                }
            }
            CHAPTERS if size <= MOST => match self.read(start, size) {
                Ok(content) => self.chapters = chapters::parse(&content),
                Err(range) => return Ok(Err(range)),
            },
            ADDITIONS if size <= MOST_ADDITIONS && self.is_text() => match self.read(start, size) {
                Ok(content) => self.read_additions(&content),
                Err(range) => return Ok(Err(range)),
            },
            SIMPLE_BLOCK | BLOCK => {
                let (block, head) = match self.read_block(start, size)? {
                    Ok(block) => block,
                    Err(range) => return Ok(Err(range)),
                };
                let simple = header.id == SIMPLE_BLOCK;
                let found = Found {
                    // A block of a group depends on others when the group says so.
                    keyframe: block.keyframe || !simple,
                    block,
                    offset: start,
                    cluster_time: self.cluster_time,
                    discard: 0,
                    duration: None,
                    addition: Vec::new(),
                };
                if simple {
                    self.add(&found, &head)?;
                } else {
                    self.group = Some((found, head));
                }
            }
            _ => {}
        }
        self.at = end;
        Ok(Ok(true))
    }

    /// Reads the head of the block at `start`: its frames, and as much of the first one as its track wants.
    fn read_block(&mut self, start: u64, size: u64) -> Result<Part<(Block, Bytes)>, Error> {
        let broken = || Error::malformed("Block", start, "its frames do not fit into it");
        let mut most = HEAD;
        loop {
            let head = match self.read(start, size.min(most)) {
                Ok(head) => head,
                Err(range) => return Ok(Err(range)),
            };
            if most < LACED_HEAD && is_laced(&head) {
                most = LACED_HEAD;
                continue;
            }
            let block = Block::parse(&head, size).ok_or_else(broken)?;
            let wanted = self.track(block.track).map_or(0, |track| track.wants());
            if wanted > most && (head.len() as u64) < size {
                most = wanted;
                continue;
            }
            return Ok(Ok((block, head)));
        }
    }

    /// Ticks per second: those of the file where they come out even, else microseconds.
    fn timescale(&self) -> u32 {
        let ticks = SECOND / self.tick;
        if SECOND.is_multiple_of(self.tick) {
            u32::try_from(ticks).unwrap_or(MICRO)
        } else {
            MICRO
        }
    }

    fn track(&mut self, number: u64) -> Option<&mut Track> {
        self.tracks
            .iter_mut()
            .find(|track| track.entry.number == number)
    }

    fn add(&mut self, found: &Found, head: &[u8]) -> Result<(), Error> {
        let number = found.block.track;
        let clock = Clock {
            tick: self.tick,
            timescale: self.timescale(),
        };
        if let Some(track) = self.track(number) {
            track.add(found, clock, head)?;
        }
        self.blocks += 1;
        // The sum is not taken for every block.
        if self.blocks.is_multiple_of(1024) {
            self.check_limit()?;
        }
        Ok(())
    }

    fn check_limit(&self) -> Result<(), Error> {
        let size: u64 = self.tracks.iter().map(Track::index_len).sum();
        if size > self.limit {
            return Err(Error::IndexTooLarge {
                input: 0,
                size,
                limit: self.limit,
            });
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), Error> {
        match self.group.take() {
            Some((found, head)) => self.add(&found, &head),
            None => Ok(()),
        }
    }

    /// True when the group at hand is one of text.
    fn is_text(&mut self) -> bool {
        let number = self.group.as_ref().map(|(found, _)| found.block.track);
        number
            .and_then(|number| self.track(number))
            .is_some_and(|track| track.text.is_some())
    }

    /// `BlockAdditions`: the one with the number 1, or without a number, holds settings of cues.
    fn read_additions(&mut self, content: &[u8]) {
        for (_, more) in elements(content).filter(|(id, _)| *id == 0xa6) {
            let number = elements(more).find(|(id, _)| *id == 0xee);
            let data = elements(more).find(|(id, _)| *id == 0xa5);
            if let (Some((found, _)), Some((_, data))) = (&mut self.group, data)
                && number.is_none_or(|(_, number)| unsigned(number) == 1)
            {
                found.addition = data.to_vec();
            }
        }
    }

    fn read_info(&mut self, content: &[u8]) -> Result<(), Error> {
        for (id, content) in elements(content) {
            if id == 0x2a_d7b1 {
                self.tick = unsigned(content);
            }
        }
        // A tick of more than a second or none at all cannot be meant.
        if !(1..=SECOND).contains(&self.tick) {
            return Err(Error::malformed(
                "Info",
                self.at,
                format!("a tick of {} ns", self.tick),
            ));
        }
        Ok(())
    }

    fn read(&mut self, start: u64, len: u64) -> Part<Bytes> {
        let range = ByteRange {
            start,
            end: start + len,
        };
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        match self.fetch.want(range, READ_AHEAD) {
            Fetched::Ready(data) => Ok(data),
            Fetched::Need(range) => Err(range),
        }
    }

    fn note(&mut self, message: String) {
        self.notes.push(Note {
            input: 0,
            track: None,
            message,
        });
    }

    fn finish(&mut self) -> Result<Scanned, Error> {
        self.end_group()?;
        self.check_limit()?;
        self.fetch.clear();
        let walked = Walked {
            input_len: self.fetch.input_len(),
            timescale: self.timescale(),
            tracks: std::mem::take(&mut self.tracks),
            chapters: std::mem::take(&mut self.chapters),
            notes: std::mem::take(&mut self.notes),
        };
        walked.index().map(|index| Scanned::Done(Box::new(index)))
    }
}
