//! Playlist delta updates at the edge (RFC 8216bis sections 4.4.5.2 and 6.2.5.1): the origin's full playlist stays one object in
//! the cache, and a player that asks with `_HLS_skip` gets only what is new.

use std::ops::Range;

use crate::error::RewriteError;
use crate::media::in_force::InForce;
use crate::media::segments::{
    Piece, Segment, SegmentReader, Tag, is_of_playlist, newline, number_of, tag, write_opening,
};
use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::lines;
use crate::playlist::rewriter::Stage;

/// A playlist over this size is sent whole, which is always allowed.
const MAX_HELD: usize = 1024 * 1024;

/// `EXT-X-SKIP` needs this version.
const VERSION: f64 = 9.0;

/// Says that delta updates can be had, and makes one when `skip` is set.
#[derive(Debug)]
pub struct DeltaStage {
    skip: bool,
    reader: SegmentReader,
    held: Held,
}

#[derive(Debug, Default)]
struct Held {
    opening: Vec<u8>,
    segments: Vec<(Vec<u8>, f64)>,
    size: usize,
    opened: bool,
    /// Nothing is held: the playlist goes out as it comes.
    whole: bool,
}

impl DeltaStage {
    /// A stage for one playlist.
    pub fn new(skip: bool) -> Self {
        Self {
            skip,
            reader: SegmentReader::default(),
            held: Held {
                whole: !skip,
                ..Held::default()
            },
        }
    }
}

impl Stage for DeltaStage {
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let held = &mut self.held;
        self.reader.lines(block, |piece| {
            held.piece(piece, out);
            Ok(())
        })
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let held = &mut self.held;
        self.reader.finish(|piece| {
            held.piece(piece, out);
            Ok(())
        })?;
        if self.skip {
            held.write_delta(&self.reader.rest, out);
        }
        out.append(&mut self.reader.rest);
        Ok(())
    }
}

