//! Runs built components in Wasmtime, without the node: the standard handler and the fast door, each by itself.
//!
//! This is a second, independent host on purpose. What passes here and on the node passes by the specification and not by habit.

pub mod adapter;
mod counters;
pub mod door;
pub mod edits;
pub mod handler;

pub use adapter::{Adapter, Bucket};
pub use door::{Door, Verdict};
pub use handler::{Exchanged, Handler};

/// The configuration of one module as the variable that it reads.
pub fn environment(module: &str, configuration: &str) -> (String, String) {
    (
        weir_module::config::variable(module),
        configuration.to_owned(),
    )
}

/// An engine that keeps what it compiled between tests: compiling is most of their time.
fn engine(mut config: wasmtime::Config) -> wasmtime::Result<wasmtime::Engine> {
    let mut cache = wasmtime::CacheConfig::new();
    cache.with_directory(crate::locate::root().join(".weir/compiled-for-tests"));
    config.cache(Some(wasmtime::Cache::new(cache)?));
    wasmtime::Engine::new(&config)
}

/// Wasmtime's error with its whole chain of causes. It is no `std::error::Error`, so `?` cannot convert it.
fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}
