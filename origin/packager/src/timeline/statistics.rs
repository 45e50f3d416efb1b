//! What one walk over all samples of a track tells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Source;
use crate::Error;

/// Most different sample durations that are counted; a film has a handful.
const MAX_DURATIONS: usize = 4096;

/// Facts about all samples of a track. Times are in source ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Statistics {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) sync_samples: u64,
    /// Smallest composition offset.
    pub(crate) least_offset: i64,
    /// Latest end of presentation.
    pub(crate) end: i64,
    /// Largest sample description index.
    pub(crate) last_description: u32,
    durations: BTreeMap<u32, u64>,
}

impl Statistics {
    /// Walks over all samples once, and checks that their data lie within the input.
    pub(crate) fn gather(source: &Source<'_>) -> Result<Self, Error> {
        let mut found = Self {
            least_offset: i64::MAX,
            end: i64::MIN,
            ..Self::default()
        };
        let mut run = (0, 0);
        let mut cursor = source.samples.cursor();
        while let Some(sample) = cursor.next(source.samples)? {
            let end = sample.offset.saturating_add(u64::from(sample.size));
            if end > source.input_len {
                return Err(Error::Truncated {
                    input: 0,
                    track: source.track,
                    sample: found.count,
                    end,
                    length: source.input_len,
                });
            }
            found.count += 1;
            found.bytes += u64::from(sample.size);
            // Samples that share data are legal, but a small file that claims a giant film is an attack.
            if found.bytes / 16 > source.input_len {
                return Err(Error::malformed(
                    "stsz",
                    0,
                    format!(
                        "the samples of track {} take more than 16 times the file",
                        source.track
                    ),
                ));
            }
            found.sync_samples += u64::from(sample.sync);
            found.least_offset = found.least_offset.min(i64::from(sample.composition_offset));
            let end = sample
                .presentation_time()
                .saturating_add(i64::from(sample.duration));
            found.end = found.end.max(end);
            found.last_description = found.last_description.max(sample.description);
            if sample.duration == run.0 {
                run.1 += 1;
            } else {
                found.count_duration(run);
                run = (sample.duration, 1);
            }
        }
        found.count_duration(run);
        Ok(found)
    }

    /// Counts a run of samples of the same duration: neighbours mostly are, and a look into the map for each took a tenth of a walk.
    fn count_duration(&mut self, (duration, samples): (u32, u64)) {
        let is_known = self.durations.contains_key(&duration);
        if samples > 0 && (is_known || self.durations.len() < MAX_DURATIONS) {
            *self.durations.entry(duration).or_default() += samples;
        }
    }

    /// True when the samples that were counted by their durations are no more than all.
    pub(super) fn is_sound(&self) -> bool {
        let mut counts = self.durations.values();
        let sum = counts.try_fold(0_u64, |sum, count| sum.checked_add(*count));
        sum.is_some_and(|sum| sum <= self.count)
    }

    /// Frames per second: the average over the durations that lie within a tenth of the most common one.
    ///
    /// Clocks that cannot express a frame duration alternate between neighbours (33, 33, 34 ms for 30 frames/s), so the most
    /// common duration alone would be wrong, and a plain average would let one long pause hide the true rate.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a frame rate is stated with three decimals"
    )]
    pub(crate) fn frame_rate(&self, timescale: u32) -> f64 {
        let common = self
            .durations
            .iter()
            .filter(|(duration, _)| **duration > 0)
            .max_by_key(|(_, count)| **count);
        let Some((&common, _)) = common else {
            return 0.0;
        };
        let (mut frames, mut ticks) = (0_u64, 0_u64);
        for (&duration, &count) in self
            .durations
            .range(common - common / 10..=common.saturating_add(common / 10))
        {
            frames += count;
            ticks = ticks.saturating_add(u64::from(duration).saturating_mul(count));
        }
        if ticks == 0 {
            0.0
        } else {
            frames as f64 * f64::from(timescale) / ticks as f64
        }
    }
}
