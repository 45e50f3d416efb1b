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
                sleep: None,
                due: None,
            },
            state: Worker {
                reuse: plan.reuse,
                timeout: plan.timeout,
                module: Arc::clone(&plan.settings.name),
            },
        })
    }
}

/// One instance's rules.
pub(super) struct Worker {
    reuse: usize,
    timeout: Duration,
    module: Arc<str>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Next;

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
        next: Next,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        store.data_mut().next = Some(next);
        Box::pin(tokio::time::sleep(self.timeout))
    }

    fn drop(&self, _: Store<Guest>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            tracing::error!(module = &*self.module, "instance ended: {error:#}");
        }
    }
}

/// Ends an instance that works too long or has nothing to do.
pub(super) struct Expiration {
    timeout: Duration,
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
        let allowed = match status {
            WorkerStatus::Idle => IDLE,
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.timeout,
        };
        let due = start + allowed;
        let this = &mut *self;
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
