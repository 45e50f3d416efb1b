//! Cuts a part out of a media playlist. What is left plays as it did: numbers, keys, maps, dates and byte ranges that the dropped
//! segments set are carried in (RFC 8216bis sections 4.4.3.2, 4.4.3.3, 4.4.4 and 6.2.2).

use crate::error::RewriteError;
use crate::media::clip::{Clip, Point};
use crate::media::segments::{
    InForce, Piece, Segment, SegmentReader, Tag, newline, number_of, tag, write_opening,
};
use crate::playlist::attributes::AttributeList;
use crate::playlist::datetime;
use crate::playlist::lines::{content, lines};
use crate::playlist::rewriter::Stage;

/// Date ranges that may still matter are held up to this many bytes.
const MAX_RANGES: usize = 64 * 1024;

/// Segment borders closer than this to a cut are on it, in seconds.
const NEAR: f64 = 0.001;

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
    /// Resource and end of the last byte range.
    last_range: Option<(Vec<u8>, u64)>,
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
                last_range: None,
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
        let early = self
            .clip
            .start
            .and_then(until)
            .is_some_and(|start| start > segment.duration - NEAR);
        self.over |= self.clip.end.and_then(until).is_some_and(|end| end < NEAR);
        self.held_back |= self
            .clip
            .not_after
            .and_then(|limit| until(Point::Date(limit)))
            .is_some_and(|limit| limit < segment.duration - NEAR);
        let offset = self.byte_offset(segment);
        if early && !self.begun {
            self.dropped += 1;
            self.discontinuities += segment.discontinuities;
            self.hold_ranges(&segment.text);
        } else if !self.over && !self.held_back {
            if !self.begun {
                self.begin(segment, out);
            }
            self.write(segment, offset, out);
        }
        self.in_force.update(&segment.text);
        self.position = to;
        self.date = self.date.map(|date| date + segment.duration * 1000.0);
    }

    /// The offset of the segment's byte range, when it does not say: the end of the range before it.
    fn byte_offset(&mut self, segment: &Segment) -> Option<u64> {
        let (length, offset) = segment.byte_range?;
        let implied = self
            .last_range
            .as_ref()
            .filter(|(uri, _)| *uri == segment.uri)
            .map(|(_, end)| *end);
        let start = offset.or(implied)?;
        self.last_range = Some((segment.uri.clone(), start.saturating_add(length)));
        Some(start)
    }

    #[allow(clippy::cast_possible_truncation)]
    fn begin(&mut self, segment: &Segment, out: &mut Vec<u8>) {
        self.begun = true;
        self.write_opening(out);
        self.in_force.write(&segment.text, self.end, out);
        if let Some(date) = self
            .date
            .filter(|_| segment.date.is_none() && self.dropped > 0)
        {
            // A date in milliseconds is far inside what an i64 holds.
            let line = format!(
                "#EXT-X-PROGRAM-DATE-TIME:{}",
                datetime::format(date.round() as i64)
            );
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(self.end);
        }
        let ranges = std::mem::take(&mut self.ranges);
        for line in lines(&ranges).filter(|line| self.still_matters(line)) {
            out.extend_from_slice(line);
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn write_opening(&self, out: &mut Vec<u8>) {
        let raised = |name: &[u8], by: u64| {
            let old = number_of(&self.opening, name);
            // Sequence numbers are whole and far below 2^53.
            (by > 0).then(|| (old.is_some(), old.unwrap_or(0.0) as u64 + by))
        };
        type Raised<'a> = (&'a [u8], Option<(bool, u64)>);
        let names: [Raised<'_>; 2] = [
            (
                b"EXT-X-MEDIA-SEQUENCE",
                raised(b"EXT-X-MEDIA-SEQUENCE", self.dropped),
            ),
            (
                b"EXT-X-DISCONTINUITY-SEQUENCE",
                raised(b"EXT-X-DISCONTINUITY-SEQUENCE", self.discontinuities),
            ),
        ];
        let line =
            |name: &[u8], number: u64| format!("#{}:{number}", String::from_utf8_lossy(name));
        let missing: Vec<String> = names
            .iter()
            .filter_map(|(name, raised)| {
                raised
                    .filter(|(there, _)| !there)
                    .map(|(_, number)| line(name, number))
            })
            .collect();
        write_opening(
            &self.opening,
            |name, _| {
                // A start was about the whole programme. A late view has no live edge: a server that blocks until it moves would
                // answer at once, again and again.
                let late = self.clip.not_after.is_some();
                if name == b"EXT-X-START"
                    || (late && matches!(name, b"EXT-X-SERVER-CONTROL" | b"EXT-X-PART-INF"))
                {
                    return Some(None);
                }
                let (_, raised) = names.iter().find(|(known, _)| *known == name)?;
                raised.map(|(_, number)| Some(line(name, number)))
            },
            &missing,
            out,
        );
    }

    fn write(&self, segment: &Segment, offset: Option<u64>, out: &mut Vec<u8>) {
        let late = self.clip.not_after.is_some();
        // The range before this one may be gone: say where it starts.
        let range = segment
            .byte_range
            .zip(offset)
            .and_then(|((length, own), offset)| own.is_none().then_some((length, offset)));
        if !late && range.is_none() {
            out.extend_from_slice(&segment.text);
            return;
        }
        for line in lines(&segment.text) {
            match (tag(line), range) {
                (Tag::Known(b"EXT-X-PART", _), _) if late => {}
                (Tag::Known(b"EXT-X-BYTERANGE", _), Some((length, offset))) => {
                    out.extend_from_slice(format!("#EXT-X-BYTERANGE:{length}@{offset}").as_bytes());
                    out.extend_from_slice(self.end);
                }
                _ => out.extend_from_slice(line),
            }
        }
    }

    fn hold_ranges(&mut self, text: &[u8]) {
        for line in
            lines(text).filter(|line| matches!(tag(line), Tag::Known(b"EXT-X-DATERANGE", _)))
        {
            if self.ranges.len() + line.len() <= MAX_RANGES {
                self.ranges.extend_from_slice(line);
            }
        }
    }

    /// False for a date range that ended before the clip.
    #[allow(clippy::cast_precision_loss)]
    fn still_matters(&self, line: &[u8]) -> bool {
        let Tag::Known(_, value) = tag(line) else {
            return false;
        };
        let field = |name| {
            AttributeList::find(value, name).and_then(|value| std::str::from_utf8(value).ok())
        };
        let seconds = |name| field(name).and_then(|text: &str| text.parse::<f64>().ok());
        let end = field("END-DATE")
            .and_then(datetime::parse)
            .map(|date| date as f64)
            .or_else(|| {
                let start = field("START-DATE").and_then(datetime::parse)? as f64;
                Some(start + seconds("DURATION").or_else(|| seconds("PLANNED-DURATION"))? * 1000.0)
            });
        // Without a date in the playlist a date range means nothing (section 4.4.5.1).
        self.date
            .is_some_and(|date| end.is_none_or(|end| end > date))
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
            out.extend_from_slice(b"#EXT-X-ENDLIST");
            out.extend_from_slice(self.end);
            return Ok(());
        }
        if !self.held_back {
            out.extend_from_slice(rest);
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
