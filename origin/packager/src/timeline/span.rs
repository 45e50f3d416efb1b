//! The samples of one edit.

use serde::{Deserialize, Serialize};

use super::{Edit, Source, Statistics, most_at_once, rescale};
use crate::Error;
use crate::mp4::{Cursor, Sample, Samples};

/// The samples that one edit needs, in decode order, and how their times map to output times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    edit: Edit,
    /// Before the first sample.
    pub(super) cursor: Cursor,
    /// Number of samples.
    pub(super) count: u64,
    /// Samples decoded before the first one that is presented.
    lead: u64,
    /// Decode time of the sample after the lead, in source ticks.
    lead_end: i64,
    first_sample: Sample,
    last_sample: Sample,
    /// Presentation times of pictures before the edit, sorted.
    before: Box<[i64]>,
    /// Presentation times of pictures after the edit that others in it refer to, sorted.
    after: Box<[i64]>,
    /// Presentation time of the picture that is shown when the edit starts.
    shown_first: i64,
    /// Earliest presentation time within the edit.
    earliest: i64,
    /// Latest end of presentation among the samples, in source ticks.
    media_end: i64,
    is_video: bool,
    /// Output time of the edit's start.
    start: i64,
    /// Output decode time of the first sample.
    decode_start: i64,
}

impl Span {
    /// Finds the samples that `edit` needs; `None` when there are none.
    pub(super) fn find(
        source: &Source<'_>,
        statistics: &Statistics,
        edit: &Edit,
    ) -> Result<Option<Self>, Error> {
        let Some(cursor) = find_start(source, statistics, edit)? else {
            return Ok(None);
        };
        // Past this decode time every sample is presented after the edit.
        let beyond = edit.media_end.saturating_sub(statistics.least_offset);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let (mut first_sample, mut last_sample) = (None, None);
        let (mut count, mut index, mut pending_after) = (0_u64, 0_u64, 0_usize);
        let (mut shown_first, mut earliest, mut media_end) = (i64::MIN, i64::MAX, i64::MIN);
        let mut lead = None;

        let mut walk = cursor;
        let mut times_before = Vec::new();
        let most = most_at_once(source.samples);
        while let Some(sample) = walk.next(source.samples)? {
            if sample.decode_time >= beyond {
                break;
            }
            let time = sample.presentation_time();
            first_sample.get_or_insert(sample);
            index += 1;
            if (after.len() + times_before.len()) as u64 > most {
                return Err(Error::UnsupportedFeature {
                    input: 0,
                    feature: format!(
                        "more than {most} samples of one size that an edit leaves out"
                    ),
                    advice: "export the film again without edits",
                });
            }
            if time >= edit.media_end {
                after.push(time);
                continue;
            }
            // Every picture so far is needed: this one lies in the edit and follows them in decode order.
            pending_after = after.len();
            count = index;
            last_sample = Some(sample);
            if source.is_video && time <= edit.media_start {
                shown_first = shown_first.max(time);
                times_before.push((time, index - 1, sample.decode_time));
            } else if lead.is_none() {
                lead = Some((index - 1, sample.decode_time));
            }
            earliest = earliest.min(time.max(edit.media_start));
            media_end = media_end.max(time.saturating_add(i64::from(sample.duration)));
        }
        after.truncate(pending_after);
        let (Some(first_sample), Some(last_sample)) = (first_sample, last_sample) else {
            return Ok(None);
        };
        for (time, index, decode_time) in &times_before {
            if *time < shown_first {
                before.push(*time);
            } else {
                // The picture on show when the edit starts ends the lead, unless a later one did so before.
                lead = Some(
                    lead.filter(|(at, _)| at < index)
                        .unwrap_or((*index, *decode_time)),
                );
            }
        }
        before.sort_unstable();
        after.sort_unstable();
        let (lead, lead_end) = lead.unwrap_or((0, first_sample.decode_time));
        Ok(Some(Self {
            edit: *edit,
            cursor,
            count,
            lead,
            lead_end,
            first_sample,
            last_sample,
            before: before.into(),
            after: after.into(),
            shown_first,
            earliest,
            media_end: media_end.min(edit.media_end),
            is_video: source.is_video,
            start: 0,
            decode_start: 0,
        }))
    }

    /// True when its samples can be walked over, which a span that was read from a file does not promise.
    pub(super) fn is_sound(&self, samples: &Samples) -> bool {
        self.cursor.is_sound(samples) && self.count <= samples.count()
    }

