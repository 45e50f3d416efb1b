//! Walking a timeline.

use serde::{Deserialize, Serialize};

use super::Timeline;
use crate::Error;
use crate::mp4::{Cursor, Sample};

/// One sample with its output times, in ticks of [`Timeline::timescale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timed {
    /// Where its data start in the input.
    pub(crate) offset: u64,
    /// Length of its data in bytes.
    pub(crate) size: u32,
    /// Time until the next sample is decoded.
    pub(crate) duration: u32,
    /// Decode time; never negative.
    pub(crate) decode_time: i64,
    /// Presentation time. Negative only for the part of a first access unit of sound that is cut off.
    pub(crate) presentation_time: i64,
    /// Presentation time with [`Timeline::trim`] added, less decode time; never negative unless the source is.
    pub(crate) composition_offset: i32,
    pub(crate) sync: bool,
    /// True when a segment may start here: a sync sample that is presented, or the first sample of an edit.
    pub(crate) can_start: bool,
    /// Sample description index, counted from 1.
    pub(crate) description: u32,
}

impl Timed {
    /// A sample of which only its place matters.
    pub(crate) const fn at(offset: u64, size: u32) -> Self {
        Self {
            offset,
            size,
            duration: 0,
            decode_time: 0,
            presentation_time: 0,
            composition_offset: 0,
            sync: false,
            can_start: false,
            description: 1,
        }
    }
}

/// A place on a timeline. It is a few words long: copy it to come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    span: usize,
    index: u64,
    cursor: Cursor,
    ahead: Option<Timed>,
}

impl Place {
    pub(super) fn first(timeline: &Timeline) -> Result<Self, Error> {
        let cursor = timeline
            .spans
            .first()
            .map(|span| span.cursor)
            .unwrap_or_default();
        let mut place = Self {
            span: 0,
            index: 0,
            cursor,
            ahead: None,
        };
        place.ahead = place.fetch(timeline)?;
        Ok(place)
    }

    /// True when a walk over `timeline` can go on from here, which a place that was read from a file does not promise.
    pub(crate) fn is_sound(&self, timeline: &Timeline) -> bool {
        self.cursor.is_sound(&timeline.samples)
    }

    /// The next sample, which stays the next one.
    pub(crate) const fn peek(&self) -> Option<&Timed> {
        self.ahead.as_ref()
    }

    /// The next sample, or `None` after the last.
    pub(crate) fn next(&mut self, timeline: &Timeline) -> Result<Option<Timed>, Error> {
        let Some(mut sample) = self.ahead.take() else {
            return Ok(None);
        };
        self.ahead = self.fetch(timeline)?;
        if let Some(following) = &self.ahead {
            let gap = following.decode_time.saturating_sub(sample.decode_time);
            sample.duration = u32::try_from(gap.max(0)).unwrap_or(u32::MAX);
        }
        Ok(Some(sample))
    }

    fn fetch(&mut self, timeline: &Timeline) -> Result<Option<Timed>, Error> {
        loop {
            let Some(span) = timeline.spans.get(self.span) else {
                return Ok(None);
            };
            if self.index < span.count
                && let Some(sample) = self.cursor.next(&timeline.samples)?
            {
                let index = self.index;
                self.index += 1;
                return Ok(Some(timed(timeline, self.span, index, &sample)));
            }
            self.span += 1;
            self.index = 0;
            if let Some(span) = timeline.spans.get(self.span) {
                self.cursor = span.cursor;
            }
        }
    }
}

fn timed(timeline: &Timeline, span: usize, index: u64, sample: &Sample) -> Timed {
    let span = &timeline.spans[span];
    let scale = timeline.scale;
    let decode_time = span
        .decode_time(index, sample, scale)
        .saturating_add(timeline.decode_shift);
    let (presentation_time, squeezed) = span.presentation_time(sample, scale);
    // The last sample of a track ends where the edit ends.
    let natural = i64::from(sample.duration).saturating_mul(scale);
    let left = timeline.end.saturating_sub(presentation_time);
    let duration = if squeezed {
        1
    } else {
        natural.min(left).max(0)
    };
    let offset = presentation_time
        .saturating_add(timeline.trim)
        .saturating_sub(decode_time);
    Timed {
        offset: sample.offset,
        size: sample.size,
        duration: u32::try_from(duration).unwrap_or(u32::MAX),
        decode_time,
        presentation_time,
        composition_offset: i32::try_from(offset).unwrap_or(if offset < 0 {
            i32::MIN
        } else {
            i32::MAX
        }),
        sync: sample.sync,
        can_start: index == 0 || (sample.sync && !squeezed),
        description: sample.description,
    }
}
