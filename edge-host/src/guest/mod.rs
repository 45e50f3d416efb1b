//! What both doors share: engines, what a guest may reach, its log.

pub(crate) mod bindings;
pub(crate) mod capabilities;
pub(crate) mod engines;
pub(crate) mod log_sink;
pub(crate) mod settled_io;

use std::sync::Arc;

use crate::config::ModuleConfig;

/// What every instance of a module gets.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The name in the configuration, for logs and metrics.
    pub(crate) name: Arc<str>,
    /// Environment variables, the module's configuration among them.
    pub(crate) environment: Arc<[(String, String)]>,
    /// Bytes of memory.
    pub(crate) memory: usize,
    /// Time of one call through the fast door, in epoch ticks.
    pub(crate) ticks: u64,
}

impl Settings {
    /// # Errors
    /// The configuration text cannot be read.
    pub(crate) fn new(name: &str, config: &ModuleConfig) -> Result<Self, String> {
        let own_name = config.module.as_deref().unwrap_or(name);
        let variable = weir_module::config::variable(own_name);
        let environment = config
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .chain([(variable, config.text()?)])
            .collect();
        Ok(Self {
            name: name.into(),
            environment,
            memory: config.memory.as_usize(),
            ticks: engines::ticks(config.cpu.get()),
        })
    }
}
