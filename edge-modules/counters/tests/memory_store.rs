//! The in-memory store as its callers see it, one thread and many.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use weir_counters::{
    CounterStore, LeaseRequest, Limit, ManualClock, MemoryStore, StoreError, Takeover,
};

const SECOND: u64 = 1_000_000_000;

fn store_at(clock: &ManualClock) -> MemoryStore {
    MemoryStore::builder()
        .shards(8)
        .clock(clock.clone())
        .build()
}

fn limit(key: &[u8], burst: u64) -> Limit<'_> {
    Limit {
        key,
        interval_ns: SECOND,
        burst,
        cost: 1,
    }
}

#[test]
fn a_refused_take_takes_from_no_quota() {
    let clock = ManualClock::at_secs(1_000);
    let store = store_at(&clock);
    for _ in 0..3 {
        assert!(
            store
                .take(&[limit(b"wide", 10), limit(b"narrow", 3)])
                .unwrap()
                .iter()
                .all(|standing| standing.allowed)
        );
    }
    for _ in 0..5 {
        let standings = store
            .take(&[limit(b"wide", 10), limit(b"narrow", 3)])
            .unwrap();
        assert_eq!((standings[0].allowed, standings[0].remaining), (true, 7));
        assert_eq!(
            (
                standings[1].allowed,
                standings[1].remaining,
                standings[1].retry_after_ns
            ),
            (false, 0, SECOND)
        );
    }
    clock.advance_ns(SECOND);
    let standings = store
        .take(&[limit(b"wide", 10), limit(b"narrow", 3)])
        .unwrap();
    assert!(standings.iter().all(|standing| standing.allowed));
    assert_eq!(
        standings[0].remaining, 7,
        "six and the one that came back, less the one taken"
    );
}

#[test]
fn a_key_named_twice_draws_twice() {
    let store = store_at(&ManualClock::at_secs(1_000));
    let standings = store.take(&[limit(b"k", 3), limit(b"k", 3)]).unwrap();
    assert_eq!(standings[1].remaining, 1);
    assert!(!store.take(&[limit(b"k", 3), limit(b"k", 3)]).unwrap()[1].allowed);
    assert_eq!(
        store.take(&[limit(b"k", 3)]).unwrap()[0].remaining,
        0,
        "the refused pair took nothing"
    );
}

#[test]
fn numbers_live_from_their_first_increment() {
    let clock = ManualClock::at_secs(1_000);
    let store = store_at(&clock);
    assert_eq!(store.increment(b"n", 2, 10 * SECOND).unwrap(), 2);
    clock.advance_ns(9 * SECOND);
    assert_eq!(store.increment(b"n", 3, 10 * SECOND).unwrap(), 5);
    clock.advance_ns(SECOND);
    assert_eq!(
        store.increment(b"n", -1, 0).unwrap(),
        -1,
        "expired, counted from 0"
    );
    clock.advance_ns(1_000_000 * SECOND);
    assert_eq!(
        store.increment(b"n", i64::MIN, 0).unwrap(),
        i64::MIN,
        "saturates, and lives until deleted"
    );
    assert!(store.delete(b"n").unwrap());
    assert!(!store.delete(b"n").unwrap());
}

#[test]
fn put_if_writes_only_over_what_was_expected() {
    let clock = ManualClock::at_secs(1_000);
    let store = store_at(&clock);
    assert!(!store.put_if(b"v", Some(b"a"), b"b", 0).unwrap());
    assert!(store.put_if(b"v", None, b"a", 5 * SECOND).unwrap());
    assert!(!store.put_if(b"v", None, b"b", 0).unwrap());
    assert!(store.put_if(b"v", Some(b"a"), b"b", 5 * SECOND).unwrap());
    assert_eq!(store.get(b"v").unwrap().as_deref(), Some(&b"b"[..]));
    clock.advance_ns(5 * SECOND);
    assert_eq!(store.get(b"v").unwrap(), None);
    assert!(store.put_if(b"v", None, b"c", 0).unwrap());
}

#[test]
fn leases_live_in_the_store_and_delete_clears_every_kind() {
    let clock = ManualClock::at_secs(1_000);
    let store = store_at(&clock);
    let lease = |holder: &'static [u8]| LeaseRequest {
        set: b"k",
        holder,
        capacity: 1,
        ttl_ns: 30 * SECOND,
        takeover: Takeover::RefuseNewest,
    };
    assert!(store.lease(lease(b"tv")).unwrap().granted);
    assert!(!store.lease(lease(b"phone")).unwrap().granted);
    assert!(store.release(b"k", b"tv").unwrap());
    assert!(store.lease(lease(b"phone")).unwrap().granted);
    store.increment(b"k", 1, 0).unwrap();
    store.take(&[limit(b"k", 1)]).unwrap();
    assert!(store.put_if(b"k", None, b"v", 0).unwrap());
    assert!(store.delete(b"k").unwrap());
    assert!(store.lease(lease(b"tv")).unwrap().granted);
    assert!(store.take(&[limit(b"k", 1)]).unwrap()[0].allowed);
    assert_eq!(store.increment(b"k", 1, 0).unwrap(), 1);
    assert_eq!(store.get(b"k").unwrap(), None);
}

