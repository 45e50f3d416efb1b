//! The presentation timeline of a track: its samples after the edit list, with the times that the output states.
//!
//! Output times are exact and never negative. An empty edit moves the decode time of the first fragment, and pictures that have
//! to be decoded but lie before or after an edit are squeezed into a fraction of a millisecond at its border. What is left for the
//! output's edit list is one shift ([`Timeline::trim`]), the only kind that all players apply: for pictures the delay between
//! decoding and presentation, for sound the samples of the first access unit that come before the edit. Signed composition offsets
//! would do without it, but FFmpeg and what is built on it shifts pictures against sound when it meets them in fragments.

mod cursor;
mod edit;
mod span;
mod statistics;
mod ticks;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use cursor::{Place, Timed};
pub(crate) use edit::Edit;
use edit::normalize;
use span::Span;
pub(crate) use statistics::Statistics;
pub(crate) use ticks::{rescale, seconds, to_micros};

use crate::Error;
use crate::mp4::{RawEdit, Samples};

/// Microseconds of a second.
pub(crate) const MICROS: i64 = 1_000_000;
/// Coarsest output clock, in ticks per second, when source times do not fall on ticks of the track.
const FINE: u64 = 10_000;
/// Ticks of the output clock for each squeezed picture of a second: 1000 pictures take at most half a millisecond.
const SQUEEZE: u64 = 2_000;

/// One track on the presentation timeline.
///
/// It is found by walks over all samples, so a sidecar keeps it, but for the samples themselves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Timeline {
    #[serde(skip)]
    samples: Arc<Samples>,
    /// Length of what the samples lie in, in bytes.
    #[serde(skip)]
    input_len: u64,
    spans: Vec<Span>,
    /// Ticks per second of the output.
    pub(crate) timescale: u32,
    /// Output ticks for one tick of the source.
    scale: i64,
    /// What the output's edit list takes off presentation times, in output ticks.
    pub(crate) trim: i64,
    /// What is added to decode times, in output ticks.
    decode_shift: i64,
    /// Presentation time of the first sample, in output ticks; [`Timeline::trim`] has been taken off.
    pub(crate) start: i64,
    /// Presentation time at which the last sample ends.
    pub(crate) end: i64,
    /// Number of samples on the timeline.
    pub(crate) count: u64,
    pub(crate) statistics: Statistics,
}

/// Most samples that are held at once where the index says nothing of each: twenty minutes of sound, which makes segments of a few
/// seconds.
const ALIKE_AT_ONCE: u64 = 1 << 16;

/// Most ticks, and most microseconds, from time 0 to any time of a timeline.
const FARTHEST: u64 = 1 << 61;

/// What a timeline is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) samples: &'a Arc<Samples>,
    pub(crate) timescale: u32,
    pub(crate) movie_timescale: u32,
    pub(crate) edits: &'a [RawEdit],
    pub(crate) fragmented: bool,
    pub(crate) is_video: bool,
    pub(crate) input_len: u64,
    pub(crate) track: u32,
}

impl Timeline {
    /// Lays the samples of a track on the presentation timeline.
    ///
    /// Returns `None` when the edit list presents nothing of the track.
    pub(crate) fn new(source: &Source<'_>) -> Result<Option<Self>, Error> {
        let statistics = Statistics::gather(source)?;
        let (edits, exact) = normalize(source, &statistics)?;
        let mut found = Vec::new();
        for edit in &edits {
            found.extend(Span::find(source, &statistics, edit)?);
        }
        if found.is_empty() {
            return Ok(None);
        }
        let squeezed = found.iter().map(Span::squeezed).max().unwrap_or(0) as u64;
        let scale = scale_for(source.timescale, exact, squeezed);
        let timescale = u32::try_from(u64::from(source.timescale) * scale)
            .expect("invariant: scale_for keeps the product within 32 bits");
        let mut timeline = Self {
            samples: Arc::clone(source.samples),
            input_len: source.input_len,
            spans: Vec::new(),
            timescale,
            scale: scale.cast_signed(),
            trim: 0,
            decode_shift: 0,
            start: 0,
            end: 0,
            count: 0,
            statistics,
        };
        timeline.place(source, found)?;
        Ok((timeline.count > 0).then_some(timeline))
    }

