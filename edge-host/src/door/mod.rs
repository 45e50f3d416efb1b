//! The fast door: one synchronous call into a module, on an instance of its own for each thread.

mod edits;
mod head;

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use crate::documents::{Documents, Need};
use crate::guest::bindings::{StatefulQuick, StatefulQuickPre, door};
use crate::guest::capabilities::{Capabilities, SharedCounters, link_door};
use crate::guest::log_sink::LogSink;
use crate::guest::{Settings, engines};

pub(crate) use edits::apply_to_request;
pub(crate) use edits::apply_to_response;
pub(crate) use head::WantedHeaders;

/// A module's verdict, still in its flat form.
pub(crate) type Verdict = door::Verdict;

/// The first call of an instance reads its configuration, key sets among it.
const START_TIME: std::time::Duration = std::time::Duration::from_secs(5);

/// A module behind its fast door.
pub(crate) struct Door {
    /// The place of its instance in every thread's list; never reused.
    slot: usize,
    engine: Engine,
    pre: StatefulQuickPre<Capabilities>,
    settings: Settings,
    log: LogSink,
    counters: SharedCounters,
    documents: Arc<Documents>,
    wanted: WantedHeaders,
}

/// Why a door gave no verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    /// It cannot be compiled or linked.
    #[error("cannot be loaded: {0:#}")]
    Load(wasmtime::Error),
    /// Its configuration is wrong; the text names the key.
    #[error("{0}")]
    Configuration(String),
    /// It trapped, or ran longer than it may.
    #[error("trapped: {0:#}")]
    Trap(wasmtime::Error),
}

struct Instance {
    store: Store<Capabilities>,
    door: StatefulQuick,
}

thread_local! {
    /// One instance for each door, made on first use. An instance is out of its place while it runs.
    static INSTANCES: RefCell<Vec<Option<Instance>>> = const { RefCell::new(Vec::new()) };
    /// Heads are written here.
    static HEAD: Cell<weir_module::HeadBuffer> = Cell::new(weir_module::HeadBuffer::default());
}

static NEXT_SLOT: AtomicUsize = AtomicUsize::new(0);

impl Door {
    /// Compiles the file, makes one instance and lets it read its configuration. Documents that it wants go to `needs`.
    ///
    /// # Errors
    /// [`DoorError`].
    pub(crate) fn load(
        engine: &Engine,
        file: &Path,
        settings: Settings,
        log: LogSink,
        counters: SharedCounters,
    ) -> Result<(Self, Vec<Need>), DoorError> {
        let component = Component::from_file(engine, file).map_err(DoorError::Load)?;
        let mut linker = Linker::new(engine);
        link_door(&mut linker).map_err(DoorError::Load)?;
        let pre = linker
            .instantiate_pre(&component)
            .and_then(StatefulQuickPre::new)
            .map_err(DoorError::Load)?;
        let mut made = Self {
            slot: NEXT_SLOT.fetch_add(1, Ordering::Relaxed),
            engine: engine.clone(),
            pre,
            settings,
            log,
            counters,
            documents: Arc::new(Documents::none()),
            wanted: WantedHeaders::none(),
        };
        let (_, needs) = made.start()?;
        made.wanted = WantedHeaders::new(&needs.headers).map_err(DoorError::Configuration)?;
        let documents: Vec<Need> = needs
            .documents
            .into_iter()
            .map(|need| Need {
                name: need.name,
                url: need.url,
                max_age_secs: need.max_age,
            })
            .collect();
        Ok((made, documents))
    }

    /// Gives the door its documents; instances made from now on read them.
    pub(crate) fn set_documents(&mut self, documents: Arc<Documents>) {
        self.documents = documents;
    }

    /// One decision. `now_ns` is Unix time.
    ///
    /// # Errors
    /// [`DoorError::Trap`]; the instance is gone and the next call gets a new one.
    pub(crate) fn decide(
        &self,
        now_ns: u64,
        request: &http::request::Parts,
    ) -> Result<Result<Verdict, weir_module::wire::WireError>, DoorError> {
        let mut buffer = HEAD.take();
        if let Err(error) = self.wanted.write(request, &mut buffer) {
            HEAD.set(buffer);
            return Ok(Err(error));
        }
        let verdict = self.with_instance(|instance, ticks| {
            instance.store.set_epoch_deadline(ticks);
            instance.door.weir_edge_door().call_decide(
                &mut instance.store,
                now_ns,
                buffer.as_bytes(),
            )
        });
        HEAD.set(buffer);
        verdict.map(Ok)
    }

    /// Tells the module how a response ended that it asked to watch.
    ///
    /// # Errors
    /// [`DoorError::Trap`].
    pub(crate) fn ended(
        &self,
        now_ns: u64,
        note: &[u8],
        status: u16,
        bytes: u64,
    ) -> Result<(), DoorError> {
        self.with_instance(|instance, ticks| {
            instance.store.set_epoch_deadline(ticks);
            instance.door.weir_edge_door().call_ended(
                &mut instance.store,
                now_ns,
                note,
                status,
                bytes,
            )
        })
    }

    fn with_instance<T>(
        &self,
        call: impl FnOnce(&mut Instance, u64) -> wasmtime::Result<T>,
    ) -> Result<T, DoorError> {
        let taken = INSTANCES.with_borrow_mut(|all| all.get_mut(self.slot).and_then(Option::take));
        let mut instance = match taken {
            Some(instance) => instance,
            None => self.start()?.0,
        };
        let done = call(&mut instance, self.settings.ticks).map_err(DoorError::Trap)?;
        INSTANCES.with_borrow_mut(|all| {
            if all.len() <= self.slot {
                all.resize_with(self.slot + 1, || None);
            }
            all[self.slot] = Some(instance);
        });
        Ok(done)
    }

    fn start(&self) -> Result<(Instance, door::Needs), DoorError> {
        let capabilities = Capabilities::new(
            &self.settings,
            &self.log,
            Arc::clone(&self.counters),
            Arc::clone(&self.documents),
        );
        let mut store = Store::new(&self.engine, capabilities);
        store.limiter(|capabilities| &mut capabilities.limits);
        store.set_epoch_deadline(engines::ticks(START_TIME));
        let door = self.pre.instantiate(&mut store).map_err(DoorError::Trap)?;
        let needs = door
            .weir_edge_door()
            .call_describe(&mut store)
            .map_err(DoorError::Trap)?
            .map_err(DoorError::Configuration)?;
        Ok((Instance { store, door }, needs))
    }
}
