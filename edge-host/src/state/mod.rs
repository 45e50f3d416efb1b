//! The counters behind `weir:state/counters`: in this process, or on Redis for many nodes; served to hosts that have none.

pub(crate) mod authority;
mod waiting;

use std::sync::Arc;

use weir_counters::{MemoryStore, ReconciledStore, RedisOptions, RedisStore, StoreError, Usage};

use crate::config::{RedisConfig, StateConfig, StateKind};
use crate::guest::capabilities::SharedCounters;
use waiting::Waiting;

/// The node's counters.
pub(crate) struct State {
    shared: SharedCounters,
    /// The store itself when it lives in this process and must be swept.
    memory: Option<Arc<MemoryStore>>,
}

impl State {
    /// Opens the store that the configuration names. Redis is connected to at the first call: a node starts without it, and
    /// until it answers every call is [`StoreError::Unavailable`], which a module's `on-store-error` decides about.
    ///
    /// # Errors
    /// An address that cannot be used, or no thread for the connection.
    pub(crate) fn open(config: &StateConfig) -> Result<Self, StoreError> {
        match (config.kind, &config.redis) {
            (StateKind::Memory, _) => {
                let memory = MemoryStore::builder()
                    .max_bytes(config.max_bytes.as_usize())
                    .build();
                let memory = Arc::new(memory);
                Ok(Self {
                    shared: memory.clone(),
                    memory: Some(memory),
                })
            }
            (StateKind::Redis, Some(redis)) => Ok(Self {
                shared: on_redis(redis)?,
                memory: None,
            }),
            (StateKind::Redis, None) => {
                let why = "kind `redis` needs the table [state.redis]";
                Err(StoreError::Invalid(why.to_owned()))
            }
        }
    }

    /// What modules and the authority call.
    pub(crate) fn shared(&self) -> &SharedCounters {
        &self.shared
    }

    /// What this process holds: nothing when the counters are on Redis.
    pub(crate) fn usage(&self) -> Usage {
        self.memory
            .as_ref()
            .map(|memory| memory.usage())
            .unwrap_or_default()
    }

    /// The store whose expired entries must be removed now and then.
    pub(crate) fn to_sweep(&self) -> Option<Arc<MemoryStore>> {
        self.memory.clone()
    }
}

fn on_redis(config: &RedisConfig) -> Result<SharedCounters, StoreError> {
    let options = RedisOptions {
        urls: config.urls.clone(),
        cluster: config.cluster,
        prefix: config.prefix.clone(),
        timeout: config.timeout.get(),
        connect_timeout: config.connect_timeout.get(),
        ..RedisOptions::single(String::new())
    };
    let redis = RedisStore::new(&options)?;
    Ok(match config.settle {
        None => Arc::new(Waiting::always(redis)),
        Some(period) => {
            let store = ReconciledStore::new(Arc::new(redis), period.get())?;
            Arc::new(Waiting::but_for_take(store))
        }
    })
}
