//! Times in ascending order out of decode order, without holding all of them: pictures are reordered among their neighbours only.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Pictures among which a picture may move. Codecs allow 16.
const WINDOW: usize = 64;

/// Times that can be gone through in ascending order.
#[derive(Debug)]
pub(crate) enum Ascending<I> {
    /// They are in order once each has been put into its place among its neighbours.
    Near(I),
    /// They had to be sorted all together, which only a broken file needs.
    Sorted(Vec<i64>),
}

impl<I: Iterator<Item = i64> + Clone> Ascending<I> {
    pub(crate) fn new(times: I) -> Self {
        let near = Self::Near(times.clone());
        let mut last = i64::MIN;
        let is_ascending = near.iter().all(|time| {
            let ascends = time >= last;
            last = time;
            ascends
        });
        if is_ascending {
            return near;
        }
        let mut all: Vec<i64> = times.collect();
        all.sort_unstable();
        Self::Sorted(all)
    }

    /// The times in ascending order.
    pub(crate) fn iter(&self) -> Walk<'_, I> {
        match self {
            Self::Near(times) => Walk::Near(times.clone(), BinaryHeap::with_capacity(WINDOW + 1)),
            Self::Sorted(times) => Walk::Sorted(times.iter()),
        }
    }
}

/// Goes through times in ascending order.
#[derive(Clone, Debug)]
pub(crate) enum Walk<'a, I> {
    Near(I, BinaryHeap<Reverse<i64>>),
    Sorted(std::slice::Iter<'a, i64>),
}

impl<I: Iterator<Item = i64>> Iterator for Walk<'_, I> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        match self {
            Self::Near(times, near) => {
                while near.len() < WINDOW
                    && let Some(time) = times.next()
                {
                    near.push(Reverse(time));
                }
                near.pop().map(|Reverse(time)| time)
            }
            Self::Sorted(times) => times.next().copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn all_times_come_in_order(times in proptest::collection::vec(0_i64..5_000, 0..300)) {
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let found: Vec<i64> = Ascending::new(times.iter().copied()).iter().collect();
            proptest::prop_assert_eq!(found, sorted);
        }
    }

    #[test]
    fn neighbours_need_no_sorting() {
        let times = (0..1000_i64).map(|number| number ^ 7);
        assert!(matches!(Ascending::new(times), Ascending::Near(_)));
    }
}
