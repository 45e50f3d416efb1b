//! Quotas counted in this process and settled with Redis in the background: a `take` never waits for a network.
//!
//! Each node decides from its own copy of a quota. Every period it charges the shared quota with what it admitted and learns what the
//! other nodes charged. Between two settlements nodes do not know of each other, so together they may admit too much: at most what
//! the demand at the other nodes is within one period, and at most one burst for each further node when all begin at once. It is
//! not forgotten: the shared quota goes into debt, up to [`DEBT_BURSTS`] bursts, and nobody is admitted until the debt is repaid, so that over
//! a longer time the rate is exact. While Redis does not answer each node counts for itself and settles up afterwards.
//!
//! Leases, numbers and values are rare and must be exact: they ask Redis at once.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::RedisStore;
use crate::clock::{Clock, SystemClock};
use crate::gcra::{Quota, Standing};
use crate::operations::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, StoreError, check_limits,
};

/// How far a shared quota may go into debt, in bursts; `settle.lua` holds the same number.
pub const DEBT_BURSTS: u64 = 16;

const SHARDS: usize = 64;
/// Quotas that one shard keeps at most.
const MOST_QUOTAS: usize = 16_384;
/// Quotas that are settled in one go.
const BATCH: usize = 256;

/// Counters that are exact in the long run and never make a `take` wait.
#[derive(Debug)]
pub struct ReconciledStore {
    redis: Arc<RedisStore>,
    copies: Arc<Copies>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// This node's copies of the shared quotas.
struct Copies {
    shards: [Mutex<HashMap<Vec<u8>, Copy>>; SHARDS],
    hasher: RandomState,
    clock: SystemClock,
    failures: AtomicU64,
}

#[derive(Debug, Clone)]
struct Copy {
    quota: Quota,
    tat_ns: u64,
    /// Units admitted here since the last settlement.
    unsettled: u64,
    /// Somebody asked since the last settlement.
    asked: bool,
}

impl ReconciledStore {
    /// Counters that settle with `redis` once each `period` (100 ms is a good one).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no thread can be had.
    pub fn new(redis: Arc<RedisStore>, period: Duration) -> Result<Self, StoreError> {
        let copies = Arc::new(Copies {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            clock: SystemClock::new(),
            failures: AtomicU64::new(0),
        });
        let (stop, stopped) = channel();
        let (their_copies, their_redis) = (Arc::clone(&copies), Arc::clone(&redis));
        let thread = std::thread::Builder::new()
            .name("weir-settle".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                    their_copies.settle(&their_redis);
                }
                // What was admitted last is charged too.
                their_copies.settle(&their_redis);
            })
            .map_err(|error| {
                StoreError::Unavailable(format!("no thread to settle with: {error}"))
            })?;
        Ok(Self {
            redis,
            copies,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Settlements that failed since the start. While it grows this node counts for itself.
    pub fn failed_settlements(&self) -> u64 {
        self.copies.failures.load(Ordering::Relaxed)
    }
}

impl Drop for ReconciledStore {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Copies {
    fn shard_of(&self, key: &[u8]) -> usize {
        // Below 64, so it fits.
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, HashMap<Vec<u8>, Copy>> {
        self.shards[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, limits: &[Limit<'_>]) -> Vec<Standing> {
        let shards: Vec<usize> = limits
            .iter()
            .map(|limit| self.shard_of(limit.key))
            .collect();
        let mut order = shards.clone();
        order.sort_unstable();
        order.dedup();
        // Ascending order: two takes can never wait for each other.
        let mut guards: Vec<_> = order.iter().map(|&shard| self.lock(shard)).collect();
        let now_ns = self.clock.now_ns();
        let at = |shard: usize| order.partition_point(|&known| known < shard);

        let mut standings = Vec::with_capacity(limits.len());
        let mut tats: Vec<u64> = Vec::with_capacity(limits.len());
        for (index, limit) in limits.iter().enumerate() {
            let before = limits[..index]
                .iter()
                .rposition(|earlier| earlier.key == limit.key)
                .map(|earlier| tats[earlier]);
            let stored = || {
                guards[at(shards[index])]
                    .get(limit.key)
                    .map_or(0, |copy| copy.tat_ns)
            };
            let tat_ns = before.unwrap_or_else(stored);
            let decision = limit.quota().take(tat_ns, now_ns, limit.cost);
            standings.push(in_debt(
                decision.standing,
                limit,
                tat_ns.saturating_sub(now_ns),
            ));
            tats.push(if decision.standing.allowed {
                decision.tat_ns
            } else {
                tat_ns
            });
        }
        let all = standings.iter().all(|standing| standing.allowed);
        for (index, limit) in limits.iter().enumerate() {
            let shard = &mut guards[at(shards[index])];
            if !shard.contains_key(limit.key) {
                make_room(shard, now_ns);
                let fresh = Copy {
                    quota: limit.quota(),
                    tat_ns: 0,
                    unsettled: 0,
                    asked: true,
                };
                shard.insert(limit.key.to_vec(), fresh);
            }
            let Some(copy) = shard.get_mut(limit.key) else {
                continue;
            };
            copy.quota = limit.quota();
            copy.asked = true;
            if all {
                copy.tat_ns = copy.tat_ns.max(tats[index]);
                copy.unsettled = copy.unsettled.saturating_add(limit.cost);
            } else if standings[index].allowed {
                standings[index] = limit.quota().take(copy.tat_ns, now_ns, 0).standing;
            }
        }
        standings
    }

    /// Charges what was admitted here and takes over where the quotas stand.
    fn settle(&self, redis: &RedisStore) {
        for shard in 0..SHARDS {
            let mut due: Vec<(Vec<u8>, Quota, u64)> = Vec::new();
            let now_ns = self.clock.now_ns();
            self.lock(shard).retain(|key, copy| {
                if copy.asked || copy.unsettled > 0 {
                    due.push((key.clone(), copy.quota, std::mem::take(&mut copy.unsettled)));
                    copy.asked = false;
                    return true;
                }
                copy.tat_ns > now_ns
            });
            for batch in due.chunks(BATCH) {
                let limits: Vec<Limit<'_>> = batch
                    .iter()
                    .map(|(key, quota, units)| Limit {
                        key,
                        interval_ns: quota.interval_ns,
                        burst: quota.burst,
                        cost: *units,
                    })
                    .collect();
                let settled = redis.settle(&limits);
                if settled.is_err() {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                }
                let mut copies = self.lock(shard);
                let now_ns = self.clock.now_ns();
                for (index, (key, quota, units)) in batch.iter().enumerate() {
                    let Some(copy) = copies.get_mut(key) else {
                        continue;
                    };
                    match settled.as_ref().ok().and_then(|settled| settled.get(index)) {
                        Some(&used_ns) => {
                            // What was admitted while the answer was under way comes on top.
                            let since = quota.interval_ns.saturating_mul(copy.unsettled);
                            copy.tat_ns = now_ns.saturating_add(used_ns).saturating_add(since);
                        }
                        // Not charged: it stays due. A charge whose answer was lost may be made twice; that errs on the strict side.
                        None => copy.unsettled = copy.unsettled.saturating_add(*units),
                    }
                }
            }
        }
    }
}

/// The arithmetic reads a debt as "empty"; a client is told the whole time.
fn in_debt(standing: Standing, limit: &Limit<'_>, used_ns: u64) -> Standing {
    let tolerance = limit.quota().tolerance_ns();
    if standing.allowed || used_ns <= tolerance || standing.retry_after_ns == u64::MAX {
        return standing;
    }
    Standing {
        retry_after_ns: standing.retry_after_ns.saturating_add(used_ns - tolerance),
        reset_after_ns: used_ns,
        ..standing
    }
}

/// Forgets quotas that are full again; when there is none, one that is settled.
fn make_room(shard: &mut HashMap<Vec<u8>, Copy>, now_ns: u64) {
    if shard.len() < MOST_QUOTAS {
        return;
    }
    shard.retain(|_, copy| copy.unsettled > 0 || copy.tat_ns > now_ns);
    if shard.len() >= MOST_QUOTAS {
        let settled = shard
            .iter()
            .filter(|(_, copy)| copy.unsettled == 0)
            .take(16);
        let soonest = settled
            .min_by_key(|(_, copy)| copy.tat_ns)
            .map(|(key, _)| key.clone());
        let any = soonest.or_else(|| shard.keys().next().cloned());
        if let Some(key) = any {
            shard.remove(&key);
        }
    }
}

impl CounterStore for ReconciledStore {
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        check_limits(limits)?;
        Ok(self.copies.take(limits))
    }

    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError> {
        self.redis.lease(request)
    }

    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        self.redis.release(set, holder)
    }

    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        self.redis.increment(key, by, ttl_ns)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.redis.get(key)
    }

    fn put_if(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        self.redis.put_if(key, expected, value, ttl_ns)
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.copies.lock(self.copies.shard_of(key)).remove(key);
        self.redis.delete(key)
    }
}

impl std::fmt::Debug for Copies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copies")
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
