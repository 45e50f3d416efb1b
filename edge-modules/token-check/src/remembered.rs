//! Tokens whose signature was found to hold, so that the next segment costs a look-up and no arithmetic.
//!
//! Two generations instead of a linked list: a found entry moves to the young one, a full young generation becomes the old one,
//! and what nobody asked for in between falls away. That is a bounded approximation of least recently used, at one
//! or two look-ups each. The map's hash is keyed at random, so nobody can choose colliding tokens, and the whole text
//! is compared, so a collision could do no harm.

use std::collections::HashMap;
use std::sync::Arc;

use crate::grant::Grant;

/// Verified tokens by format and text, bounded in number and in bytes.
#[derive(Debug)]
pub(crate) struct Remembered {
    young: HashMap<Box<str>, Entry>,
    old: HashMap<Box<str>, Entry>,
    young_bytes: usize,
    /// Most entries in one generation.
    capacity: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    format: usize,
    grant: Arc<Grant>,
}

/// Most bytes of token text in one generation: an instance has 4 MiB in all.
const MAX_BYTES: usize = 512 * 1024;

impl Remembered {
    /// Remembers up to `entries` tokens; none for 0.
    pub(crate) fn new(entries: usize) -> Self {
        let capacity = entries.div_ceil(2);
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            young_bytes: 0,
            capacity,
        }
    }

    /// The grant of a token that this format verified before.
    pub(crate) fn get(&mut self, format: usize, text: &str) -> Option<Arc<Grant>> {
        if let Some(entry) = self.young.get(text) {
            return (entry.format == format).then(|| Arc::clone(&entry.grant));
        }
        let (text, entry) = self.old.remove_entry(text)?;
        let grant = (entry.format == format).then(|| Arc::clone(&entry.grant));
        self.put(text, entry);
        grant
    }

    /// Remembers a token.
    pub(crate) fn insert(&mut self, format: usize, text: &str, grant: Arc<Grant>) {
        self.put(text.into(), Entry { format, grant });
    }

    /// Forgets everything: the keys have changed.
    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.young_bytes = 0;
    }

    fn put(&mut self, text: Box<str>, entry: Entry) {
        if self.capacity == 0 || text.len() > MAX_BYTES {
            return;
        }
        if self.young.len() >= self.capacity || self.young_bytes + text.len() > MAX_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += text.len();
        self.young.insert(text, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Arc<Grant> {
        Arc::new(Grant::default())
    }

    #[test]
    fn what_is_in_use_stays_and_the_rest_falls_away() {
        let mut memory = Remembered::new(8);
        memory.insert(0, "kept", grant());
        for round in 0..100 {
            memory.insert(0, &format!("other {round}"), grant());
            assert!(memory.get(0, "kept").is_some(), "round {round}");
            assert!(memory.young.len() + memory.old.len() <= 8);
        }
        assert!(memory.get(0, "other 1").is_none());
        assert!(memory.get(1, "kept").is_none(), "another format's token");
        memory.clear();
        assert!(memory.get(0, "kept").is_none());
    }

    #[test]
    fn bytes_are_bounded_and_nothing_is_remembered_at_zero() {
        let mut memory = Remembered::new(1_000_000);
        for round in 0..1_000 {
            memory.insert(0, &format!("{round:08000}"), grant());
        }
        assert!((memory.young.len() + memory.old.len()) * 8_000 <= 2 * MAX_BYTES);
        let mut none = Remembered::new(0);
        none.insert(0, "a", grant());
        assert!(none.get(0, "a").is_none());
    }
}
