//! The module's configuration: what an operator writes, with its defaults, checked as a whole.

mod abuse;
mod amount;
mod check;
mod streams;

use std::collections::BTreeMap;

use serde::Deserialize;
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

    fn class_names(&self) -> Vec<&str> {
        self.classes
            .iter()
            .map(|class| class.name.as_str())
            .chain(BUILT_IN)
            .collect()
    }
}
