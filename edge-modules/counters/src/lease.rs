//! Places in a set of limited size: concurrent streams of one subject.
//!
//! A holder keeps its place by coming back before its time is over. Nothing runs in the background: a place that ran out is
//! found and cleared by the next call on the same set.

use crate::operations::{LeaseOutcome, Takeover};

/// One live or lapsed holder of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who holds the place: opaque bytes, for example a session id.
    pub id: Vec<u8>,
    /// When the place was first granted, Unix nanoseconds. Renewing does not change it.
    pub granted_ns: u64,
    /// When the place is lost unless renewed, Unix nanoseconds.
    pub expires_ns: u64,
}

/// The holders of one set, in the order in which they were granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeaseSet {
    holders: Vec<Holder>,
}

impl LeaseSet {
    /// A set read back from a store. Holders are put in the order of their grant.
    pub fn from_holders(mut holders: Vec<Holder>) -> Self {
        holders.sort_by_key(|holder| holder.granted_ns);
        Self { holders }
    }

    /// The holders, oldest grant first, lapsed ones included.
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// When the last holder's time is over: the set may be forgotten then. 0 for an empty set.
    pub fn expires_ns(&self) -> u64 {
        self.holders
            .iter()
            .map(|holder| holder.expires_ns)
            .max()
            .unwrap_or(0)
    }

    /// True when `holder` has a place at `now_ns`.
    pub fn holds(&self, holder: &[u8], now_ns: u64) -> bool {
        self.holders
            .iter()
            .any(|held| held.id == holder && held.expires_ns > now_ns)
    }

    /// Takes or renews a place for `ttl_ns` from `now_ns`. See [`crate::CounterStore::lease`] for the rules.
    pub fn lease(
        &mut self,
        holder: &[u8],
        capacity: u32,
        ttl_ns: u64,
        takeover: Takeover,
        now_ns: u64,
    ) -> LeaseOutcome {
        self.holders.retain(|held| held.expires_ns > now_ns);
        let expires_ns = now_ns.saturating_add(ttl_ns);
        if let Some(held) = self.holders.iter_mut().find(|held| held.id == holder) {
            held.expires_ns = held.expires_ns.max(expires_ns);
            return self.granted(None);
        }
        let full = self.holders.len() >= usize::try_from(capacity).unwrap_or(usize::MAX);
        let dropped = match (full, takeover) {
            (false, _) => None,
            (true, Takeover::DropOldest) => Some(self.holders.remove(0).id),
            (true, Takeover::RefuseNewest) => {
                let first_free = self
                    .holders
                    .iter()
                    .map(|held| held.expires_ns)
                    .min()
                    .unwrap_or(now_ns);
                return LeaseOutcome {
                    granted: false,
                    active: self.active(),
                    dropped: None,
                    retry_after_ns: first_free.saturating_sub(now_ns),
                };
            }
        };
        self.holders.push(Holder {
            id: holder.into(),
            granted_ns: now_ns,
            expires_ns,
        });
        self.granted(dropped)
    }

    /// Gives a place back. True when it was held.
    pub fn release(&mut self, holder: &[u8], now_ns: u64) -> bool {
        self.holders.retain(|held| held.expires_ns > now_ns);
        let before = self.holders.len();
        self.holders.retain(|held| held.id != holder);
        self.holders.len() < before
    }

    fn granted(&self, dropped: Option<Vec<u8>>) -> LeaseOutcome {
        LeaseOutcome {
            granted: true,
            active: self.active(),
            dropped,
            retry_after_ns: 0,
        }
    }

    fn active(&self) -> u32 {
        u32::try_from(self.holders.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn lease(set: &mut LeaseSet, who: &str, takeover: Takeover, now: u64) -> LeaseOutcome {
        set.lease(who.as_bytes(), 2, 30 * SECOND, takeover, now * SECOND)
    }

    #[test]
    fn the_third_device_is_refused_until_a_place_lapses() {
        let mut set = LeaseSet::default();
        assert!(lease(&mut set, "tv", Takeover::RefuseNewest, 0).granted);
        assert!(lease(&mut set, "phone", Takeover::RefuseNewest, 10).granted);
        let refused = lease(&mut set, "tablet", Takeover::RefuseNewest, 20);
        assert_eq!(
            (refused.granted, refused.active, refused.retry_after_ns),
            (false, 2, 10 * SECOND)
        );
        assert!(
            lease(&mut set, "tablet", Takeover::RefuseNewest, 30).granted,
            "the television went silent"
        );
        assert!(
            lease(&mut set, "phone", Takeover::RefuseNewest, 39).granted,
            "renewing needs no free place"
        );
    }

    #[test]
    fn the_newest_takes_the_place_of_the_first_granted() {
        let mut set = LeaseSet::default();
        lease(&mut set, "tv", Takeover::DropOldest, 0);
        lease(&mut set, "phone", Takeover::DropOldest, 1);
        lease(&mut set, "tv", Takeover::DropOldest, 2);
        let outcome = lease(&mut set, "tablet", Takeover::DropOldest, 3);
        assert_eq!(
            outcome.dropped.as_deref(),
            Some(&b"tv"[..]),
            "renewing does not make a grant younger"
        );
        assert_eq!(outcome.active, 2);
    }

    #[test]
    fn a_released_place_is_free_at_once() {
        let mut set = LeaseSet::default();
        lease(&mut set, "tv", Takeover::RefuseNewest, 0);
        lease(&mut set, "phone", Takeover::RefuseNewest, 0);
        assert!(set.release(b"tv", SECOND));
        assert!(!set.release(b"tv", SECOND));
        assert!(lease(&mut set, "tablet", Takeover::RefuseNewest, 1).granted);
    }

    #[test]
    fn a_capacity_of_0_refuses_everyone() {
        let mut set = LeaseSet::default();
        let outcome = set.lease(b"tv", 0, SECOND, Takeover::RefuseNewest, 5);
        assert_eq!((outcome.granted, outcome.active), (false, 0));
    }

    proptest! {
        #[test]
        fn never_more_live_holders_than_places(
            capacity in 1u32..5,
            drop_oldest: bool,
            calls in prop::collection::vec((0u8..12, 0u64..20, any::<bool>()), 1..200),
        ) {
            let takeover = if drop_oldest { Takeover::DropOldest } else { Takeover::RefuseNewest };
            let (mut set, mut now) = (LeaseSet::default(), 0);
            for (who, wait, release) in calls {
                now += wait;
                if release {
                    set.release(&[who], now);
                } else {
                    let outcome = set.lease(&[who], capacity, 30, takeover, now);
                    prop_assert!(outcome.active <= capacity);
                    prop_assert_eq!(outcome.granted, set.holders().iter().any(|held| held.id == [who]));
                    prop_assert!(outcome.granted || takeover == Takeover::RefuseNewest);
                }
                prop_assert!(set.holders().is_sorted_by_key(|held| held.granted_ns));
            }
        }
    }
}
