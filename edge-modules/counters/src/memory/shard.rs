//! One shard of the store in memory: what it holds, and how much of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::digest::Digest;
use crate::lease::LeaseSet;
use crate::operations::StoreError;
use crate::table::{Entry, Table};

/// A shard on cache lines of its own, so that threads on different shards do not slow each other down.
#[repr(align(128))]
pub(super) struct Padded(Mutex<Shard>);

/// The entries whose keys fall to one lock.
pub(super) struct Shard {
    /// Quotas that are not full.
    pub(super) quotas: Table<Tat>,
    /// Numbers.
    pub(super) numbers: Table<Number>,
    /// Lease sets that have holders.
    pub(super) leases: HashMap<Digest, LeaseSet>,
    /// Values.
    pub(super) values: HashMap<Digest, Value>,
    /// Bytes of lease sets and values, and the most that they may take together.
    pub(super) heap_bytes: usize,
    max_heap_bytes: usize,
}

/// The theoretical arrival time of a quota: past means full, so it is its own expiry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tat(pub(super) u64);

impl Entry for Tat {
    fn expires_ns(&self) -> u64 {
        self.0
    }
}

/// A number and when it runs out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Number {
    pub(super) value: i64,
    pub(super) expires_ns: u64,
}

impl Entry for Number {
    fn expires_ns(&self) -> u64 {
        self.expires_ns
    }
}

/// Bytes and when they run out.
pub(super) struct Value {
    pub(super) bytes: Box<[u8]>,
    pub(super) expires_ns: u64,
}

/// About what a map entry costs beside its bytes.
pub(super) const HEAP_ENTRY_BYTES: usize = 96;

impl Padded {
    /// An empty shard of at most 8 × `eighth` bytes.
    pub(super) fn new(eighth: usize) -> Self {
        Self(Mutex::new(Shard {
            quotas: Table::new(eighth * 5),
            numbers: Table::new(eighth),
            leases: HashMap::new(),
            values: HashMap::new(),
            heap_bytes: 0,
            max_heap_bytes: eighth * 2,
        }))
    }

    /// The shard, when no other thread is in it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Shard> {
        // A thread that panicked in here left at worst one quota untouched: go on with what is there.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    /// Writes when a quota will be full again.
    pub(super) fn write_tat(&mut self, digest: Digest, tat_ns: u64, now_ns: u64) {
        // Never full: a TAT always runs out, so one can always give way.
        let written = self
            .quotas
            .put(digest, Tat(tat_ns.min(u64::MAX - 1)), now_ns);
        debug_assert!(written.is_ok(), "a quota always expires");
    }

    /// A live value.
    pub(super) fn value(&self, digest: Digest, now_ns: u64) -> Option<&[u8]> {
        self.values
            .get(&digest)
            .filter(|value| value.expires_ns > now_ns)
            .map(|value| &*value.bytes)
    }

    /// Removes a value, live or not.
    pub(super) fn remove_value(&mut self, digest: Digest) {
        if let Some(old) = self.values.remove(&digest) {
            self.heap_bytes = self
                .heap_bytes
                .saturating_sub(old.bytes.len() + HEAP_ENTRY_BYTES);
        }
    }

    /// Whether so many more bytes of lease sets and values have room.
    ///
    /// # Errors
    /// They have not.
    pub(super) fn has_room(&mut self, more: usize, now_ns: u64) -> Result<(), StoreError> {
        if self.heap_bytes + more > self.max_heap_bytes {
            self.clear_heap(now_ns);
        }
        if self.heap_bytes + more > self.max_heap_bytes {
            Err(no_room())
        } else {
            Ok(())
        }
    }

    /// Clears lease sets and values that have run out.
    pub(super) fn clear_heap(&mut self, now_ns: u64) {
        self.leases.retain(|_, set| set.expires_ns() > now_ns);
        self.values.retain(|_, value| value.expires_ns > now_ns);
        self.leases.shrink_to_fit();
        self.values.shrink_to_fit();
        self.heap_bytes = self.leases.values().map(lease_set_bytes).sum::<usize>()
            + self
                .values
                .values()
                .map(|value| value.bytes.len() + HEAP_ENTRY_BYTES)
                .sum::<usize>();
    }
}

/// About what a lease set takes.
pub(super) fn lease_set_bytes(set: &LeaseSet) -> usize {
    match set.holders() {
        [] => 0,
        holders => {
            HEAP_ENTRY_BYTES
                + holders
                    .iter()
                    .map(|holder| holder.id.len() + 48)
                    .sum::<usize>()
        }
    }
}

/// When something written now runs out. 0 means never.
pub(super) fn expiry(now_ns: u64, ttl_ns: u64) -> u64 {
    if ttl_ns == 0 {
        u64::MAX
    } else {
        now_ns.saturating_add(ttl_ns)
    }
}

/// What a write gets that finds no room.
pub(super) fn no_room() -> StoreError {
    StoreError::Unavailable("the store has no room left; raise its memory bound".to_owned())
}
