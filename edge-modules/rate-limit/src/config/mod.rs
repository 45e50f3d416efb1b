//! The module's configuration: what an operator writes, with its defaults, checked as a whole.

mod abuse;
mod amount;
mod streams;

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_counters::MAX_LEASE_CAPACITY;
use weir_module::ConfigError;

pub(crate) use abuse::{AbuseConfig, AbuseMode, Threshold};
pub(crate) use amount::{Rate, Span};
pub(crate) use streams::{StreamsConfig, TakeoverRule};

use crate::NAME;
use crate::class::{BUILT_IN, ClassConfig, Classifier, Costs, RouteConfig};
use crate::client::AddressSource;
use crate::key::KeyExpression;
use crate::network::Networks;
use crate::request::TokenNames;

/// The document. Every key has a default; the empty document is the shipped configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Whether refusals are meant.
    pub mode: Mode,
    /// What a request gets while the state store gives no answer.
    pub on_store_error: OnStoreError,
    /// Which responses carry `RateLimit` and `RateLimit-Policy`.
    pub fields: Fields,
    /// Whether the fields name the partition key (`pk`), as an opaque digest.
    pub partition_key: bool,
    /// Which pages may read a refusal.
    pub cors: Cors,
    /// The tier of requests without `weir-tier`, and of those that name an unknown one.
    pub default_tier: String,
    /// Whom a tier's quota counts.
    pub tier_key: KeyExpression,
    /// The tiers: the shipped ones, changed or joined by these.
    pub tiers: BTreeMap<String, Tier>,
    /// Further quotas; a request must find room in all that apply.
    pub policies: Vec<Policy>,
    /// Methods that nothing here limits.
    pub exempt_methods: Vec<String>,
    /// Networks that nothing here limits.
    pub allow: Networks,
    /// Networks that are always refused. Wins over `allow`.
    pub deny: Networks,
    /// How clients are told apart by address.
    pub client: Client,
    /// Where a presented token may stand, for the key `token`.
    pub token: TokenNames,
    /// Units that one request of a built-in class costs.
    pub costs: Costs,
    /// Request classes of the operator's own.
    pub classes: Vec<ClassConfig>,
    /// Named parts of the path space.
    pub routes: Vec<RouteConfig>,
    /// Concurrent streams.
    pub(crate) streams: StreamsConfig,
    /// Abuse patterns.
    pub(crate) abuse: AbuseConfig,
    /// A secret that signs `weir-debug`; with it a request is told why it was decided so.
    pub debug_key: Option<String>,
}

/// Whether refusals are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// What exceeds a quota is refused.
    #[default]
    Enforce,
    /// Everything is counted and logged, nothing refused (deny lists aside).
    Monitor,
}

/// What a request gets while the state store gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnStoreError {
    /// It passes.
    Allow,
    /// It is refused with 503.
    Deny,
    /// The same quotas hold in this instance's memory.
    #[default]
    Local,
}

/// Which responses carry the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fields {
    /// All that a quota applied to.
    #[default]
    Always,
    /// Refusals only.
    Refused,
    /// None.
    Never,
}

/// Which pages may read a refusal (the `Access-Control-Allow-Origin` of the Fetch standard).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cors {
    /// Any page, without credentials.
    #[default]
    Any,
    /// The page that asks, with credentials.
    Reflect,
    /// No header: same origin only.
    Off,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Tier {
    /// The quota of its members.
    pub rate: Rate,
    /// Units that a rested member may take at once; the quota unless set.
    pub burst: Option<u64>,
    /// Concurrent streams of its members; the value under `streams` unless set.
    pub(crate) streams: Option<u32>,
}

/// A quota beside the tiers.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Policy {
    /// Its name in fields, problem bodies and logs.
    pub name: String,
    /// Whom it counts.
    pub key: KeyExpression,
    /// How much.
    pub rate: Rate,
    /// Units that can be taken at once; the quota unless set.
    #[serde(default)]
    pub burst: Option<u64>,
    /// What it counts.
    #[serde(default)]
    pub unit: Unit,
    /// Tiers that it applies to; all unless set.
    #[serde(default)]
    pub tiers: Vec<String>,
    /// Classes that it applies to; all unless set.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Routes that it applies to; all unless set.
    #[serde(default)]
    pub routes: Vec<String>,
    /// Methods that it applies to; all unless set.
    #[serde(default)]
    pub methods: Vec<String>,
}

