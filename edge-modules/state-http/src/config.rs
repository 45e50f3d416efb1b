//! The adapter's configuration: one TOML document in `STATE_HTTP`.

use serde::Deserialize;
use weir_module::ConfigError;

const NAME: &str = "state-http";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Document {
    url: String,
    key: String,
    #[serde(default = "default_timeout_ms")]
    timeout_ms: u64,
    #[serde(default = "default_pause_ms")]
    pause_ms: u64,
}

fn default_timeout_ms() -> u64 {
    250
}

fn default_pause_ms() -> u64 {
    1_000
}

/// Where the authority is and how long to wait for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Whether to speak TLS.
    pub tls: bool,
    /// Host and port.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// The bearer key that the authority asks for.
    pub key: String,
    /// The longest that a call may take, in nanoseconds.
    pub timeout_ns: u64,
    /// How long the authority is left alone after a failure, in nanoseconds.
    pub pause_ns: u64,
}

/// The key is a secret.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("authority", &self.authority)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads and checks the document.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let document: Document = weir_module::config::parse(NAME, text)?;
        let wrong = |key: &str, message: &str| Err(ConfigError::new(NAME, key, message));
        let (tls, rest) = match document.url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return wrong("url", "an address that begins with http:// or https://"),
        };
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        if authority.is_empty() || authority.contains('@') || rest.contains(['#', ' ']) {
            return wrong("url", "a host, and neither a user, a fragment nor spaces");
        }
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        if document.key.is_empty() || !document.key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong(
                "key",
                "printable ASCII without spaces, at least one character",
            );
        }
        if !(1..=60_000).contains(&document.timeout_ms) {
            return wrong("timeout-ms", "1 to 60000");
        }
        if document.pause_ms > 60_000 {
            return wrong("pause-ms", "0 to 60000");
        }
        Ok(Self {
            tls,
            authority: authority.to_owned(),
            path,
            key: document.key,
            timeout_ns: document.timeout_ms * 1_000_000,
            pause_ns: document.pause_ms * 1_000_000,
        })
    }

    /// The document in the environment.
    ///
    /// # Errors
    /// As [`Config::parse`]; an absent document lacks its address.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::parse(&std::env::var(weir_module::config::variable(NAME)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_every_key_and_default() {
        let readme = include_str!("../README.md");
        let block = readme
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .expect("a block of TOML");
        let shown = Config::parse(block).expect("the README's document");
        assert_eq!(
            (shown.tls, shown.authority.as_str(), shown.path.as_str()),
            (false, "10.0.0.5:9090", "/counters")
        );
        let required: String = block.lines().take(2).collect::<Vec<_>>().join("\n");
        assert_eq!(
            Config::parse(&required),
            Ok(shown.clone()),
            "the rest are the defaults"
        );
        assert!(!format!("{shown:?}").contains("secret"));
    }

    #[test]
    fn wrong_values_name_their_key() {
        for (text, key) in [
            ("", "url"),
            ("url = 'ftp://x/'\nkey = 'k'", "url"),
            ("url = 'http:///x'\nkey = 'k'", "url"),
            ("url = 'http://u:p@x/'\nkey = 'k'", "url"),
            ("url = 'http://x/'", "key"),
            ("url = 'http://x/'\nkey = 'a b'", "key"),
            ("url = 'http://x/'\nkey = 'k'\ntimeout-ms = 0", "timeout-ms"),
            ("url = 'http://x/'\nkey = 'k'\nkei = 1", "kei"),
        ] {
            let error = Config::parse(text).expect_err(text).to_string();
            assert!(
                error.starts_with("STATE_HTTP") && error.contains(key),
                "{error}"
            );
        }
        assert_eq!(
            Config::parse("url = 'https://x?a=1'\nkey = 'k'")
                .expect("valid")
                .path,
            "/?a=1"
        );
    }
}
