//! The operations of `weir:state/counters`, as every store of this crate offers them.

use crate::gcra::Quota;
pub use crate::gcra::Standing;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 512;
/// The longest value that `put_if` writes, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// The most quotas that one `take` may ask.
pub const MAX_LIMITS: usize = 64;
/// The largest capacity of a lease set.
pub const MAX_LEASE_CAPACITY: u32 = 1024;

/// Why a store gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, did not answer in time, or has no room. The caller decides what that means for the request.
    #[error("the state store is unavailable: {0}")]
    Unavailable(String),
    /// The call itself is wrong; the same call will fail again.
    #[error("invalid call to the state store: {0}")]
    Invalid(String),
}

/// One quota that a `take` draws from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<'a> {
    /// Names the quota: 1 to [`MAX_KEY_BYTES`] bytes.
    pub key: &'a [u8],
    /// Nanoseconds until one unit comes back. At least 1.
    pub interval_ns: u64,
    /// Units that can be taken at once. At least 1.
    pub burst: u64,
    /// Units that this call takes. 0 asks without taking.
    pub cost: u64,
}

impl Limit<'_> {
    /// The quota without its key and cost.
    pub const fn quota(&self) -> Quota {
        Quota {
            interval_ns: self.interval_ns,
            burst: self.burst,
        }
    }
}

/// What happens to a new holder when all places of a set are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// The new holder is refused.
    RefuseNewest,
    /// The holder that was granted first loses its place.
    DropOldest,
}

/// A wish for a place in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest<'a> {
    /// Names the set: 1 to [`MAX_KEY_BYTES`] bytes.
    pub set: &'a [u8],
    /// Names the holder: 1 to [`MAX_KEY_BYTES`] bytes.
    pub holder: &'a [u8],
    /// How many may hold a place at once, at most [`MAX_LEASE_CAPACITY`].
    pub capacity: u32,
    /// How long the place lasts without being renewed, in nanoseconds. At least 1.
    pub ttl_ns: u64,
    /// Who gives way when all places are taken.
    pub takeover: Takeover,
}

/// What a lease came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseOutcome {
    /// Whether the holder has a place now.
    pub granted: bool,
    /// Live holders after the call.
    pub active: u32,
    /// The holder that lost its place to this one.
    pub dropped: Option<Vec<u8>>,
    /// When not granted: nanoseconds until a place may be free.
    pub retry_after_ns: u64,
}

/// A store of counters: the operations of `weir:state/counters`. The store's own clock decides.
///
/// Every operation is atomic. Keys of different operations do not meet: a quota and a number under one key are two things,
/// and only [`delete`](Self::delete) sees both.
pub trait CounterStore {
    /// Takes from every quota or, when one of them refuses, from none. One standing for each limit, in order.
    ///
    /// When one quota refuses, the standings of the others tell whether they would have allowed it and what is left untaken.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was taken.
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError>;

    /// Takes or renews a place. Renewing one that is still held always succeeds.
    ///
    /// # Errors
    /// [`StoreError`].
    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError>;

    /// Gives a place back. True when it was held.
    ///
    /// # Errors
    /// [`StoreError`].
    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError>;

    /// Adds to a number (saturating) and answers the sum. A missing or expired number counts as 0 and lives `ttl_ns` from its first
    /// increment (0: until deleted).
    ///
    /// # Errors
    /// [`StoreError`].
    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError>;

    /// The bytes under a key that `put_if` wrote.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes `value` when the present bytes equal `expected` (`None`: when there are none). True when it wrote.
    /// `ttl_ns` 0: until deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_if(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError>;

    /// Removes everything under a key, whichever call made it. True when there was something.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delete(&self, key: &[u8]) -> Result<bool, StoreError>;
}

/// Checks the arguments of a `take`.
pub(crate) fn check_limits(limits: &[Limit<'_>]) -> Result<(), StoreError> {
    if limits.len() > MAX_LIMITS {
        return Err(StoreError::Invalid(format!(
            "{} limits in one take, at most {MAX_LIMITS} are allowed",
            limits.len()
        )));
    }
    for limit in limits {
        check_key(limit.key)?;
        if limit.interval_ns == 0 || limit.burst == 0 {
            return Err(StoreError::Invalid(format!(
                "a quota needs an interval and a burst of at least 1, got {} ns and {}",
                limit.interval_ns, limit.burst
            )));
        }
    }
    Ok(())
}

/// Checks the arguments of a `lease`.
pub(crate) fn check_lease(request: &LeaseRequest<'_>) -> Result<(), StoreError> {
    check_key(request.set)?;
    check_key(request.holder)?;
    if request.ttl_ns == 0 {
        return Err(StoreError::Invalid(
            "a lease needs a time of at least 1 ns".to_owned(),
        ));
    }
    if request.capacity > MAX_LEASE_CAPACITY {
        return Err(StoreError::Invalid(format!(
            "a lease set of {} places, at most {MAX_LEASE_CAPACITY} are allowed",
            request.capacity
        )));
    }
    if request.capacity == 0 && request.takeover == Takeover::DropOldest {
        return Err(StoreError::Invalid(
            "a lease set without places has no oldest holder to drop".to_owned(),
        ));
    }
    Ok(())
}

/// Checks a key.
pub(crate) fn check_key(key: &[u8]) -> Result<(), StoreError> {
    match key.len() {
        1..=MAX_KEY_BYTES => Ok(()),
        length => Err(StoreError::Invalid(format!(
            "a key of {length} bytes, 1 to {MAX_KEY_BYTES} are allowed"
        ))),
    }
}

/// Checks a value.
pub(crate) fn check_value(value: &[u8]) -> Result<(), StoreError> {
    match value.len() {
        0..=MAX_VALUE_BYTES => Ok(()),
        length => Err(StoreError::Invalid(format!(
            "a value of {length} bytes, at most {MAX_VALUE_BYTES} are allowed"
        ))),
    }
}
