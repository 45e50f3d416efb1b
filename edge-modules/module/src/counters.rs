//! The shared state of `weir:state/counters`, as a module's logic sees it. The WIT file holds the full contract.

use std::sync::Arc;

use weir_counters::{CounterStore, LeaseRequest};
pub use weir_counters::{LeaseOutcome, Limit, Standing, StoreError, Takeover};

/// The operations. Each is one call to the store, atomic there; the store's own clock decides.
pub trait Counters {
    /// Takes from every quota, or from none when one refuses. One standing for each limit, in order.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was taken.
    fn take(&mut self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError>;

    /// Takes or renews a place in a set of at most `capacity` holders, for `ttl_ns` from now. Renewing a held place always succeeds.
    ///
    /// # Errors
    /// [`StoreError`].
    fn lease(
        &mut self,
        set: &[u8],
        holder: &[u8],
        capacity: u32,
        ttl_ns: u64,
        takeover: Takeover,
    ) -> Result<LeaseOutcome, StoreError>;

    /// Gives a place back. True when it was held.
    ///
    /// # Errors
    /// [`StoreError`].
    fn release(&mut self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError>;

    /// Adds to a number and answers the sum; it lives `ttl_ns` from its first increment (0: until deleted).
    ///
    /// # Errors
    /// [`StoreError`].
    fn increment(&mut self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError>;

    /// The bytes that [`Counters::put_if`] wrote.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes when the present bytes equal `expected`. True when it wrote.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_if(
        &mut self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError>;

    /// Removes a key. True when it was there.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError>;
}

/// A store in this process: the counters of a node, of a test, or of a module's own fallback.
impl<S: CounterStore + ?Sized> Counters for Arc<S> {
    fn take(&mut self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        (**self).take(limits)
    }

    fn lease(
        &mut self,
        set: &[u8],
        holder: &[u8],
        capacity: u32,
        ttl_ns: u64,
        takeover: Takeover,
    ) -> Result<LeaseOutcome, StoreError> {
        (**self).lease(LeaseRequest {
            set,
            holder,
            capacity,
            ttl_ns,
            takeover,
        })
    }

    fn release(&mut self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        (**self).release(set, holder)
    }

    fn increment(&mut self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        (**self).increment(key, by, ttl_ns)
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).get(key)
    }

    fn put_if(
        &mut self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        (**self).put_if(key, expected, value, ttl_ns)
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        (**self).delete(key)
    }
}

/// The counters of a module that was built without them: every call answers [`StoreError::Unavailable`].
#[derive(Debug, Default, Clone, Copy)]
pub struct NoCounters;

const NONE: &str = "this module is built without weir:state/counters";

macro_rules! refuse {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {
        $(fn $name(&mut self, $($arg: $ty),*) -> Result<$out, StoreError> {
            $(let _ = $arg;)*
            Err(StoreError::Unavailable(NONE.to_owned()))
        })*
    };
}

impl Counters for NoCounters {
    refuse! {
        take(limits: &[Limit<'_>]) -> Vec<Standing>;
        lease(set: &[u8], holder: &[u8], capacity: u32, ttl_ns: u64, takeover: Takeover) -> LeaseOutcome;
        release(set: &[u8], holder: &[u8]) -> bool;
        increment(key: &[u8], by: i64, ttl_ns: u64) -> i64;
        get(key: &[u8]) -> Option<Vec<u8>>;
        put_if(key: &[u8], expected: Option<&[u8]>, value: &[u8], ttl_ns: u64) -> bool;
        delete(key: &[u8]) -> bool;
    }
}
