//! What is stored, by key, bounded by weight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use quick_cache::sync::{Cache as Store, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::key::{Key, Vary};
use super::object::Object;
use super::status::Forwarded;

/// How long it is remembered that a target cannot be shared.
const ALONE: Duration = Duration::from_secs(10);

/// The index. Its eviction is Clock-PRO: what is asked for once does not push out what is asked for often.
pub(super) struct Index {
    store: Store<Key, Entry, Weight>,
    /// Tells apart the variants of before and after an invalidation.
    generation: AtomicU64,
}

#[derive(Debug, Clone)]
enum Entry {
    /// The target has variants, under keys of their own.
    Variants(Arc<Variants>),
    Object(Arc<Object>),
    /// The last response could not be shared.
    Alone(SystemTime),
}

#[derive(Debug)]
struct Variants {
    vary: Vary,
    generation: u64,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Key, Entry> for Weight {
    fn weight(&self, key: &Key, entry: &Entry) -> u64 {
        let own = match entry {
            Entry::Object(object) => object.weight(),
            Entry::Variants(_) | Entry::Alone(_) => 64,
        };
        own + u64::try_from(key.len()).unwrap_or(u64::MAX) + 128
    }
}

/// What was found.
pub(super) struct Found {
    /// The key of the variant, as far as it is known.
    pub(super) key: Vec<u8>,
    pub(super) object: Option<Arc<Object>>,
    /// Why not, when there is none.
    pub(super) why: Forwarded,
    /// Nobody should wait for another's fetch.
    pub(super) alone: bool,
}

impl Index {
    /// An index of `max_bytes`, for objects of at most `max_object`.
    pub(super) fn new(max_bytes: u64, max_object: u64) -> Self {
        // An object must fit its shard many times over, or eviction turns unfair.
        let fit = max_bytes / max_object.max(1).saturating_mul(4);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = usize::try_from(fit)
            .unwrap_or(usize::MAX)
            .clamp(1, threads * 4);
        let items = usize::try_from(max_bytes / (64 << 10))
            .unwrap_or(usize::MAX)
            .clamp(64, 1 << 20);
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(items)
            .weight_capacity(max_bytes)
            .build();
        // The builder's required values are set above.
        let store = match options {
            Ok(options) => Store::with_options(
                options,
                Weight,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            Err(_) => Store::with_weighter(items, max_bytes, Weight),
        };
        Self {
            store,
            generation: AtomicU64::new(1),
        }
    }

    pub(super) fn usage(&self) -> (u64, u64) {
        let entries = u64::try_from(self.store.len()).unwrap_or(u64::MAX);
        (self.store.weight(), entries)
    }

    /// Finds what a request selects.
    pub(super) fn find(&self, primary: &[u8], request: &HeaderMap, now: SystemTime) -> Found {
        let found = |key: Vec<u8>, object, why, alone| Found {
            key,
            object,
            why,
            alone,
        };
        match self.store.get(primary) {
            None => found(primary.to_vec(), None, Forwarded::UriMiss, false),
            Some(Entry::Object(object)) => {
                found(primary.to_vec(), Some(object), Forwarded::Stale, false)
            }
            Some(Entry::Alone(until)) => {
                found(primary.to_vec(), None, Forwarded::UriMiss, now < until)
            }
            Some(Entry::Variants(variants)) => {
                let key = variants.key(primary, request);
                match self.store.get(key.as_slice()) {
                    Some(Entry::Object(object)) => {
                        found(key, Some(object), Forwarded::Stale, false)
                    }
                    Some(Entry::Alone(until)) => found(key, None, Forwarded::VaryMiss, now < until),
                    _ => found(key, None, Forwarded::VaryMiss, false),
                }
            }
        }
    }

    /// Stores an object under the key that its `vary` and the request give it.
    pub(super) fn insert(&self, primary: &[u8], request: &HeaderMap, object: Arc<Object>) {
        let Some(vary) = Vary::of(&object.headers) else {
            self.store.insert(primary.into(), Entry::Object(object));
            return;
        };
        let known = match self.store.get(primary) {
            Some(Entry::Variants(known)) if known.vary == vary => Some(known),
            _ => None,
        };
        let variants = known.unwrap_or_else(|| {
            let generation = self.generation.fetch_add(1, Ordering::Relaxed);
            let variants = Arc::new(Variants { vary, generation });
            self.store
                .insert(primary.into(), Entry::Variants(Arc::clone(&variants)));
            variants
        });
        let key = variants.key(primary, request);
        self.store.insert(key.into(), Entry::Object(object));
    }

    /// Remembers that the target under `key` cannot be shared.
    pub(super) fn mark_alone(&self, key: &[u8], now: SystemTime) {
        self.store.insert(key.into(), Entry::Alone(now + ALONE));
    }

    /// Forgets a target with all its variants: those that are left can no longer be reached and go with time.
    pub(super) fn remove(&self, primary: &[u8]) {
        self.store.remove(primary);
    }
}

impl Variants {
    fn key(&self, primary: &[u8], request: &HeaderMap) -> Vec<u8> {
        let mut key = self.vary.secondary(primary, request);
        key.extend_from_slice(&self.generation.to_le_bytes());
        key
    }
}
