//! Lists in which neighbours are often the same: how often, and what, as numbers of few bytes.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::varint;

/// A list in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    data: Vec<u8>,
    /// The run that is not written yet.
    last: Option<(u64, i64)>,
    /// True when a value is not 0.
    told: bool,
}

impl Runs {
    /// Adds a value.
    pub(crate) fn push(&mut self, value: i64) {
        self.told |= value != 0;
        match &mut self.last {
            Some((count, last)) if *last == value => *count += 1,
            _ => {
                self.flush();
                self.last = Some((1, value));
            }
        }
    }

    fn flush(&mut self) {
        if let Some((count, value)) = self.last.take() {
            varint::put(&mut self.data, count);
            varint::put_signed(&mut self.data, value);
        }
    }

    /// The list; nothing when every value is 0, which is what is read past the end.
    pub(crate) fn finish(mut self) -> Bytes {
        if !self.told {
            return Bytes::new();
        }
        self.flush();
        Bytes::from(self.data)
    }

    /// The list as (count, value).
    #[cfg(test)]
    pub(crate) fn list(&self) -> Vec<(u64, i64)> {
        let mut all = self.clone();
        all.flush();
        let mut at = 0;
        let mut list = Vec::new();
        while let Some(count) = varint::take(&all.data, &mut at) {
            list.push((count, varint::take_signed(&all.data, &mut at).unwrap()));
        }
        list
    }
}

/// A place in a list. Copy it to come back later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunsCursor {
    at: usize,
    left: u64,
    value: i64,
}

impl RunsCursor {
    /// The next value; past the end `None`.
    pub(crate) fn next(&mut self, data: &[u8]) -> Option<i64> {
        while self.left == 0 {
            self.left = varint::take(data, &mut self.at)?;
            self.value = varint::take_signed(data, &mut self.at)?;
        }
        self.left -= 1;
        Some(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn values_come_back(values in proptest::collection::vec(-3_i64..3, 0..200)) {
            let mut runs = Runs::default();
            values.iter().for_each(|value| runs.push(*value));
            let data = runs.finish();
            let mut cursor = RunsCursor::default();
            for value in &values {
                proptest::prop_assert_eq!(cursor.next(&data).unwrap_or(0), *value);
            }
            proptest::prop_assert_eq!(cursor.next(&data), None);
        }
    }
}
