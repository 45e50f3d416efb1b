//! Cuts a part out of a media playlist. What is left plays as it did: numbers, keys, maps, dates and byte ranges that the dropped
//! segments set are carried in (RFC 8216bis sections 4.4.3.2, 4.4.3.3, 4.4.4 and 6.2.2).

mod writing;

use crate::error::RewriteError;
use crate::media::byte_range::{OpenParts, OpenRanges};
use crate::media::clip::{Clip, Point};
use crate::media::in_force::InForce;
use crate::media::segments::{Piece, Segment, SegmentReader, Tag, is_of_playlist, newline, tag};
use crate::playlist::lines::{content, lines, terminator};
use crate::playlist::rewriter::Stage;

/// Date ranges that may still matter, and tags of the whole playlist, are held up to this many bytes.
const MAX_HELD: usize = 64 * 1024;

/// Segment borders closer than this to the end of what may be shown are on it, in seconds.
const NEAR: f64 = 0.001;

/// The same for the borders of a clip, at most half a segment: the borders of sound lie up to a frame (2048 samples at 24 kHz, 85 ms)
/// beside those of the picture. Without this the sound of a clip would begin or end a whole segment away from its picture.
const FRAME: f64 = 0.1;

/// Cuts one playlist. Lets multivariant playlists through.
#[derive(Debug)]
pub struct ClipStage {
    reader: SegmentReader,
    cut: Cut,
    through: bool,
}

#[derive(Debug)]
struct Cut {
    clip: Clip,
    opening: Vec<u8>,
    end: &'static [u8],
    in_force: InForce,
    /// Seconds of the playlist before the current segment.
    position: f64,
    /// Date of the current segment, in milliseconds.
    date: Option<f64>,
    dropped: u64,
    discontinuities: u64,
    ranges: Vec<u8>,
    /// Tags of the whole playlist among those of segments that are not shown.
    strays: Vec<u8>,
    /// The playlist has said that it ends.
    ends: bool,
    /// The last line that was written has no end: the playlist's last may have none.
    open_line: bool,
    /// `EXT-X-ENDLIST` has been written.
    ended: bool,
    byte_ranges: OpenRanges,
    parts: OpenParts,
    /// The part before the one at hand is not shown.
    part_gone: bool,
    begun: bool,
    /// Nothing more is shown, ever.
    over: bool,
    /// Nothing more is shown for now.
    held_back: bool,
}

impl ClipStage {
    /// A stage for one clip.
    pub fn new(clip: Clip) -> Self {
        Self {
            reader: SegmentReader::default(),
            through: false,
            cut: Cut {
                clip,
                opening: Vec::new(),
                end: b"\n",
                in_force: InForce::default(),
                position: 0.0,
                date: None,
                dropped: 0,
                discontinuities: 0,
                ranges: Vec::new(),
                strays: Vec::new(),
                ends: false,
                open_line: false,
                ended: false,
                byte_ranges: OpenRanges::default(),
                parts: OpenParts::default(),
                part_gone: false,
                begun: false,
                over: false,
                held_back: false,
            },
        }
    }
}

impl Stage for ClipStage {
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.through {
            out.extend_from_slice(block);
            return Ok(());
        }
        let mut at = 0;
        for line in lines(block) {
            if let Tag::Known(
                b"EXT-X-STREAM-INF" | b"EXT-X-MEDIA" | b"EXT-X-I-FRAME-STREAM-INF",
                _,
            ) = tag(line)
            {
                // Multivariant: what was taken in so far is only its opening.
                self.through = true;
                self.reader.finish(|piece| {
                    if let Piece::Opening(opening) = piece {
                        out.extend_from_slice(opening);
                    }
                    Ok(())
                })?;
                out.append(&mut self.reader.rest);
                out.extend_from_slice(&block[at..]);
                return Ok(());
            }
            let cut = &mut self.cut;
            self.reader.lines(line, |piece| cut.piece(piece, out))?;
            at += line.len();
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.through {
            return Ok(());
        }
        let cut = &mut self.cut;
        self.reader.finish(|piece| cut.piece(piece, out))?;
        cut.close(&self.reader.rest, out)
    }
}

