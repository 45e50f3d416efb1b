//! The configuration: one TOML document in `MANIFEST_REWRITE`.

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::fingerprint::Fingerprint;
use crate::media::blackout::{Blackout, BlackoutConfig};
use crate::media::clip::{ClipConfig, ClipPolicy};
use crate::media::interstitial::{Interstitial, InterstitialConfig, compile_all};
use crate::media::watermark::{Watermark, WatermarkConfig};
use crate::multivariant::order::{Order, OrderConfig, StartConfig};
use crate::multivariant::session::{self, SessionData, SessionKey};
use crate::select::rule::{FiltersConfig, Rule, SelectConfig};
use crate::steering::config::{Steering, SteeringConfig};
use crate::uri::hosts::{Hosts, HostsConfig};
use crate::uri::token::{Token, TokenConfig};

/// The whole document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Paths of manifests; `*` stands for any text. Case does not count.
    pub paths: Vec<String>,
    /// Paths that are left alone all the same.
    pub exclude_paths: Vec<String>,
    /// `accept-encoding` of the request to the origin.
    pub upstream_encoding: UpstreamEncoding,
    /// Sends gzip to viewers that accept it.
    pub compress: bool,
    /// `[token]`.
    pub token: TokenConfig,
    /// `[hosts]`.
    pub hosts: HostsConfig,
    /// `[[select]]`, applied one after the other.
    pub select: Vec<SelectConfig>,
    /// `[filters]`.
    pub filters: FiltersConfig,
    /// `[order]`.
    pub order: OrderConfig,
    /// `[start]`.
    pub start: Option<StartConfig>,
    /// `[clip]`.
    pub clip: ClipConfig,
    /// Makes delta updates (`_HLS_skip`) and says so in live playlists.
    pub delta_updates: bool,
    /// `[steering]`.
    pub steering: Option<SteeringConfig>,
    /// `[[interstitials]]`.
    pub interstitials: Vec<InterstitialConfig>,
    /// A JSON document `{"interstitials": […]}` by URL, besides those above.
    pub schedule_url: Option<String>,
    /// Seconds for which a schedule may be used before it is fetched again.
    pub schedule_max_age: u32,
    /// `[[blackouts]]`.
    pub blackouts: Vec<BlackoutConfig>,
    /// `[watermark]`.
    pub watermark: Option<WatermarkConfig>,
    /// `[[session-data]]`.
    pub session_data: Vec<SessionData>,
    /// `[[session-keys]]`.
    pub session_keys: Vec<SessionKey>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            paths: ["*.m3u8", "*.m3u", "*.mpd"].map(str::to_owned).to_vec(),
            exclude_paths: Vec::new(),
            upstream_encoding: UpstreamEncoding::default(),
            compress: true,
            token: TokenConfig::default(),
            hosts: HostsConfig::default(),
            select: Vec::new(),
            filters: FiltersConfig::default(),
            order: OrderConfig::default(),
            start: None,
            clip: ClipConfig::default(),
            delta_updates: false,
            steering: None,
            interstitials: Vec::new(),
            schedule_url: None,
            schedule_max_age: 30,
            blackouts: Vec::new(),
            watermark: None,
            session_data: Vec::new(),
            session_keys: Vec::new(),
        }
    }
}

/// How manifests come from the origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamEncoding {
    /// Plain: the cache holds text, and no viewer's request pays for unpacking it again.
    #[default]
    Identity,
    /// Packed: for an origin far away without a cache between.
    Gzip,
}

/// The configuration, checked and ready.
#[derive(Debug, Clone)]
pub struct Settings {
    paths: Vec<String>,
    exclude_paths: Vec<String>,
    /// `accept-encoding` of the request to the origin.
    pub accept_encoding: &'static str,
    /// Sends gzip to viewers that accept it.
    pub compress: bool,
    /// What is done with the token.
    pub token: Token,
    /// Which host media comes from.
    pub hosts: Option<Hosts>,
    /// Selection rules.
    pub rules: Vec<Rule>,
    /// Filters that viewers may send.
    pub filters: FiltersConfig,
    /// The order of variants.
    pub order: Option<Order>,
    /// Where playback begins.
    pub start: Option<StartConfig>,
    /// Parts of programmes.
    pub clip: ClipPolicy,
    /// Delta updates are made here.
    pub delta: bool,
    /// Content steering.
    pub steering: Option<Steering>,
    /// Interstitials of the configuration.
    pub interstitials: Vec<Interstitial>,
    /// URL and age in seconds of a schedule of more of them.
    pub schedule: Option<(String, u32)>,
    /// Times that are not shown.
    pub blackouts: Vec<Blackout>,
    /// A/B watermarking.
    pub watermark: Option<Watermark>,
    /// Session data to put in.
    pub session_data: Vec<SessionData>,
    /// Session keys to put in.
    pub session_keys: Vec<SessionKey>,
    /// Query parameters that the policy reads: the origin does not get them.
    own_parameters: Vec<String>,
    /// Stands for the document in entity tags.
    pub fingerprint: u64,
}

