//! A host for state adapters: components that export `weir:state/counters` over something that the host has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use wasmtime::component::{Component, HasSelf, Linker, Resource, ResourceTable};
use wasmtime::{Config, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use weir_counters::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, Standing, StoreError, Takeover,
};

use bindings::Adapting;
use bindings::exports::weir::state::counters as wit;
use bindings::wasi::keyvalue::{atomics, store};

mod bindings {
    #![allow(missing_docs, unreachable_pub)]
    wasmtime::component::bindgen!({
        path: ["../wit/deps/weir-state", "../wit/deps/wasi-keyvalue"],
        inline: "package weir:host; world adapting { import wasi:keyvalue/store@0.2.0-draft2; \
                 import wasi:keyvalue/atomics@0.2.0-draft2; export weir:state/counters@0.1.0; }",
        world: "weir:host/adapting",
        with: {
            "wasi:keyvalue/store.bucket": super::OpenBucket,
            "wasi:keyvalue/atomics.cas": super::PendingSwap,
        },
    });
}

/// The values of one host, which every instance of it sees.
///
/// It follows Spin's SQLite store: an incremented key holds the eight bytes of a number, a key that holds anything else cannot be
/// incremented, and a swap of a key that was absent writes whatever is there by then.
#[derive(Debug, Clone, Default)]
pub struct Bucket(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

/// A bucket that a guest has opened.
#[derive(Debug)]
pub struct OpenBucket;

/// A key as it was when a guest began to swap it.
#[derive(Debug)]
pub struct PendingSwap {
    key: String,
    seen: Option<Vec<u8>>,
}

impl Bucket {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    bucket: Bucket,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: Default::default(),
        }
    }
}

fn broken(error: impl std::fmt::Display) -> store::Error {
    store::Error::Other(error.to_string())
}

impl store::Host for State {
    fn open(&mut self, identifier: String) -> Result<Resource<OpenBucket>, store::Error> {
        if identifier != "default" {
            return Err(store::Error::NoSuchStore);
        }
        self.table.push(OpenBucket).map_err(broken)
    }
}

impl store::HostBucket for State {
    fn get(
        &mut self,
        _: Resource<OpenBucket>,
        key: String,
    ) -> Result<Option<Vec<u8>>, store::Error> {
        Ok(self.bucket.with(|values| values.get(&key).cloned()))
    }

    fn set(
        &mut self,
        _: Resource<OpenBucket>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), store::Error> {
        self.bucket.with(|values| values.insert(key, value));
        Ok(())
    }

    fn delete(&mut self, _: Resource<OpenBucket>, key: String) -> Result<(), store::Error> {
        self.bucket.with(|values| values.remove(&key));
        Ok(())
    }

    fn exists(&mut self, _: Resource<OpenBucket>, key: String) -> Result<bool, store::Error> {
        Ok(self.bucket.with(|values| values.contains_key(&key)))
    }

    fn list_keys(
        &mut self,
        _: Resource<OpenBucket>,
        _: Option<String>,
    ) -> Result<store::KeyResponse, store::Error> {
        Ok(store::KeyResponse {
            keys: self.bucket.with(|values| values.keys().cloned().collect()),
            cursor: None,
        })
    }

