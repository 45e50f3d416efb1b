//! Where a store takes its time from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A source of time for a store: Unix time in nanoseconds.
pub trait Clock: Send + Sync {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    fn now_ns(&self) -> u64;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now_ns(&self) -> u64 {
        (**self).now_ns()
    }
}

/// The machine's monotonic clock, anchored to Unix time when it is made.
///
/// A step of the wall clock (NTP, a suspended laptop) therefore neither empties nor fills a quota.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    started_unix_ns: u64,
}

impl SystemClock {
    /// Anchors the clock to the present wall-clock time.
    pub fn new() -> Self {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            started_unix_ns: u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now_ns(&self) -> u64 {
        let elapsed = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.started_unix_ns.saturating_add(elapsed)
    }
}

/// The wall clock, read anew each time: for stores that outlive the process, where all instances must agree on the time. It may step;
/// the arithmetic bounds what a step can do to one full window of a quota.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now_ns(&self) -> u64 {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A clock that stands still until it is told to move: for tests, and for guests that get the time
/// with each request. Clones share one time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows `secs` seconds after the epoch.
    pub fn at_secs(secs: u64) -> Self {
        Self(Arc::new(AtomicU64::new(secs.saturating_mul(1_000_000_000))))
    }

    /// Moves the time forward to `unix_ns`; stays where it is when that lies in the past.
    pub fn move_to_ns(&self, unix_ns: u64) {
        self.0.fetch_max(unix_ns, Ordering::SeqCst);
    }

    /// Moves the time forward by `ns` nanoseconds.
    pub fn advance_ns(&self, ns: u64) {
        self.0.fetch_add(ns, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ns(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
