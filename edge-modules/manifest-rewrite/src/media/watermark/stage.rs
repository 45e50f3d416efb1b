//! Names the viewer's variant of each segment.

use super::Mark;
use crate::error::RewriteError;
use crate::media::byte_range::{OpenParts, OpenRanges, write_closed, write_closed_part};
use crate::media::segments::{Tag, tag};
use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::lines;
use crate::playlist::rewriter::Stage;

/// Writes the viewer's variants into one media playlist.
#[derive(Debug)]
pub struct WatermarkStage {
    mark: Mark,
    number: u64,
    ranges: OpenRanges,
    parts: OpenParts,
    /// The segment of the last part.
    part_of: u64,
}

impl WatermarkStage {
    /// A stage for one viewer.
    pub fn new(mark: Mark) -> Self {
        Self {
            mark,
            number: 0,
            ranges: OpenRanges::default(),
            parts: OpenParts::default(),
            part_of: 0,
        }
    }
}

impl WatermarkStage {
    /// A range without an offset goes on in the file of the segment before; where the variant changes, that is another file, and
    /// the offset is written out. Both variants must have the same ranges.
    fn byte_range(&mut self, line: &[u8], value: &[u8], out: &mut Vec<u8>) {
        let changes = self
            .number
            .checked_sub(1)
            .is_some_and(|before| self.mark.bit(before) != self.mark.bit(self.number));
        match self.ranges.range(value).filter(|_| changes) {
            Some(offset) => write_closed(line, offset, out),
            None => out.extend_from_slice(line),
        }
    }

    /// The same for the range of a part, whose file may change with the segment.
    fn part(&mut self, line: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let open = self.parts.part(value);
        let before = std::mem::replace(&mut self.part_of, self.number);
        let offset = open.filter(|_| self.mark.bit(before) != self.mark.bit(self.number))?;
        let mut closed = Vec::with_capacity(line.len() + 16);
        write_closed_part(line, offset, &mut closed);
        Some(closed)
    }
}

impl Stage for WatermarkStage {
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        for line in lines(block) {
            let mut is_segment = false;
            let mut closed = None;
            let marked = match tag(line) {
                Tag::Known(b"EXT-X-MEDIA-SEQUENCE", value) => {
                    self.number = std::str::from_utf8(value)
                        .ok()
                        .and_then(|text| text.trim().parse().ok())
                        .unwrap_or(0);
                    false
                }
                // Numbers that a delta update hides.
                Tag::Known(b"EXT-X-SKIP", value) => {
                    let skipped = AttributeList::find(value, "SKIPPED-SEGMENTS");
                    let skipped =
                        skipped.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
                    self.number = self.number.saturating_add(skipped.unwrap_or(0));
                    false
                }
                // Trick play has its own numbers and would name the other variant.
                Tag::Known(b"EXT-X-I-FRAMES-ONLY", _) => return Err(RewriteError::Refused),
                Tag::Uri(_) => {
                    is_segment = true;
                    true
                }
                Tag::Known(b"EXT-X-BYTERANGE", value) => {
                    self.byte_range(line, value, out);
                    continue;
                }
                Tag::Known(b"EXT-X-PART", value) => {
                    closed = self.part(line, value);
                    true
                }
                Tag::Known(b"EXT-X-PRELOAD-HINT" | b"EXT-X-PREFETCH", _) => true,
                _ => false,
            };
            let line = closed.as_deref().unwrap_or(line);
            let Mark { watermark, .. } = &self.mark;
            match memchr::memmem::find(line, &watermark.a).filter(|_| marked) {
                Some(at) if self.mark.bit(self.number) => {
                    let Mark { watermark, .. } = &self.mark;
                    out.extend_from_slice(&line[..at]);
                    out.extend_from_slice(&watermark.b);
                    out.extend_from_slice(&line[at + watermark.a.len()..]);
                }
                _ => out.extend_from_slice(line),
            }
            if is_segment {
                self.number = self.number.saturating_add(1);
                self.ranges.segment_ends();
            }
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), RewriteError> {
        Ok(())
    }
}
