//! Time without a break from time stamps that wrap every 26.5 hours and jump where streams were joined.

/// Ticks after which a time stamp starts again at 0.
const WRAP: i64 = 1 << 33;
/// Ticks by which a stamp may lie off the one before; more is a jump. Ten seconds.
const JUMP: i64 = 900_000;
/// Ticks by which decode times of one stream may step back: half a second, for careless writers.
const BACK: i64 = 45_000;

/// What all streams of a programme share: what is added to stamps, changed at every jump.
#[derive(Debug)]
pub(super) struct Clock {
    shifts: Vec<i64>,
    last: Option<i64>,
}

/// Where one stream is on the clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hand {
    last: Option<i64>,
    /// Ticks from one stamp to the next.
    step: i64,
    shift: usize,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            shifts: vec![0],
            last: None,
        }
    }

    /// How often the clock jumped.
    pub(super) fn jumps(&self) -> usize {
        self.shifts.len() - 1
    }

    /// The time of a stamp of the stream whose hand this is.
    pub(super) fn time(&mut self, hand: &mut Hand, stamp: i64) -> i64 {
        if hand.last.is_none() {
            hand.shift = self.shifts.len() - 1;
        }
        let time = match hand.last.or(self.last) {
            None => stamp,
            Some(before) => self.follow(hand, before, stamp),
        };
        if let Some(before) = hand.last
            && time > before
        {
            hand.step = time - before;
        }
        hand.last = Some(time);
        self.last = Some(time);
        time
    }

    fn follow(&mut self, hand: &mut Hand, before: i64, stamp: i64) -> i64 {
        // Two streams need not start together.
        let back = if hand.last.is_some() { BACK } else { JUMP };
        let at = |shift: i64| {
            let distance = (stamp + shift - before + WRAP / 2).rem_euclid(WRAP) - WRAP / 2;
            (before + distance, (-back..=JUMP).contains(&distance))
        };
        // The stream goes on, or has reached a jump that another one met first.
        for shift in hand.shift..self.shifts.len() {
            let (time, near) = at(self.shifts[shift]);
            if near {
                hand.shift = shift;
                return time;
            }
        }
        // A jump: it goes on where the next stamp was to be.
        let time = before + hand.step.max(1);
        self.shifts.push(time - stamp);
        hand.shift = self.shifts.len() - 1;
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_wrap_and_jump() {
        let mut clock = Clock::new();
        let (mut video, mut audio) = (Hand::default(), Hand::default());
        let start = WRAP - 3000;
        assert_eq!(clock.time(&mut video, start), start);
        assert_eq!(clock.time(&mut audio, start + 500), start + 500);
        assert_eq!(clock.time(&mut video, 600), start + 3600);
        assert_eq!(clock.time(&mut audio, 1400), start + 4400);
        // Another recording follows: both streams go on, in step with each other.
        assert_eq!(clock.time(&mut video, 5_000_000), start + 7200);
        assert_eq!(clock.time(&mut audio, 5_000_800), start + 8000);
        assert_eq!(clock.time(&mut video, 5_003_600), start + 10_800);
        assert_eq!(clock.jumps(), 1);
    }
}
