//! Where segments begin: at keyframes that every video rendition has, as near to the wanted duration as they allow.

use std::time::Duration;

use crate::Error;
use crate::presentation::TrackKind;
use crate::timeline::{Timeline, to_micros};
use crate::track::Track;

/// Segments that any film may have: two days of six seconds each. More of them take an index that says something of each sample, or
/// become longer than asked: a few bytes of index can claim a film of any length.
const FEW: u64 = 1 << 15;
/// Keyframes that any film may have.
const FEW_KEYFRAMES: u64 = 1 << 17;

/// The boundaries between segments in microseconds of presentation time, without the start and the end.
pub(crate) fn choose(tracks: &[Track], target: Duration) -> Result<Vec<i64>, Error> {
    let target = i64::try_from(target.as_micros()).unwrap_or(i64::MAX);
    let mut videos = tracks
        .iter()
        .filter(|track| track.info.kind == TrackKind::Video);
    let end = tracks
        .iter()
        .map(|track| to_micros(track.timeline.end, track.timeline.timescale))
        .max()
        .unwrap_or(0);
    let Some(first) = videos.next() else {
        // Sound alone can be cut anywhere.
        let described = tracks.iter().map(|track| track.timeline.described()).max();
        let most = FEW.saturating_add(described.unwrap_or(0));
        let target = target.max(end / i64::try_from(most).unwrap_or(i64::MAX));
        let count = usize::try_from(end / target).unwrap_or(0);
        return Ok((1..=count)
            .map(|index| index as i64 * target)
            .filter(|boundary| end - boundary > target / 4)
            .collect());
    };
    let mut candidates = keyframes(&first.timeline)?;
    for other in videos {
        let tolerance = frame_micros(other) / 2;
        let theirs = keyframes(&other.timeline)?;
        let before = candidates.len();
        candidates.retain(|time| {
            let at = theirs.partition_point(|theirs| *theirs < time - tolerance);
            theirs
                .get(at)
                .is_some_and(|theirs| *theirs <= time + tolerance)
        });
        if candidates.len() <= 1 && before > 1 && other.info.input != first.info.input {
            return Err(Error::Misaligned {
                input: other.info.input,
                reason: "its keyframes are at other times than those of the first input".to_owned(),
            });
        }
    }
    let end = to_micros(first.timeline.end, first.timeline.timescale);
    Ok(nearest(&candidates, end, target))
}

fn frame_micros(track: &Track) -> i64 {
    let rate = track
        .info
        .video
        .as_ref()
        .map_or(25.0, |video| video.frame_rate)
        .clamp(1.0, 1000.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "between a thousand and a million"
    )]
    let micros = (1e6 / rate) as i64;
    micros
}

/// Presentation times of the samples at which a segment can start.
fn keyframes(timeline: &Timeline) -> Result<Vec<i64>, Error> {
    let mut place = timeline.first()?;
    let mut times = Vec::new();
    let most = FEW_KEYFRAMES.saturating_add(timeline.described());
    while let Some(sample) = place.next(timeline)? {
        if times.len() as u64 > most {
            return Err(Error::UnsupportedFeature {
                input: 0,
                feature: format!("more than {most} keyframes that are all of one size"),
                advice: "cut the film into shorter ones",
            });
        }
        if sample.can_start {
            times.push(to_micros(sample.presentation_time, timeline.timescale));
        }
    }
    times.sort_unstable();
    times.dedup();
    Ok(times)
}

/// Picks boundaries among `candidates`: each as near to `target` after the one before as possible, the earlier one of two equals.
fn nearest(candidates: &[i64], end: i64, target: i64) -> Vec<i64> {
    let Some((&first, rest)) = candidates.split_first() else {
        return Vec::new();
    };
    let mut boundaries = Vec::new();
    let mut start = first;
    for (index, &here) in rest.iter().enumerate() {
        let elapsed = here - start;
        let following = rest.get(index + 1).copied().unwrap_or(end) - start;
        if elapsed >= target || target - elapsed <= following - target {
            boundaries.push(here);
            start = here;
        }
    }
    boundaries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_as_near_to_the_target_as_keyframes_allow() {
        let second = 1_000_000;
        let every =
            |step: i64, count: i64| (0..count).map(|n| n * step * second).collect::<Vec<_>>();
        assert_eq!(
            nearest(&every(2, 10), 20 * second, 6 * second),
            [6 * second, 12 * second, 18 * second]
        );
        assert_eq!(
            nearest(&every(5, 4), 20 * second, 6 * second),
            [5 * second, 10 * second, 15 * second]
        );
        assert_eq!(
            nearest(&every(10, 3), 30 * second, 6 * second),
            [10 * second, 20 * second]
        );
        // 4 and 8 are equally far from 6: the earlier one.
        assert_eq!(
            nearest(&every(4, 3), 12 * second, 6 * second),
            [4 * second, 8 * second]
        );
        assert!(nearest(&[0], 5 * second, 6 * second).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn boundaries_are_candidates_in_ascending_order(
            mut times in proptest::collection::vec(0_i64..100_000_000, 1..200),
            target in 500_000_i64..10_000_000,
        ) {
            times.sort_unstable();
            times.dedup();
            let boundaries = nearest(&times, 100_000_000, target);
            proptest::prop_assert!(boundaries.windows(2).all(|pair| pair[0] < pair[1]));
            proptest::prop_assert!(boundaries.iter().all(|boundary| times[1..].contains(boundary)));
        }
    }
}
