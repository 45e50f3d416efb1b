//! The boxes of an fMP4 segment.

use super::{MAX_BOXES, MAX_FRAGMENT, SegmentReader, WINDOW};
use crate::isobmff::{FourCc, Header, Mp4Box};
use crate::lint::media::MediaProblem;
use crate::lint::media::fragment::Fragment;
use crate::lint::media::init::Init;
use crate::lint::media::picture::first_picture;

impl SegmentReader {
    pub(super) fn next_box(&mut self, init: Option<&Init>) -> Option<(u64, u64)> {
        if let Some(want) = self.look_at_picture(init) {
            return Some(want);
        }
        let Some(head) = self.view(self.at, Header::MAX_LEN) else {
            return Some((self.at, WINDOW));
        };
        self.boxes += 1;
        let left = self.end.map(|end| end - self.at);
        let Some(header) = Header::parse(&head).filter(|_| self.boxes < MAX_BOXES) else {
            self.facts.problem(
                MediaProblem::Malformed,
                format!("there is no box at byte {}", self.at),
            );
            self.finished = true;
            return None;
        };
        let Some(size) = header.size.or(left) else {
            self.finished = true;
            return None;
        };
        let cut = left.is_some_and(|left| size > left);
        if cut && !(self.i_frame && header.kind == b"mdat") {
            self.facts.problem(
                MediaProblem::Truncated,
                format!(
                    "the `{}` box at byte {} has {size} bytes but the segment ends after {}",
                    header.kind,
                    self.at,
                    left.unwrap_or(0)
                ),
            );
        }
        match &header.kind.bytes() {
            b"moof" if !cut => return self.fragment(header, size, init),
            b"moov" => self
                .facts
                .problem(MediaProblem::HoldsInit, "a `moov` box is in the segment"),
            b"mdat" if self.facts.fragments == 0 && self.i_frame => self.facts.problem(
                MediaProblem::NotAtFragment,
                "media data come without their `moof` box",
            ),
            _ => {}
        }
        self.at = self.at.saturating_add(size);
        None
    }

    fn fragment(&mut self, header: Header, size: u64, init: Option<&Init>) -> Option<(u64, u64)> {
        if size > MAX_FRAGMENT {
            self.facts.problem(
                MediaProblem::Malformed,
                format!("the `moof` box at byte {} has {size} bytes", self.at),
            );
            self.at = self.at.saturating_add(size);
            return None;
        }
        let Some(data) = self.view(self.at, size) else {
            return Some((self.at, size.max(WINDOW)));
        };
        if self.buffer.is_empty() || (data.len() as u64) < size {
            self.finished = true;
            return None;
        }
        let head = usize::try_from(header.header_len).unwrap_or(8);
        let moof = Mp4Box {
            kind: FourCc(*b"moof"),
            offset: self.at,
            payload: data.slice(head..),
            payload_offset: self.at + header.header_len,
        };
        self.at += size;
        self.facts.fragments += 1;
        match Fragment::read(&moof, init?) {
            Ok(fragment) => {
                if self.facts.fragments == 1 {
                    self.picture = fragment.first_sample;
                    self.first_data_end = fragment.first_sample.map_or(0, |first| {
                        first.offset.saturating_add(u64::from(first.size))
                    });
                }
                self.data_end = self.data_end.max(fragment.data_end);
                for (kind, message) in fragment.problems {
                    self.facts.problem(kind, message);
                }
                for span in fragment.spans {
                    match self
                        .facts
                        .spans
                        .iter_mut()
                        .find(|other| other.track == span.track)
                    {
                        Some(before) => before.join(span),
                        None => self.facts.spans.push(span),
                    }
                }
            }
            Err(reason) => self.facts.problem(
                MediaProblem::Malformed,
                format!(
                    "the `moof` box at byte {} cannot be read: {reason}",
                    moof.offset
                ),
            ),
        }
        None
    }

    /// Looks at the first picture of the segment.
    fn look_at_picture(&mut self, init: Option<&Init>) -> Option<(u64, u64)> {
        let first = self.picture?;
        let description = init?
            .track(first.track)
            .and_then(|track| track.description(first.description));
        let Some((description, length)) = description.and_then(|one| Some((one, one.nal_length?)))
        else {
            self.picture = None;
            return None;
        };
        let at = first.offset;
        // Parameter sets and messages may come before the picture, rarely more than this.
        let wanted = u64::from(first.size).min(4 << 10);
        if self.end.is_some_and(|end| at.saturating_add(wanted) > end) || at < self.at {
            self.picture = None;
            return None;
        }
        let Some(data) = self.view(at, wanted) else {
            return Some((at, wanted));
        };
        self.picture = None;
        self.facts.first_picture = first_picture(&data, description, length);
        None
    }
}
