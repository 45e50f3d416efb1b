//! Modules, and how WebAssembly runs.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Bytes, Span};

/// `[modules.<name>]`. At least one of `path` and `door`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModuleConfig {
    /// The standard file, `wasi:http/handler@0.3.0`.
    pub path: Option<PathBuf>,
    /// The file with the fast door, `weir:edge/door`.
    pub door: Option<PathBuf>,
    /// The module's own name when it is not the name of this table: two tables may hold one module with two configurations.
    pub module: Option<String>,
    /// The module's configuration as a table …
    pub config: Option<toml::Table>,
    /// … or as a file of its own.
    pub config_file: Option<PathBuf>,
    /// More environment variables for the module.
    #[serde(default)]
    pub environment: std::collections::BTreeMap<String, String>,
    /// The most memory of one instance. Default `64MiB`.
    #[serde(default = "ModuleConfig::memory")]
    pub memory: Bytes,
    /// The most time of one call through the fast door. Default `200ms`: it is time on the wall, and on a machine with too much
    /// to do a thread may stand still for some of it. The standard handler is bounded by `timeout`.
    #[serde(default = "ModuleConfig::cpu")]
    pub cpu: Span,
    /// How long the standard handler may take until its response head. Default `30s`.
    #[serde(default = "ModuleConfig::timeout")]
    pub timeout: Span,
    /// Requests that one instance of the standard handler serves, one after the other. Default 128.
    #[serde(default = "ModuleConfig::reuse")]
    pub reuse: usize,
}

impl ModuleConfig {
    const fn memory() -> Bytes {
        Bytes::new(64 << 20)
    }

    const fn cpu() -> Span {
        Span::millis(200)
    }

    const fn timeout() -> Span {
        Span::secs(30)
    }

    const fn reuse() -> usize {
        128
    }

    /// The text of the module's environment variable.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn text(&self) -> Result<String, String> {
        match (&self.config, &self.config_file) {
            (_, Some(file)) => std::fs::read_to_string(file)
                .map_err(|error| format!("{}: {error}", file.display())),
            (Some(table), None) => {
                toml::to_string(table).map_err(|error| format!("`config`: {error}"))
            }
            (None, None) => Ok(String::new()),
        }
    }

    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.path, &mut self.door, &mut self.config_file]
            .into_iter()
            .flatten()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.path.is_none() && self.door.is_none() {
            return Err("needs `path`, `door`, or both".to_owned());
        }
        if self.config.is_some() && self.config_file.is_some() {
            return Err("`config` and `config-file` exclude each other".to_owned());
        }
        if self.reuse == 0 || self.reuse > 4_096 {
            return Err(format!("`reuse` is {}, allowed are 1 to 4096", self.reuse));
        }
        Ok(())
    }
}

/// `[wasm]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct WasmConfig {
    /// Folder for compiled modules; absent: compiled at every start.
    pub compiled: Option<PathBuf>,
    /// The most instances of standard handlers at once. Default 256.
    pub instances: u32,
    /// Tells `perf` the names of the compiled functions, in `/tmp/perf-<process id>.map`. Default false.
    pub perf_map: bool,
}

impl Default for WasmConfig {
    fn default() -> Self {
        Self {
            compiled: None,
            instances: 256,
            perf_map: false,
        }
    }
}