impl Cut {
    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        match piece {
            Piece::Opening(opening) => {
                self.end = newline(opening);
                self.opening = opening.to_vec();
                self.ends = says_end(opening);
                self.ended = self.ends && self.clip.not_after.is_none();
            }
            Piece::Segment(segment) => self.segment(segment, out),
        }
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn segment(&mut self, segment: &Segment, out: &mut Vec<u8>) {
        match (segment.date, segment.discontinuities) {
            (Some(date), _) => self.date = Some(date as f64),
            // After a discontinuity the clock may run from anywhere.
            (None, 1..) => self.date = None,
            (None, 0) => {}
        }
        let (from, to) = (self.position, self.position + segment.duration);
        let date = self.date;
        // Distance from the segment's beginning to a point, in seconds; none when its date is not known.
        let until = |point: Point| match point {
            Point::Offset(seconds) => Some(seconds - from),
            Point::Date(millis) => date.map(|date| (millis as f64 - date) / 1000.0),
        };
        let (start, end) = (
            self.clip.start.and_then(until),
            self.clip.end.and_then(until),
        );
        let frame = FRAME.min(segment.duration / 2.0);
        // Of a clip that is no longer than that, something is left all the same.
        let goes_on = end.is_none_or(|end| end > segment.duration + NEAR);
        let at_end = if goes_on { frame } else { NEAR };
        let early = start.is_some_and(|start| start > segment.duration - at_end);
        let at_start = if self.begun { frame } else { NEAR };
        self.over |= end.is_some_and(|end| end < at_start);
        self.held_back |= self
            .clip
            .not_after
            .and_then(|limit| until(Point::Date(limit)))
            .is_some_and(|limit| limit < segment.duration - NEAR);
        self.ends |= segment.has_strays && says_end(&segment.text);
        if early && !self.begun {
            self.dropped += 1;
            self.discontinuities += segment.discontinuities;
            self.hold(&segment.text);
        } else if !self.over && !self.held_back {
            let first = !self.begun;
            if first {
                self.begin(segment, out);
            }
            self.write(segment, first, out);
        } else {
            self.hold(&segment.text);
        }
        self.in_force.update(&segment.text);
        self.position = to;
        self.date = self.date.map(|date| date + segment.duration * 1000.0);
    }

    /// Takes what a segment that is not shown says about more than itself.
    fn hold(&mut self, text: &[u8]) {
        for line in lines(text) {
            match tag(line) {
                Tag::Known(b"EXT-X-DATERANGE", _) if !self.begun => hold(&mut self.ranges, line),
                Tag::Known(b"EXT-X-PART", value) => {
                    self.part_gone = true;
                    self.parts.part(value);
                }
                Tag::Known(b"EXT-X-BYTERANGE", value) => drop(self.byte_ranges.range(value)),
                Tag::Known(name, _) if is_of_playlist(name) => hold(&mut self.strays, line),
                _ => {}
            }
        }
        self.byte_ranges.segment_ends();
    }

    /// What comes after the last segment.
    fn close(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if !self.begun {
            let empty = self.dropped == 0 && !self.over && !self.held_back;
            if !empty && !self.held_back {
                return Err(RewriteError::ClipEmpty);
            }
            // A programme that has not begun for this viewer: an empty live playlist.
            self.write_opening(out);
        }
        if self.over {
            self.hold(rest);
            self.write_strays(out);
            self.write_end(out);
            return Ok(());
        }
        self.write_strays(out);
        if !self.held_back {
            for line in lines(rest) {
                match tag(line) {
                    Tag::Known(b"EXT-X-PART", value) => self.write_part(line, value, out),
                    _ => out.extend_from_slice(line),
                }
            }
            self.ended |= says_end(rest);
            self.open_line |= !rest.is_empty() && terminator(rest).is_empty();
            if self.ends {
                self.write_end(out);
            }
            return Ok(());
        }
        // Parts, hints and the end are of a time that is not shown yet.
        for line in lines(rest) {
            let later = matches!(
                tag(line),
                Tag::Known(
                    b"EXT-X-ENDLIST"
                        | b"EXT-X-PART"
                        | b"EXT-X-PRELOAD-HINT"
                        | b"EXT-X-RENDITION-REPORT",
                    _
                )
            );
            if !later && !content(line).is_empty() {
                out.extend_from_slice(line);
            }
        }
        Ok(())
    }
}

/// Holds a line while there is room.
fn hold(held: &mut Vec<u8>, line: &[u8]) {
    if held.len() + line.len() <= MAX_HELD {
        held.extend_from_slice(line);
        if terminator(line).is_empty() {
            held.push(b'\n');
        }
    }
}

fn says_end(text: &[u8]) -> bool {
    lines(text).any(|line| matches!(tag(line), Tag::Known(b"EXT-X-ENDLIST", _)))
}
