//! A bounded hash table whose entries run out.
//!
//! Open addressing with linear probing over keyed digests, so that one quota costs 24 bytes and nothing else. An entry that has
//! run out is a free place; it is cleared when the table next needs room. A table at its bound first clears what has run out and
//! then, among a few neighbours chosen by the (secret) hash, forgets the entry that would have run out first: a flood of new keys
//! costs the flooders their own history, not memory.

use crate::digest::Digest;

/// What a table keeps under a key.
pub(crate) trait Entry: Copy + Default {
    /// When the entry means nothing any more, Unix nanoseconds. `u64::MAX`: never.
    fn expires_ns(&self) -> u64;
}

/// The table holds as many live entries as it may, and none of those that could give way ever runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

#[derive(Debug, Clone, Copy, Default)]
struct Slot<E> {
    digest: Digest,
    entry: E,
}

const FREE: Digest = [0, 0];
const SMALLEST: usize = 16;
/// Entries that are looked at for one to forget. The minimum of 16 lies in the first tenth with a chance of 81 %.
const NEIGHBOURS: usize = 16;

/// A hash table of at most `max_slots` slots, filled to 7/8.
#[derive(Debug)]
pub(crate) struct Table<E> {
    slots: Vec<Slot<E>>,
    len: usize,
    max_slots: usize,
    /// Insertions at the bound before the whole table is searched again for entries that have run out.
    searches_pause: usize,
    forgotten: u64,
}

impl<E: Entry> Table<E> {
    /// An empty table that takes no memory yet and never more than about `max_bytes` (and room for a few entries).
    pub(crate) fn new(max_bytes: usize) -> Self {
        let max_slots = (max_bytes / size_of::<Slot<E>>()).max(SMALLEST);
        Self {
            slots: Vec::new(),
            len: 0,
            max_slots,
            searches_pause: 0,
            forgotten: 0,
        }
    }

    /// The live entry under a digest.
    pub(crate) fn get(&self, digest: Digest, now_ns: u64) -> Option<E> {
        let place = self.find(digest)?;
        let entry = self.slots[place].entry;
        (entry.expires_ns() > now_ns).then_some(entry)
    }

    /// Writes an entry, in place of what was there.
    pub(crate) fn put(&mut self, digest: Digest, entry: E, now_ns: u64) -> Result<(), Full> {
        if let Some(place) = self.find(digest) {
            self.slots[place].entry = entry;
            return Ok(());
        }
        if entry.expires_ns() <= now_ns {
            return Ok(());
        }
        if (self.len + 1) * 8 > self.slots.len() * 7 {
            self.make_room(digest, now_ns)?;
        }
        self.insert_new(digest, entry);
        Ok(())
    }

    /// Removes an entry. True when it was there and live.
    pub(crate) fn remove(&mut self, digest: Digest, now_ns: u64) -> bool {
        let Some(place) = self.find(digest) else {
            return false;
        };
        let live = self.slots[place].entry.expires_ns() > now_ns;
        self.remove_at(place);
        live
    }

    /// Clears what has run out, and gives memory back when little is left.
    pub(crate) fn sweep(&mut self, now_ns: u64) {
        let live = self.live(now_ns);
        if live < self.len {
            let wanted = if live == 0 {
                0
            } else {
                self.slots.len().min((live * 2).max(SMALLEST))
            };
            self.rebuild(wanted, now_ns);
        }
    }

