//! What a cut playlist says: its opening with the numbers raised, what is carried in, and the segments that are left.

use super::Cut;
use crate::media::byte_range::{write_closed, write_closed_part};
use crate::media::segments::{Segment, Tag, is_of_playlist, number_of, tag, write_opening};
use crate::playlist::attributes::AttributeList;
use crate::playlist::datetime;
use crate::playlist::lines::{lines, terminator};

impl Cut {
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn begin(&mut self, segment: &Segment, out: &mut Vec<u8>) {
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
        self.write_strays(out);
    }

    /// They hold for the segments that are shown as well.
    pub(super) fn write_strays(&mut self, out: &mut Vec<u8>) {
        let strays = std::mem::take(&mut self.strays);
        for line in lines(&strays) {
            self.write_of_playlist(line, out);
        }
    }

    /// A tag of the whole playlist that stands among the segments.
    fn write_of_playlist(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let Tag::Known(name, value) = tag(line) else {
            return;
        };
        if !self.is_void(name, value) {
            self.ended |= name == b"EXT-X-ENDLIST";
            out.extend_from_slice(line);
        }
    }

    /// True for a tag that does not hold of what is left. A start was about the whole programme. A late view has no live edge (a
    /// server that blocks until it moves would answer at once, again and again), and its end and type are not known yet.
    fn is_void(&self, name: &[u8], value: &[u8]) -> bool {
        let late = self.clip.not_after.is_some();
        match name {
            b"EXT-X-START" => true,
            b"EXT-X-SERVER-CONTROL" | b"EXT-X-PART-INF" => late,
            b"EXT-X-PLAYLIST-TYPE" => late && value == b"VOD",
            // Written at the end, when it is known whether everything is shown.
            b"EXT-X-ENDLIST" => late,
            _ => false,
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn write_opening(&self, out: &mut Vec<u8>) {
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
            |name, value| {
                if self.is_void(name, value) {
                    return Some(None);
                }
                let (_, raised) = names.iter().find(|(known, _)| *known == name)?;
                raised.map(|(_, number)| Some(line(name, number)))
            },
            &missing,
            out,
        );
    }

    /// Ranges that go on from those of segments that are gone (in front of the `first`) say where they begin.
    pub(super) fn write(&mut self, segment: &Segment, first: bool, out: &mut Vec<u8>) {
        let late = self.clip.not_after.is_some();
        self.open_line = terminator(&segment.text).is_empty();
        let parts_change = segment.has_parts && (late || self.part_gone);
        if !first && !segment.has_strays && !parts_change {
            out.extend_from_slice(&segment.text);
            return;
        }
        for line in lines(&segment.text) {
            match tag(line) {
                Tag::Known(b"EXT-X-PART", _) if late => {}
                Tag::Known(b"EXT-X-PART", value) => self.write_part(line, value, out),
                Tag::Known(b"EXT-X-BYTERANGE", value) => {
                    match self.byte_ranges.range(value).filter(|_| first) {
                        Some(offset) => write_closed(line, offset, out),
                        None => out.extend_from_slice(line),
                    }
                }
                Tag::Known(name, _) if is_of_playlist(name) => {
                    self.write_of_playlist(line, out);
                }
                _ => out.extend_from_slice(line),
            }
        }
    }

    pub(super) fn write_part(&mut self, line: &[u8], value: &[u8], out: &mut Vec<u8>) {
        let open = self.parts.part(value);
        let gone = std::mem::take(&mut self.part_gone);
        match open.filter(|_| gone) {
            Some(offset) => write_closed_part(line, offset, out),
            None => out.extend_from_slice(line),
        }
    }

    pub(super) fn write_end(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.ended, true) {
            if self.open_line {
                out.extend_from_slice(self.end);
            }
            out.extend_from_slice(b"#EXT-X-ENDLIST");
            out.extend_from_slice(self.end);
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
}
