//! A store whose calls wait for a network, made safe on the threads of the requests: while one waits, its thread's other work
//! goes to another.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;
use weir_counters::{CounterStore, LeaseOutcome, LeaseRequest, Limit, Standing, StoreError};

/// The store, and which of its calls wait.
pub(super) struct Waiting<S> {
    store: S,
    take_waits: bool,
}

impl<S> Waiting<S> {
    /// Every call waits.
    pub(super) const fn always(store: S) -> Self {
        Self {
            store,
            take_waits: true,
        }
    }

    /// `take` answers at once, as that of a reconciled store does; handing a thread over would cost it more than it saves.
    pub(super) const fn but_for_take(store: S) -> Self {
        Self {
            store,
            take_waits: false,
        }
    }
}

/// Runs a call that may wait. Off the runtime's own threads there is nothing to hand over.
fn wait<T>(call: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(call),
        _ => call(),
    }
}

impl<S: CounterStore> CounterStore for Waiting<S> {
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        if self.take_waits {
            wait(|| self.store.take(limits))
        } else {
            self.store.take(limits)
        }
    }

    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError> {
        wait(|| self.store.lease(request))
    }

    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        wait(|| self.store.release(set, holder))
    }

    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        wait(|| self.store.increment(key, by, ttl_ns))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        wait(|| self.store.get(key))
    }

    fn put_if(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        wait(|| self.store.put_if(key, expected, value, ttl_ns))
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        wait(|| self.store.delete(key))
    }
}
