//! Instances of standard handlers: made, reused, thrown away.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView};

use super::delivery::{Delivery, Owed};
use super::imports::Hooks;
use crate::documents::Documents;
use crate::guest::Settings;
use crate::guest::capabilities::{Capabilities, SharedCounters};
use crate::guest::log_sink::LogSink;
use crate::node::Next;
use crate::origin::connector::HttpClient;

/// How long an instance without work is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Epochs between two turns of a busy guest.
const TURN: u64 = 1;

/// How instances of one module are made.
pub(super) struct Plan {
    pub(super) engine: Engine,
    pub(super) pre: ServicePre<Guest>,
    pub(super) settings: Settings,
    pub(super) log: LogSink,
    pub(super) counters: SharedCounters,
    pub(super) documents: Arc<Documents>,
    pub(super) client: HttpClient,
    pub(super) reuse: usize,
    pub(super) timeout: Duration,
}

/// Makes them.
pub(super) struct Factory(Plan);

/// What comes with a request: the rest of the chain, and the body that it will be owed.
pub(super) struct Call {
    pub(super) next: Next,
    pub(super) delivery: Arc<Delivery>,
}

/// What a store holds.
pub(super) struct Guest {
    pub(super) capabilities: Capabilities,
    http: WasiHttpCtx,
    hooks: Hooks,
    /// The rest of the chain for the request at hand.
    pub(super) next: Option<Next>,
}

impl Guest {
    pub(super) fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.capabilities.table,
            ctx: &mut self.http,
        }
    }
}

impl Factory {
    pub(super) fn new(plan: Plan) -> Self {
        Self(plan)
    }
}

impl HandlerState for Factory {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let plan = &self.0;
        let owed = Owed::default();
        let guest = Guest {
            capabilities: Capabilities::new(
                &plan.settings,
                &plan.log,
                Arc::clone(&plan.counters),
                Arc::clone(&plan.documents),
            ),
            http: WasiHttpCtx::new(),
            hooks: Hooks::new(plan.client.clone()),
            next: None,
        };
        let mut store = Store::new(&plan.engine, guest);
        store.limiter(|guest| &mut guest.capabilities.limits);
        // A busy guest gives the thread back each tick; the expiration ends it when its time is over.
        store.set_epoch_deadline(TURN);
        store.epoch_deadline_async_yield_and_update(TURN);
        let started = plan.pre.instantiate_async(&mut store);
        let service = tokio::time::timeout(plan.timeout, started)
            .await
            .map_err(|_| wasmtime::Error::msg("the instance did not start in time"))??;
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: Guest::http,
            expiration: Expiration {
                timeout: plan.timeout,
                owed: owed.clone(),
                sleep: None,
                due: None,
            },
            state: Worker {
                reuse: plan.reuse,
                timeout: plan.timeout,
                owed,
                module: Arc::clone(&plan.settings.name),
            },
        })
    }
}

/// One instance's rules.
pub(super) struct Worker {
    reuse: usize,
    timeout: Duration,
    owed: Owed,
    module: Arc<str>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Call;

    /// One at a time: a trap or a loop then hurts nobody else.
    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse {
            ShouldAccept::Never
        } else if concurrent == 0 {
            ShouldAccept::Yes
        } else {
            ShouldAccept::No
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, Guest>,
        call: Call,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        self.owed.add(&call.delivery);
        store.data_mut().next = Some(call.next);
        Box::pin(tokio::time::sleep(self.timeout))
    }

    fn drop(&self, _: Store<Guest>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            self.owed.broken();
            // Wasmtime says `worker panicked` too when the runtime drops an instance in mid-work, as it does when the node stops.
            if error.to_string() == "worker panicked" && !std::thread::panicking() {
                tracing::debug!(module = &*self.module, "instance dropped in mid-work");
            } else {
                tracing::error!(module = &*self.module, "instance ended: {error:#}");
            }
        }
    }
}

/// Ends an instance that works too long or has nothing to do.
pub(super) struct Expiration {
    timeout: Duration,
    owed: Owed,
    sleep: Option<Pin<Box<Sleep>>>,
    due: Option<Instant>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let this = &mut *self;
        let due = match status {
            WorkerStatus::Idle => start + IDLE,
            WorkerStatus::Requests => start + this.timeout,
            // A body may take as long as it moves.
            WorkerStatus::PostReturn => {
                start.max(this.owed.last_moved().unwrap_or(start)) + this.timeout
            }
        };
        if this.due != Some(due) {
            this.due = Some(due);
            match &mut this.sleep {
                Some(sleep) => sleep.as_mut().reset(due.into()),
                none => *none = Some(Box::pin(tokio::time::sleep_until(due.into()))),
            }
        }
        match &mut this.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