impl Held {
    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Opening(opening) => {
                self.opening = opening.to_vec();
                if self.whole {
                    self.open(None, out);
                }
            }
            Piece::Segment(segment) if self.whole => out.extend_from_slice(&segment.text),
            Piece::Segment(segment) => {
                self.size += segment.text.len();
                self.segments
                    .push((segment.text.clone(), duration(segment)));
                if self.size > MAX_HELD {
                    self.flush(out);
                }
            }
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        self.whole = true;
        self.open(None, out);
        for (text, _) in self.segments.drain(..) {
            out.extend_from_slice(&text);
        }
    }

    /// The skip boundary in seconds: the origin's, or six target durations, the least that is allowed (section 4.4.3.8).
    fn boundary(&self) -> Option<f64> {
        let own = lines(&self.opening).find_map(|line| match tag(line) {
            Tag::Known(b"EXT-X-SERVER-CONTROL", value) => {
                AttributeList::find(value, "CAN-SKIP-UNTIL")
            }
            _ => None,
        });
        if let Some(own) = own {
            return std::str::from_utf8(own).ok()?.parse().ok();
        }
        number_of(&self.opening, b"EXT-X-TARGETDURATION").map(|target| target * 6.0)
    }

    /// True for a playlist that players load again: media, with a target, neither VOD nor a delta already.
    fn is_live(&self) -> bool {
        let has = |name: &[u8], wanted: &[u8]| {
            lines(&self.opening).any(|line| matches!(tag(line), Tag::Known(known, value) if known == name && (wanted.is_empty() || value == wanted)))
        };
        has(b"EXT-X-TARGETDURATION", b"")
            && !has(b"EXT-X-PLAYLIST-TYPE", b"VOD")
            && !has(b"EXT-X-SKIP", b"")
            && !has(b"EXT-X-ENDLIST", b"")
    }

    /// Writes the opening; `skipped` segments make it a delta update.
    fn open(&mut self, skipped: Option<usize>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.opened, true) {
            return;
        }
        let Some(boundary) = self.boundary().filter(|_| self.is_live()) else {
            out.extend_from_slice(&self.opening);
            return;
        };
        let there = |name: &[u8]| {
            lines(&self.opening)
                .any(|line| matches!(tag(line), Tag::Known(known, _) if known == name))
        };
        let mut add = Vec::new();
        if skipped.is_some() && !there(b"EXT-X-VERSION") {
            add.push(format!("#EXT-X-VERSION:{VERSION}"));
        }
        if !there(b"EXT-X-SERVER-CONTROL") {
            add.push(format!("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL={boundary}"));
        }
        write_opening(
            &self.opening,
            |name, value| match name {
                b"EXT-X-VERSION" if skipped.is_some() => {
                    let version = std::str::from_utf8(value)
                        .ok()
                        .and_then(|text| text.trim().parse().ok())
                        .unwrap_or(1.0);
                    Some(Some(format!("#EXT-X-VERSION:{}", VERSION.max(version))))
                }
                b"EXT-X-SERVER-CONTROL"
                    if AttributeList::find(value, "CAN-SKIP-UNTIL").is_none() =>
                {
                    let separator = if value.is_empty() { "" } else { "," };
                    let value = String::from_utf8_lossy(value);
                    Some(Some(format!(
                        "#EXT-X-SERVER-CONTROL:{value}{separator}CAN-SKIP-UNTIL={boundary}"
                    )))
                }
                _ => None,
            },
            &add,
            out,
        );
    }

    fn write_delta(&mut self, rest: &[u8], out: &mut Vec<u8>) {
        if self.whole {
            return;
        }
        // The end may be said anywhere (section 4.4.3.4).
        let texts = self.segments.iter().map(|(text, _)| text.as_slice());
        let ended = texts
            .chain([rest])
            .flat_map(lines)
            .any(|line| matches!(tag(line), Tag::Known(b"EXT-X-ENDLIST", _)));
        let skipped = match self.boundary() {
            Some(boundary) if self.is_live() && !ended => self.skippable(boundary, rest),
            _ => 0,
        };
        if skipped == 0 || !self.keeps_dates(skipped, rest) {
            return self.flush(out);
        }
        self.open(Some(skipped), out);
        let end = newline(&self.opening);
        out.extend_from_slice(format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}").as_bytes());
        out.extend_from_slice(end);
        let mut in_force = InForce::default();
        for (text, _) in &self.segments[..skipped] {
            in_force.update(text);
            // Date ranges and tags of the whole playlist are not segments: a client that does not ask to skip them too must be
            // told all of them.
            for line in lines(text) {
                match tag(line) {
                    Tag::Known(name, _) if name == b"EXT-X-DATERANGE" || is_of_playlist(name) => {
                        out.extend_from_slice(line);
                    }
                    _ => {}
                }
            }
        }
        let kept = &self.segments[skipped..];
        if let Some((first, _)) = kept.first() {
            // The client knows them from before; said again, they help the one that forgot.
            in_force.repeat(first, end, out);
        }
        for (text, _) in kept {
            out.extend_from_slice(text);
        }
    }

    /// False when the update would leave date ranges without the date of a segment that section 4.4.5.1 wants beside them.
    fn keeps_dates(&self, skipped: usize, rest: &[u8]) -> bool {
        let has = |text: &[u8], name: &[u8]| {
            lines(text).any(|line| matches!(tag(line), Tag::Known(known, _) if known == name))
        };
        let texts = |segments: Range<usize>| {
            let segments = self.segments[segments].iter();
            segments.map(|(text, _)| text.as_slice())
        };
        let dated = |segments: Range<usize>| {
            texts(segments).any(|text| has(text, b"EXT-X-PROGRAM-DATE-TIME"))
        };
        let count = self.segments.len();
        let mut all = texts(0..count).chain([self.opening.as_slice(), rest]);
        !all.any(|text| has(text, b"EXT-X-DATERANGE"))
            || !dated(0..skipped)
            || dated(skipped..count)
    }

    /// How many segments end further from the playlist's end than the boundary.
    fn skippable(&self, boundary: f64, rest: &[u8]) -> usize {
        let parts = lines(rest).filter_map(|line| match tag(line) {
            Tag::Known(b"EXT-X-PART", value) => {
                std::str::from_utf8(AttributeList::find(value, "DURATION")?)
                    .ok()?
                    .parse::<f64>()
                    .ok()
            }
            _ => None,
        });
        let mut after: f64 = parts.sum();
        for (index, (_, duration)) in self.segments.iter().enumerate().rev() {
            if after >= boundary {
                return index + 1;
            }
            after += duration;
        }
        0
    }
}

fn duration(segment: &Segment) -> f64 {
    segment.duration
}
