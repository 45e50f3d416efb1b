//! The samples of a track in decode order: those of the movie box first, then those of the movie fragments.

use serde::{Deserialize, Serialize};

use super::fragment::{Run, RunCursor};
use super::packed::{Packed, PackedCursor};
use super::sample_table::{SampleTable, TableCursor};
use crate::Error;

/// One sample (access unit) as the source describes it. Times are in ticks of the source track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Where its data start in the input.
    pub(crate) offset: u64,
    /// Length of its data in bytes.
    pub(crate) size: u32,
    /// Decode time.
    pub(crate) decode_time: i64,
    /// Time until the next sample is decoded.
    pub(crate) duration: u32,
    /// Presentation time less decode time.
    pub(crate) composition_offset: i32,
    /// True when decoding can start here.
    pub(crate) sync: bool,
    /// Sample description index, counted from 1.
    pub(crate) description: u32,
}

impl Sample {
    /// Presentation time before the edit list.
    pub(crate) const fn presentation_time(&self) -> i64 {
        self.decode_time
            .saturating_add(self.composition_offset as i64)
    }
}

/// All samples of one track.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    pub(crate) table: SampleTable,
    pub(crate) runs: Vec<Run>,
    /// Samples of other containers, which have no table.
    pub(crate) packed: Option<Packed>,
    /// Sync samples as found in the bitstream, one bit for each sample; `None` when the index tells.
    pub(crate) sync: Option<Vec<u64>>,
}

/// Most samples of a track of which the index says nothing each: more than two days of sound in frames of one size. A few bytes can claim
/// any number of those.
const MOST_ALIKE: u64 = 1 << 23;

impl Samples {
    /// Samples for each of which the index has bytes. What is held in memory for a sample is a small multiple of these.
    pub(crate) fn described(&self) -> u64 {
        let runs = self.runs.iter().filter(|run| run.describes_each());
        self.table.described()
            + self.packed.as_ref().map_or(0, Packed::count)
            + runs.map(|run| u64::from(run.count())).sum::<u64>()
    }

    /// Refuses an index of few bytes that claims samples without end: a walk over them would not come to one.
    ///
    /// # Errors
    /// When there are more than any film has.
    pub(crate) fn check_count(&self) -> Result<(), Error> {
        let alike = self.count() - self.described();
        if alike <= MOST_ALIKE {
            return Ok(());
        }
        Err(Error::UnsupportedFeature {
            input: 0,
            feature: format!("a track of {alike} samples that are all of one size"),
            advice: "cut the film into shorter ones",
        })
    }

    /// A cursor before the first sample.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor::default()
    }

    /// Number of samples that the index announces.
    pub(crate) fn count(&self) -> u64 {
        u64::from(self.table.sample_count())
            + self.packed.as_ref().map_or(0, Packed::count)
            + self
                .runs
                .iter()
                .map(|run| u64::from(run.count()))
                .sum::<u64>()
    }
}

/// A place among the samples of a track. It is a few words long: copy it to come back later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    table: TableCursor,
    run: RunCursor,
    packed: PackedCursor,
    index: u64,
}

impl Cursor {
    /// True when a walk over `samples` can go on from here, which a cursor that was read from a file does not promise.
    pub(crate) fn is_sound(&self, samples: &Samples) -> bool {
        self.index <= samples.count() && self.table.is_sound() && self.run.is_sound(&samples.runs)
    }

    /// The next sample, or `None` after the last.
    pub(crate) fn next(&mut self, samples: &Samples) -> Result<Option<Sample>, Error> {
        if let Some(packed) = &samples.packed {
            return self.packed.next(packed);
        }
        let mut found = match self.table.next(&samples.table)? {
            Some(sample) => Some(sample),
            None => self.run.next(&samples.runs, self.table.decode_time())?,
        };
        if let (Some(sample), Some(sync)) = (&mut found, &samples.sync) {
            let word = usize::try_from(self.index / 64)
                .ok()
                .and_then(|word| sync.get(word))
                .copied();
            sample.sync = word.is_some_and(|word| word >> (self.index % 64) & 1 == 1);
        }
        self.index += u64::from(found.is_some());
        Ok(found)
    }
}
