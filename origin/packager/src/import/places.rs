//! Tables of ascending places in few bytes: each entry is what it differs by from the one before it, and every so often a whole entry
//! tells where to begin, so that one is found without reading all of them.

use bytes::{BufMut, Bytes};

use crate::varint;

/// Entries between two whole ones.
const BLOCK: u64 = 64;
/// Bytes of a whole entry in the index: key, start, and where the differences after it begin.
const WHOLE: usize = 24;

/// Where something lies: it is found by its key, and takes `len` bytes from `start` on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) key: u64,
    pub(super) start: u64,
    pub(super) len: u32,
}

/// A table in the making. Keys ascend.
#[derive(Debug, Default)]
pub(super) struct PlacesWriter {
    index: Vec<u8>,
    data: Vec<u8>,
    count: u64,
    before: Place,
    /// The entry that is not written yet: it may grow.
    last: Option<Place>,
}

impl PlacesWriter {
    /// Adds an entry.
    pub(super) fn push(&mut self, place: Place) {
        self.flush();
        self.last = Some(place);
    }

    /// Makes the last entry longer.
    pub(super) fn extend(&mut self, len: u32) {
        if let Some(last) = &mut self.last {
            last.len = last.len.saturating_add(len);
        }
    }

    fn flush(&mut self) {
        let Some(place) = self.last.take() else {
            return;
        };
        if self.count.is_multiple_of(BLOCK) {
            self.index.put_u64(place.key);
            self.index.put_u64(place.start);
            self.index.put_u64(self.data.len() as u64);
            self.before = Place { len: 0, ..place };
        }
        let before = self.before;
        varint::put(&mut self.data, place.key.wrapping_sub(before.key));
        let end = before.start.wrapping_add(u64::from(before.len));
        varint::put_signed(&mut self.data, place.start.wrapping_sub(end).cast_signed());
        varint::put(&mut self.data, u64::from(place.len));
        self.before = place;
        self.count += 1;
    }

    /// Bytes that it takes.
    pub(super) fn len(&self) -> usize {
        self.index.len() + self.data.len()
    }

    /// The table behind `head`, as [`PlacesWriter::finish`] appends it. What is most of it is moved on where it is and not copied: a
    /// film of ten hours has some 15 MB of it.
    pub(super) fn finish_behind(mut self, mut head: Vec<u8>) -> Vec<u8> {
        self.flush();
        head.put_u64(self.index.len() as u64);
        head.put_u64(self.data.len() as u64);
        head.append(&mut self.index);
        drop(self.data.splice(0..0, head));
        self.data
    }

    /// Appends the table: the lengths of index and differences (u64 each), then both.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.flush();
        out.put_u64(self.index.len() as u64);
        out.put_u64(self.data.len() as u64);
        out.put_slice(&self.index);
        out.put_slice(&self.data);
    }
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    index: Bytes,
    data: Bytes,
}

impl Places {
    /// A table of these parts.
    pub(super) const fn new(index: Bytes, data: Bytes) -> Self {
        Self { index, data }
    }

    /// The last entry whose key is not above `key`, and the one after it.
    pub(super) fn find(&self, key: u64) -> (Option<Place>, Option<Place>) {
        let blocks = self.index.len() / WHOLE;
        let at = partition(blocks, |block| {
            self.whole(block).is_some_and(|(place, _)| place.key <= key)
        });
        let mut found = None;
        for place in self.entries(at.saturating_sub(1)) {
            if place.key > key {
                return (found, Some(place));
            }
            found = Some(place);
        }
        (found, None)
    }

    fn whole(&self, block: usize) -> Option<(Place, usize)> {
        let entry = self.index.get(block * WHOLE..(block + 1) * WHOLE)?;
        let word = |at: usize| {
            entry[at..at + 8]
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte))
        };
        let place = Place {
            key: word(0),
            start: word(8),
            len: 0,
        };
        Some((place, usize::try_from(word(16)).ok()?))
    }

    /// The entries from the start of a block on, up to the second one of the block after it.
    fn entries(&self, block: usize) -> impl Iterator<Item = Place> + '_ {
        let mut left = BLOCK + 1;
        let mut state = self.whole(block);
        let mut block = block;
        std::iter::from_fn(move || {
            if left == 1 {
                // The next block counts from its own whole entry.
                block += 1;
                state = self.whole(block);
            }
            left = left.checked_sub(1)?;
            let (before, at) = state.as_mut()?;
            let key = before.key.wrapping_add(varint::take(&self.data, at)?);
            let end = before.start.wrapping_add(u64::from(before.len));
            let start = end.wrapping_add(varint::take_signed(&self.data, at)?.cast_unsigned());
            let len = u32::try_from(varint::take(&self.data, at)?).ok()?;
            *before = Place { key, start, len };
            Some(*before)
        })
    }
}

/// The first of `count` indexes for which `before` is false.
fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(places: &[Place]) -> Places {
        let mut writer = PlacesWriter::default();
        places.iter().for_each(|place| writer.push(*place));
        let mut out = Vec::new();
        writer.finish(&mut out);
        let index = usize::try_from(u64::from_be_bytes(*out.first_chunk().unwrap())).unwrap();
        let parts = Bytes::from(out).slice(16..);
        Places::new(parts.slice(..index), parts.slice(index..))
    }

    proptest::proptest! {
        #[test]
        fn every_entry_is_found(
            steps in proptest::collection::vec((1_u64..1000, 0_u64..1 << 50, 0_u32..), 1..400),
        ) {
            let mut key = 0;
            let places: Vec<Place> = steps
                .into_iter()
                .map(|(step, start, len)| {
                    key += step;
                    Place { key, start, len }
                })
                .collect();
            let table = table(&places);
            for (number, place) in places.iter().enumerate() {
                let next = places.get(number + 1).copied();
                proptest::prop_assert_eq!(table.find(place.key), (Some(*place), next));
            }
            let first = places[0];
            proptest::prop_assert_eq!(table.find(first.key - 1), (None, Some(first)));
        }
    }

    #[test]
    fn a_table_behind_a_head_is_the_one_that_is_appended_to_it() {
        let written = || {
            let mut writer = PlacesWriter::default();
            (0..200).for_each(|number| {
                writer.push(Place {
                    key: number * 10,
                    start: number * 7,
                    len: 3,
                });
            });
            writer
        };
        let mut appended = b"head".to_vec();
        written().finish(&mut appended);
        assert_eq!(written().finish_behind(b"head".to_vec()), appended);
    }

    #[test]
    fn an_empty_table_holds_nothing() {
        assert_eq!(table(&[]).find(7), (None, None));
    }
}
