//! A host for the fast door: `weir:edge/door` on an engine without concurrency support.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use weir_module::{Answer, Edits, HeadBuffer, HeaderNames};

use super::counters::{self, HostCounters};
use bindings::Quick;
use bindings::weir::edge::documents;

mod bindings {
    #![allow(missing_docs, unreachable_pub)]
    wasmtime::component::bindgen!({ path: "../wit", world: "weir:edge/quick" });
}

/// What the door said about a request head.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Go on, with these edits.
    Pass(Edits),
    /// This is the response.
    Answer(Answer),
    /// Call the standard handler.
    Exchange,
}

/// One instance of a module's door.
pub struct Door {
    store: Store<State>,
    quick: Quick,
    names: HeaderNames,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    counters: HostCounters,
    documents: BTreeMap<String, Vec<u8>>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl documents::Host for State {
    fn newer(&mut self, name: String, have: u64) -> Option<documents::Document> {
        // Each document has one version here.
        let body = self.documents.get(&name).filter(|_| have == 0)?;
        Some(documents::Document {
            version: 1,
            body: body.clone(),
        })
    }

    fn refresh(&mut self, _name: String) {}
}

impl Door {
    /// Loads `<name>.door.wasm` with a configuration and the bodies of its documents.
    ///
    /// # Errors
    /// A file that is no such component, or the module's own word on its configuration.
    pub fn load(
        file: &Path,
        environment: &[(String, String)],
        documents: BTreeMap<String, Vec<u8>>,
    ) -> anyhow::Result<Self> {
        let mut config = Config::new();
        config.concurrency_support(false);
        let engine = super::engine(config).map_err(super::plain)?;
        let component = Component::from_file(&engine, file)
            .map_err(super::plain)
            .with_context(|| format!("{} is not a component", file.display()))?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).map_err(super::plain)?;
        documents::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)
            .map_err(super::plain)?;
        counters::add_to_linker(&mut linker, |state| &mut state.counters).map_err(super::plain)?;
        let state = State {
            wasi: WasiCtx::builder()
                .envs(environment)
                .inherit_stderr()
                .build(),
            table: ResourceTable::new(),
            counters: HostCounters::default(),
            documents,
        };
        let mut store = Store::new(&engine, state);
        let quick = Quick::instantiate(&mut store, &component, &linker)
            .map_err(super::plain)
            .with_context(|| {
                format!("{} does not fit the world weir:edge/quick", file.display())
            })?;
        let needs = match quick
            .weir_edge_door()
            .call_describe(&mut store)
            .map_err(super::plain)?
        {
            Ok(needs) => needs,
            Err(text) => bail!("{text}"),
        };
        Ok(Self {
            store,
            quick,
            names: HeaderNames::new(needs.headers),
        })
    }

    /// The request headers that the module reads.
    pub fn headers(&self) -> &[String] {
        self.names.as_slice()
    }

    /// Asks the door about a request. `:authority` and `:scheme` may stand among the headers.
    ///
    /// # Errors
    /// A head or a verdict that does not fit the flat form, or a trap.
    pub fn decide(
        &mut self,
        now_ns: u64,
        method: &str,
        target: &str,
        headers: &[(String, Vec<u8>)],
    ) -> anyhow::Result<Verdict> {
        let mut head = HeadBuffer::default();
        head.start(method, target)?;
        for (name, value) in headers {
            head.named(&self.names, name, value)?;
        }
        let verdict = self
            .quick
            .weir_edge_door()
            .call_decide(&mut self.store, now_ns, head.as_bytes())
            .map_err(super::plain)?;
        use bindings::exports::weir::edge::door as wit;
        Ok(match verdict {
            wit::Verdict::Pass(edits) => Verdict::Pass(Edits::decode(edits)?),
            wit::Verdict::Answer(answer) => Verdict::Answer(Answer::decode(&answer)?),
            wit::Verdict::Exchange => Verdict::Exchange,
        })
    }
}
