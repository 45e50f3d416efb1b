//! The counters in the memory of one process, shared by all its threads.

mod shard;

use std::sync::MutexGuard;

use shard::{HEAP_ENTRY_BYTES, Number, Padded, Shard, Value, expiry, lease_set_bytes, no_room};

use crate::clock::{Clock, SystemClock};
use crate::digest::{Digest, Digester};
use crate::gcra::Standing;
use crate::operations::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, StoreError, check_key, check_lease,
    check_limits, check_value,
};

/// A sharded store of bounded size whose entries expire.
///
/// Each key lives in one shard behind one lock; a `take` of several quotas locks their shards in a fixed order. Quotas and numbers
/// give way when memory runs short (those first that would have expired first); lease sets and values never do, a write that
/// finds no room is `Unavailable` instead. One quota costs 24 bytes at a fill of 44-88 %: a million client addresses fit 53 MB.
pub struct MemoryStore {
    shards: Box<[Padded]>,
    digester: Digester,
    clock: Box<dyn Clock>,
}

/// How a [`MemoryStore`] is made.
pub struct MemoryStoreBuilder {
    shards: usize,
    max_bytes: usize,
    clock: Box<dyn Clock>,
}

/// What a store holds and takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Quotas, numbers, lease sets and values, those included that expired and were not cleared yet.
    pub entries: usize,
    /// Bytes of memory.
    pub bytes: usize,
    /// Live quotas and numbers that were forgotten for want of room since the start. Not 0: give the store more memory.
    pub forgotten: u64,
}

impl MemoryStoreBuilder {
    /// How many shards: more threads meet less often. Rounded up to a power of two, at most 1024.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards.clamp(1, 1024).next_power_of_two();
        self
    }

    /// The most memory that the store takes, in bytes: 5/8 for quotas, 1/8 for numbers, 1/4 for lease sets and values.
    pub fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Where the store takes its time from.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Makes the store. It takes memory as it fills.
    pub fn build(self) -> MemoryStore {
        let eighth = self.max_bytes / self.shards / 8;
        MemoryStore {
            shards: std::iter::repeat_with(|| Padded::new(eighth))
                .take(self.shards)
                .collect(),
            digester: Digester::default(),
            clock: self.clock,
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl MemoryStore {
    /// A store of 64 MiB at most, four shards to a processor, on the system's clock.
    pub fn builder() -> MemoryStoreBuilder {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        MemoryStoreBuilder {
            shards: 1,
            max_bytes: 64 << 20,
            clock: Box::new(SystemClock::new()),
        }
        .shards(processors * 4)
    }

    /// What the store holds now.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for padded in &self.shards {
            let shard = padded.lock();
            usage.entries +=
                shard.quotas.len() + shard.numbers.len() + shard.leases.len() + shard.values.len();
            usage.bytes += size_of::<Padded>()
                + shard.quotas.bytes()
                + shard.numbers.bytes()
                + shard.heap_bytes;
            usage.forgotten += shard.quotas.forgotten() + shard.numbers.forgotten();
        }
        usage
    }

    /// Clears what has expired and gives memory back. A host calls this now and then; nothing depends on it.
    pub fn sweep(&self) {
        let now_ns = self.clock.now_ns();
        for padded in &self.shards {
            let mut shard = padded.lock();
            shard.quotas.sweep(now_ns);
            shard.numbers.sweep(now_ns);
            shard.clear_heap(now_ns);
        }
    }

    fn shard_of(&self, digest: Digest) -> usize {
        // The table inside uses the other half of the digest. Shards are a power of two, at most 1024.
        usize::try_from(digest[1] & 0xffff).unwrap_or(0) & (self.shards.len() - 1)
    }

    fn lock(&self, digest: Digest) -> MutexGuard<'_, Shard> {
        self.shards[self.shard_of(digest)].lock()
    }

    /// The one quota that most requests draw from: no lists, one lock.
    fn take_one(&self, limit: &Limit<'_>) -> Standing {
        let digest = self.digester.digest(limit.key);
        let mut shard = self.lock(digest);
        // The clock is read under the lock, so that no take sees a time before one that already happened.
        let now_ns = self.clock.now_ns();
        let tat_ns = shard.quotas.get(digest, now_ns).map_or(0, |tat| tat.0);
        let decision = limit.quota().take(tat_ns, now_ns, limit.cost);
        if decision.standing.allowed && limit.cost > 0 {
            shard.write_tat(digest, decision.tat_ns, now_ns);
        }
        decision.standing
    }

    fn take_all(&self, limits: &[Limit<'_>]) -> Vec<Standing> {
        let digests: Vec<Digest> = limits
            .iter()
            .map(|limit| self.digester.digest(limit.key))
            .collect();
        let mut order: Vec<usize> = digests
            .iter()
            .map(|&digest| self.shard_of(digest))
            .collect();
        order.sort_unstable();
        order.dedup();
        // Ascending order: two takes can never wait for each other.
        let mut guards: Vec<MutexGuard<'_, Shard>> = order
            .iter()
            .map(|&shard| self.shards[shard].lock())
            .collect();
        let now_ns = self.clock.now_ns();
        let at = |digest: Digest| order.partition_point(|&shard| shard < self.shard_of(digest));

        let mut standings = Vec::with_capacity(limits.len());
        let mut tats: Vec<u64> = Vec::with_capacity(limits.len());
        for (index, (limit, &digest)) in limits.iter().zip(&digests).enumerate() {
            // A key that stands twice in one take draws twice.
            let before = digests[..index]
                .iter()
                .rposition(|&earlier| earlier == digest)
                .map(|earlier| tats[earlier]);
            let tat_ns = before.unwrap_or_else(|| {
                guards[at(digest)]
                    .quotas
                    .get(digest, now_ns)
                    .map_or(0, |tat| tat.0)
            });
            let decision = limit.quota().take(tat_ns, now_ns, limit.cost);
            standings.push(decision.standing);
            tats.push(decision.tat_ns);
        }
        if standings.iter().all(|standing| standing.allowed) {
            for ((limit, &digest), &tat_ns) in limits.iter().zip(&digests).zip(&tats) {
                if limit.cost > 0 {
                    guards[at(digest)].write_tat(digest, tat_ns, now_ns);
                }
            }
        } else {
            for ((limit, &digest), standing) in limits.iter().zip(&digests).zip(&mut standings) {
                if standing.allowed {
                    let tat_ns = guards[at(digest)]
                        .quotas
                        .get(digest, now_ns)
                        .map_or(0, |tat| tat.0);
                    *standing = limit.quota().take(tat_ns, now_ns, 0).standing;
                }
            }
        }
        standings
    }
}

