//! The adapter's configuration: one TOML document in `STATE_KEYVALUE`.

use serde::Deserialize;
use weir_module::ConfigError;

const NAME: &str = "state-keyvalue";

/// Where the counters live. The empty document is the default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// The label of the host's store.
    pub store: String,
    /// How many values hold the counters. More make collisions between writers rarer. All instances of a store must agree; a change starts
    /// the counters afresh.
    pub cells: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store: "default".to_owned(),
            cells: 1024,
        }
    }
}

impl Config {
    /// Reads and checks the document.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = weir_module::config::parse(NAME, text)?;
        if config.store.is_empty() {
            return Err(ConfigError::new(
                NAME,
                "store",
                "the label of a store that the host gives",
            ));
        }
        if !(1..=1 << 20).contains(&config.cells) {
            return Err(ConfigError::new(NAME, "cells", "1 to 1048576"));
        }
        Ok(config)
    }

    /// The document in the environment; absent means the default.
    ///
    /// # Errors
    /// As [`Config::parse`].
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::parse(&std::env::var(weir_module::config::variable(NAME)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_the_defaults() {
        let readme = include_str!("../README.md");
        let block = readme
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        assert_eq!(
            Config::parse(block.expect("a block of TOML")),
            Ok(Config::default())
        );
    }

    #[test]
    fn wrong_values_name_their_key() {
        for (text, key) in [
            ("cells = 0", "cells"),
            ("store = ''", "store"),
            ("sells = 3", "sells"),
            ("cells = 'x'", "cells"),
        ] {
            let error = Config::parse(text).expect_err(text).to_string();
            assert!(
                error.contains(key) && error.starts_with("STATE_KEYVALUE"),
                "{error}"
            );
        }
    }
}