    /// Number of pictures that are decoded but not presented.
    pub(super) fn squeezed(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Sets output times. `last_decode` is the output decode time of the sample before the span. Returns false when nothing of the
    /// span is left.
    pub(super) fn place(
        &mut self,
        scale: i64,
        timescale: u32,
        movie_timescale: u32,
        last_decode: i64,
        source: &Source<'_>,
    ) -> Result<bool, Error> {
        self.start = rescale(self.edit.start, movie_timescale, timescale);
        if self.is_video {
            let late = self
                .first_sample
                .decode_time
                .saturating_sub(self.edit.media_start)
                .max(0);
            let natural = self.start.saturating_add(late.saturating_mul(scale));
            self.decode_start = natural.max(last_decode.saturating_add(1));
            return Ok(true);
        }
        // Sound: access units that would start before the last one of the edit before are left out.
        while self.decode_time(0, &self.first_sample, scale) <= last_decode {
            self.count -= 1;
            self.cursor.next(source.samples)?;
            let mut after = self.cursor;
            match after.next(source.samples)? {
                Some(next) if self.count > 0 => self.first_sample = next,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Output decode time of sample number `index` of the span.
    pub(super) fn decode_time(&self, index: u64, sample: &Sample, scale: i64) -> i64 {
        if !self.is_video {
            return self.shift(sample.decode_time, scale);
        }
        if index < self.lead {
            return self.decode_start.saturating_add(index.cast_signed());
        }
        let since = sample.decode_time.saturating_sub(self.lead_end);
        self.decode_start
            .saturating_add(self.lead.cast_signed())
            .saturating_add(since.saturating_mul(scale))
    }

    /// Output presentation time of a sample, and whether its picture is squeezed out of sight.
    pub(super) fn presentation_time(&self, sample: &Sample, scale: i64) -> (i64, bool) {
        let time = sample.presentation_time();
        if !self.is_video {
            return (self.shift(time, scale), false);
        }
        if time < self.shown_first {
            let rank = self.before.partition_point(|other| *other < time);
            return (self.start.saturating_add(rank as i64), true);
        }
        if time >= self.edit.media_end {
            let rank = self.after.partition_point(|other| *other < time);
            let end = self.shift(self.edit.media_end, scale);
            return (end.saturating_sub((self.after.len() - rank) as i64), true);
        }
        let earliest = self.start.saturating_add(self.before.len() as i64);
        (self.shift(time, scale).max(earliest), false)
    }

    fn shift(&self, time: i64, scale: i64) -> i64 {
        let since = time.saturating_sub(self.edit.media_start);
        self.start.saturating_add(since.saturating_mul(scale))
    }

    /// The longest time by which a picture is decoded after it is presented, when none is squeezed. `least_offset` is the
    /// smallest composition offset of the track.
    pub(super) fn decoding_delay(&self, scale: i64, least_offset: i64) -> i64 {
        let sample = Sample {
            composition_offset: 0,
            ..self.first_sample
        };
        let presented = self.shift(sample.decode_time.saturating_add(least_offset), scale);
        self.decode_time(0, &sample, scale)
            .saturating_sub(presented)
            .max(0)
    }

    pub(super) fn first_decode(&self, scale: i64) -> i64 {
        self.decode_time(0, &self.first_sample, scale)
    }

    pub(super) fn last_decode(&self, scale: i64) -> i64 {
        self.decode_time(self.count.saturating_sub(1), &self.last_sample, scale)
    }

    /// Output time at which the last sample of the span ends its presentation.
    pub(super) fn end(&self, scale: i64) -> i64 {
        self.shift(self.media_end, scale)
    }

    /// Output time at which the first sample of the span is presented.
    pub(super) fn start_of_presentation(&self, scale: i64) -> i64 {
        if !self.is_video {
            return self.first_decode(scale).max(0);
        }
        self.shift(self.earliest, scale)
    }
}

/// The place from which decoding has to start for `edit`: the last sync sample at or before its start for pictures, the first
/// access unit that reaches into it for sound.
fn find_start(
    source: &Source<'_>,
    statistics: &Statistics,
    edit: &Edit,
) -> Result<Option<Cursor>, Error> {
    let mut cursor = source.samples.cursor();
    let mut start = cursor;
    let mut found = None;
    let beyond = edit.media_start.saturating_sub(statistics.least_offset);
    while let Some(sample) = cursor.next(source.samples)? {
        let time = sample.presentation_time();
        if source.is_video {
            if found.is_none() || (sample.sync && time <= edit.media_start) {
                found = Some(start);
            }
            if sample.decode_time > beyond {
                break;
            }
        } else if time.saturating_add(i64::from(sample.duration)) > edit.media_start {
            return Ok(Some(start));
        }
        start = cursor;
    }
    Ok(found)
}
