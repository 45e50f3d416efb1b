//! Makes gaps of the segments that may not be seen.

use super::Blackout;
use crate::error::RewriteError;
use crate::media::byte_range::{OpenParts, OpenRanges, write_closed, write_closed_part};
use crate::media::segments::{Piece, Segment, SegmentReader, Tag, duration, newline, tag};
use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::lines;
use crate::playlist::rewriter::Stage;

/// What stands for the URI of a segment that is not to be seen. A gap is never fetched.
const GONE: &[u8] = b"blackout";

/// A playlist without dates is held up to this many bytes; then it passes.
const MAX_WAITING: usize = 1024 * 1024;

/// Makes gaps in one media playlist.
#[derive(Debug)]
pub struct BlackoutStage {
    reader: SegmentReader,
    gaps: Gaps,
}

#[derive(Debug)]
struct Gaps {
    /// From and to, in milliseconds.
    windows: Vec<(i64, i64)>,
    date: Option<f64>,
    end: &'static [u8],
    /// The last segment was in a window.
    dark: bool,
    ranges: OpenRanges,
    parts: OpenParts,
    /// The part before the one at hand was left out.
    part_gone: bool,
    /// Segments in front of the first date.
    waiting: Vec<Segment>,
    waiting_bytes: usize,
    dated: bool,
}

impl BlackoutStage {
    /// A stage for the blackouts that hold.
    pub fn new(blackouts: &[&Blackout]) -> Self {
        let windows = blackouts
            .iter()
            .map(|blackout| (blackout.start, blackout.end))
            .collect();
        Self {
            reader: SegmentReader::default(),
            gaps: Gaps {
                windows,
                date: None,
                end: b"\n",
                dark: false,
                ranges: OpenRanges::default(),
                parts: OpenParts::default(),
                part_gone: false,
                waiting: Vec::new(),
                waiting_bytes: 0,
                dated: false,
            },
        }
    }
}

impl Stage for BlackoutStage {
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let gaps = &mut self.gaps;
        self.reader.lines(block, |piece| {
            gaps.piece(piece, out);
            Ok(())
        })
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let gaps = &mut self.gaps;
        self.reader.finish(|piece| {
            gaps.piece(piece, out);
            Ok(())
        })?;
        gaps.release(None, out);
        // The parts of a segment that is not complete yet belong to the time after the last one. After one that is not shown
        // none is, as the segment will not be.
        let mut dark = gaps.is_dark(0.0);
        for line in lines(&self.reader.rest) {
            match tag(line) {
                Tag::Known(b"EXT-X-PART", value) => {
                    let seconds = AttributeList::find(value, "DURATION").map_or(0.0, duration);
                    dark |= gaps.is_dark(seconds);
                    gaps.write_part(line, value, !dark, out);
                    gaps.date = gaps.date.map(|date| date + seconds * 1000.0);
                    continue;
                }
                Tag::Known(b"EXT-X-PRELOAD-HINT" | b"EXT-X-PREFETCH", _) => {
                    dark |= gaps.is_dark(0.0);
                    if dark {
                        continue;
                    }
                }
                _ => {}
            }
            out.extend_from_slice(line);
        }
        Ok(())
    }
}

impl Gaps {
    #[allow(clippy::cast_precision_loss)]
    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Opening(opening) => {
                self.end = newline(opening);
                out.extend_from_slice(opening);
            }
            Piece::Segment(segment) if self.dated => self.segment(segment, out),
            Piece::Segment(segment) => self.undated(segment, out),
        }
    }

    /// Segments in front of the first date get theirs from it (section 4.4.4.6): they are held until it comes.
    fn undated(&mut self, segment: &Segment, out: &mut Vec<u8>) {
        self.waiting_bytes += segment.text.len();
        if segment.date.is_none() && self.waiting_bytes <= MAX_WAITING {
            self.waiting.push(segment.clone());
            return;
        }
        let date = segment.date.filter(|_| segment.discontinuities == 0);
        self.release(date, out);
        self.segment(segment, out);
    }

    /// Hands on what was held, whose last segment ends at `date`.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn release(&mut self, date: Option<i64>, out: &mut Vec<u8>) {
        self.dated = true;
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut next = date.map(|date| date as f64);
        for segment in waiting.iter_mut().rev() {
            next = next.map(|date| date - segment.duration * 1000.0);
            // Milliseconds are far inside what an i64 holds.
            segment.date = next.map(|date| date.round() as i64);
            if segment.discontinuities > 0 {
                next = None;
            }
        }
        for segment in &waiting {
            self.segment(segment, out);
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn segment(&mut self, segment: &Segment, out: &mut Vec<u8>) {
        match (segment.date, segment.discontinuities) {
            (Some(date), _) => self.date = Some(date as f64),
            (None, 1..) => self.date = None,
            (None, 0) => {}
        }
        let was_dark = self.dark;
        // Between two dates that are not known, what was dark stays dark.
        self.dark = if self.date.is_some() {
            self.is_dark(segment.duration)
        } else {
            self.dark
        };
        if self.dark {
            self.write_gap(segment, out);
        } else {
            self.write_shown(segment, was_dark, out);
        }
        self.ranges.segment_ends();
        self.date = self.date.map(|date| date + segment.duration * 1000.0);
    }

    /// After a gap an open byte range has nothing before it to go on from.
    fn write_shown(&mut self, segment: &Segment, after_gap: bool, out: &mut Vec<u8>) {
        if segment.byte_range.is_none() && !segment.has_parts {
            out.extend_from_slice(&segment.text);
            return;
        }
        for line in lines(&segment.text) {
            let open = match tag(line) {
                Tag::Known(b"EXT-X-BYTERANGE", value) => self.ranges.range(value),
                Tag::Known(b"EXT-X-PART", value) => {
                    self.write_part(line, value, true, out);
                    continue;
                }
                _ => None,
            };
            match open.filter(|_| after_gap) {
                Some(offset) => write_closed(line, offset, out),
                None => out.extend_from_slice(line),
            }
        }
    }

    /// A part, if it is shown; with the offset of its range when the part before is not.
    fn write_part(&mut self, line: &[u8], value: &[u8], shown: bool, out: &mut Vec<u8>) {
        let open = self.parts.part(value);
        let gone = std::mem::replace(&mut self.part_gone, !shown);
        match open.filter(|_| gone) {
            _ if !shown => {}
            Some(offset) => write_closed_part(line, offset, out),
            None => out.extend_from_slice(line),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn is_dark(&self, duration: f64) -> bool {
        let Some(from) = self.date else {
            return self.dark;
        };
        // A millisecond of overlap is rounding.
        let to = from + (duration * 1000.0 - 1.0).max(0.0);
        self.windows
            .iter()
            .any(|(start, end)| to >= *start as f64 && from < *end as f64 - 1.0)
    }

    fn write_gap(&mut self, segment: &Segment, out: &mut Vec<u8>) {
        for line in lines(&segment.text) {
            match tag(line) {
                Tag::Known(b"EXT-X-BYTERANGE", value) => drop(self.ranges.range(value)),
                Tag::Known(b"EXT-X-PART", value) => self.write_part(line, value, false, out),
                Tag::Known(b"EXT-X-PREFETCH" | b"EXT-X-GAP", _) => {}
                Tag::Uri(_) => {
                    for text in [&b"#EXT-X-GAP"[..], GONE] {
                        out.extend_from_slice(text);
                        out.extend_from_slice(self.end);
                    }
                }
                _ => out.extend_from_slice(line),
            }
        }
    }
}