    /// The timeline that was found before of the same source, or `None` when it cannot be of it.
    pub(crate) fn restore(mut self, source: &Source<'_>) -> Option<Self> {
        let ticks = i64::from(source.timescale).checked_mul(self.scale);
        let mut counts = self.spans.iter().map(|span| span.count);
        let count = counts.try_fold(0_u64, u64::checked_add);
        let times = [self.trim, self.decode_shift, self.start, self.end];
        let is_sound = self.scale > 0
            && times.into_iter().all(|ticks| self.is_near(ticks))
            && self.start <= self.end
            && ticks == Some(i64::from(self.timescale))
            && self.count > 0
            && count == Some(self.count)
            && self.statistics.is_sound()
            && self.spans.iter().all(|span| span.is_sound(source.samples));
        self.samples = Arc::clone(source.samples);
        self.input_len = source.input_len;
        is_sound.then_some(self)
    }

    /// True when a sample lies within the input, at a time that films have, and is of a kind that was seen: so are all that were walked over once, but not what a
    /// place from a broken file leads to.
    pub(crate) fn holds(&self, sample: &Timed) -> bool {
        let end = sample.offset.checked_add(u64::from(sample.size));
        end.is_some_and(|end| end <= self.input_len)
            && sample.description <= self.statistics.last_description
            && self.is_near(sample.presentation_time)
            && self.is_near(sample.decode_time)
    }

    /// True for a time that some film may have: sums of a few of them are still numbers.
    fn is_near(&self, ticks: i64) -> bool {
        let most = (FARTHEST / 1_000_000).saturating_mul(u64::from(self.timescale));
        ticks.unsigned_abs() <= most.min(FARTHEST)
    }

    /// Gives every span its place in output time.
    fn place(&mut self, source: &Source<'_>, found: Vec<Span>) -> Result<(), Error> {
        let mut next_decode = i64::MIN;
        for mut span in found {
            if !span.place(
                self.scale,
                self.timescale,
                source.movie_timescale,
                next_decode,
                source,
            )? {
                continue;
            }
            next_decode = span.last_decode(self.scale);
            self.end = self.end.max(span.end(self.scale));
            self.count += span.count;
            self.spans.push(span);
        }
        let Some(first) = self.spans.first() else {
            return Ok(());
        };
        self.start = first.start_of_presentation(self.scale);
        let first_decode = first.first_decode(self.scale);
        if source.is_video {
            // No picture may be decoded after it is presented. Decoding starts earlier if there is time before the first picture;
            // the rest of the delay is added to presentation times and taken off again by the edit list.
            let delay = self.decoding_delay()?;
            let earlier = delay.min(first_decode).max(0);
            self.decode_shift = -earlier;
            self.trim = delay - earlier;
        } else {
            self.trim = (-first_decode).max(0);
            self.decode_shift = self.trim;
        }
        Ok(())
    }

    /// The longest time by which a picture is decoded after it is presented, in output ticks.
    fn decoding_delay(&self) -> Result<i64, Error> {
        if let [span] = self.spans.as_slice()
            && span.squeezed() == 0
        {
            return Ok(span.decoding_delay(self.scale, self.statistics.least_offset));
        }
        let mut place = self.first()?;
        let mut delay = 0;
        while let Some(sample) = place.next(self)? {
            delay = delay.max(sample.decode_time.saturating_sub(sample.presentation_time));
        }
        Ok(delay)
    }

    /// Samples for each of which the index has bytes.
    pub(crate) fn described(&self) -> u64 {
        self.samples.described()
    }

    /// Most samples that are held at once: those of a segment, or those that an edit leaves out. It allows for every film of which the
    /// index says something of each sample, and for a few samples where it does not, which a few bytes of index could claim.
    pub(crate) fn most_at_once(&self) -> u64 {
        most_at_once(&self.samples)
    }

    /// The place before the first sample.
    pub(crate) fn first(&self) -> Result<Place, Error> {
        Place::first(self)
    }
}

/// Most samples of these that are held at once.
fn most_at_once(samples: &Samples) -> u64 {
    ALIKE_AT_ONCE + samples.described()
}

/// The edits of a track alone.
pub(crate) fn edits(source: &Source<'_>) -> Result<Vec<Edit>, Error> {
    let statistics = Statistics::gather(source)?;
    normalize(source, &statistics).map(|(edits, _)| edits)
}

/// How many output ticks stand for one source tick.
fn scale_for(timescale: u32, exact: bool, squeezed: u64) -> u64 {
    if exact && squeezed == 0 {
        return 1;
    }
    let wanted = FINE.max(squeezed.saturating_mul(SQUEEZE));
    let most = u64::from(u32::MAX) / u64::from(timescale);
    wanted.div_ceil(u64::from(timescale)).min(most).max(1)
}
