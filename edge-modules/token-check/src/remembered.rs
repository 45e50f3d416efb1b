//! Tokens whose signature was found to hold, so that the next segment costs a look-up and no arithmetic.
//!
//! Two generations instead of a linked list: a found entry moves to the young one, a full young generation becomes the old one,
//! and what nobody asked for in between falls away. That is a bounded approximation of least recently used, at one
//! hash and one or two look-ups each. The hash is keyed at random, and only a token whose signature held has an entry, so nobody can
//! fill a table with colliding ones; the whole text is compared, so a collision could do no harm.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;
use hashbrown::HashTable;

use crate::grant::Grant;

/// Verified tokens by format and text, bounded in number and in bytes.
#[derive(Debug)]
pub(crate) struct Remembered {
    young: HashTable<Entry>,
    old: HashTable<Entry>,
    young_bytes: usize,
    /// Most entries in one generation.
    capacity: usize,
    seed: u64,
    shared_seed: SharedSeed,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    format: usize,
    text: Box<str>,
    grant: Arc<Grant>,
}

impl Entry {
    fn is(&self, hash: u64, format: usize, text: &str) -> bool {
        self.hash == hash && self.format == format && same(self.text.as_bytes(), text.as_bytes())
    }
}

/// Equality by words: `==` calls the C library's `memcmp`, which goes byte by byte in WebAssembly.
fn same(one: &[u8], other: &[u8]) -> bool {
    let (one_words, one_rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    one.len() == other.len()
        && one_words
            .iter()
            .zip(other_words)
            .all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other))
        && one_rest
            .iter()
            .zip(other_rest)
            .all(|(one, other)| one == other)
}

/// Most bytes of token text in one generation: an instance has 4 MiB in all.
const MAX_BYTES: usize = 512 * 1024;

impl Remembered {
    /// Remembers up to `entries` tokens; none for 0.
    pub(crate) fn new(entries: usize) -> Self {
        // The standard library's keys come from the host's random numbers.
        let random = RandomState::new();
        Self {
            young: HashTable::new(),
            old: HashTable::new(),
            young_bytes: 0,
            capacity: entries.div_ceil(2),
            seed: random.hash_one(0_u8),
            shared_seed: SharedSeed::from_u64(random.hash_one(1_u8)),
        }
    }

    /// The grant of a token that this format verified before.
    pub(crate) fn get(&mut self, format: usize, text: &str) -> Option<Arc<Grant>> {
        let hash = self.hash(text);
        if let Some(entry) = self.young.find(hash, |entry| entry.is(hash, format, text)) {
            return Some(Arc::clone(&entry.grant));
        }
        let found = self
            .old
            .find_entry(hash, |entry| entry.is(hash, format, text));
        let (entry, _) = found.ok()?.remove();
        let grant = Arc::clone(&entry.grant);
        self.put(entry);
        Some(grant)
    }

    /// Remembers a token.
    pub(crate) fn insert(&mut self, format: usize, text: &str, grant: Arc<Grant>) {
        let hash = self.hash(text);
        if self.capacity > 0 && text.len() <= MAX_BYTES {
            self.put(Entry {
                hash,
                format,
                text: text.into(),
                grant,
            });
        }
    }

    /// Forgets everything: the keys have changed.
    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.young_bytes = 0;
    }

    fn hash(&self, text: &str) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared_seed);
        hasher.write(text.as_bytes());
        hasher.finish()
    }

    /// Makes an entry the young generation's. It is in neither.
    fn put(&mut self, entry: Entry) {
        let bytes = entry.text.len();
        if self.young.len() >= self.capacity || self.young_bytes + bytes > MAX_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        self.young
            .insert_unique(entry.hash, entry, |entry| entry.hash);
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
    fn texts_are_the_same_to_the_last_byte() {
        for length in 0..40 {
            let text = vec![7_u8; length];
            assert!(same(&text, &text));
            assert!(!same(&text, &vec![7; length + 1]));
            for at in 0..length {
                let mut other = text.clone();
                other[at] ^= 0x80;
                assert!(!same(&text, &other), "{at} of {length}");
            }
        }
    }

    #[test]
    fn formats_keep_their_own_grants() {
        let mut memory = Remembered::new(8);
        let named = |issuer: &str| {
            Arc::new(Grant {
                issuer: Some(issuer.to_owned()),
                ..Grant::default()
            })
        };
        memory.insert(0, "text", named("a"));
        memory.insert(1, "text", named("b"));
        let issuer = |memory: &mut Remembered, format| {
            memory.get(format, "text").unwrap().issuer.clone().unwrap()
        };
        assert_eq!(issuer(&mut memory, 0), "a");
        assert_eq!(issuer(&mut memory, 1), "b");
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
