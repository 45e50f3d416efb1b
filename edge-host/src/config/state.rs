//! `[state]`: the store behind `weir:state/counters`.

use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;

use super::{Bytes, Span};

/// Fewer bytes than this can be guessed.
const SHORTEST_KEY: usize = 16;

/// `[state]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct StateConfig {
    /// Default `memory`.
    pub kind: StateKind,
    /// The most memory that a store of kind `memory` takes. Default `64MiB`.
    pub max_bytes: Bytes,
    /// The server of kind `redis`.
    pub redis: Option<RedisConfig>,
    /// Gives these counters to other hosts. Absent: to none.
    pub serve: Option<ServeStateConfig>,
}

/// Where counters live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateKind {
    /// In this process, shared by its threads.
    Memory,
    /// On Redis or Valkey, shared by all nodes of it.
    Redis,
}

impl Default for StateConfig {
    fn default() -> Self {
        Self {
            kind: StateKind::Memory,
            max_bytes: Bytes::new(64 << 20),
            redis: None,
            serve: None,
        }
    }
}

/// `[state.redis]`
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://[user:password@]host[:port][/db]`; several are the seed nodes of a cluster.
    pub urls: Vec<String>,
    /// Whether the servers form a cluster. Default false.
    #[serde(default)]
    pub cluster: bool,
    /// Stands in front of every key. Default `weir`.
    #[serde(default = "RedisConfig::prefix")]
    pub prefix: String,
    /// The longest that a call may take. Default `50ms`.
    #[serde(default = "RedisConfig::timeout")]
    pub timeout: Span,
    /// The longest that connecting may take. Default `500ms`.
    #[serde(default = "RedisConfig::connect_timeout")]
    pub connect_timeout: Span,
    /// Absent: every quota is asked for at Redis, exact, one round trip. Given: quotas are counted in this process and settled
    /// with Redis this often, so that no request waits.
    pub settle: Option<Span>,
}

impl RedisConfig {
    fn prefix() -> String {
        "weir".to_owned()
    }

    const fn timeout() -> Span {
        Span::millis(50)
    }

    const fn connect_timeout() -> Span {
        Span::millis(500)
    }
}

/// Addresses can hold a password.
impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("urls", &format_args!("<{}>", self.urls.len()))
            .field("cluster", &self.cluster)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("settle", &self.settle)
            .finish()
    }
}

/// `[state.serve]`
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServeStateConfig {
    /// Where it listens. Keep it off the network that viewers reach.
    pub listen: SocketAddr,
    /// What a host must send as its bearer token.
    pub key: String,
}

impl fmt::Debug for ServeStateConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeStateConfig")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl StateConfig {
    /// The key below `state` that is wrong, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        match (self.kind, &self.redis) {
            (StateKind::Redis, None) => {
                return Err(("redis", "kind `redis` needs this table".to_owned()));
            }
            (StateKind::Memory, Some(_)) => {
                let why = "is not used by kind `memory`: set `kind = \"redis\"`, or leave it out";
                return Err(("redis", why.to_owned()));
            }
            _ => {}
        }
        if let Some(redis) = &self.redis {
            if redis.urls.is_empty() {
                return Err(("redis.urls", "names no server".to_owned()));
            }
            if redis.urls.len() > 1 && !redis.cluster {
                let why = "several servers are a cluster: set `cluster = true`, or name one";
                return Err(("redis.urls", why.to_owned()));
            }
            for (key, span) in [
                ("redis.timeout", Some(redis.timeout)),
                ("redis.connect-timeout", Some(redis.connect_timeout)),
                ("redis.settle", redis.settle),
            ] {
                if span.is_some_and(|span| span.get().is_zero()) {
                    return Err((key, "must be longer than nothing".to_owned()));
                }
            }
        }
        if let Some(serve) = &self.serve {
            if serve.key.len() < SHORTEST_KEY {
                let why = format!("is too short: at least {SHORTEST_KEY} characters");
                return Err(("serve.key", why));
            }
            if !serve.key.bytes().all(|byte| byte.is_ascii_graphic()) {
                let why = "must be printable ASCII without spaces, as it stands in a header";
                return Err(("serve.key", why.to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    const ROUTE: &str = "[origins.main]\nurls = [\"http://127.0.0.1:9\"]\n[[routes]]\nname = \"all\"\norigin = \"main\"\n";

    #[test]
    fn errors_name_the_key_and_never_a_secret() {
        for (text, key) in [
            ("[state]\nkind = \"redis\"", "state.redis"),
            (
                "[state.redis]\nurls = [\"redis://:hidden-secret@a\"]",
                "state.redis",
            ),
            (
                "[state]\nkind = \"redis\"\n[state.redis]\nurls = []",
                "state.redis.urls",
            ),
            (
                "[state]\nkind = \"redis\"\n[state.redis]\nurls = [\"redis://:hidden-secret@a\", \"redis://b\"]",
                "state.redis.urls",
            ),
            (
                "[state]\nkind = \"redis\"\n[state.redis]\nurls = \"redis://:hidden-secret@a\"",
                "state.redis.urls",
            ),
            (
                "[state]\nkind = \"redis\"\n[state.redis]\nurls = [\"redis://a\"]\nsettle = \"0s\"",
                "state.redis.settle",
            ),
            (
                "[state.serve]\nlisten = \"127.0.0.1:1\"\nkey = \"hidden-secret\"",
                "state.serve.key",
            ),
            (
                "[state.serve]\nlisten = \"127.0.0.1:1\"\nkey = \"hidden-secret with spaces\"",
                "state.serve.key",
            ),
        ] {
            let error = Config::from_text(&format!("{text}\n{ROUTE}")).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(&format!("key `{key}`")), "{error}");
            assert!(!error.contains("hidden-secret"), "{error}");
        }
        let good = "[state]\nkind = \"redis\"\n[state.redis]\nurls = [\"redis://:hidden-secret@a\"]\n\
                    [state.serve]\nlisten = \"127.0.0.1:1\"\nkey = \"hidden-secret-of-32-characters!!\"";
        let config = Config::from_text(&format!("{good}\n{ROUTE}")).unwrap();
        assert!(!format!("{config:?}").contains("hidden-secret"));
    }
}
