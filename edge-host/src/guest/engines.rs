//! The two engines and the clock that bounds what runs on them.

use std::path::Path;
use std::time::Duration;

use wasmtime::{
    Cache, CacheConfig, Config, Engine, EngineWeak, OptLevel, PoolingAllocationConfig,
    ProfilingStrategy,
};

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
}

impl Engines {
    /// # Errors
    /// A folder for compiled modules that cannot be used, or a pool that the system refuses.
    pub(crate) fn new(config: &WasmConfig) -> wasmtime::Result<Self> {
        let compiled = config.compiled.as_deref().map(compiled).transpose()?;

        let mut door = base(config, compiled.clone());
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
        let mut handler = base(config, compiled);
        handler
            .wasm_component_model_async(true)
            .allocation_strategy(pool);
        let handler = Engine::new(&handler)?;

        tick(vec![door.weak(), handler.weak()])?;
        Ok(Self { door, handler })
    }
}

fn base(wasm: &WasmConfig, compiled: Option<Cache>) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .cache(compiled);
    if wasm.perf_map {
        config.profiler(ProfilingStrategy::PerfMap);
    }
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

/// Advances the epoch of the engines for as long as anybody has them.
///
/// Not for as long as the node lives: a guest that runs in circles while the node stops gives its thread back only at a tick,
/// and the runtime's end waits for that.
fn tick(engines: Vec<EngineWeak>) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("weir-epochs".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(TICK);
                let mut alive = false;
                for engine in engines.iter().filter_map(EngineWeak::upgrade) {
                    engine.increment_epoch();
                    alive = true;
                }
                if !alive {
                    break;
                }
            }
        })
        .map(drop)
}
