//! The state store with the answer for its failure.

use std::sync::Arc;

use weir_counters::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, ManualClock, MemoryStore, Standing, StoreError,
};
use weir_module::{Host, Level};

use crate::config::OnStoreError;
use crate::log_gate::LogGate;

/// Memory of the local fallback. A door instance as a whole stays under 4 MiB.
const LOCAL_BYTES: usize = 1 << 20;

/// Asks the host's store and, when that fails, does what the configuration says.
#[derive(Debug)]
pub(crate) struct Store {
    on_error: OnStoreError,
    local: Option<Local>,
    failures: LogGate,
}

/// The instance's own counters, made at the first failure.
#[derive(Debug)]
struct Local {
    clock: ManualClock,
    counters: Arc<MemoryStore>,
}

/// An answer of the store, or the decision in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answered<T> {
    /// The store's answer, or the local one.
    Yes(T),
    /// No answer: let the request pass.
    Allow,
    /// No answer: refuse the request.
    Deny,
}

impl Store {
    /// A store that fails as `on_error` says.
    pub(crate) fn new(on_error: OnStoreError) -> Self {
        Self {
            on_error,
            local: None,
            failures: LogGate::default(),
        }
    }

    /// Takes from every quota or from none.
    pub(crate) fn take(
        &mut self,
        host: &mut dyn Host,
        limits: &[Limit<'_>],
    ) -> Answered<Vec<Standing>> {
        let result = host.counters().take(limits);
        // A store that answers with fewer standings than quotas is as good as none.
        let result = result.and_then(|standings| match standings.len() == limits.len() {
            true => Ok(standings),
            false => Err(StoreError::Unavailable(format!(
                "{} standings for {} quotas",
                standings.len(),
                limits.len()
            ))),
        });
        self.answered(host, result, |local| local.take(limits))
    }

    /// Takes or renews a place.
    pub(crate) fn lease(
        &mut self,
        host: &mut dyn Host,
        request: LeaseRequest<'_>,
    ) -> Answered<LeaseOutcome> {
        let LeaseRequest {
            set,
            holder,
            capacity,
            ttl_ns,
            takeover,
        } = request;
        let result = host
            .counters()
            .lease(set, holder, capacity, ttl_ns, takeover);
        self.answered(host, result, |local| local.lease(request))
    }

    /// The bytes under a key; none when the store gives no answer and the configuration says to pass.
    pub(crate) fn get(&mut self, host: &mut dyn Host, key: &[u8]) -> Answered<Option<Vec<u8>>> {
        let result = host.counters().get(key);
        self.answered(host, result, |local| local.get(key))
    }

    /// A write that nothing waits for: a failure is logged and counted, no more.
    pub(crate) fn write(
        &mut self,
        host: &mut dyn Host,
        write: impl FnOnce(&mut dyn weir_module::Counters) -> Result<(), StoreError>,
    ) {
        if let Err(error) = write(host.counters()) {
            self.failed(host, &error);
        }
    }

    fn answered<T>(
        &mut self,
        host: &mut dyn Host,
        result: Result<T, StoreError>,
        local: impl FnOnce(&MemoryStore) -> Result<T, StoreError>,
    ) -> Answered<T> {
        let error = match result {
            Ok(answer) => return Answered::Yes(answer),
            Err(error) => error,
        };
        self.failed(host, &error);
        match self.on_error {
            OnStoreError::Allow => Answered::Allow,
            OnStoreError::Deny => Answered::Deny,
            OnStoreError::Local => {
                let now_ns = host.now_ns();
                // What even the local store refuses is an invalid call: a fault of ours that must not open the gate.
                local(self.local(now_ns)).map_or(Answered::Deny, Answered::Yes)
            }
        }
    }

    fn local(&mut self, now_ns: u64) -> &MemoryStore {
        let local = self.local.get_or_insert_with(|| {
            let clock = ManualClock::default();
            let counters = MemoryStore::builder()
                .shards(1)
                .max_bytes(LOCAL_BYTES)
                .clock(clock.clone())
                .build();
            Local {
                clock,
                counters: Arc::new(counters),
            }
        });
        local.clock.move_to_ns(now_ns);
        &local.counters
    }

    fn failed(&mut self, host: &mut dyn Host, error: &StoreError) {
        if let Some(count) = self.failures.open(host.now_ns()) {
            let answer = match self.on_error {
                OnStoreError::Allow => "requests pass",
                OnStoreError::Deny => "requests are refused",
                OnStoreError::Local => "this instance counts for itself",
            };
            host.log(
                Level::Warn,
                &format!("{error}; {answer} ({count} failures since the last line)"),
            );
        }
    }
}