impl Settings {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Config = weir_module::config::parse(NAME, text)?;
        for (key, patterns) in [
            ("paths", &config.paths),
            ("exclude-paths", &config.exclude_paths),
        ] {
            if let Some(index) = patterns
                .iter()
                .position(|pattern| !pattern.starts_with(['/', '*']))
            {
                return Err(ConfigError::new(
                    NAME,
                    format!("{key}[{index}]"),
                    "a path begins with / or *",
                ));
            }
        }
        let lower = |patterns: &[String]| {
            patterns
                .iter()
                .map(|text| text.to_ascii_lowercase())
                .collect()
        };
        session::check(&config.session_data, &config.session_keys)?;
        if config
            .start
            .as_ref()
            .is_some_and(|start| !start.time_offset.is_finite())
        {
            return Err(ConfigError::new(
                NAME,
                "start.time-offset",
                "it is a number of seconds",
            ));
        }
        let rules = config
            .select
            .iter()
            .enumerate()
            .map(|(index, rule)| Rule::compile(index, rule));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        let order = Order::compile(&config.order)?;
        let steering = config.steering.map(Steering::compile).transpose()?;
        let blackouts = config
            .blackouts
            .iter()
            .enumerate()
            .map(|(index, blackout)| Blackout::compile(index, blackout));
        let blackouts = blackouts.collect::<Result<Vec<_>, _>>()?;
        let interstitials = compile_all(&config.interstitials)?;
        let names = rules
            .iter()
            .flat_map(Rule::names)
            .chain(order.iter().flat_map(Order::names))
            .chain(steering.iter().flat_map(Steering::names))
            .chain(interstitials.iter().flat_map(Interstitial::names))
            .chain(blackouts.iter().flat_map(Blackout::names));
        let own_parameters = names
            .filter_map(|name| name.strip_prefix("query."))
            .map(str::to_owned)
            .collect();
        Ok(Self {
            steering,
            schedule: config
                .schedule_url
                .map(|url| (url, config.schedule_max_age)),
            watermark: config
                .watermark
                .as_ref()
                .map(Watermark::compile)
                .transpose()?,
            rules,
            order,
            own_parameters,
            filters: config.filters,
            clip: ClipPolicy::compile(&config.clip)?,
            delta: config.delta_updates,
            start: config.start,
            session_data: config.session_data,
            session_keys: config.session_keys,
            interstitials,
            blackouts,
            fingerprint: Fingerprint::new().field(text.as_bytes()).value(),
            paths: lower(&config.paths),
            exclude_paths: lower(&config.exclude_paths),
            accept_encoding: match config.upstream_encoding {
                UpstreamEncoding::Identity => "identity",
                UpstreamEncoding::Gzip => "gzip",
            },
            compress: config.compress,
            token: Token::compile(&config.token)?,
            hosts: Hosts::compile(&config.hosts)?,
        })
    }

    /// True for a query parameter that is meant for this policy and not for the origin.
    pub fn is_own_parameter(&self, name: &str) -> bool {
        self.filters.is_own(name)
            || self.clip.parameters().any(|own| own == name)
            || self.own_parameters.iter().any(|own| own == name)
    }

    /// True when a manifest lives at this path.
    pub fn is_manifest(&self, path: &str) -> bool {
        let any = |patterns: &[String]| {
            patterns
                .iter()
                .any(|pattern| matches(pattern.as_bytes(), path.as_bytes()))
        };
        any(&self.paths) && !any(&self.exclude_paths)
    }
}

/// Wildcard match without recursion; `pattern` is in lower case, `*` stands for any bytes.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t].to_ascii_lowercase() => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + 1;
                    retry = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_meet_manifests_only() {
        let settings = Settings::parse("").unwrap();
        for yes in ["/a.m3u8", "/x/A.M3U8", "/a.mpd", "/.m3u"] {
            assert!(settings.is_manifest(yes), "{yes}");
        }
        for no in ["/a.ts", "/a.m3u8/x.ts", "/m3u8", "/"] {
            assert!(!settings.is_manifest(no), "{no}");
        }
    }

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("/a/*/c", "/a/b/b/c", true),
            ("/a/*b*c", "/a/xbxbc", true),
            ("/a/*/c", "/a/c", false),
            ("/a", "/ab", false),
            ("/ab", "/a", false),
            ("**.x", "/y.x", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn names_the_wrong_key() {
        assert_eq!(
            Settings::parse("paths = ['a.m3u8']").unwrap_err().key(),
            "paths[0]"
        );
        assert_eq!(
            Settings::parse("[token]\nexclude-hosts = ['a/b']")
                .unwrap_err()
                .key(),
            "token.exclude-hosts[0]"
        );
        assert_eq!(
            Settings::parse("[token]\npath-prefix = 't'")
                .unwrap_err()
                .key(),
            "token.path-prefix"
        );
        assert!(
            Settings::parse("[token]\nform = 'x'")
                .unwrap_err()
                .to_string()
                .contains("token.form")
        );
        assert!(Settings::parse("colour = 1").is_err());
    }
}
