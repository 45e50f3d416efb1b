//! Which origin is asked next, and after which pause.

use crate::breaker::Breaker;
use crate::config::Config;

/// One try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Index into the configured origins.
    pub origin: usize,
    /// The longest pause before it, in nanoseconds; the sender draws between 0 and this (full jitter).
    pub pause_ns: u64,
}

/// The tries of one request. Origins are asked in order; a pause comes before the same origin is asked again.
#[derive(Debug)]
pub struct Attempts<'a> {
    config: &'a Config,
    made: u32,
    limit: u32,
    last: Option<usize>,
    rounds: u32,
}

impl<'a> Attempts<'a> {
    /// `repeatable`: the request may be sent twice and carries no body.
    pub fn new(config: &'a Config, repeatable: bool) -> Self {
        let limit = if repeatable { config.retry.attempts } else { 1 };
        Self {
            config,
            made: 0,
            limit,
            last: None,
            rounds: 0,
        }
    }

    /// The next try, or none when all are made or every breaker is open.
    pub fn next(&mut self, breakers: &mut [Breaker], now_ns: u64) -> Option<Attempt> {
        if self.made >= self.limit {
            return None;
        }
        let count = self.config.origins.len();
        let first = self.last.map_or(0, |last| last + 1);
        let origin = (first..first + count).map(|at| at % count).find(|&at| {
            breakers
                .get_mut(at)
                .is_some_and(|breaker| breaker.admits(now_ns, self.config.breaker))
        })?;
        let again = self.last.is_some_and(|last| origin <= last);
        if again {
            self.rounds += 1;
        }
        self.made += 1;
        self.last = Some(origin);
        Some(Attempt {
            origin,
            pause_ns: if again { self.pause_ns() } else { 0 },
        })
    }

    /// True when another try may follow.
    pub fn more(&self) -> bool {
        self.made < self.limit
    }

    fn pause_ns(&self) -> u64 {
        let retry = &self.config.retry;
        let doubled = u64::from(retry.base_ms) << (self.rounds.saturating_sub(1)).min(20);
        doubled.min(u64::from(retry.max_ms)) * 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config(origins: usize, attempts: u32) -> Config {
        let list: Vec<String> = (0..origins)
            .map(|at| format!("{{ url = \"http://o{at}\" }}"))
            .collect();
        Config::parse(&format!(
            "origins = [{}]\nretry = {{ attempts = {attempts} }}",
            list.join(",")
        ))
        .unwrap()
    }

    #[test]
    fn one_origin_is_asked_again_after_growing_pauses() {
        let config = config(1, 4);
        let mut breakers = [Breaker::default()];
        let mut attempts = Attempts::new(&config, true);
        let pauses: Vec<u64> = std::iter::from_fn(|| attempts.next(&mut breakers, 0))
            .map(|attempt| attempt.pause_ns / 1_000_000)
            .collect();
        assert_eq!(pauses, [0, 50, 100, 200]);
    }

    #[test]
    fn the_next_origin_is_asked_at_once() {
        let config = config(2, 3);
        let mut breakers = [Breaker::default(); 2];
        let mut attempts = Attempts::new(&config, true);
        let tries: Vec<(usize, bool)> = std::iter::from_fn(|| attempts.next(&mut breakers, 0))
            .map(|a| (a.origin, a.pause_ns > 0))
            .collect();
        assert_eq!(tries, [(0, false), (1, false), (0, true)]);
    }

    #[test]
    fn an_open_breaker_is_passed_over_and_all_open_ends_it() {
        let config = config(2, 3);
        let mut breakers = [Breaker::default(); 2];
        for _ in 0..5 {
            breakers[0].failed(1, config.breaker);
        }
        assert_eq!(
            Attempts::new(&config, true)
                .next(&mut breakers, 2)
                .map(|a| a.origin),
            Some(1)
        );
        for _ in 0..5 {
            breakers[1].failed(1, config.breaker);
        }
        assert_eq!(Attempts::new(&config, true).next(&mut breakers, 2), None);
    }

    #[test]
    fn what_must_not_be_sent_twice_is_sent_once() {
        let config = config(2, 3);
        let mut breakers = [Breaker::default(); 2];
        let mut attempts = Attempts::new(&config, false);
        assert!(attempts.next(&mut breakers, 0).is_some());
        assert_eq!(attempts.next(&mut breakers, 0), None);
    }

    proptest! {
        #[test]
        fn never_more_tries_than_allowed_nor_longer_pauses(origins in 1_usize..5, tries in 1_u32..11) {
            let config = config(origins, tries);
            let mut breakers = vec![Breaker::default(); origins];
            let mut attempts = Attempts::new(&config, true);
            let made: Vec<Attempt> = std::iter::from_fn(|| attempts.next(&mut breakers, 0)).collect();
            prop_assert_eq!(made.len(), tries as usize);
            prop_assert!(made.iter().all(|a| a.origin < origins && a.pause_ns <= 1_000_000_000));
        }
    }
}
