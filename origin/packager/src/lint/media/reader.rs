//! Reads a media segment by the parts that describe it: boxes of an fMP4 segment without its media data, WebVTT and transport streams
//! whole.

mod boxes;

use bytes::Bytes;

use super::fragment::FirstSample;
use super::init::Init;
use super::transport::{PACKET, TransportReader};
use super::webvtt::{is_webvtt, read as read_text};
use super::{Format, MediaProblem, SegmentFacts};
use crate::ByteRange;

/// How much is read at a time: a movie fragment and the start of its media data fit in.
const WINDOW: u64 = 32 << 10;
/// How much of a transport stream is read at a time.
const TRANSPORT_WINDOW: u64 = 1 << 20;
/// Longest movie fragment box in bytes.
const MAX_FRAGMENT: u64 = 8 << 20;
/// Longest text segment in bytes.
const MAX_TEXT: u64 = 8 << 20;
/// Most boxes of a segment.
const MAX_BOXES: usize = 20_000;

/// What a reader wants next.
#[derive(Debug)]
pub(in crate::lint) enum Want {
    /// These bytes of the resource.
    Bytes(ByteRange),
    /// Nothing more.
    Done(Box<SegmentFacts>),
}

/// Reads one segment.
#[derive(Debug)]
pub(in crate::lint) struct SegmentReader {
    start: u64,
    /// One past the last byte, once known.
    end: Option<u64>,
    at: u64,
    buffer: Bytes,
    buffer_start: u64,
    i_frame: bool,
    encrypted: bool,
    boxes: usize,
    /// The first picture, until it has been looked at.
    picture: Option<FirstSample>,
    /// One past the last byte of sample data that fragments point at, and of their first samples.
    data_end: u64,
    first_data_end: u64,
    transport: Option<TransportReader>,
    facts: SegmentFacts,
    finished: bool,
}

impl SegmentReader {
    /// A reader of a segment. `range` is its first byte and length where it is a part of a resource; `i_frame` says that it comes
    /// from an I-frame playlist, `encrypted` that it is encrypted as a whole.
    pub(in crate::lint) fn new(range: Option<(u64, u64)>, i_frame: bool, encrypted: bool) -> Self {
        let start = range.map_or(0, |(start, _)| start);
        Self {
            start,
            end: range.map(|(start, len)| start.saturating_add(len)),
            at: start,
            buffer: Bytes::new(),
            buffer_start: start,
            i_frame,
            encrypted,
            boxes: 0,
            picture: None,
            data_end: 0,
            first_data_end: 0,
            transport: None,
            facts: SegmentFacts {
                bytes: range.map(|(_, len)| len),
                ..SegmentFacts::default()
            },
            finished: false,
        }
    }

    /// Takes bytes that start at `start` in the resource of `total` bytes. `wanted` is what was asked for.
    pub(in crate::lint) fn supply(
        &mut self,
        wanted: ByteRange,
        start: u64,
        body: Bytes,
        total: Option<u64>,
    ) {
        let reached = start.saturating_add(body.len() as u64);
        let known = total.or((reached < wanted.end).then_some(reached));
        if let Some(total) = known {
            let end = *self.end.get_or_insert(total);
            if end > total {
                self.facts.problem(
                    MediaProblem::Truncated,
                    format!("the segment ends at byte {end} but its resource has only {total}"),
                );
                self.end = Some(total.max(self.start));
            }
        }
        self.facts.bytes = self.end.map(|end| end.saturating_sub(self.start));
        self.buffer = body;
        self.buffer_start = start;
        // Nothing came although something must be there: the resource ends here.
        if reached <= wanted.start {
            self.finished = true;
        }
    }

    /// What is wanted next. `init` is the initialization section that applies.
    pub(in crate::lint) fn next(&mut self, init: Option<&Init>) -> Want {
        if self.encrypted {
            self.facts.format = Format::Encrypted;
            return match self.end {
                Some(_) => self.done(),
                None if self.finished => self.done(),
                None => self.want(self.start, 1),
            };
        }
        loop {
            if self.finished || self.end.is_some_and(|end| self.at >= end) {
                return self.done();
            }
            let more = match self.facts.format {
                Format::Unread => self.detect(),
                Format::Mp4 => self.next_box(init),
                Format::WebVtt => self.text(),
                Format::Transport => self.packets(),
                _ => {
                    self.finished = true;
                    None
                }
            };
            if let Some((at, len)) = more {
                return self.want(at, len);
            }
        }
    }

