//! A circuit breaker: after failures in a row an origin is left alone for a while, then one request may try it.

use crate::config::BreakerConfig;

/// The state for one origin, in the memory of one instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    /// Time in nanoseconds until which nobody may try; 0 while closed.
    open_until_ns: u64,
}

impl Breaker {
    /// Whether a request may go to this origin now. The first one after the pause is let through and, until it reports, no other.
    pub fn admits(&mut self, now_ns: u64, config: BreakerConfig) -> bool {
        if self.open_until_ns == 0 {
            return true;
        }
        if now_ns < self.open_until_ns {
            return false;
        }
        // Half open: this request tries; the others wait for another pause or its success.
        self.open_until_ns = now_ns.saturating_add(pause_ns(config));
        true
    }

    /// How long until the next try, 0 when one may be made now.
    pub fn wait_ns(&self, now_ns: u64) -> u64 {
        self.open_until_ns.saturating_sub(now_ns)
    }

    /// The origin answered.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The origin did not answer, or answered that it cannot.
    pub fn failed(&mut self, now_ns: u64, config: BreakerConfig) {
        self.failures = self.failures.saturating_add(1);
        if config.failures > 0 && self.failures >= config.failures {
            self.open_until_ns = now_ns.saturating_add(pause_ns(config)).max(1);
        }
    }
}

fn pause_ns(config: BreakerConfig) -> u64 {
    u64::from(config.open_ms).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig = BreakerConfig {
        failures: 2,
        open_ms: 1,
    };
    const MS: u64 = 1_000_000;

    #[test]
    fn opens_after_failures_in_a_row_and_lets_one_try() {
        let mut breaker = Breaker::default();
        breaker.failed(10, CONFIG);
        assert!(breaker.admits(11, CONFIG));
        breaker.succeeded();
        breaker.failed(12, CONFIG);
        assert!(
            breaker.admits(13, CONFIG),
            "a success between them starts the count over"
        );
        breaker.failed(14, CONFIG);
        assert!(!breaker.admits(15, CONFIG));
        assert_eq!(breaker.wait_ns(14), MS);
        assert!(breaker.admits(14 + MS, CONFIG), "one may try");
        assert!(!breaker.admits(14 + MS, CONFIG), "and only one");
        breaker.succeeded();
        assert!(breaker.admits(15 + MS, CONFIG));
    }

    #[test]
    fn zero_failures_switch_it_off() {
        let off = BreakerConfig {
            failures: 0,
            open_ms: 1,
        };
        let mut breaker = Breaker::default();
        for now in 0..100 {
            breaker.failed(now, off);
        }
        assert!(breaker.admits(100, off));
    }
}
