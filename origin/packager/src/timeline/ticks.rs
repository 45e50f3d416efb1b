//! Time in ticks of a clock.

/// `ticks` of a clock of `from` ticks per second, in ticks of a clock of `to`: rounded to the nearest, saturating.
pub(crate) fn rescale(ticks: i64, from: u32, to: u32) -> i64 {
    if from == to || from == 0 {
        return ticks;
    }
    let (from, product) = (i128::from(from), i128::from(ticks) * i128::from(to));
    let rounded = (product * 2 + from).div_euclid(from * 2);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

/// Seconds as a floating point number, for people to read.
#[expect(
    clippy::cast_precision_loss,
    reason = "a report for people; nothing is computed from it"
)]
pub(crate) fn seconds(ticks: i64, timescale: u32) -> f64 {
    ticks as f64 / f64::from(timescale.max(1))
}

/// Microseconds, rounded to the nearest.
pub(crate) fn to_micros(ticks: i64, timescale: u32) -> i64 {
    rescale(ticks, timescale, 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescaling_rounds_to_the_nearest_and_saturates() {
        assert_eq!(rescale(1, 3, 1000), 333);
        assert_eq!(rescale(2, 3, 1000), 667);
        assert_eq!(rescale(-1, 2, 1), 0);
        assert_eq!(rescale(-3, 2, 1), -1);
        assert_eq!(rescale(i64::MAX, 1, u32::MAX), i64::MAX);
        assert_eq!(to_micros(1001, 30000), 33367);
    }
}
