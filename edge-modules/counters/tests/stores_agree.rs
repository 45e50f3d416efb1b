//! Every store gives the same answers: the same calls at the same times against the in-memory store and the others.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use weir_counters::cells::{CellStore, Cells};
use weir_counters::wire::{self, RemoteStore, Transport};
use weir_counters::{
    CounterStore, LeaseRequest, Limit, ManualClock, MemoryStore, StoreError, Takeover, WallClock,
    conformance,
};

/// A store with compare-and-swap by version, like those of hosts. Makes a number of a fresh key, as Spin's does.
#[derive(Default)]
struct Versions {
    values: Mutex<HashMap<u32, (u64, Vec<u8>)>>,
}

impl Cells for &Versions {
    type Token = (u32, u64);

    fn read(&self, cell: u32) -> Result<(Vec<u8>, Self::Token), StoreError> {
        let mut values = self.values.lock().unwrap();
        let (version, bytes) = values
            .entry(cell)
            .or_insert_with(|| (0, vec![0; 8]))
            .clone();
        Ok((bytes, (cell, version)))
    }

    fn swap(&self, (cell, version): Self::Token, value: &[u8]) -> Result<bool, StoreError> {
        let mut values = self.values.lock().unwrap();
        let entry = values.get_mut(&cell).unwrap();
        if entry.0 != version {
            return Ok(false);
        }
        *entry = (version + 1, value.to_vec());
        Ok(true)
    }
}

#[derive(Debug, Clone)]
enum Call {
    Wait(u64),
    Take(Vec<(u8, u64, u64)>),
    Lease(u8, u8, u32, bool),
    Release(u8, u8),
    Increment(u8, i64, u64),
    Get(u8),
    PutIf(u8, Option<u8>, u8, u64),
    Delete(u8),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (0u64..3_000).prop_map(Call::Wait),
        prop::collection::vec((0u8..5, 1u64..6, 0u64..4), 1..4).prop_map(Call::Take),
        (0u8..3, 0u8..6, 1u32..4, any::<bool>())
            .prop_map(|(set, who, size, drop)| Call::Lease(set, who, size, drop)),
        (0u8..3, 0u8..6).prop_map(|(set, who)| Call::Release(set, who)),
        (0u8..5, -5i64..5, 0u64..5_000).prop_map(|(key, by, ttl)| Call::Increment(key, by, ttl)),
        (0u8..5).prop_map(Call::Get),
        (0u8..5, prop::option::of(0u8..3), 0u8..3, 0u64..5_000)
            .prop_map(|(key, old, new, ttl)| Call::PutIf(key, old, new, ttl)),
        (0u8..5).prop_map(Call::Delete),
    ]
}

/// The answer of a store, as text. Standings of quotas that would have allowed a refused take are compared too.
fn answer(store: &dyn CounterStore, call: &Call) -> String {
    let name = |key: u8| [b'k', key];
    match call {
        Call::Wait(_) => String::new(),
        Call::Take(limits) => {
            let keys: Vec<[u8; 2]> = limits.iter().map(|&(key, ..)| name(key)).collect();
            // One quota to a key: the interval follows from the key.
            let limits: Vec<Limit<'_>> = limits
                .iter()
                .zip(&keys)
                .map(|(&(key, burst, cost), name)| Limit {
                    key: name,
                    interval_ns: 100 * (u64::from(key) + 1),
                    burst: burst.max(cost),
                    cost,
                })
                .collect();
            format!("{:?}", store.take(&limits))
        }
        &Call::Lease(set, who, capacity, drop_oldest) => {
            let takeover = if drop_oldest {
                Takeover::DropOldest
            } else {
                Takeover::RefuseNewest
            };
            format!(
                "{:?}",
                store.lease(LeaseRequest {
                    set: &name(set),
                    holder: &[who],
                    capacity,
                    ttl_ns: 2_000,
                    takeover
                })
            )
        }
        &Call::Release(set, who) => format!("{:?}", store.release(&name(set), &[who])),
        &Call::Increment(key, by, ttl) => format!("{:?}", store.increment(&name(key), by, ttl)),
        &Call::Get(key) => format!("{:?}", store.get(&name(key))),
        &Call::PutIf(key, old, new, ttl) => {
            format!(
                "{:?}",
                store.put_if(
                    &name(key),
                    old.as_ref().map(std::slice::from_ref),
                    &[new],
                    ttl
                )
            )
        }
        &Call::Delete(key) => format!("{:?}", store.delete(&name(key))),
    }
}