    fn drop(&mut self, bucket: Resource<OpenBucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for State {
    fn increment(
        &mut self,
        _: Resource<OpenBucket>,
        key: String,
        delta: i64,
    ) -> Result<i64, store::Error> {
        self.bucket.with(|values| {
            let number = match values.get(&key) {
                None => 0,
                Some(bytes) => i64::from_le_bytes(
                    bytes
                        .as_slice()
                        .try_into()
                        .map_err(|_| broken("the value is not a number"))?,
                ),
            };
            let sum = number + delta;
            values.insert(key, sum.to_le_bytes().to_vec());
            Ok(sum)
        })
    }

    fn swap(
        &mut self,
        pending: Resource<PendingSwap>,
        value: Vec<u8>,
    ) -> Result<(), atomics::CasError> {
        let PendingSwap { key, seen } = self
            .table
            .delete(pending)
            .map_err(|error| atomics::CasError::StoreError(broken(error)))?;
        let lost = self.bucket.with(|values| {
            let now = values.get(&key).cloned();
            if seen.is_some() && now != seen {
                return Some(now);
            }
            values.insert(key.clone(), value);
            None
        });
        match lost {
            None => Ok(()),
            Some(seen) => {
                let again = self.table.push(PendingSwap { key, seen });
                let again = again.map_err(|error| atomics::CasError::StoreError(broken(error)))?;
                Err(atomics::CasError::CasFailed(again))
            }
        }
    }
}

impl atomics::HostCas for State {
    fn new(
        &mut self,
        _: Resource<OpenBucket>,
        key: String,
    ) -> Result<Resource<PendingSwap>, store::Error> {
        self.table
            .push(PendingSwap { key, seen: None })
            .map_err(broken)
    }

    fn current(&mut self, pending: Resource<PendingSwap>) -> Result<Option<Vec<u8>>, store::Error> {
        let pending = self.table.get_mut(&pending).map_err(broken)?;
        pending.seen = self.bucket.with(|values| values.get(&pending.key).cloned());
        Ok(pending.seen.clone())
    }

    fn drop(&mut self, pending: Resource<PendingSwap>) -> wasmtime::Result<()> {
        self.table.delete(pending)?;
        Ok(())
    }
}

/// One instance of an adapter: a store of counters like any other.
pub struct Adapter(Mutex<(Store<State>, Adapting)>);

impl Adapter {
    /// Loads an adapter with its environment, over a bucket of the host.
    ///
    /// # Errors
    /// A file that is no such component.
    pub fn load(
        file: &Path,
        environment: &[(String, String)],
        bucket: &Bucket,
    ) -> anyhow::Result<Self> {
        let engine = super::engine(Config::new()).map_err(super::plain)?;
        let component = Component::from_file(&engine, file)
            .map_err(super::plain)
            .with_context(|| format!("{} is not a component", file.display()))?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).map_err(super::plain)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_sync(&mut linker).map_err(super::plain)?;
        store::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)
            .map_err(super::plain)?;
        atomics::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)
            .map_err(super::plain)?;
        let state = State {
            wasi: WasiCtx::builder()
                .envs(environment)
                .inherit_stderr()
                .build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            bucket: bucket.clone(),
        };
        let mut store = Store::new(&engine, state);
        let adapter = Adapting::instantiate(&mut store, &component, &linker)
            .map_err(super::plain)
            .with_context(|| format!("{} does not fit its host", file.display()))?;
        Ok(Self(Mutex::new((store, adapter))))
    }

    fn call<T>(
        &self,
        call: impl FnOnce(
            &wit::Guest,
            &mut Store<State>,
        ) -> wasmtime::Result<Result<T, wit::StoreError>>,
    ) -> Result<T, StoreError> {
        let mut instance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (store, adapter) = &mut *instance;
        match call(adapter.weir_state_counters(), store) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(wit::StoreError::Unavailable(why))) => Err(StoreError::Unavailable(why)),
            Ok(Err(wit::StoreError::Invalid(why))) => Err(StoreError::Invalid(why)),
            Err(trap) => panic!("the adapter trapped: {trap:?}"),
        }
    }
}

impl CounterStore for Adapter {
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        let limits: Vec<_> = limits
            .iter()
            .map(|limit| wit::Limit {
                key: limit.key.to_vec(),
                interval_ns: limit.interval_ns,
                burst: limit.burst,
                cost: limit.cost,
            })
            .collect();
        let standings = self.call(|counters, store| counters.call_take(store, &limits))?;
        Ok(standings
            .into_iter()
            .map(|standing| Standing {
                allowed: standing.allowed,
                remaining: standing.remaining,
                retry_after_ns: standing.retry_after_ns,
                reset_after_ns: standing.reset_after_ns,
            })
            .collect())
    }

    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError> {
        let takeover = match request.takeover {
            Takeover::RefuseNewest => wit::Takeover::RefuseNewest,
            Takeover::DropOldest => wit::Takeover::DropOldest,
        };
        let LeaseRequest {
            set,
            holder,
            capacity,
            ttl_ns,
            ..
        } = request;
        let outcome = self.call(|counters, store| {
            counters.call_lease(store, set, holder, capacity, ttl_ns, takeover)
        })?;
        Ok(LeaseOutcome {
            granted: outcome.granted,
            active: outcome.active,
            dropped: outcome.dropped,
            retry_after_ns: outcome.retry_after_ns,
        })
    }

    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        self.call(|counters, store| counters.call_release(store, set, holder))
    }

    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        self.call(|counters, store| counters.call_increment(store, key, by, ttl_ns))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(|counters, store| counters.call_get(store, key))
    }

    fn put_if(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        self.call(|counters, store| counters.call_put_if(store, key, expected, value, ttl_ns))
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.call(|counters, store| counters.call_delete(store, key))
    }
}
