//! Bit rates by the definitions of RFC 8216bis 4.4.6.2.

use crate::plan::PlannedTrack;

/// Bit rates of a rendition in bit/s, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bandwidth {
    /// Peak segment bit rate.
    pub(crate) peak: u64,
    /// Average segment bit rate.
    pub(crate) average: u64,
}

impl Bandwidth {
    /// Bit rates of a track. `target` is the target duration in seconds.
    pub(crate) fn of_track(track: &PlannedTrack, target: u64) -> Self {
        let segments: Vec<_> = track
            .segments
            .iter()
            .map(|s| (track.duration_micros(s).max(0).unsigned_abs(), s.len))
            .collect();
        Self::of(&segments, target)
    }

    /// Bit rates of segments given as (duration in microseconds, bytes).
    ///
    /// The peak is the largest bit rate of any contiguous set of segments whose total duration is between 0.5 and 1.5 times
    /// the target duration. Where no set is, the largest bit rate of a single segment stands in.
    pub(crate) fn of(segments: &[(u64, u64)], target: u64) -> Self {
        let (least, most) = (target * 500_000, target * 1_500_000);
        let mut peak = 0;
        for start in 0..segments.len() {
            let (mut duration, mut bytes) = (0_u64, 0_u64);
            for (segment_duration, segment_bytes) in &segments[start..] {
                duration += segment_duration;
                bytes += segment_bytes;
                if duration > most {
                    break;
                }
                if duration >= least {
                    peak = peak.max(rate(bytes, duration));
                }
            }
        }
        if peak == 0 {
            peak = segments
                .iter()
                .map(|(duration, bytes)| rate(*bytes, *duration))
                .max()
                .unwrap_or(0);
        }
        let duration = segments.iter().map(|(duration, _)| duration).sum();
        let bytes = segments.iter().map(|(_, bytes)| bytes).sum();
        Self {
            peak,
            average: rate(bytes, duration),
        }
    }

    /// Bit rates of two renditions played together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            peak: self.peak + other.peak,
            average: self.average + other.average,
        }
    }

    /// The larger of both rates.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            peak: self.peak.max(other.peak),
            average: self.average.max(other.average),
        }
    }
}

/// Bits per second, rounded up.
fn rate(bytes: u64, micros: u64) -> u64 {
    let bits = u128::from(bytes) * 8 * 1_000_000;
    u64::try_from(bits.div_ceil(u128::from(micros.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_taken_over_sets_near_the_target_duration() {
        let second = 1_000_000;
        // Target 6 s: sets of 3 to 9 s count. The 1 s segment alone does not; with either neighbour it does.
        let segments = [
            (6 * second, 600_000),
            (second, 900_000),
            (6 * second, 600_000),
        ];
        assert_eq!(Bandwidth::of(&segments, 6).peak, 1_500_000 * 8 / 7 + 1);
        assert_eq!(
            Bandwidth::of(&segments, 6).average,
            (2_100_000_u64 * 8).div_ceil(13)
        );
        // One long segment only: it stands for itself.
        assert_eq!(
            Bandwidth::of(&[(20 * second, 20_000)], 6),
            Bandwidth {
                peak: 8_000,
                average: 8_000
            }
        );
        // A short film: no set reaches half the target.
        assert_eq!(Bandwidth::of(&[(second, 1_000)], 6).peak, 8_000);
    }
}
