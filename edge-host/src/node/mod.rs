//! The node: routes, modules, cache and origins tied together, and the life of a request through them.

mod chain;
mod front;
pub(crate) mod module;
pub(crate) mod record;
mod route;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cache::Cache;
use crate::config::Config;
use crate::guest::engines::Engines;
use crate::message::body::BodyLimits;
use crate::message::geography::Geography;
use crate::message::identity::Identities;
use crate::observe::metrics::Metrics;
use crate::origin::Origin;
use crate::origin::connector::{self, ConnectionPolicy};
use crate::state::{State, authority};
use tokio::task::JoinSet;

pub(crate) use chain::Next;
pub(crate) use front::Viewer;
use module::Module;
pub use module::ModuleReport;
use record::Outcome;
use route::Routes;

/// Why a node cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{what} `{name}`: {why}")]
pub struct BuildError {
    what: &'static str,
    name: String,
    why: String,
}

impl BuildError {
    fn new(what: &'static str, name: &str, why: impl ToString) -> Self {
        Self {
            what,
            name: name.to_owned(),
            why: why.to_string(),
        }
    }
}

/// A node that can serve.
pub struct Node {
    config: Config,
    routes: Routes,
    modules: BTreeMap<String, Arc<Module>>,
    cache: Arc<Cache>,
    state: State,
    identities: Identities,
    geography: Option<Geography>,
    body: BodyLimits,
    pub(crate) metrics: Metrics,
    _engines: Arc<Engines>,
}

impl Node {
    /// Compiles the modules, lets each read its configuration, and ties everything together.
    ///
    /// # Errors
    /// [`BuildError`], naming the module, origin or route.
    pub fn build(config: Config) -> Result<Self, BuildError> {
        let engines = Engines::new(&config.wasm)
            .map_err(|error| BuildError::new("engine", "wasm", format!("{error:#}")))?;
        let engines = Arc::new(engines);
        let state =
            State::open(&config.state).map_err(|error| BuildError::new("table", "state", error))?;
        let mut modules = BTreeMap::new();
        for (name, module) in &config.modules {
            let made = Module::load(&engines, name, module, state.shared())
                .map_err(|why| BuildError::new("module", name, why))?;
            modules.insert(name.clone(), Arc::new(made));
        }
        let mut origins = BTreeMap::new();
        for (name, origin) in &config.origins {
            let made = Origin::new(name, &config.name, origin)
                .map_err(|why| BuildError::new("origin", name, why))?;
            origins.insert(name.clone(), Arc::new(made));
        }
        let geography = config.geography.as_ref().map(Geography::load);
        let geography = geography
            .transpose()
            .map_err(|why| BuildError::new("database", "geography", why))?;
        let metrics = Metrics::default();
        let routes = Routes::build(&config, &modules, &origins, &metrics)
            .map_err(|(name, why)| BuildError::new("route", &name, why))?;
        Ok(Self {
            routes,
            modules,
            cache: Cache::new(&config.cache),
            state,
            identities: Identities::new()
                .map_err(|error| BuildError::new("system", "random numbers", error))?,
            geography,
            body: BodyLimits {
                max_bytes: config.limits.body.get(),
                idle: config.limits.idle_timeout.get(),
            },
            metrics,
            config,
            _engines: engines,
        })
    }

    /// The configuration that it was built from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What each module is, for `check`.
    pub fn modules(&self) -> impl Iterator<Item = ModuleReport> + '_ {
        self.modules.values().map(|module| module.report())
    }

    /// What one decision of a module's fast door costs on this thread, the mean of `rounds` after a first one. None for a module
    /// without such a door.
    ///
    /// # Errors
    /// The door trapped, or the head does not fit it.
    pub fn time_door(
        &self,
        module: &str,
        request: &http::request::Parts,
        rounds: u32,
    ) -> Option<Result<std::time::Duration, String>> {
        let door = self.modules.get(module)?.door.as_ref()?;
        let decide = || match door.decide(chain::unix_now_ns(), request) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let timed = || {
            decide()?;
            let start = std::time::Instant::now();
            for _ in 0..rounds {
                decide()?;
            }
            Ok(start.elapsed() / rounds.max(1))
        };
        Some(timed())
    }

    /// Starts what runs beside the requests: documents, databases, the sweep of the counters. It ends when the set is dropped.
    ///
    /// # Errors
    /// The system's roots cannot be read.
    pub fn start_background(&self) -> std::io::Result<JoinSet<()>> {
        let mut tasks = JoinSet::new();
        let client = connector::client(ConnectionPolicy::default())?;
        for module in self.modules.values() {
            module.documents().keep_fresh(&client, &mut tasks);
        }
        if let Some(geography) = &self.geography {
            geography.keep_fresh(&mut tasks);
        }
        if let Some(counters) = self.state.to_sweep() {
            tasks.spawn(async move {
                loop {
                    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
                    // A sweep walks all shards; it must not hold a thread of the requests.
                    let counters = Arc::clone(&counters);
                    let _ = tokio::task::spawn_blocking(move || counters.sweep()).await;
                }
            });
        }
        Ok(tasks)
    }

    /// Waits until every document that a module wants is there, at most `patience`.
    pub async fn documents_complete(&self, patience: std::time::Duration) -> bool {
        let all = async {
            for module in self.modules.values() {
                module.documents().complete().await;
            }
        };
        tokio::time::timeout(patience, all).await.is_ok()
    }

    /// Bytes and entries in the cache.
    pub(crate) fn cache_usage(&self) -> (u64, u64) {
        self.cache.usage()
    }

    /// What the counters hold.
    pub(crate) fn counter_usage(&self) -> weir_counters::Usage {
        self.state.usage()
    }

    /// Answers a host that keeps its counters here.
    pub(crate) async fn answer_as_authority(
        &self,
        request: http::Request<hyper::body::Incoming>,
    ) -> http::Response<http_body_util::Full<bytes::Bytes>> {
        let key = self.config.state.serve.as_ref();
        let key = key.map_or("", |serve| serve.key.as_str());
        authority::answer(request, Arc::clone(self.state.shared()), key).await
    }
}
