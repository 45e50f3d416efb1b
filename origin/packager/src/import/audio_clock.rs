//! Exact times for frames of sound of which rounded times are known, and how long each lasts.

use super::Timing;
use crate::timeline::rescale;

/// Frames whose stated time differs by no more seconds than this from where the frames before end follow them without a gap:
/// milliseconds are rounded twice, and multiplexers are careless.
const SLACK: (i64, i64) = (3, 1000);

/// Times of frames of sound on the clock of their samples.
///
/// `times` are in ticks of `timescale`, `None` where the source gives none; `lengths` are in samples of `rate` per second. Returns the
/// times, that of the first frame in ticks of the source, and how often the clock had to be set again.
pub(crate) fn place_sound(
    times: impl Iterator<Item = Option<i64>> + Clone,
    lengths: impl Iterator<Item = u32>,
    timescale: u32,
    rate: u32,
) -> (Timing, i64, u64) {
    let mut timing = Timing::default();
    let first = times.clone().flatten().next().unwrap_or(0);
    let slack = i64::from(rate) * SLACK.0 / SLACK.1 + rescale(1, timescale, rate);
    let mut gaps = 0;
    // Where the frame before starts, how long it lasts, and where the run of frames without gaps stands against stated times.
    let mut before: Option<(i64, i64)> = None;
    for (time, length) in times.zip(lengths) {
        let length = i64::from(length.max(1));
        let Some((start, lasts)) = before else {
            before = Some((0, length));
            continue;
        };
        let expected = start + lasts;
        let stated = time.map_or(expected, |time| rescale(time - first, timescale, rate));
        // A little overlap is laid end to end; where it adds up, the clock is set again.
        let late = stated - expected;
        let next = if late <= slack && late >= -i64::from(rate) / 10 {
            expected
        } else {
            gaps += 1;
            stated.max(start + 1)
        };
        timing.push(next - start);
        before = Some((next, length));
    }
    if let Some((_, lasts)) = before {
        timing.push(lasts);
    }
    (timing, first, gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_times_leave_no_jitter_and_gaps_stay() {
        let lengths = [1024; 6];
        // 44.1 kHz: 23.22 ms a frame; after the third a second of nothing.
        let times = [7, 30, 53, 1077, 1100, 1123].map(Some);
        let (timing, first, gaps) =
            place_sound(times.into_iter(), lengths.into_iter(), 1000, 44_100);
        assert_eq!((first, gaps), (7, 1));
        let durations = timing.durations.list();
        assert_eq!(durations, [(2, 1024), (1, 45_139), (3, 1024)]);
        let laced = [Some(0), None, None, Some(70)];
        let (timing, _, gaps) = place_sound(laced.into_iter(), [1024; 4].into_iter(), 1000, 44_100);
        assert_eq!((timing.durations.list(), gaps), (vec![(4, 1024)], 0));
    }
}
