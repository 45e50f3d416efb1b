//! The samples of a stream as they are found: where they lie, when they are presented.

use std::collections::VecDeque;

use super::pictures::AccessUnit;
use super::sound::Frame;
use crate::import::{Ascending, CarriageWriter, Log, Logged, SampleLog, push_run};

/// Ticks that a picture without a time lasts where nothing else is known: 25 frames a second.
const FRAME: i64 = 3600;

/// Samples so far.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) log: SampleLog,
    /// Samples of sound in each, run-length coded.
    pub(super) lengths: Vec<(u32, u32)>,
    pub(super) rate: u32,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            log: SampleLog::new(false),
            lengths: Vec::new(),
            rate: 0,
        }
    }
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
        if time.is_none() && unit.interlaced && self.log.extend(unit.size) {
            // The second field of a picture.
            carriage.extend(unit.len, unit.size);
            return;
        }
        carriage.sample(unit.start, unit.len, unit.size);
        self.log.push(Logged {
            offset: 0,
            size: unit.size,
            time,
            sync: unit.sync,
            recovery: unit.sync || unit.recovery,
        });
    }

    /// Adds a frame of sound.
    pub(super) fn frame(
        &mut self,
        frame: Frame,
        marks: &mut VecDeque<(u64, i64)>,
        carriage: &mut CarriageWriter,
    ) {
        if frame.dependent && self.log.extend(frame.len) {
            carriage.extend(frame.len, frame.len);
            return;
        }
        let time = take_mark(marks, frame.start);
        if self.log.count() == 0 && time.is_none() {
            // What comes before the first time stamp is left out.
            return;
        }
        self.rate = if self.rate == 0 {
            frame.rate
        } else {
            self.rate
        };
        carriage.sample(frame.start + u64::from(frame.header), frame.len, frame.len);
        self.log.push(Logged {
            offset: 0,
            size: frame.len,
            time,
            sync: true,
            recovery: true,
        });
        push_run(&mut self.lengths, frame.samples);
    }
}

/// Times of all pictures: those without one follow the picture before them in decode order.
pub(super) fn filled_times(log: &Log) -> impl Iterator<Item = i64> + Clone + '_ {
    let (mut first, mut gap, mut before) = (None, i64::MAX, None::<i64>);
    for time in Ascending::new(log.times().flatten()).iter() {
        first.get_or_insert(time);
        if let Some(before) = before.replace(time).filter(|before| *before < time) {
            gap = gap.min(time - before);
        }
    }
    let gap = if gap == i64::MAX { FRAME } else { gap };
    let mut last = first.unwrap_or(0) - gap;
    log.times().map(move |time| {
        last = time.unwrap_or(last + gap);
        last
    })
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
