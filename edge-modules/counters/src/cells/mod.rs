//! The counters over any key-value store that has compare-and-swap.
//!
//! Such stores have no expiry and no transactions, so the keys are packed into a fixed number of *cells*: a key's digest picks its cell,
//! a cell is one value of the store, and every operation reads a cell, changes it and swaps it back. What has expired leaves a
//! cell with its next write, so the store never holds more than its cells. A `take` reads all cells that it touches, decides,
//! and swaps one after the other; when somebody came between it gives back what it took and starts over.

mod codec;

use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::gcra::Standing;
use crate::lease::LeaseSet;
use crate::operations::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, StoreError, check_key, check_lease,
    check_limits, check_value,
};
use codec::{Cell, Digest, State};

/// A key-value store with compare-and-swap, as an adapter offers it.
pub trait Cells {
    /// What [`Cells::read`] found, as the store wants it back for the swap.
    type Token;

    /// Reads a cell. An absent cell is empty.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn read(&self, cell: u32) -> Result<(Vec<u8>, Self::Token), StoreError>;

    /// Writes a cell if nobody wrote it since `token` was read. False when somebody did.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn swap(&self, token: Self::Token, value: &[u8]) -> Result<bool, StoreError>;
}

/// The counters over [`Cells`].
#[derive(Debug)]
pub struct CellStore<S, C> {
    cells: S,
    count: u32,
    clock: C,
}

/// How often a swap is tried again before the store is called unavailable.
const MOST_TRIES: u32 = 100;

impl<S: Cells, C: Clock> CellStore<S, C> {
    /// Counters in `count` cells (at least 1). All instances must agree on the number.
    pub fn new(cells: S, count: u32, clock: C) -> Self {
        Self {
            cells,
            count: count.max(1),
            clock,
        }
    }

    /// Reads, changes and swaps one cell until nobody came between. `change` answers the result and whether the cell must be written.
    fn update<T>(
        &self,
        cell: u32,
        mut change: impl FnMut(&mut Cell, u64) -> Result<(T, Write), StoreError>,
    ) -> Result<T, StoreError> {
        for _ in 0..MOST_TRIES {
            let (bytes, token) = self.cells.read(cell)?;
            let now_ns = self.clock.now_ns();
            let mut content = Cell::decode(&bytes, now_ns);
            let (result, write) = change(&mut content, now_ns)?;
            if write == Write::No || self.cells.swap(token, &content.encode())? {
                return Ok(result);
            }
        }
        Err(StoreError::Unavailable(format!(
            "a cell was written by others {MOST_TRIES} times in a row"
        )))
    }