#[test]
fn wrong_calls_are_invalid() {
    let store = MemoryStore::default();
    let invalid = |result: Result<_, StoreError>| matches!(result, Err(StoreError::Invalid(_)));
    assert!(invalid(store.take(&[limit(b"", 1)])));
    assert!(invalid(store.take(&[limit(&[7; 513], 1)])));
    assert!(invalid(store.take(&[limit(b"k", 0)])));
    assert!(invalid(store.take(&[Limit {
        interval_ns: 0,
        ..limit(b"k", 1)
    }])));
    assert!(invalid(store.take(&[limit(b"k", 1); 65])));
    assert!(store.take(&[]).unwrap().is_empty());
    assert!(matches!(
        store.put_if(b"k", None, &vec![0; 65_537], 0),
        Err(StoreError::Invalid(_))
    ));
}

#[test]
fn a_store_without_room_says_so_and_keeps_what_it_has() {
    let store = MemoryStore::builder()
        .shards(1)
        .max_bytes(16 * 1024)
        .clock(ManualClock::at_secs(1))
        .build();
    let mut written = 0_u32;
    let error = loop {
        match store.put_if(&written.to_le_bytes(), None, &[0; 100], 0) {
            Ok(done) => assert!(done),
            Err(error) => break error,
        }
        written += 1;
        assert!(written < 1_000, "the bound must be felt");
    };
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!((0..written).all(|key| store.get(&key.to_le_bytes()).unwrap().is_some()));
    assert!(store.usage().bytes <= 17 * 1024);
}

#[test]
fn threads_together_get_the_burst_and_not_one_more() {
    let clock = ManualClock::at_secs(1_000);
    let store = store_at(&clock);
    for window in 0..20_u64 {
        let admitted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (store, admitted) = (&store, &admitted);
                scope.spawn(move || {
                    for turn in 0..100 {
                        // Every other thread names the quotas the other way round: the lock order must not depend on it.
                        let pair = [limit(b"shared", 50), limit(b"other", 1_000_000)];
                        let limits = if (thread + turn) % 2 == 0 {
                            pair
                        } else {
                            [pair[1], pair[0]]
                        };
                        if store
                            .take(&limits)
                            .unwrap()
                            .iter()
                            .all(|standing| standing.allowed)
                        {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let expected = if window == 0 { 50 } else { 7 };
        assert_eq!(admitted.into_inner(), expected);
        clock.advance_ns(7 * SECOND);
    }
}

#[test]
fn threads_on_the_real_clock_get_burst_plus_rate_times_time() {
    let store = MemoryStore::default();
    let admitted = AtomicU64::new(0);
    // The burst outlasts any pause that a busy machine makes: no unit is lost because nobody came for it.
    let limit = Limit {
        key: b"shared",
        interval_ns: 1_000_000,
        burst: 20_000,
        cost: 1,
    };
    let started = Instant::now();
    let take = || {
        let allowed = store.take(&[limit]).unwrap()[0].allowed;
        admitted.fetch_add(u64::from(allowed), Ordering::Relaxed);
        allowed
    };
    // A full bucket gains nothing, so half is taken before the clock counts: from `first` on there
    // is room for ten seconds, however late the threads start.
    for _ in 0..10_000 {
        take();
    }
    let first = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while started.elapsed() < Duration::from_millis(300) || take() {
                    take();
                }
            });
        }
    });
    let millis = || u64::try_from(started.elapsed().as_millis()).unwrap();
    let least = 20_000 + u64::try_from(first.elapsed().as_millis()).unwrap();
    while take() {}
    let most = 20_000 + millis() + 1;
    let admitted = admitted.into_inner();
    assert!(
        (least..=most).contains(&admitted),
        "{admitted} admitted, {least} to {most} were due"
    );
}

#[test]
fn a_million_addresses_fit_64_mib_and_leave_when_they_expire() {
    let clock = ManualClock::at_secs(1_000);
    let store = MemoryStore::builder()
        .shards(64)
        .max_bytes(64 << 20)
        .clock(clock.clone())
        .build();
    for address in 0..1_000_000_u32 {
        let key = format!(
            "rate-limit:free:ip:{}",
            std::net::Ipv4Addr::from_bits(address)
        );
        assert!(store.take(&[limit(key.as_bytes(), 100)]).unwrap()[0].allowed);
    }
    let usage = store.usage();
    assert_eq!((usage.entries, usage.forgotten), (1_000_000, 0));
    assert!(usage.bytes <= 64 << 20, "{} bytes", usage.bytes);
    clock.advance_ns(2 * SECOND);
    store.sweep();
    assert!(store.usage().bytes < 1 << 20, "{:?}", store.usage());
}
