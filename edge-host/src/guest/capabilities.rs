//! What a guest may reach: its environment, clocks, random numbers, a log, the counters, its documents. Nothing else: no files,
//! no sockets, no arguments.

use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use weir_counters::{CounterStore, LeaseRequest, Limit, StoreError, Takeover};

use super::Settings;
use super::bindings::{counters, documents};
use super::log_sink::LogSink;
use super::settled_io::{Settled, SettledIo};
use crate::documents::Documents;

/// The counters of the node.
pub(crate) type SharedCounters = Arc<dyn CounterStore + Send + Sync>;

/// What the host functions work on.
pub(crate) struct Capabilities {
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
    pub(crate) limits: StoreLimits,
    own: Own,
}

/// Weir's own imports.
pub(crate) struct Own {
    counters: SharedCounters,
    documents: Arc<Documents>,
}

impl Capabilities {
    pub(crate) fn new(
        settings: &Settings,
        log: &LogSink,
        counters: SharedCounters,
        documents: Arc<Documents>,
    ) -> Self {
        let wasi = WasiCtxBuilder::new()
            .envs(&settings.environment)
            .stdout(log.clone())
            .stderr(log.clone())
            .max_random_size(64 << 10)
            .build();
        let limits = StoreLimitsBuilder::new()
            .memory_size(settings.memory)
            .table_elements(100_000)
            .instances(64)
            .memories(16)
            .tables(64)
            .trap_on_grow_failure(false)
            .build();
        Self {
            table: ResourceTable::new(),
            wasi,
            limits,
            own: Own {
                counters,
                documents,
            },
        }
    }
}

impl WasiView for Capabilities {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Links what a door may import.
///
/// # Errors
/// A name that is defined twice.
pub(crate) fn link_door(linker: &mut Linker<Capabilities>) -> wasmtime::Result<()> {
    use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sync};
    type C = Capabilities;
    let l = linker;
    clocks::wall_clock::add_to_linker::<C, WasiClocks>(l, C::clocks)?;
    clocks::monotonic_clock::add_to_linker::<C, WasiClocks>(l, C::clocks)?;
    random::random::add_to_linker::<C, WasiRandom>(l, |c| c.wasi.random())?;
    random::insecure::add_to_linker::<C, WasiRandom>(l, |c| c.wasi.random())?;
    random::insecure_seed::add_to_linker::<C, WasiRandom>(l, |c| c.wasi.random())?;
    cli::exit::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::environment::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::stdin::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::stdout::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::stderr::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::terminal_input::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::terminal_output::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::terminal_stdin::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::terminal_stdout::add_to_linker::<C, WasiCli>(l, C::cli)?;
    cli::terminal_stderr::add_to_linker::<C, WasiCli>(l, C::cli)?;
    // The standard library imports the file system; there are no directories in it, so nothing of it can be reached.
    filesystem::preopens::add_to_linker::<C, WasiFilesystem>(l, C::filesystem)?;
    sync::filesystem::types::add_to_linker::<C, WasiFilesystem>(l, C::filesystem)?;
    wasmtime_wasi::p2::bindings::io::error::add_to_linker::<C, TableOnly>(l, |c| &mut c.table)?;
    sync::io::poll::add_to_linker::<C, SettledIo>(l, |c| Settled(&mut c.table))?;
    sync::io::streams::add_to_linker::<C, SettledIo>(l, |c| Settled(&mut c.table))?;
    counters::add_to_linker::<C, Own>(l, |c| &mut c.own)?;
    documents::add_to_linker::<C, Own>(l, |c| &mut c.own)
}

/// Links the counters for a standard handler.
///
/// # Errors
/// A name that is defined twice.
pub(crate) fn link_counters<T: 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> &mut Own,
) -> wasmtime::Result<()> {
    counters::add_to_linker::<T, Own>(linker, get)
}

impl Capabilities {
    pub(crate) fn own(&mut self) -> &mut Own {
        &mut self.own
    }
}

struct TableOnly;

impl HasData for TableOnly {
    type Data<'a> = &'a mut ResourceTable;
}

impl HasData for Own {
    type Data<'a> = &'a mut Own;
}

impl documents::Host for Own {
    fn newer(&mut self, name: String, have: u64) -> wasmtime::Result<Option<documents::Document>> {
        Ok(self
            .documents
            .newer(&name, have)
            .map(|copy| documents::Document {
                version: copy.version,
                body: copy.body.to_vec(),
            }))
    }

    fn refresh(&mut self, name: String) -> wasmtime::Result<()> {
        self.documents.refresh(&name);
        Ok(())
    }
}

type Stored<T> = wasmtime::Result<Result<T, counters::StoreError>>;

fn stored<T>(result: Result<T, StoreError>) -> Stored<T> {
    Ok(result.map_err(|error| match error {
        StoreError::Unavailable(why) => counters::StoreError::Unavailable(why),
        StoreError::Invalid(why) => counters::StoreError::Invalid(why),
    }))
}

impl counters::Host for Own {
    fn take(&mut self, limits: Vec<counters::Limit>) -> Stored<Vec<counters::Standing>> {
        let limits: Vec<Limit<'_>> = limits
            .iter()
            .map(|limit| Limit {
                key: &limit.key,
                interval_ns: limit.interval_ns,
                burst: limit.burst,
                cost: limit.cost,
            })
            .collect();
        stored(self.counters.take(&limits).map(|standings| {
            standings
                .into_iter()
                .map(|standing| counters::Standing {
                    allowed: standing.allowed,
                    remaining: standing.remaining,
                    retry_after_ns: standing.retry_after_ns,
                    reset_after_ns: standing.reset_after_ns,
                })
                .collect()
        }))
    }

    fn lease(
        &mut self,
        set: Vec<u8>,
        holder: Vec<u8>,
        capacity: u32,
        ttl_ns: u64,
        takeover: counters::Takeover,
    ) -> Stored<counters::LeaseOutcome> {
        let request = LeaseRequest {
            set: &set,
            holder: &holder,
            capacity,
            ttl_ns,
            takeover: match takeover {
                counters::Takeover::RefuseNewest => Takeover::RefuseNewest,
                counters::Takeover::DropOldest => Takeover::DropOldest,
            },
        };
        stored(
            self.counters
                .lease(request)
                .map(|outcome| counters::LeaseOutcome {
                    granted: outcome.granted,
                    active: outcome.active,
                    dropped: outcome.dropped,
                    retry_after_ns: outcome.retry_after_ns,
                }),
        )
    }

    fn release(&mut self, set: Vec<u8>, holder: Vec<u8>) -> Stored<bool> {
        stored(self.counters.release(&set, &holder))
    }

    fn increment(&mut self, key: Vec<u8>, by: i64, ttl_ns: u64) -> Stored<i64> {
        stored(self.counters.increment(&key, by, ttl_ns))
    }

    fn get(&mut self, key: Vec<u8>) -> Stored<Option<Vec<u8>>> {
        stored(self.counters.get(&key))
    }

    fn put_if(
        &mut self,
        key: Vec<u8>,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_ns: u64,
    ) -> Stored<bool> {
        stored(
            self.counters
                .put_if(&key, expected.as_deref(), &value, ttl_ns),
        )
    }

    fn delete(&mut self, key: Vec<u8>) -> Stored<bool> {
        stored(self.counters.delete(&key))
    }
}
