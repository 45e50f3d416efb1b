//! The two engines and the clock that bounds what runs on them.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Cache, CacheConfig, Config, Engine, OptLevel, PoolingAllocationConfig};

use crate::config::WasmConfig;

/// A guest is looked at this often: a call may overrun its time by that much.
const TICK: Duration = Duration::from_millis(10);
/// The pool's ceiling for one memory; each module has its own limit below it.
pub(crate) const MAX_MEMORY: usize = 1 << 30;

/// The engines. The door's has no concurrency support: that saves 0.3 us for each call.
#[derive(Debug)]
pub(crate) struct Engines {
    pub(crate) door: Engine,
    pub(crate) handler: Engine,
    _ticker: Ticker,
}

impl Engines {
    /// # Errors
    /// A folder for compiled modules that cannot be used, or a pool that the system refuses.
    pub(crate) fn new(config: &WasmConfig) -> wasmtime::Result<Self> {
        let compiled = config.compiled.as_deref().map(compiled).transpose()?;

        let mut door = base(compiled.clone());
        door.concurrency_support(false);
        let door = Engine::new(&door)?;

        let mut pool = PoolingAllocationConfig::new();
        // A component instance is several core instances: the module, its adapter, a shim.
        let cores = config.instances.saturating_mul(8);
        pool.total_component_instances(config.instances)
            .total_core_instances(cores)
            .total_memories(config.instances.saturating_mul(2))
            .total_tables(cores)
            .total_stacks(config.instances.saturating_mul(4))
            .max_memory_size(MAX_MEMORY)
            .linear_memory_keep_resident(256 << 10)
            .table_keep_resident(16 << 10);
        let mut handler = base(compiled);
        handler
            .wasm_component_model_async(true)
            .allocation_strategy(pool);
        let handler = Engine::new(&handler)?;

        let ticker = Ticker::start(vec![door.clone(), handler.clone()]);
        Ok(Self {
            door,
            handler,
            _ticker: ticker,
        })
    }
}

fn base(compiled: Option<Cache>) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .cache(compiled);
    config
}

fn compiled(folder: &Path) -> wasmtime::Result<Cache> {
    let folder = std::path::absolute(folder)?;
    std::fs::create_dir_all(&folder)?;
    let mut config = CacheConfig::new();
    config.with_directory(folder);
    Cache::new(config)
}

/// A time as epoch ticks: at least two, since the first may end at once.
pub(crate) fn ticks(time: Duration) -> u64 {
    let whole = time.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(whole).unwrap_or(u64::MAX / 2).max(1) + 1
}

/// Advances the epoch of the engines until dropped.
#[derive(Debug)]
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engines: Vec<Engine>) -> Self {
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                engines.iter().for_each(Engine::increment_epoch);
            }
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // The thread only waits and counts; it cannot panic.
            let _ = thread.join();
        }
    }
}
