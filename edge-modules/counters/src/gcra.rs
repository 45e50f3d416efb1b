//! The generic cell rate algorithm, the virtual scheduling form of ITU-T I.371 annex A.
//!
//! A quota is one number, its *theoretical arrival time* (TAT): when the quota would be full again if nothing more came. Taking
//! `cost` units moves it `cost * interval` later; a take is refused when that would put it more than `burst * interval` ahead of
//! now. With `interval` = 600 ms and `burst` = 100 (100 requests a minute) a client that has rested may send 100 requests at
//! once, then one each 600 ms. Nothing has to tick: an old TAT lies in the past and means "full".

/// How fast a quota refills and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Nanoseconds until one unit comes back. At least 1.
    pub interval_ns: u64,
    /// Units that a rested client may take at once. At least 1.
    pub burst: u64,
}

/// What a take came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The answer for the caller.
    pub standing: Standing,
    /// The TAT to store. Unchanged (but for clipping, see [`Quota::take`]) when the take was refused.
    pub tat_ns: u64,
}

/// The state of one quota after a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether the units were there.
    pub allowed: bool,
    /// Whole units that could be taken right now.
    pub remaining: u64,
    /// 0 when allowed; else nanoseconds until `cost` units are there. `u64::MAX` when `cost` exceeds `burst`.
    pub retry_after_ns: u64,
    /// Nanoseconds until the quota is full again.
    pub reset_after_ns: u64,
}

impl Quota {
    /// How far the TAT may lie ahead of now: `burst * interval`, at most 2^64 - 1 ns (584 years).
    pub const fn tolerance_ns(self) -> u64 {
        self.interval_ns.saturating_mul(self.burst)
    }

    /// Takes `cost` units at `now_ns` from the quota whose TAT is `tat_ns` (0: never used). A cost of 0 asks without taking.
    ///
    /// A TAT further ahead than the tolerance is read as "empty": after a configuration change to a smaller quota, or a step of a
    /// store's clock, nobody waits longer than one full window of the quota that holds now.
    pub fn take(self, tat_ns: u64, now_ns: u64, cost: u64) -> Decision {
        let tolerance = self.tolerance_ns();
        let used = tat_ns.saturating_sub(now_ns).min(tolerance);
        let increment = self.interval_ns.checked_mul(cost);
        let wanted = increment.and_then(|increment| used.checked_add(increment));
        let allowed = wanted.is_some_and(|wanted| wanted <= tolerance);
        let after = match wanted {
            Some(wanted) if allowed => wanted,
            _ => used,
        };
        let retry_after_ns = match (allowed, increment) {
            (true, _) => 0,
            (false, Some(increment)) if increment <= tolerance => used - (tolerance - increment),
            (false, _) => u64::MAX,
        };
        Decision {
            standing: Standing {
                allowed,
                remaining: (tolerance - after) / self.interval_ns.max(1),
                retry_after_ns,
                reset_after_ns: after,
            },
            tat_ns: now_ns.saturating_add(after),
        }
    }

