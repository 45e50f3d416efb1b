//! What every store must answer: for the tests of stores and adapters.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use crate::operations::{CounterStore, LeaseRequest, Limit, StoreError, Takeover};

const SECOND: u64 = 1_000_000_000;

/// A quota that gives nothing back while the check runs.
fn limit(key: &[u8], burst: u64) -> Limit<'_> {
    Limit {
        key,
        interval_ns: 3_600 * SECOND,
        burst,
        cost: 1,
    }
}

/// Asks a store everything that the contract promises, on the real clock. Takes about two seconds.
///
/// # Panics
/// At the first wrong answer.
pub fn check(store: &dyn CounterStore) {
    // take: all or none, and what a refusal tells.
    for left in (0..3).rev() {
        let standings = store
            .take(&[limit(b"wide", 10), limit(b"narrow", 3)])
            .unwrap();
        assert!(standings.iter().all(|standing| standing.allowed));
        assert_eq!(standings[1].remaining, left);
    }
    for _ in 0..3 {
        let standings = store
            .take(&[limit(b"wide", 10), limit(b"narrow", 3)])
            .unwrap();
        assert_eq!((standings[0].allowed, standings[0].remaining), (true, 7));
        assert_eq!((standings[1].allowed, standings[1].remaining), (false, 0));
        let hour = 3_600 * SECOND;
        assert!(
            (hour - 5 * SECOND..=hour).contains(&standings[1].retry_after_ns),
            "{standings:?}"
        );
    }
    assert_eq!(
        store
            .take(&[Limit {
                cost: 0,
                ..limit(b"wide", 10)
            }])
            .unwrap()[0]
            .remaining,
        7
    );
    assert_eq!(
        store
            .take(&[Limit {
                cost: 11,
                ..limit(b"wide", 10)
            }])
            .unwrap()[0]
            .retry_after_ns,
        u64::MAX
    );
    let odd = Limit {
        key: b"odd",
        interval_ns: 333_333_333,
        burst: 3,
        cost: 3,
    };
    assert!(
        store.take(&[odd]).unwrap()[0].allowed,
        "thirds add up to a whole burst"
    );

    // lease
    let lease = |set: &'static [u8], holder: &'static [u8], takeover| {
        store
            .lease(LeaseRequest {
                set,
                holder,
                capacity: 2,
                ttl_ns: SECOND / 2,
                takeover,
            })
            .unwrap()
    };
    assert!(lease(b"ada", b"tv", Takeover::RefuseNewest).granted);
    assert_eq!(lease(b"ada", b"phone", Takeover::RefuseNewest).active, 2);
    let refused = lease(b"ada", b"tablet", Takeover::RefuseNewest);
    assert!(!refused.granted && refused.active == 2 && refused.retry_after_ns > 0);
    assert!(
        lease(b"ada", b"tv", Takeover::RefuseNewest).granted,
        "a renewal"
    );
    let taken = lease(b"ada", b"tablet", Takeover::DropOldest);
    assert_eq!(
        (taken.granted, taken.active, taken.dropped.as_deref()),
        (true, 2, Some(&b"tv"[..]))
    );
    assert!(store.release(b"ada", b"phone").unwrap());
    assert!(!store.release(b"ada", b"phone").unwrap());
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(
        lease(b"ada", b"laptop", Takeover::RefuseNewest).active,
        1,
        "the others fell silent"
    );

    // increment
    assert_eq!(store.increment(b"n", 2, SECOND / 2).unwrap(), 2);
    assert_eq!(store.increment(b"n", -5, SECOND / 2).unwrap(), -3);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(store.increment(b"n", 1, 0).unwrap(), 1, "expired");
    assert_eq!(
        store.increment(b"n", i64::MAX, 0).unwrap(),
        i64::MAX,
        "saturates"
    );
    assert_eq!(store.increment(b"n", 9, 0).unwrap(), i64::MAX);

    // values: any bytes
    let bytes: Vec<u8> = (0..=255).collect();
    assert!(!store.put_if(b"v\0{}", Some(b""), &bytes, 0).unwrap());
    assert!(store.put_if(b"v\0{}", None, &bytes, 0).unwrap());
    assert!(!store.put_if(b"v\0{}", None, b"other", 0).unwrap());
    assert_eq!(store.get(b"v\0{}").unwrap().as_deref(), Some(&bytes[..]));
    assert!(
        store
            .put_if(b"v\0{}", Some(&bytes), b"", SECOND / 2)
            .unwrap()
    );
    assert_eq!(
        store.get(b"v\0{}").unwrap().as_deref(),
        Some(&b""[..]),
        "empty is not absent"
    );
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(store.get(b"v\0{}").unwrap(), None);

    // delete, of every kind under one key
    store.increment(b"}", 1, 0).unwrap();
    store.take(&[limit(b"}", 1)]).unwrap();
    assert!(store.put_if(b"}", None, b"x", 0).unwrap());
    assert!(store.delete(b"}").unwrap());
    assert!(!store.delete(b"}").unwrap());
    assert!(store.take(&[limit(b"}", 1)]).unwrap()[0].allowed);
    assert!(matches!(store.get(b""), Err(StoreError::Invalid(_))));
}