    /// Reads the cells of some limits, in ascending order.
    fn open(&self, limits: &[Limit<'_>]) -> Result<Vec<(u32, Cell, S::Token)>, StoreError> {
        let mut numbers: Vec<u32> = limits.iter().map(|limit| self.cell_of(limit.key)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let now_ns = self.clock.now_ns();
        let open = |number| {
            let (bytes, token) = self.cells.read(number)?;
            Ok((number, Cell::decode(&bytes, now_ns), token))
        };
        numbers.into_iter().map(open).collect()
    }

    /// Swaps the cells of a take that was allowed. False when one was written by others: then nothing is taken.
    fn commit(
        &self,
        opened: Vec<(u32, Cell, S::Token)>,
        limits: &[Limit<'_>],
        tats: &[u64],
    ) -> Result<bool, StoreError> {
        let in_cell = |number: u32| {
            move |limit: &Limit<'_>| limit.cost > 0 && self.cell_of(limit.key) == number
        };
        let mut swapped = Vec::new();
        for (number, mut content, token) in opened {
            let taken = limits
                .iter()
                .zip(tats)
                .filter(|(limit, _)| in_cell(number)(limit));
            let mut changed = false;
            for (limit, &tat_ns) in taken {
                content.put(digest(limit.key), State::Tat(tat_ns));
                changed = true;
            }
            if !changed {
                continue;
            }
            let written = self.cells.swap(token, &content.encode());
            if !matches!(written, Ok(true)) {
                for number in swapped {
                    self.refund(
                        number,
                        &mut limits.iter().filter(|limit| in_cell(number)(limit)),
                    )?;
                }
                return written;
            }
            swapped.push(number);
        }
        Ok(true)
    }

    fn refund(
        &self,
        cell: u32,
        limits: &mut dyn Iterator<Item = &Limit<'_>>,
    ) -> Result<(), StoreError> {
        let limits: Vec<&Limit<'_>> = limits.collect();
        self.update(cell, |content, _| {
            for limit in &limits {
                let tat_ns = limit
                    .quota()
                    .refund(content.tat(digest(limit.key)), limit.cost);
                content.put(digest(limit.key), State::Tat(tat_ns));
            }
            Ok(((), Write::Yes))
        })
    }

    fn cell_of(&self, key: &[u8]) -> u32 {
        let [a, b, c, d, ..] = digest(key);
        u32::from_le_bytes([a, b, c, d]) % self.count
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Yes,
    No,
}

impl<S: Cells, C: Clock> CounterStore for CellStore<S, C> {
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        check_limits(limits)?;
        for _ in 0..MOST_TRIES {
            let opened = self.open(limits)?;
            let now_ns = self.clock.now_ns();
            let stored = |key: &[u8]| {
                let number = self.cell_of(key);
                let found = opened.iter().find(|(known, ..)| *known == number);
                found.map_or(0, |(_, content, _)| content.tat(digest(key)))
            };
            let mut standings = Vec::with_capacity(limits.len());
            let mut tats: Vec<u64> = Vec::with_capacity(limits.len());
            for (index, limit) in limits.iter().enumerate() {
                // A key that stands twice in one take draws twice.
                let before = limits[..index]
                    .iter()
                    .rposition(|earlier| earlier.key == limit.key);
                let tat_ns = before.map_or_else(|| stored(limit.key), |before| tats[before]);
                let decision = limit.quota().take(tat_ns, now_ns, limit.cost);
                standings.push(decision.standing);
                tats.push(decision.tat_ns);
            }
            if standings.iter().any(|standing| !standing.allowed) {
                for (limit, standing) in limits
                    .iter()
                    .zip(&mut standings)
                    .filter(|(_, standing)| standing.allowed)
                {
                    *standing = limit.quota().take(stored(limit.key), now_ns, 0).standing;
                }
                return Ok(standings);
            }
            if self.commit(opened, limits, &tats)? {
                return Ok(standings);
            }
        }
        Err(contention())
    }

    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError> {
        check_lease(&request)?;
        self.update(self.cell_of(request.set), |content, now_ns| {
            let mut set = content.leases(digest(request.set));
            let outcome = set.lease(
                request.holder,
                request.capacity,
                request.ttl_ns,
                request.takeover,
                now_ns,
            );
            let write = if outcome.granted {
                Write::Yes
            } else {
                Write::No
            };
            content.put(digest(request.set), State::Leases(set));
            Ok((outcome, write))
        })
    }

    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        check_key(set)?;
        check_key(holder)?;
        self.update(self.cell_of(set), |content, now_ns| {
            let mut leases: LeaseSet = content.leases(digest(set));
            let held = leases.release(holder, now_ns);
            content.put(digest(set), State::Leases(leases));
            Ok((held, if held { Write::Yes } else { Write::No }))
        })
    }

    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        check_key(key)?;
        self.update(self.cell_of(key), |content, now_ns| {
            let (value, expires_ns) = content
                .number(digest(key))
                .unwrap_or((0, expiry(now_ns, ttl_ns)));
            let value = value.saturating_add(by);
            content.put(digest(key), State::Number { value, expires_ns });
            Ok((value, Write::Yes))
        })
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(key)?;
        self.update(self.cell_of(key), |content, _| {
            Ok((content.value(digest(key)).map(<[u8]>::to_vec), Write::No))
        })
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
        self.update(self.cell_of(key), |content, now_ns| {
            if content.value(digest(key)) != expected {
                return Ok((false, Write::No));
            }
            content.put(
                digest(key),
                State::Value {
                    bytes: value.to_vec(),
                    expires_ns: expiry(now_ns, ttl_ns),
                },
            );
            Ok((true, Write::Yes))
        })
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        check_key(key)?;
        self.update(self.cell_of(key), |content, _| {
            let removed = content.remove(digest(key));
            Ok((removed, if removed { Write::Yes } else { Write::No }))
        })
    }
}

/// The same in every instance, since all share the store. 128 bits of SHA-256.
fn digest(key: &[u8]) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(&Sha256::digest(key)[..16]);
    digest
}

fn contention() -> StoreError {
    StoreError::Unavailable(format!(
        "a cell was written by others {MOST_TRIES} times in a row"
    ))
}

fn expiry(now_ns: u64, ttl_ns: u64) -> u64 {
    if ttl_ns == 0 {
        u64::MAX
    } else {
        now_ns.saturating_add(ttl_ns)
    }
}
