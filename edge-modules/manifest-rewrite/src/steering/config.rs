//! `[steering]`: the pathways, and when a player is sent from one to another.

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::playlist::attributes::is_quotable;
use crate::select::expression::Expression;
use crate::select::scopes::is_viewer_name;
use crate::uri::reference::UriReference;

/// `[steering]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SteeringConfig {
    /// The path at which steering manifests are answered.
    pub path: String,
    /// `SERVER-URI` in playlists. Default: `path`.
    pub server_uri: Option<String>,
    /// How pathways come into playlists. Default `listed`.
    #[serde(default)]
    pub mode: Mode,
    /// Seconds until a player asks again. Default 300.
    #[serde(default = "default_ttl")]
    pub ttl: u32,
    /// The pathways, the first one being where the playlist's own URIs lead.
    pub pathways: Vec<PathwayConfig>,
    /// A player on a pathway that reports less than this many bits a second is sent to the next. Default 0: off.
    #[serde(default)]
    pub min_throughput: u64,
    /// Viewers of whom this is true are told to stop asking (410).
    pub stop_when: Option<String>,
    /// Viewers of whom this is true are told to ask later (429 with `retry-after`: the TTL).
    pub busy_when: Option<String>,
    /// A JSON document `{"unhealthy": ["id", …]}` by URL: these pathways come last.
    pub health_url: Option<String>,
    /// Seconds for which a health document may be used before it is fetched again. Default 10.
    #[serde(default = "default_health_age")]
    pub health_max_age: u32,
    /// `access-control-allow-origin` of steering manifests. Default `*`.
    #[serde(default = "any_origin")]
    pub allow_origin: String,
}

fn default_ttl() -> u32 {
    300
}

fn default_health_age() -> u32 {
    10
}

fn any_origin() -> String {
    "*".to_owned()
}

/// How pathways come into playlists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Every variant and rendition stands once for each pathway.
    #[default]
    Listed,
    /// Only the first pathway stands there; steering manifests describe the others as `PATHWAY-CLONES`.
    Clones,
    /// The origin's playlists name the pathways; only the tag is put in when it is missing.
    Origin,
}

/// `[[steering.pathways]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PathwayConfig {
    /// `PATHWAY-ID`.
    pub id: String,
    /// `https://host` or `https://host/prefix` of its URIs; in mode `clones` a host name alone. Absent: the host of the playlist.
    pub base: Option<String>,
    /// Share of viewers for whom it comes first. Default 1.
    #[serde(default = "default_weight")]
    pub weight: f64,
    /// Countries whose viewers get it first.
    #[serde(default)]
    pub countries: Vec<String>,
}

fn default_weight() -> f64 {
    1.0
}

/// The compiled section.
#[derive(Debug, Clone)]
pub struct Steering {
    pub(super) config: SteeringConfig,
    pub(super) stop_when: Option<Expression>,
    pub(super) busy_when: Option<Expression>,
}

impl Steering {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(config: SteeringConfig) -> Result<Self, ConfigError> {
        let wrong =
            |key: &str, message: &str| ConfigError::new(NAME, format!("steering.{key}"), message);
        if !config.path.starts_with('/') || config.path.contains(['?', '#', '*']) {
            return Err(wrong("path", "it is a path, as in /steering"));
        }
        if config
            .server_uri
            .as_deref()
            .is_some_and(|uri| uri.is_empty() || !is_quotable(uri))
        {
            return Err(wrong("server-uri", "it is a URI without quote marks"));
        }
        if config.ttl == 0 {
            return Err(wrong("ttl", "a player waits at least one second"));
        }
        if config.pathways.is_empty() {
            return Err(wrong("pathways", "name at least one"));
        }
        for (index, pathway) in config.pathways.iter().enumerate() {
            let key = |name: &str| format!("pathways[{index}].{name}");
            let known =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if pathway.id.is_empty() || !pathway.id.bytes().all(known) {
                return Err(wrong(
                    &key("id"),
                    "it holds letters, digits, `.`, `-` and `_`",
                ));
            }
            if config.pathways[..index]
                .iter()
                .any(|other| other.id == pathway.id)
            {
                return Err(wrong(&key("id"), "another pathway has it"));
            }
            if let Some(base) = &pathway.base {
                let parts = UriReference::split(base.as_bytes());
                let host = parts.host().is_some_and(|host| !host.is_empty());
                let prefix = !parts.path.is_empty() && parts.path != b"/";
                let whole = parts.scheme.is_some()
                    && parts.is_http()
                    && host
                    && parts.query.is_none()
                    && is_quotable(base);
                if !whole || (prefix && config.mode == Mode::Clones) {
                    return Err(wrong(
                        &key("base"),
                        "write https://host, or https://host/prefix when the mode is not clones",
                    ));
                }
                // `HOST` of a clone is a host name (section 7.2); players drop a port that stands there.
                if index > 0 && config.mode == Mode::Clones && parts.authority != parts.host() {
                    return Err(wrong(
                        &key("base"),
                        "a clone keeps the port of the first pathway: write https://host, or use the mode listed",
                    ));
                }
            } else if index > 0 && config.mode != Mode::Origin {
                return Err(wrong(
                    &key("base"),
                    "only the first pathway may be the playlist's own host",
                ));
            }
            if !(pathway.weight.is_finite() && pathway.weight >= 0.0) {
                return Err(wrong(&key("weight"), "a weight is a number from 0 up"));
            }
        }
        let expression = |key: &str, text: &Option<String>| {
            let parsed = text
                .as_deref()
                .map(|text| Expression::parse(text, &is_viewer_name))
                .transpose();
            parsed.map_err(|error| wrong(key, &error.to_string()))
        };
        Ok(Self {
            stop_when: expression("stop-when", &config.stop_when)?,
            busy_when: expression("busy-when", &config.busy_when)?,
            config,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &SteeringConfig {
        &self.config
    }

    /// The query parameters that the expressions use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.stop_when, &self.busy_when]
            .into_iter()
            .flatten()
            .flat_map(Expression::names)
    }

    /// `SERVER-URI`.
    pub fn server_uri(&self) -> &str {
        self.config
            .server_uri
            .as_deref()
            .unwrap_or(&self.config.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steering(text: &str) -> Result<Steering, ConfigError> {
        Steering::compile(toml::from_str(text).unwrap())
    }

    #[test]
    fn names_the_wrong_key() {
        for (text, key) in [
            ("path='x'\npathways=[]", "steering.path"),
            ("path='/x'\npathways=[]", "steering.pathways"),
            (
                "path='/x'\n[[pathways]]\nid='a b'",
                "steering.pathways[0].id",
            ),
            (
                "path='/x'\n[[pathways]]\nid='a'\n[[pathways]]\nid='a'\nbase='https://x'",
                "steering.pathways[1].id",
            ),
            (
                "path='/x'\n[[pathways]]\nid='a'\n[[pathways]]\nid='b'",
                "steering.pathways[1].base",
            ),
            (
                "path='/x'\nmode='clones'\n[[pathways]]\nid='a'\n[[pathways]]\nid='b'\nbase='https://b:8443'",
                "steering.pathways[1].base",
            ),
            ("path='/x'\nttl=0\n[[pathways]]\nid='a'", "steering.ttl"),
            (
                "path='/x'\nstop-when='height > 1'\n[[pathways]]\nid='a'",
                "steering.stop-when",
            ),
        ] {
            assert_eq!(steering(text).unwrap_err().key(), key, "{text}");
        }
    }
}