    fn want(&self, at: u64, len: u64) -> Want {
        let end = at.saturating_add(len);
        Want::Bytes(ByteRange {
            start: at,
            end: self.end.map_or(end, |last| end.min(last)),
        })
    }

    fn done(&mut self) -> Want {
        self.finished = true;
        let end = self.end.unwrap_or(self.at);
        if let Some(reader) = self.transport.take() {
            let rest = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX);
            self.facts.transport = Some(reader.finish(rest));
        }
        if self.facts.format == Format::Mp4 {
            if self.facts.fragments == 0 {
                self.facts.problem(
                    MediaProblem::NoFragment,
                    "there is no `moof` box in the segment",
                );
            }
            // Only an I-frame segment may end once its first sample is complete (RFC 8216bis 3.1.2).
            let needed = if self.i_frame {
                self.first_data_end
            } else {
                self.data_end
            };
            if needed > end {
                self.facts.problem(
                    MediaProblem::Truncated,
                    format!("sample data reach to byte {needed} but the segment ends at {end}"),
                );
            }
        }
        Want::Done(Box::new(std::mem::take(&mut self.facts)))
    }

    /// `len` bytes at `at`, or as many as there are before the end of the segment.
    fn view(&self, at: u64, len: u64) -> Option<Bytes> {
        let len = self.end.map_or(len, |end| len.min(end.saturating_sub(at)));
        let from = usize::try_from(at.checked_sub(self.buffer_start)?).ok()?;
        let to = from.checked_add(usize::try_from(len).ok()?)?;
        (to <= self.buffer.len()).then(|| self.buffer.slice(from..to))
    }

    fn detect(&mut self) -> Option<(u64, u64)> {
        let Some(head) = self.view(self.at, 400) else {
            // A resource of unknown length may be shorter than what is looked at.
            let held = self.buffer.len() as u64 + self.buffer_start;
            if held > self.at && self.end.is_none() {
                self.end = Some(held);
                return None;
            }
            return Some((self.at, WINDOW));
        };
        let kind = head.get(4..8);
        self.facts.format = match () {
            () if matches!(
                kind,
                Some(
                    b"styp"
                        | b"moof"
                        | b"ftyp"
                        | b"sidx"
                        | b"emsg"
                        | b"prft"
                        | b"free"
                        | b"mdat"
                        | b"moov"
                        | b"skip"
                        | b"uuid"
                )
            ) =>
            {
                Format::Mp4
            }
            () if is_webvtt(&head) => Format::WebVtt,
            () if head.first() == Some(&0x47)
                && head.get(PACKET).is_none_or(|byte| *byte == 0x47) =>
            {
                Format::Transport
            }
            () if head.starts_with(b"ID3") => Format::PackedAudio,
            () if matches!(*head, [0xff, second, ..] if second & 0xe0 == 0xe0)
                || head.starts_with(&[0x0b, 0x77]) =>
            {
                self.facts.problem(
                    MediaProblem::NoTimestamp,
                    "the segment is packed audio that does not start with an ID3 tag",
                );
                Format::PackedAudio
            }
            () => Format::Unknown,
        };
        if self.facts.format == Format::PackedAudio && head.starts_with(b"ID3") {
            let owner = b"com.apple.streaming.transportStreamTimestamp";
            if !head.windows(owner.len()).any(|window| window == owner) {
                self.facts.problem(
                    MediaProblem::NoTimestamp,
                    "its ID3 tag has no PRIV frame of com.apple.streaming.transportStreamTimestamp",
                );
            }
        }
        None
    }

    fn text(&mut self) -> Option<(u64, u64)> {
        let Some(end) = self.end else {
            self.finished = true;
            return None;
        };
        let len = (end - self.start).min(MAX_TEXT);
        let Some(data) = self.view(self.start, len) else {
            return Some((self.start, len));
        };
        self.facts.text = Some(read_text(&data));
        self.finished = true;
        None
    }

    fn packets(&mut self) -> Option<(u64, u64)> {
        let held = (self.buffer_start + self.buffer.len() as u64).min(self.end.unwrap_or(u64::MAX));
        let available = held.saturating_sub(self.at);
        if available < PACKET as u64 {
            let left = self.end.map_or(u64::MAX, |end| end - self.at);
            if left < PACKET as u64 {
                self.finished = true;
                return None;
            }
            return Some((self.at, TRANSPORT_WINDOW));
        }
        let data = self.view(self.at, available)?;
        let used = self.transport.get_or_insert_default().read(&data);
        self.at += used as u64;
        None
    }
}
