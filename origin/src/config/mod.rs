//! Configuration: flags over environment over one TOML file over defaults.
//!
//! Each source is laid over the one before it, and the result is checked after every step, so that an error names the
//! file or the variable that brought it, the key, and the value.

mod layers;
mod packaging;
mod protection;
mod schema;
mod validate;

use std::path::{Path, PathBuf};

pub use layers::{ENVIRONMENT_PREFIX, Layers};
pub use packaging::{LintDepth, PackagingSettings};
pub use protection::{ProtectionSettings, SpekeSettings};
pub use schema::{
    AuthSettings, Carrier, Config, DemoSettings, FileSettings, JwtSettings, LimitSettings,
    LogFormat, MediaSettings, PlaybackSettings, ServerSettings, StorageKind, StorageSettings,
    TelemetrySettings, TranscodeSettings,
};

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{source_name} is not valid TOML: {message}")]
    Syntax {
        /// The file.
        source_name: String,
        /// Line and reason.
        message: String,
    },
    /// A key is unknown or its value has the wrong type.
    #[error("{source_name}: key `{key}`{}: {message}", value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default())]
    Key {
        /// The file, variable or flag.
        source_name: String,
        /// Dotted path.
        key: String,
        /// The value as written; `None` where it may be a secret.
        value: Option<String>,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A value is of the right type but makes no sense.
    #[error("key `{key}` = {value}: {message}")]
    Value {
        /// Dotted path.
        key: &'static str,
        /// The value.
        value: String,
        /// What would be right.
        message: &'static str,
    },
}

impl Config {
    /// Loads the configuration.
    ///
    /// `overrides` are pairs of a dotted key and a TOML value, from command-line flags.
    ///
    /// # Errors
    /// [`ConfigError`] names source, key and value.
    pub fn load(file: Option<&Path>, overrides: &[(String, String)]) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                path: path.to_owned(),
                source,
            })?;
            layers.add_toml(&path.display().to_string(), &text)?;
        }
        layers.add_environment(std::env::vars())?;
        for (key, value) in overrides {
            layers.add_value(&format!("flag for `{key}`"), key, value)?;
        }
        layers.finish()
    }
}
