//! The samples of a stream as they are found: where they lie, when they are presented.

use std::collections::VecDeque;

use super::pictures::AccessUnit;
use super::sound::Frame;
use crate::import::{CarriageWriter, Timing};

/// Ticks that a picture without a time lasts where nothing else is known: 25 frames a second.
const FRAME: i64 = 3600;

/// Samples so far.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) sizes: Vec<u32>,
    pub(super) times: Vec<Option<i64>>,
    /// Samples of sound in each, run-length coded.
    pub(super) lengths: Vec<(u32, u32)>,
    pub(super) rate: u32,
    pub(super) sync: Vec<u32>,
    pub(super) recovery: Vec<u32>,
}

impl Samples {
    /// Adds an access unit.
    pub(super) fn picture(
        &mut self,
        unit: AccessUnit,
        marks: &mut VecDeque<(u64, i64)>,
        carriage: &mut CarriageWriter,
    ) {
        // The zero before a start code may stand at the end of the unit before.
        let time = take_mark(marks, unit.start + 3);
        if time.is_none()
            && unit.interlaced
            && let Some(last) = self.sizes.last_mut()
        {
            // The second field of a picture.
            *last = last.saturating_add(unit.size);
            carriage.extend(unit.len, unit.size);
            return;
        }
        carriage.sample(unit.start, unit.len, unit.size);
        self.sizes.push(unit.size);
        self.times.push(time);
        let number = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        if unit.sync {
            self.sync.push(number);
        }
        if unit.sync || unit.recovery {
            self.recovery.push(number);
        }
    }

    /// Adds a frame of sound.
    pub(super) fn frame(
        &mut self,
        frame: Frame,
        marks: &mut VecDeque<(u64, i64)>,
        carriage: &mut CarriageWriter,
    ) {
        if frame.dependent
            && let Some(last) = self.sizes.last_mut()
        {
            *last = last.saturating_add(frame.len);
            carriage.extend(frame.len, frame.len);
            return;
        }
        let time = take_mark(marks, frame.start);
        if self.times.is_empty() && time.is_none() {
            // What comes before the first time stamp is left out.
            return;
        }
        self.rate = if self.rate == 0 {
            frame.rate
        } else {
            self.rate
        };
        carriage.sample(frame.start + u64::from(frame.header), frame.len, frame.len);
        self.sizes.push(frame.len);
        self.times.push(time);
        Timing::push(&mut self.lengths, frame.samples);
        let number = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        self.sync.push(number);
    }

    /// Times of all pictures: those without one follow the picture before them in decode order.
    pub(super) fn filled_times(&self) -> Vec<i64> {
        let mut given: Vec<i64> = self.times.iter().flatten().copied().collect();
        given.sort_unstable();
        let gap = given
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .filter(|gap| *gap > 0)
            .min()
            .unwrap_or(FRAME);
        let mut last = given.first().copied().unwrap_or(0) - gap;
        self.times
            .iter()
            .map(|time| {
                last = time.unwrap_or(last + gap);
                last
            })
            .collect()
    }
}

/// The time of the access unit that starts at `start`: that of the last packetized unit which starts at or before it, unless an
/// access unit before took it (ISO/IEC 13818-1, 2.4.3.7).
fn take_mark(marks: &mut VecDeque<(u64, i64)>, start: u64) -> Option<i64> {
    let mut found = None;
    while let Some((_, time)) = marks.front().filter(|(mark, _)| *mark <= start) {
        found = Some(*time);
        marks.pop_front();
    }
    found
}
