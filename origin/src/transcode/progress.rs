//! ffmpeg's `-progress` lines.

use std::time::Duration;

/// Reads one line; `Some` when it says how much has been encoded.
pub(super) fn encoded(line: &str) -> Option<Duration> {
    // Microseconds in spite of what some versions call it (`out_time_ms` is wrong by 1000 there, so it is not read).
    let microseconds: i64 = line.strip_prefix("out_time_us=")?.trim().parse().ok()?;
    u64::try_from(microseconds).ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_count() {
        assert_eq!(
            encoded("out_time_us=1500000"),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(encoded("out_time_us=N/A"), None);
        assert_eq!(encoded("out_time_us=-9223372036854775808"), None);
        assert_eq!(encoded("frame=12"), None);
    }
}