impl CounterStore for MemoryStore {
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        check_limits(limits)?;
        Ok(match limits {
            [limit] => vec![self.take_one(limit)],
            _ => self.take_all(limits),
        })
    }

    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError> {
        check_lease(&request)?;
        let digest = self.digester.digest(request.set);
        let mut shard = self.lock(digest);
        let now_ns = self.clock.now_ns();
        let mut set = shard.leases.remove(&digest).unwrap_or_default();
        shard.heap_bytes = shard.heap_bytes.saturating_sub(lease_set_bytes(&set));
        // A renewal takes no room, so a full store never costs a viewer the place that it holds.
        let room = if set.holds(request.holder, now_ns) {
            Ok(())
        } else {
            shard.has_room(
                lease_set_bytes(&set) + HEAP_ENTRY_BYTES + request.holder.len(),
                now_ns,
            )
        };
        let outcome = room.map(|()| {
            set.lease(
                request.holder,
                request.capacity,
                request.ttl_ns,
                request.takeover,
                now_ns,
            )
        });
        if !set.holders().is_empty() {
            shard.heap_bytes += lease_set_bytes(&set);
            shard.leases.insert(digest, set);
        }
        outcome
    }

    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        check_key(set)?;
        check_key(holder)?;
        let digest = self.digester.digest(set);
        let mut shard = self.lock(digest);
        let now_ns = self.clock.now_ns();
        let Some(mut leases) = shard.leases.remove(&digest) else {
            return Ok(false);
        };
        shard.heap_bytes = shard.heap_bytes.saturating_sub(lease_set_bytes(&leases));
        let held = leases.release(holder, now_ns);
        if !leases.holders().is_empty() {
            shard.heap_bytes += lease_set_bytes(&leases);
            shard.leases.insert(digest, leases);
        }
        Ok(held)
    }

    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        check_key(key)?;
        let digest = self.digester.digest(key);
        let mut shard = self.lock(digest);
        let now_ns = self.clock.now_ns();
        let mut number = shard.numbers.get(digest, now_ns).unwrap_or(Number {
            value: 0,
            expires_ns: expiry(now_ns, ttl_ns),
        });
        number.value = number.value.saturating_add(by);
        shard
            .numbers
            .put(digest, number, now_ns)
            .map_err(|_| no_room())?;
        Ok(number.value)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(key)?;
        let digest = self.digester.digest(key);
        let shard = self.lock(digest);
        let now_ns = self.clock.now_ns();
        Ok(shard.value(digest, now_ns).map(<[u8]>::to_vec))
    }

    fn put_if(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        check_key(key)?;
        check_value(value)?;
        let digest = self.digester.digest(key);
        let mut shard = self.lock(digest);
        let now_ns = self.clock.now_ns();
        if shard.value(digest, now_ns) != expected {
            return Ok(false);
        }
        let present = shard
            .values
            .get(&digest)
            .map_or(0, |present| present.bytes.len() + HEAP_ENTRY_BYTES);
        let wanted = value.len() + HEAP_ENTRY_BYTES;
        if wanted > present {
            shard.has_room(wanted - present, now_ns)?;
        }
        shard.remove_value(digest);
        shard.heap_bytes += wanted;
        shard.values.insert(
            digest,
            Value {
                bytes: value.into(),
                expires_ns: expiry(now_ns, ttl_ns),
            },
        );
        Ok(true)
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        check_key(key)?;
        let digest = self.digester.digest(key);
        let mut shard = self.lock(digest);
        let now_ns = self.clock.now_ns();
        let quota = shard.quotas.remove(digest, now_ns);
        let number = shard.numbers.remove(digest, now_ns);
        let value = shard.value(digest, now_ns).is_some();
        shard.remove_value(digest);
        let lease = shard.leases.remove(&digest).is_some_and(|set| {
            shard.heap_bytes = shard.heap_bytes.saturating_sub(lease_set_bytes(&set));
            set.expires_ns() > now_ns
        });
        Ok(quota || number || value || lease)
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for MemoryStoreBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStoreBuilder")
            .field("shards", &self.shards)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
