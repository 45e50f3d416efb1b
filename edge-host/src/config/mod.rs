//! The node's configuration: one TOML file, environment variables over it, flags over those.
//!
//! An unknown key is refused; every error names the file, the key and, where it is no secret, the value.

mod cache;
mod geography;
mod layers;
mod modules;
mod origins;
mod quantity;
mod routes;
mod service;
mod state;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use cache::{CacheConfig, RouteCache};
pub use geography::GeographyConfig;
pub use layers::{ConfigError, Override};
pub use modules::{ModuleConfig, WasmConfig};
pub use origins::{HostHeader, OriginConfig};
pub use quantity::{Bytes, Span};
pub use routes::{PathPattern, RouteConfig};
pub use service::{
    AdminConfig, ClientAddressConfig, ForwardedHeader, LimitsConfig, LogConfig, LogFormat,
    TlsConfig,
};
pub use state::{RedisConfig, ServeStateConfig, StateConfig, StateKind};

/// The whole configuration of a node.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Where viewers are served. Default `127.0.0.1:8080`.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The name of this node in `via` and `cache-status`. Default `weir`.
    #[serde(default = "default_name")]
    pub name: String,
    /// Certificate and key; absent: plain HTTP/1.1 and h2c.
    pub tls: Option<TlsConfig>,
    /// Metrics and health. Absent: none.
    pub admin: Option<AdminConfig>,
    /// What is written and how.
    #[serde(default)]
    pub log: LogConfig,
    /// What a client may cost.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// How the client's address is found.
    #[serde(default)]
    pub client: ClientAddressConfig,
    /// Where viewers are, by databases of the node's own. Absent: the node does not say.
    pub geography: Option<GeographyConfig>,
    /// Where the modules' counters live.
    #[serde(default)]
    pub state: StateConfig,
    /// The cache of this node.
    #[serde(default)]
    pub cache: CacheConfig,
    /// How modules are compiled and run.
    #[serde(default)]
    pub wasm: WasmConfig,
    /// Modules by name.
    #[serde(default)]
    pub modules: BTreeMap<String, ModuleConfig>,
    /// Origins by name.
    #[serde(default)]
    pub origins: BTreeMap<String, OriginConfig>,
    /// Routes; the first that matches is taken.
    #[serde(default)]
    pub routes: Vec<RouteConfig>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_name() -> String {
    "weir".to_owned()
}

impl Config {
    /// Reads `file`, lays `WEIR_EDGE__*` variables and then `overrides` over it, and checks the whole.
    /// Relative paths in it count from the file's folder.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, key and value.
    pub fn load(file: &Path, overrides: &[Override]) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| ConfigError::new(file, "", source.to_string()))?;
        let mut layered = Override::from_environment(std::env::vars());
        layered.extend_from_slice(overrides);
        let mut config = layers::parse(file, &text, &layered)?;
        config.resolve(file.parent().unwrap_or(Path::new(".")));
        config.check(file)?;
        Ok(config)
    }

    /// Reads a document without environment or flags; paths are left as they stand.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn from_text(text: &str) -> Result<Self, ConfigError> {
        let file = Path::new("edge.toml");
        let config = layers::parse(file, text, &[])?;
        config.check(file)?;
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        let absolute = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(&path);
            }
        };
        for module in self.modules.values_mut() {
            module.paths_mut().for_each(absolute);
        }
        if let Some(path) = &mut self.wasm.compiled {
            absolute(path);
        }
        if let Some(tls) = &mut self.tls {
            absolute(&mut tls.certificate);
            absolute(&mut tls.key);
        }
        for path in self
            .geography
            .iter_mut()
            .flat_map(|geography| &mut geography.databases)
        {
            absolute(path);
        }
    }

    /// What types alone cannot say: names that point nowhere, routes that clash, empty lists.
    fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let fail = |key: String, message: String| Err(ConfigError::new(file, key, message));
        for (name, module) in &self.modules {
            if let Err(message) = module.check() {
                return fail(format!("modules.{name}"), message);
            }
        }
        if let Err((key, message)) = self.state.check() {
            return fail(format!("state.{key}"), message);
        }
        for (name, origin) in &self.origins {
            if let Err((key, message)) = origin.check() {
                return fail(format!("origins.{name}.{key}"), message);
            }
        }
        let mut names = std::collections::BTreeSet::new();
        for (index, route) in self.routes.iter().enumerate() {
            let at = |key: &str| format!("routes[{index}].{key}");
            if !routes::is_name(&route.name) {
                let message = format!(
                    "`{}` is no route name: use letters, digits, `-` and `_`",
                    route.name
                );
                return fail(at("name"), message);
            }
            if !names.insert(&route.name) {
                return fail(at("name"), format!("two routes are named `{}`", route.name));
            }
            if !self.origins.contains_key(&route.origin) {
                return fail(
                    at("origin"),
                    format!("there is no [origins.{}]", route.origin),
                );
            }
            for (key, list) in [
                ("viewer", &route.viewer),
                ("origin-modules", &route.origin_modules),
            ] {
                if let Some(name) = list.iter().find(|name| !self.modules.contains_key(*name)) {
                    return fail(at(key), format!("there is no [modules.{name}]"));
                }
            }
        }
        if self.routes.is_empty() {
            return fail(
                "routes".to_owned(),
                "at least one route is needed".to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        [origins.main]
        urls = ["http://127.0.0.1:9000"]
        [modules.gate]
        door = "gate.door.wasm"
        [modules.gate.config]
        secret = "s"
        [[routes]]
        name = "all"
        viewer = ["gate"]
        origin = "main"
    "#;

    #[test]
    fn a_small_file_is_enough() {
        let config = Config::from_text(SMALL).unwrap();
        assert_eq!(config.listen.port(), 8080);
        assert_eq!(config.routes[0].viewer, ["gate"]);
        assert_eq!(config.modules["gate"].text().unwrap(), "secret = \"s\"\n");
    }

    #[test]
    fn errors_name_file_key_and_value() {
        for (from, to, want) in [
            (
                "origin = \"main\"",
                "origin = \"other\"",
                "edge.toml: key `routes[0].origin`: there is no [origins.other]",
            ),
            (
                "viewer = [\"gate\"]",
                "viewer = [\"gata\"]",
                "edge.toml: key `routes[0].viewer`: there is no [modules.gata]",
            ),
            ("name = \"all\"", "nome = \"all\"", "unknown field `nome`"),
            (
                "http://127.0.0.1:9000",
                "ftp://x",
                "key `origins.main.urls[0]`: `ftp://x`",
            ),
        ] {
            let text = SMALL.replace(from, to);
            let error = Config::from_text(&text).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