proptest! {
    #[test]
    fn cells_answer_as_memory_does(calls in prop::collection::vec(call(), 1..120), count in 1u32..9) {
        let clock = ManualClock::at_secs(1_000);
        let memory = MemoryStore::builder().clock(clock.clone()).build();
        let versions = Versions::default();
        let cells = CellStore::new(&versions, count, clock.clone());
        for call in calls {
            if let Call::Wait(ns) = call {
                clock.advance_ns(ns);
                continue;
            }
            // A key that stands twice in one take is one draw after the other in both, but a refund cannot tell them apart.
            prop_assert_eq!(answer(&cells, &call), answer(&memory, &call), "{:?}", call);
        }
    }
}

#[test]
fn every_store_keeps_the_contract() {
    let memory = MemoryStore::default();
    let versions = Versions::default();
    let cells = CellStore::new(&versions, 3, WallClock);
    let remote = RemoteStore(Here(&memory));
    conformance::check(&MemoryStore::default());
    conformance::check(&cells);
    conformance::check(&remote);
}

/// An authority in the same process.
struct Here<'s>(&'s MemoryStore);

impl Transport for Here<'_> {
    fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        Ok(wire::serve(self.0, &body))
    }
}

proptest! {
    #[test]
    fn an_authority_answers_as_its_store_does(calls in prop::collection::vec(call(), 1..120)) {
        let clock = ManualClock::at_secs(1_000);
        let (near, far) = (MemoryStore::builder().clock(clock.clone()).build(), MemoryStore::builder().clock(clock.clone()).build());
        let remote = RemoteStore(Here(&far));
        for call in calls {
            if let Call::Wait(ns) = call {
                clock.advance_ns(ns);
                continue;
            }
            prop_assert_eq!(answer(&remote, &call), answer(&near, &call), "{:?}", call);
        }
    }
}

#[test]
fn many_writers_lose_no_update() {
    let versions = Versions::default();
    let clock = ManualClock::at_secs(1_000);
    let admitted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = CellStore::new(&versions, 4, clock.clone());
                for turn in 0..100_u32 {
                    store.increment(&turn.to_le_bytes(), 1, 0).unwrap();
                    let limits = [b"a", b"b", b"c"].map(|key| Limit {
                        key,
                        interval_ns: 1_000_000_000,
                        burst: 70,
                        cost: 1,
                    });
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
    let store = CellStore::new(&versions, 4, clock);
    assert!((0..100_u32).all(|turn| store.increment(&turn.to_le_bytes(), 0, 0).unwrap() == 4));
    // Two takes that overlap may refuse each other; never may more pass than were there.
    let admitted = admitted.into_inner();
    assert!((60..=70).contains(&admitted), "{admitted}");
    let left = store
        .take(&[Limit {
            key: b"a",
            interval_ns: 1_000_000_000,
            burst: 70,
            cost: 0,
        }])
        .unwrap()[0]
        .remaining;
    assert_eq!(left, 70 - admitted, "what was refused was given back");
}

#[test]
fn a_store_bounds_itself_by_its_cells() {
    let versions = Versions::default();
    let clock = ManualClock::at_secs(1_000);
    let store = CellStore::new(&versions, 16, clock.clone());
    for round in 0..20_u32 {
        for key in 0..500_u32 {
            store
                .increment(&(round * 1_000 + key).to_le_bytes(), 1, 10)
                .unwrap();
        }
        clock.advance_ns(20);
    }
    let values = versions.values.lock().unwrap();
    let bytes: usize = values.values().map(|(_, bytes)| bytes.len()).sum();
    assert!(
        values.len() <= 16 && bytes < 500 * 40,
        "{} cells, {bytes} bytes",
        values.len()
    );
}
