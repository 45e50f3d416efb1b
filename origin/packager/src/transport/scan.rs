//! Reads a file from its start to its end and makes its index.

use bytes::Bytes;

use super::clock::Clock;
use super::packets::walk;
use super::streams::{CLOCK, Reader};
use super::tables::{Coding, Section, Stream, map_pid, streams};
use crate::fetch::expect_read;
use crate::import::movie_box;
use crate::mp4::{RawIndex, Scanned};
use crate::{ByteRange, Error, Note};

/// Bytes read at once.
const READ: u64 = 1 << 20;

/// Most streams of later maps that are noted.
const MOST_LATER: usize = 16;

/// Reads a file.
#[derive(Debug)]
pub(crate) struct Scan {
    input_len: u64,
    limit: u64,
    packet: u8,
    at: u64,
    asked: Option<ByteRange>,
    /// Bytes of a packet that goes on in the next read.
    rest: Vec<u8>,
    association: Section,
    map: Section,
    map_pid: Option<u16>,
    clock: Clock,
    readers: Vec<Reader>,
    others: Vec<u8>,
    /// Streams that only later maps have.
    later: Vec<Stream>,
}

impl Scan {
    /// Reads a file of `input_len` bytes with packets of `packet` bytes, whose index may take `limit` bytes.
    pub(crate) fn new(input_len: u64, packet: u8, limit: u64) -> Self {
        Self {
            input_len,
            limit,
            packet,
            at: 0,
            asked: None,
            rest: Vec::new(),
            association: Section::default(),
            map: Section::default(),
            map_pid: None,
            clock: Clock::new(),
            readers: Vec::new(),
            others: Vec::new(),
            later: Vec::new(),
        }
    }

    /// Goes on until bytes are missing or the index is complete.
    pub(crate) fn step(&mut self) -> Result<Scanned, Error> {
        if self.at >= self.input_len {
            return self.finish();
        }
        let range = ByteRange {
            start: self.at,
            end: self.input_len.min(self.at + READ),
        };
        self.asked = Some(range);
        Ok(Scanned::Need(range))
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: &Bytes) -> Result<(), Error> {
        expect_read(self.asked.take(), offset, data)?;
        let mut buffer = std::mem::take(&mut self.rest);
        let base = offset - buffer.len() as u64;
        buffer.extend_from_slice(data);
        let mut failed = None;
        let len = usize::from(self.packet);
        let used = walk(&buffer, len, |place, packet| {
            if failed.is_none() {
                failed = self.packet(&packet, base + place as u64).err();
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        self.rest = buffer.split_off(used);
        self.at += data.len() as u64;
        let size: u64 = self.readers.iter().map(Reader::index_len).sum();
        if size > self.limit {
            return Err(Error::IndexTooLarge {
                input: 0,
                size,
                limit: self.limit,
            });
        }
        Ok(())
    }

    fn packet(&mut self, packet: &super::packets::Packet<'_>, place: u64) -> Result<(), Error> {
        if packet.pid == 0 {
            if let Some((0, content)) = self.association.packet(packet.starts, packet.payload)
                && self.map_pid.is_none()
            {
                self.map_pid = map_pid(&content);
            }
            return Ok(());
        }
        if Some(packet.pid) == self.map_pid {
            if let Some((2, content)) = self.map.packet(packet.starts, packet.payload)
                && let Some((found, others)) = streams(&content)
            {
                if !self.readers.is_empty() {
                    self.compare(&found);
                    return Ok(());
                }
                let packet = self.packet;
                self.readers = found
                    .into_iter()
                    .map(|stream| Reader::new(stream, packet))
                    .collect();
                self.others = others;
            }
            return Ok(());
        }
        match self
            .readers
            .iter_mut()
            .find(|reader| reader.stream.pid == packet.pid)
        {
            Some(reader) => reader.packet(packet, place, &mut self.clock),
            None => Ok(()),
        }
    }

    /// Looks at a later map: streams that the first one does not have cannot become tracks, since they start in the middle.
    fn compare(&mut self, found: &[Stream]) {
        for stream in found {
            let is_same = |known: &Stream| known.pid == stream.pid && known.coding == stream.coding;
            let is_known = self.readers.iter().any(|reader| is_same(&reader.stream))
                || self.later.iter().any(is_same);
            if !is_known && self.later.len() < MOST_LATER {
                self.later.push(stream.clone());
            }
        }
    }

    fn finish(&mut self) -> Result<Scanned, Error> {
        let mut notes = Vec::new();
        let mut note = |message: String| {
            notes.push(Note {
                input: 0,
                track: None,
                message,
            });
        };
        if self.clock.jumps() > 0 {
            note(format!(
                "the clock of the stream jumps {} times; what follows was put after what came before",
                self.clock.jumps()
            ));
        }
        for kind in std::mem::take(&mut self.others) {
            note(format!(
                "a stream of type {kind:#04x} carries no pictures or sound that is known; left out"
            ));
        }
        for stream in std::mem::take(&mut self.later) {
            note(format!(
                "the programme changes: stream {:#x} comes, or changes its codec, after the start; what it holds from there on is left out or \
                 cannot be decoded. Cut the recording where the programme changes",
                stream.pid
            ));
        }
        let mut found = Vec::new();
        for reader in std::mem::take(&mut self.readers) {
            if let Coding::Other(is_video, name) = reader.stream.coding {
                return Err(Error::UnsupportedCodec {
                    input: 0,
                    track: u32::from(reader.stream.pid),
                    kind: if is_video { "video" } else { "audio" },
                    codec: name.to_owned(),
                    format: "HLS",
                    advice: "transcode the track with a profile other than `copy`",
                });
            }
            found.extend(reader.finish(self.input_len, &mut notes)?);
        }
        let Some(base) = found.iter().map(|stream| stream.first).min() else {
            return Err(Error::Missing {
                input: 0,
                what: "stream with pictures or sound",
                length: self.input_len,
                advice: "the recording holds no programme, or was cut off; upload it again",
            });
        };
        let (mut tracks, mut carriages, mut packed) = (Vec::new(), Vec::new(), Vec::new());
        for mut done in found {
            done.track.timing.start = done.first - base;
            carriages.push((done.track.id, done.carriage));
            packed.push((done.track.id, done.samples));
            tracks.push(done.track);
        }
        Ok(Scanned::Done(Box::new(RawIndex {
            index_first: false,
            notes,
            carriages,
            packed,
            ..RawIndex::of_boxes(movie_box(&tracks, CLOCK), Vec::new())
        })))
    }
}
