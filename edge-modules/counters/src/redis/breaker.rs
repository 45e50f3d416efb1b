//! A circuit breaker: a store that failed several times in a row is left alone for a while, so that requests do not queue up behind
//! its time-outs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Opens after so many failures in a row; pauses double from the shortest to the longest.
#[derive(Debug)]
pub(super) struct Breaker {
    failures_to_open: u32,
    shortest: Duration,
    longest: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    failures: u32,
    pause: Duration,
    /// While open: when the next call may try.
    closed_until: Option<Instant>,
}

impl Breaker {
    pub(super) fn new(failures_to_open: u32, shortest: Duration, longest: Duration) -> Self {
        let state = State {
            failures: 0,
            pause: shortest,
            closed_until: None,
        };
        Self {
            failures_to_open: failures_to_open.max(1),
            shortest,
            longest,
            state: Mutex::new(state),
        }
    }

    /// True when a call may go. After a pause one call goes alone; the others follow when it came back well.
    pub(super) fn allows(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.closed_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.closed_until = Some(now + state.pause);
                true
            }
        }
    }

    pub(super) fn succeeded(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State {
            failures: 0,
            pause: self.shortest,
            closed_until: None,
        };
    }

    pub(super) fn failed(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.failures_to_open {
            if state.failures > self.failures_to_open {
                state.pause = (state.pause * 2).min(self.longest);
            }
            state.closed_until = Some(now + state.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_and_lets_one_try_after_a_pause() {
        let millis = Duration::from_millis;
        let breaker = Breaker::new(3, millis(100), millis(300));
        let start = Instant::now();
        breaker.failed(start);
        breaker.failed(start);
        assert!(breaker.allows(start));
        breaker.failed(start);
        assert!(!breaker.allows(start + millis(99)));
        assert!(breaker.allows(start + millis(100)), "the one that tries");
        assert!(
            !breaker.allows(start + millis(100)),
            "the others wait for it"
        );
        breaker.failed(start + millis(110));
        assert!(
            !breaker.allows(start + millis(300)),
            "the pause has doubled"
        );
        assert!(breaker.allows(start + millis(310)));
        breaker.succeeded();
        assert!(breaker.allows(start + millis(310)) && breaker.allows(start + millis(310)));
    }
}
