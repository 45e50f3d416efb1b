//! The adapters that make a [`crate::Module`] into a component. Only the export macros reach into here.

mod counters;
#[cfg(feature = "door")]
pub mod door;
#[cfg(feature = "handler")]
pub mod handler;
mod slot;

#[cfg(all(feature = "door", feature = "handler"))]
compile_error!("build a module for one door at a time: feature `handler` or feature `door`");

pub use counters::ImportedCounters;
pub use slot::Slot;

/// Unix time in nanoseconds.
#[cfg(feature = "handler")]
pub(crate) fn unix_now_ns() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
