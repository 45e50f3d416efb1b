//! Edit lists (ISO/IEC 14496-12, 8.6.6) as stretches of media that are presented one after the other.

use serde::{Deserialize, Serialize};

use super::{Source, Statistics, rescale};
use crate::Error;

/// A stretch of media and when it is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edit {
    /// Presentation time of its start, in ticks of the movie.
    pub(crate) start: i64,
    /// First media time presented, in source ticks.
    pub(crate) media_start: i64,
    /// Media time at which it ends, in source ticks; `i64::MAX` when it goes on to the end of the media.
    pub(crate) media_end: i64,
}

/// A rate of 1 as a 16.16 fixed point number.
const NORMAL_RATE: i32 = 0x1_0000;

/// The edits of a track in presentation order, and whether all of them start on a tick of the track.
///
/// Without an edit list the media are presented from time 0 on.
pub(crate) fn normalize(
    source: &Source<'_>,
    statistics: &Statistics,
) -> Result<(Vec<Edit>, bool), Error> {
    let (scale, movie) = (source.timescale, source.movie_timescale);
    let mut edits = Vec::new();
    let mut exact = true;
    let mut start = 0_i64;
    for (index, raw) in source.edits.iter().enumerate() {
        let last = index + 1 == source.edits.len();
        let duration = i64::try_from(raw.duration).unwrap_or(i64::MAX);
        if raw.media_time >= 0 {
            // 0 holds one picture for the duration of the edit; for sound that is silence.
            let media_end = match raw.rate {
                0 if source.is_video => raw.media_time.saturating_add(1),
                0 => raw.media_time,
                // Writers that leave the rate's fraction or all of it unset are more common than true speed changes.
                rate if rate.abs_diff(NORMAL_RATE) <= 1 || rate == 1 => {
                    let end = raw
                        .media_time
                        .saturating_add(rescale(duration, movie, scale));
                    // An edit's duration is rounded to the movie's clock: within a tick of the end it means the end.
                    let slack = i64::from(scale / movie) + 1;
                    let open = last
                        && (duration == 0
                            || source.fragmented
                            || statistics.end.saturating_sub(end) <= slack);
                    if open { i64::MAX } else { end }
                }
                rate => {
                    return Err(Error::UnsupportedFeature {
                        input: 0,
                        feature: format!(
                            "an edit of track {} that plays at {:.3} times the speed",
                            source.track,
                            f64::from(rate) / 65536.0
                        ),
                        advice: "render the speed change into the media first",
                    });
                }
            };
            exact &= (i128::from(start) * i128::from(scale)) % i128::from(movie) == 0;
            if media_end > raw.media_time {
                edits.push(Edit {
                    start,
                    media_start: raw.media_time,
                    media_end,
                });
            }
        }
        start = start.saturating_add(duration);
    }
    if source.edits.is_empty() {
        edits.push(Edit {
            start: 0,
            media_start: 0,
            media_end: i64::MAX,
        });
    }
    Ok((edits, exact))
}
