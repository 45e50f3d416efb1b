//! Decode times and an exact clock for pictures of which only presentation times are known, and those rounded.

use std::collections::BTreeMap;

use super::Timing;
use super::ascending::Ascending;

/// Frame rates as (ticks per second, ticks of a frame): what cameras and encoders make.
const RATES: [(u32, u32); 17] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48_000, 1001),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (100, 1),
    (120_000, 1001),
    (120, 1),
    (15, 1),
    (15_000, 1001),
    (12, 1),
    (10, 1),
];
/// Most different gaps between pictures that are counted: times on the clock of a camera, rounded, have a handful.
const MOST_GAPS: usize = 1 << 16;
/// Least ticks per second of a clock that is chosen here.
const FINE: u32 = 10_000;

/// Times of pictures on a clock of their own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) timescale: u32,
    pub(crate) timing: Timing,
    /// Presentation time of the first picture in ticks of the source.
    pub(crate) first: i64,
}

/// Times of pictures that are presented at `times` in decode order, in ticks of `timescale`, each rounded by less than a tick.
/// `frame` is the time from one picture to the next where the source says so, in nanoseconds.
///
/// Where all times fit a usual frame rate they are put on its clock, so that rounding does not show as jitter. Decode times are the
/// presentation times in ascending order: no picture is presented later than the source says, and the delay that decoding needs is
/// left to the timeline. `None` when there are no pictures.
pub(crate) fn place_pictures(
    times: impl Iterator<Item = i64> + Clone,
    timescale: u32,
    frame: Option<u64>,
) -> Option<Placed> {
    let sorted = Ascending::new(times.clone());
    let first = sorted.iter().next()?;
    let clock = fit(&sorted, timescale, frame);
    let (ticks, unit) = clock.unwrap_or((timescale, 1));
    let place = |time: i64| match clock {
        Some((ticks, unit)) => {
            nearest(time - first, timescale, ticks, unit).saturating_mul(i64::from(unit))
        }
        None => time - first,
    };
    let mut timing = Timing::default();
    let mut longest_known = i64::from(unit);
    let mut before = None;
    for time in sorted.iter().map(place) {
        if let Some(before) = before.replace(time) {
            longest_known = time - before;
            timing.push(longest_known);
        }
    }
    // The last picture lasts as long as frames do, or as the one before.
    let last = match (clock, frame) {
        (Some(_), _) => i64::from(unit),
        (None, Some(nanos)) => {
            i64::try_from(u128::from(nanos) * u128::from(timescale) / 1_000_000_000).unwrap_or(0)
        }
        (None, None) => longest_known,
    };
    timing.push(last.max(1));
    for (time, decode) in times.zip(sorted.iter()) {
        let offset = place(time) - place(decode);
        timing.offsets.push(offset.min(i64::from(i32::MAX)));
    }
    Some(Placed {
        timescale: ticks,
        timing,
        first,
    })
}

/// Number of the frame that is nearest to `time`.
fn nearest(time: i64, timescale: u32, ticks: u32, unit: u32) -> i64 {
    let scale = i128::from(timescale) * i128::from(unit);
    let number = (i128::from(time) * i128::from(ticks) * 2 + scale).div_euclid(scale * 2);
    i64::try_from(number).unwrap_or(0)
}

/// The clock of a usual frame rate that all times fit, as (ticks per second, ticks of a frame).
fn fit<I: Iterator<Item = i64> + Clone>(
    sorted: &Ascending<I>,
    timescale: u32,
    frame: Option<u64>,
) -> Option<(u32, u32)> {
    let usual = usual_gap(sorted.iter())?;
    let first = sorted.iter().next()?;
    RATES
        .iter()
        .filter(|(ticks, unit)| match frame {
            // Frame durations are stated in whole nanoseconds, or in parts of a millisecond by careless writers.
            Some(nanos) => {
                let exact = u64::from(*unit) * 1_000_000_000 / u64::from(*ticks);
                nanos.abs_diff(exact) <= 10_000
            }
            None => {
                let (gap, scale) = (
                    i128::from(usual) * i128::from(*ticks),
                    i128::from(timescale) * i128::from(*unit),
                );
                (gap - scale).abs() <= i128::from(*ticks) * 3 / 4
            }
        })
        .find(|(ticks, unit)| fits(sorted.iter(), first, timescale, *ticks, *unit))
        .map(|(ticks, unit)| {
            let factor = FINE.div_ceil(*ticks);
            (ticks * factor, unit * factor)
        })
}

/// The gap that half of all gaps between times are no longer than; `None` when there is none.
fn usual_gap(sorted: impl Iterator<Item = i64>) -> Option<i64> {
    let mut gaps: BTreeMap<i64, u64> = BTreeMap::new();
    let (mut count, mut before) = (0, None);
    for time in sorted {
        let Some(before) = before.replace(time) else {
            continue;
        };
        let gap = time - before;
        if gaps.len() < MOST_GAPS || gaps.contains_key(&gap) {
            *gaps.entry(gap).or_default() += 1;
            count += 1;
        }
    }
    let mut middle = count / 2;
    gaps.into_iter().find_map(|(gap, count)| {
        let found = middle < count;
        middle = middle.saturating_sub(count);
        found.then_some(gap)
    })
}

/// True when every time is near a frame, and no two share one.
fn fits(
    mut sorted: impl Iterator<Item = i64>,
    first: i64,
    timescale: u32,
    ticks: u32,
    unit: u32,
) -> bool {
    let mut last = -1;
    sorted.all(|time| {
        let since = time - first;
        let number = nearest(since, timescale, ticks, unit);
        let exact = i128::from(number) * i128::from(unit) * i128::from(timescale);
        let error = (i128::from(since) * i128::from(ticks) - exact).abs();
        let fresh = number > last;
        last = number;
        // A tick of the source, or a millisecond, which careless writers round to.
        let slack = i128::from(ticks) * i128::from((timescale / 1000).max(1));
        fresh && error <= slack
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_become_frames() {
        // 30000/1001 frames per second, rounded to milliseconds, decoded out of order.
        let exact = |n: i64| (n * 1001 * 1000 + 15_000) / 30_000;
        let times: Vec<i64> = [0, 3, 1, 2, 6, 4, 5].into_iter().map(exact).collect();
        let placed = place_pictures(times.into_iter(), 1000, None).unwrap();
        assert_eq!((placed.timescale, placed.first), (30_000, 0));
        assert_eq!(placed.timing.durations.list(), [(7, 1001)]);
        let mut offsets = Vec::new();
        for (count, offset) in placed.timing.offsets.list() {
            (0..count).for_each(|_| offsets.push(offset));
        }
        assert_eq!(offsets, [0, 2002, -1001, -1001, 2002, -1001, -1001]);
    }

    #[test]
    fn a_gap_keeps_the_clock_and_varying_rates_keep_their_times() {
        let placed = place_pictures(
            [40, 80, 120, 1120, 1160].into_iter(),
            1000,
            Some(40_000_000),
        )
        .unwrap();
        assert_eq!((placed.timescale, placed.first), (10_000, 40));
        assert_eq!(
            placed.timing.durations.list(),
            [(2, 400), (1, 10_000), (2, 400)]
        );
        let placed = place_pictures([0, 17, 90, 101, 250].into_iter(), 1000, None).unwrap();
        assert_eq!(placed.timescale, 1000);
        assert_eq!(
            placed.timing.durations.list(),
            [(1, 17), (1, 73), (1, 11), (2, 149)]
        );
        assert_eq!(place_pictures([].into_iter(), 1000, None), None);
        assert!(place_pictures([5].into_iter(), 1000, None).is_some());
    }
}