    /// Gives back `cost` units that an earlier take got: the TAT to store. Never fuller than full.
    pub fn refund(self, tat_ns: u64, cost: u64) -> u64 {
        tat_ns.saturating_sub(self.interval_ns.saturating_mul(cost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::{Clock as _, FakeRelativeClock};
    use governor::state::{InMemoryState, NotKeyed};
    use governor::{NotUntil, RateLimiter, middleware::NoOpMiddleware, nanos::Nanos};
    use proptest::prelude::*;
    use std::num::NonZeroU32;
    use std::time::Duration;

    const MINUTE_OF_100: Quota = Quota {
        interval_ns: 600_000_000,
        burst: 100,
    };

    #[test]
    fn worked_example_100_a_minute() {
        let now = 1_700_000_000_000_000_000;
        let mut tat = 0;
        for left in (0..100).rev() {
            let decision = MINUTE_OF_100.take(tat, now, 1);
            assert!(decision.standing.allowed);
            assert_eq!(decision.standing.remaining, left);
            tat = decision.tat_ns;
        }
        let refused = MINUTE_OF_100.take(tat, now, 1);
        assert_eq!(
            refused.standing,
            Standing {
                allowed: false,
                remaining: 0,
                retry_after_ns: 600_000_000,
                reset_after_ns: 60_000_000_000
            }
        );
        assert_eq!(refused.tat_ns, tat, "a refused take consumes nothing");
        assert!(
            MINUTE_OF_100
                .take(tat, now + 600_000_000, 1)
                .standing
                .allowed
        );
        assert!(
            !MINUTE_OF_100
                .take(tat, now + 599_999_999, 1)
                .standing
                .allowed
        );
    }

    #[test]
    fn a_cost_above_the_burst_never_fits() {
        let decision = MINUTE_OF_100.take(0, 5, 101);
        assert!(!decision.standing.allowed);
        assert_eq!(decision.standing.retry_after_ns, u64::MAX);
        assert_eq!(decision.standing.remaining, 100);
    }

    #[test]
    fn cost_0_asks_without_taking() {
        let tat = MINUTE_OF_100.take(0, 1_000, 40).tat_ns;
        let asked = MINUTE_OF_100.take(tat, 1_000, 0);
        assert_eq!((asked.standing.remaining, asked.tat_ns), (60, tat));
    }

    #[test]
    fn a_smaller_quota_after_a_reload_waits_at_most_its_own_window() {
        let tat = MINUTE_OF_100.take(0, 1_000, 100).tat_ns;
        let small = Quota {
            interval_ns: 1_000_000_000,
            burst: 2,
        };
        assert_eq!(
            small.take(tat, 1_000, 1).standing.retry_after_ns,
            1_000_000_000
        );
    }

    proptest! {
        /// governor is the independent implementation: same verdict and same waiting time for every sequence of single takes.
        #[test]
        fn agrees_with_governor(
            interval in 1u64..5_000_000_000,
            burst in 1u32..200,
            steps in prop::collection::vec((0u64..3_000_000_000, 1u32..5), 1..300),
        ) {
            let clock = FakeRelativeClock::default();
            let burst_nz = NonZeroU32::new(burst).unwrap();
            let quota = governor::Quota::with_period(Duration::from_nanos(interval)).unwrap().allow_burst(burst_nz);
            let theirs: RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>> =
                RateLimiter::direct_with_clock(quota, clock.clone());
            let ours = Quota { interval_ns: interval, burst: u64::from(burst) };
            let base = 1_700_000_000_000_000_000_u64;
            let (mut now, mut tat) = (base, 0);
            for (wait, cost) in steps {
                clock.advance(Duration::from_nanos(wait));
                now += wait;
                let decision = ours.take(tat, now, u64::from(cost));
                tat = decision.tat_ns;
                let their_wait = match theirs.check_n(NonZeroU32::new(cost).unwrap()) {
                    Ok(Ok(())) => Some(0),
                    Ok(Err(refused)) => Some(wait_ns(&refused, &clock)),
                    Err(_) => None,
                };
                match their_wait {
                    Some(wait) => prop_assert_eq!(decision.standing.retry_after_ns, wait),
                    None => prop_assert_eq!(decision.standing.retry_after_ns, u64::MAX),
                }
                prop_assert_eq!(decision.standing.allowed, their_wait == Some(0));
            }
        }

        /// Never a panic, never more than the burst, and the advice is honest: waiting exactly that long is enough.
        #[test]
        fn advice_is_honest(interval in 1u64.., burst in 1u64.., tat: u64, now in 0u64..u64::MAX / 2, cost: u64) {
            let quota = Quota { interval_ns: interval, burst };
            let decision = quota.take(tat, now, cost);
            prop_assert!(decision.standing.remaining <= burst);
            let wait = decision.standing.retry_after_ns;
            if !decision.standing.allowed && wait < u64::MAX / 2 {
                prop_assert!(quota.take(decision.tat_ns, now + wait, cost).standing.allowed);
                prop_assert!(!quota.take(decision.tat_ns, now + wait - 1, cost).standing.allowed);
            }
            if decision.standing.allowed {
                let back = quota.refund(decision.tat_ns, cost);
                prop_assert!(back.saturating_sub(now) <= tat.saturating_sub(now));
            }
        }
    }

    fn wait_ns(refused: &NotUntil<Nanos>, clock: &FakeRelativeClock) -> u64 {
        u64::try_from(refused.wait_time_from(clock.now()).as_nanos()).unwrap()
    }
}