    /// Entries, those that have run out but were not cleared yet included.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory that the table takes.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<E>>()
    }

    /// Live entries that were forgotten for want of room.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn make_room(&mut self, digest: Digest, now_ns: u64) -> Result<(), Full> {
        let at_bound = self.slots.len() >= self.max_slots;
        if at_bound && self.searches_pause > 0 {
            self.searches_pause -= 1;
            return self.forget_one(digest);
        }
        let live = self.live(now_ns);
        // Doubling from 5/8 keeps the table between 44 % and 88 % full without rebuilding it over and over.
        let wanted = if (live + 1) * 8 > self.slots.len() * 5 {
            (self.slots.len() * 2).clamp(SMALLEST, self.max_slots)
        } else {
            self.slots.len()
        };
        if live < self.len || wanted > self.slots.len() {
            self.rebuild(wanted, now_ns);
        }
        if (self.len + 1) * 8 <= self.slots.len() * 7 {
            return Ok(());
        }
        self.searches_pause = self.slots.len() / 16;
        self.forget_one(digest)
    }

    fn forget_one(&mut self, digest: Digest) -> Result<(), Full> {
        let size = self.slots.len();
        let start = self.home(digest);
        let place = (0..size)
            .map(|step| (start + step) % size)
            .filter(|&place| self.slots[place].digest != FREE)
            .take(NEIGHBOURS)
            .min_by_key(|&place| self.slots[place].entry.expires_ns())
            .filter(|&place| self.slots[place].entry.expires_ns() < u64::MAX)
            .ok_or(Full)?;
        self.remove_at(place);
        self.forgotten += 1;
        Ok(())
    }

    fn live(&self, now_ns: u64) -> usize {
        self.slots
            .iter()
            .filter(|slot| slot.digest != FREE && slot.entry.expires_ns() > now_ns)
            .count()
    }

    fn rebuild(&mut self, slots: usize, now_ns: u64) {
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); slots]);
        self.len = 0;
        for slot in old {
            if slot.digest != FREE && slot.entry.expires_ns() > now_ns {
                self.insert_new(slot.digest, slot.entry);
            }
        }
    }

    /// Writes a digest that is not in the table; there is a free slot.
    fn insert_new(&mut self, digest: Digest, entry: E) {
        let size = self.slots.len();
        let mut place = self.home(digest);
        while self.slots[place].digest != FREE {
            place = (place + 1) % size;
        }
        self.slots[place] = Slot { digest, entry };
        self.len += 1;
    }

    fn find(&self, digest: Digest) -> Option<usize> {
        let size = self.slots.len();
        if size == 0 {
            return None;
        }
        let mut place = self.home(digest);
        // Ends: at most 7/8 of the slots are taken.
        loop {
            match self.slots[place].digest {
                found if found == digest => return Some(place),
                FREE => return None,
                _ => place = if place + 1 == size { 0 } else { place + 1 },
            }
        }
    }

    /// Removes by shifting back what follows (Knuth 6.4, algorithm R): no tombstones, probes stay short.
    fn remove_at(&mut self, mut hole: usize) {
        let size = self.slots.len();
        let distance = |from: usize, to: usize| (to + size - from) % size;
        let mut next = hole;
        loop {
            next = (next + 1) % size;
            let digest = self.slots[next].digest;
            if digest == FREE {
                break;
            }
            if distance(self.home(digest), next) >= distance(hole, next) {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
        }
        self.slots[hole] = Slot::default();
        self.len -= 1;
    }

    /// The slot where a search begins: the digest's upper half scaled to the size, which need not be a power of two.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the product's upper half is below the number of slots, a usize"
    )]
    fn home(&self, digest: Digest) -> usize {
        ((u128::from(digest[0]) * self.slots.len() as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    struct Until(u64);
    impl Entry for Until {
        fn expires_ns(&self) -> u64 {
            self.0
        }
    }

    fn digest(key: u64) -> Digest {
        // Few homes on purpose: collisions and wrap-around happen all the time.
        [(key % 7).wrapping_mul(u64::MAX / 7), key + 1]
    }

    proptest! {
        /// The table is a map, as long as it has room.
        #[test]
        fn behaves_like_a_map(calls in prop::collection::vec((0u8..4, 0u64..60, 1u64..50), 1..400)) {
            let mut table = Table::<Until>::new(1 << 20);
            let mut model = HashMap::new();
            let mut now = 0;
            for (call, key, time) in calls {
                match call {
                    0 => now += time / 10,
                    1 => {
                        prop_assert_eq!(table.put(digest(key), Until(now + time), now), Ok(()));
                        model.insert(key, now + time);
                    }
                    2 => {
                        let was = model.remove(&key).is_some_and(|until| until > now);
                        prop_assert_eq!(table.remove(digest(key), now), was);
                    }
                    _ => table.sweep(now),
                }
                for key in 0..60 {
                    let expected = model.get(&key).copied().filter(|&until| until > now);
                    prop_assert_eq!(table.get(digest(key), now).map(|entry| entry.0), expected);
                }
            }
        }
    }

    #[test]
    fn a_flood_stays_inside_the_bound_and_forgets_the_soonest() {
        let digester = crate::digest::Digester::default();
        let mut table = Table::<Until>::new(24 * 1024);
        let long = digester.digest(b"long-lived");
        table.put(long, Until(1_000_000_000), 0).unwrap();
        for number in 0..100_000_u64 {
            table
                .put(
                    digester.digest(&number.to_le_bytes()),
                    Until(1_000 + number),
                    0,
                )
                .unwrap();
        }
        assert!(table.bytes() <= 24 * 1024, "{} bytes", table.bytes());
        assert!(table.len() > 800);
        assert_eq!(
            table.get(long, 0),
            Some(Until(1_000_000_000)),
            "a longer-lived entry outlasts the flood"
        );
        assert!(table.forgotten() > 90_000);
    }

    #[test]
    fn what_has_run_out_makes_room_before_anything_is_forgotten() {
        let digester = crate::digest::Digester::default();
        let mut table = Table::<Until>::new(24 * 1024);
        for round in 0..50_u64 {
            for number in 0..500_u64 {
                table
                    .put(
                        digester.digest(&(round * 1_000 + number).to_le_bytes()),
                        Until(round * 10 + 10),
                        round * 10,
                    )
                    .unwrap();
            }
        }
        assert_eq!(table.forgotten(), 0);
        table.sweep(10_000);
        assert_eq!((table.len(), table.bytes()), (0, 0));
    }

    #[test]
    fn entries_that_never_run_out_are_never_forgotten() {
        let digester = crate::digest::Digester::default();
        let mut table = Table::<Until>::new(0);
        let results: Vec<_> = (0..20_u64)
            .map(|n| table.put(digester.digest(&n.to_le_bytes()), Until(u64::MAX), 0))
            .collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 14);
        assert_eq!(results.last(), Some(&Err(Full)));
    }
}