/// What a policy counts (draft-ietf-httpapi-ratelimit-headers section 3.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unit {
    /// Requests, each by the cost of its class.
    #[default]
    Requests,
    /// Bytes of response bodies. Known when a response has ended: a client may overdraw by what is under way and waits it out.
    ContentBytes,
}

/// How clients are told apart by address.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Client {
    /// Where the address comes from.
    pub source: AddressSource,
    /// Trusted proxies in front, for `forwarded` and `x-forwarded-for`.
    pub hops: u8,
    /// IPv4 clients that share so many leading bits count as one.
    pub ipv4_prefix: u8,
    /// IPv6 clients that share so many leading bits count as one.
    pub ipv6_prefix: u8,
    /// Networks behind which many people sit (mobile carriers, schools).
    pub shared: Networks,
    /// Quotas and thresholds counted by address are this many times larger for them.
    pub shared_factor: u64,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            source: AddressSource::Auto,
            hops: 1,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
            shared: Networks::default(),
            shared_factor: 10,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            on_store_error: OnStoreError::Local,
            fields: Fields::Always,
            partition_key: false,
            cors: Cors::Any,
            default_tier: "free".to_owned(),
            tier_key: KeyExpression::viewer(),
            tiers: BTreeMap::new(),
            policies: Vec::new(),
            exempt_methods: vec!["OPTIONS".to_owned()],
            allow: Networks::default(),
            deny: Networks::default(),
            client: Client::default(),
            token: TokenNames {
                query: vec!["token".to_owned()],
                cookie: vec!["token".to_owned()],
            },
            costs: Costs::default(),
            classes: Vec::new(),
            routes: Vec::new(),
            streams: StreamsConfig::default(),
            abuse: AbuseConfig::default(),
            debug_key: None,
        }
    }
}

/// The shipped tiers: requests for each minute.
const SHIPPED_TIERS: [(&str, u64); 3] = [("free", 100), ("premium", 1_000), ("api", 10_000)];

impl Config {
    /// Reads and checks the document.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut config: Self = weir_module::config::parse(NAME, text)?;
        for (name, quota) in SHIPPED_TIERS {
            let shipped = Tier {
                rate: Rate::of(quota, Span::secs(60)),
                burst: None,
                streams: None,
            };
            config.tiers.entry(name.to_owned()).or_insert(shipped);
        }
        config.check()?;
        Ok(config)
    }

    /// The classes and routes.
    pub(crate) fn classifier(&self) -> Classifier {
        Classifier {
            classes: self.classes.clone(),
            routes: self.routes.clone(),
            costs: self.costs,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key: String, message: String| Err(ConfigError::new(NAME, key, message));
        if !self.tiers.contains_key(&self.default_tier) {
            return wrong(
                "default-tier".into(),
                format!("there is no tier `{}`", self.default_tier),
            );
        }
        let classifier = self.classifier();
        let largest = classifier.largest_cost(&[]);
        let mut names: Vec<&str> = Vec::new();
        for (name, tier) in &self.tiers {
            check_name(&format!("tiers.{name}"), name)?;
            check_burst(&format!("tiers.{name}"), tier.rate, tier.burst, largest)?;
            names.push(name);
        }
        for (index, policy) in self.policies.iter().enumerate() {
            let key = format!("policies[{index}]");
            check_name(&format!("{key}.name"), &policy.name)?;
            if names.contains(&policy.name.as_str()) {
                return wrong(
                    format!("{key}.name"),
                    format!("`{}` is the name of another policy or tier", policy.name),
                );
            }
            names.push(&policy.name);
            let largest = if policy.unit == Unit::Requests {
                classifier.largest_cost(&policy.classes)
            } else {
                1
            };
            check_burst(&key, policy.rate, policy.burst, largest)?;
            for (list, what, known) in [
                (
                    &policy.tiers,
                    "tiers",
                    self.tiers.keys().map(String::as_str).collect::<Vec<_>>(),
                ),
                (&policy.classes, "classes", self.class_names()),
                (
                    &policy.routes,
                    "routes",
                    self.routes
                        .iter()
                        .map(|route| route.name.as_str())
                        .collect(),
                ),
            ] {
                if let Some(unknown) = list.iter().find(|name| !known.contains(&name.as_str())) {
                    return wrong(
                        format!("{key}.{what}"),
                        format!("`{unknown}` is not among the {what}"),
                    );
                }
            }
        }
        for (index, class) in self.classes.iter().enumerate() {
            check_name(&format!("classes[{index}].name"), &class.name)?;
            if class.paths.is_empty() && class.extensions.is_empty() {
                return wrong(
                    format!("classes[{index}]"),
                    "a class needs `paths` or `extensions`".into(),
                );
            }
        }
        for (index, route) in self.routes.iter().enumerate() {
            check_name(&format!("routes[{index}].name"), &route.name)?;
        }
        self.check_streams()?;
        self.check_abuse()?;
        if self.client.hops == 0 {
            return wrong(
                "client.hops".into(),
                "at least 1: the nearest proxy wrote the last entry".into(),
            );
        }
        if !(8..=32).contains(&self.client.ipv4_prefix) {
            return wrong("client.ipv4-prefix".into(), "8 to 32".into());
        }
        if !(16..=128).contains(&self.client.ipv6_prefix) {
            return wrong("client.ipv6-prefix".into(), "16 to 128".into());
        }
        if !(1..=1_000_000).contains(&self.client.shared_factor) {
            return wrong("client.shared-factor".into(), "1 to 1000000".into());
        }
        if self.debug_key.as_ref().is_some_and(|key| key.len() < 16) {
            return wrong("debug-key".into(), "at least 16 characters".into());
        }
        Ok(())
    }

    fn check_streams(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, message: String| Err(ConfigError::new(NAME, key, message));
        let tiers = self.tiers.values().filter_map(|tier| tier.streams);
        if tiers
            .chain([self.streams.limit])
            .any(|limit| !(1..=MAX_LEASE_CAPACITY).contains(&limit))
        {
            return wrong(
                "streams.limit",
                format!("1 to {MAX_LEASE_CAPACITY}, in tiers too"),
            );
        }
        if self.streams.renew_every >= self.streams.ttl {
            return wrong(
                "streams.renew-every",
                "shorter than `streams.ttl`, or places would be lost between renewals".into(),
            );
        }
        let known = self.class_names();
        match self
            .streams
            .heartbeat
            .iter()
            .find(|class| *class != "cmcd" && !known.contains(&class.as_str()))
        {
            Some(unknown) => wrong(
                "streams.heartbeat",
                format!("`{unknown}` is neither a class nor `cmcd`"),
            ),
            None => Ok(()),
        }
    }

    fn check_abuse(&self) -> Result<(), ConfigError> {
        let AbuseConfig {
            request_rate,
            distinct_paths,
            failures,
            manifest_polls,
            segment_speed,
            ranges,
            variants,
            escalate,
            ..
        } = self.abuse;
        for (name, pattern) in [
            ("request-rate", request_rate),
            ("distinct-paths", distinct_paths),
            ("failures", failures),
            ("manifest-polls", manifest_polls),
            ("segment-speed", segment_speed),
            ("ranges", ranges),
            ("variants", variants),
            ("escalate", escalate),
        ] {
            if pattern.threshold > 1_000_000_000 {
                return Err(ConfigError::new(
                    NAME,
                    format!("abuse.{name}.threshold"),
                    "at most 1000000000; 0 switches the pattern off",
                ));
            }
        }
        if self.abuse.longest_penalty < self.abuse.penalty {
            return Err(ConfigError::new(
                NAME,
                "abuse.longest-penalty",
                "at least `abuse.penalty`",
            ));
        }
        Ok(())
    }

    fn class_names(&self) -> Vec<&str> {
        self.classes
            .iter()
            .map(|class| class.name.as_str())
            .chain(BUILT_IN)
            .collect()
    }
}

/// Names stand in response fields as strings of printable ASCII (RFC 9651 section 3.3.3) and in keys.
fn check_name(key: &str, name: &str) -> Result<(), ConfigError> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if plain && (1..=48).contains(&name.len()) {
        return Ok(());
    }
    Err(ConfigError::new(
        NAME,
        key,
        format!("`{name}` is not a name: 1 to 48 letters, digits, `.`, `_` and `-`"),
    ))
}

fn check_burst(
    key: &str,
    rate: Rate,
    burst: Option<u64>,
    largest_cost: u64,
) -> Result<(), ConfigError> {
    let Rate::Of { quota, .. } = rate else {
        return Ok(());
    };
    let burst = burst.unwrap_or(quota);
    if !(1..=1 << 50).contains(&burst) {
        return Err(ConfigError::new(
            NAME,
            format!("{key}.burst"),
            "at least 1, at most 2^50",
        ));
    }
    if burst < largest_cost {
        let message = format!(
            "a request may cost {largest_cost} units, a burst of {burst} would never let it through"
        );
        return Err(ConfigError::new(NAME, format!("{key}.burst"), message));
    }
    Ok(())
}
