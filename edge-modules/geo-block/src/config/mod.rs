//! The configuration document: read, checked whole, and turned into what decides. `README.md` explains every key.

mod check;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use weir_module::{ClientSource, ConfigError, PathPattern};

use self::check::{Defaults, Told, area, check_headers, rule};
use crate::NAME;
use crate::area::{Area, List};
use crate::circle::Circle;
use crate::document::Source;
use crate::refusal::Cors;
use crate::rule::{Rule, Unknown};
use crate::trusted::Headers;

/// Databases in one document: each costs a look-up for every request.
const MOST_DATABASES: usize = 4;

/// Everything that decides, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) mode: Mode,
    pub(crate) client: ClientSource,
    pub(crate) headers: Headers,
    pub(crate) databases: Vec<Source>,
    pub(crate) areas: Vec<Area>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) exempt_methods: Vec<String>,
    pub(crate) cors: Cors,
}

/// What happens to a request that a rule refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// It is refused.
    #[default]
    Enforce,
    /// It passes, and a log line tells.
    Monitor,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Document {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    client_address: ClientSource,
    #[serde(default)]
    unknown: Unknown,
    #[serde(default = "legal")]
    status: u16,
    #[serde(default)]
    blocked_by: Option<String>,
    #[serde(default = "preflight")]
    exempt_methods: Vec<String>,
    #[serde(default)]
    cors: Cors,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    databases: Vec<DatabaseConfig>,
    #[serde(default)]
    areas: BTreeMap<String, AreaConfig>,
    #[serde(default)]
    rules: Vec<RuleConfig>,
}

fn legal() -> u16 {
    451
}

fn preflight() -> Vec<String> {
    vec!["OPTIONS".to_owned()]
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DatabaseConfig {
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    max_age: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AreaConfig {
    #[serde(default)]
    places: Vec<String>,
    #[serde(default)]
    circles: Vec<Circle>,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    max_age: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RuleConfig {
    name: String,
    #[serde(default)]
    paths: Vec<PathPattern>,
    #[serde(default)]
    not_paths: Vec<PathPattern>,
    #[serde(default)]
    from: Option<Timestamp>,
    #[serde(default)]
    until: Option<Timestamp>,
    #[serde(default)]
    allow: Option<Vec<String>>,
    #[serde(default)]
    deny: Option<Vec<String>>,
    #[serde(default)]
    except: ExceptConfig,
    #[serde(default)]
    unknown: Option<Unknown>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    blocked_by: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ExceptConfig {
    entitlements: Vec<String>,
    tiers: Vec<String>,
    subjects: Vec<String>,
    networks: Vec<String>,
}

impl Config {
    /// Reads and checks the document.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let document: Document = weir_module::config::parse(NAME, text)?;
        check_headers(&document.headers)?;
        if document.databases.len() > MOST_DATABASES {
            return Err(wrong("databases", format!("at most {MOST_DATABASES}")));
        }
        let databases = document.databases.into_iter().enumerate();
        let databases = databases
            .map(|(index, config)| {
                let (key, name) = (format!("databases[{index}]"), format!("database-{index}"));
                match Source::new(&key, name, config.file, config.url, config.max_age)? {
                    Source::None => Err(wrong(key, "give `file` or `url`")),
                    source => Ok(source),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        if !databases.is_empty() && document.client_address == ClientSource::None {
            let message = "a database needs the client's address: say where it comes from";
            return Err(wrong("client-address", message));
        }
        let told = Told {
            headers: &document.headers,
            database: !databases.is_empty(),
            address: document.client_address != ClientSource::None,
        };
        let areas = document
            .areas
            .into_iter()
            .map(|(name, config)| area(name, config, &told))
            .collect::<Result<Vec<_>, _>>()?;
        let defaults = Defaults {
            unknown: document.unknown,
            status: document.status,
            blocked_by: document.blocked_by,
        };
        defaults.check("status", "blocked-by")?;
        if document.rules.is_empty() {
            let message =
                "there is none, so nothing would be blocked: give one, or take the module out";
            return Err(wrong("rules", message));
        }
        let names: Vec<String> = areas.iter().map(|area| area.name.clone()).collect();
        let mut rules: Vec<Rule> = Vec::new();
        for (index, config) in document.rules.into_iter().enumerate() {
            let key = format!("rules[{index}]");
            let rule = rule(&key, config, &defaults, &names, &told)?;
            if rules.iter().any(|other| other.name == rule.name) {
                let message = format!("`{}` is the name of another rule", rule.name);
                return Err(wrong(format!("{key}.name"), message));
            }
            rules.push(rule);
        }
        Ok(Self {
            mode: document.mode,
            client: document.client_address,
            headers: document.headers,
            databases,
            areas,
            rules,
            exempt_methods: document.exempt_methods,
            cors: document.cors,
        })
    }

    /// Reads the lists that are files.
    ///
    /// # Errors
    /// A file that cannot be read or is no list.
    pub(crate) fn read_area_files(&mut self) -> Result<(), ConfigError> {
        for area in &mut self.areas {
            let key = format!("areas.{}", area.name);
            if let Some(bytes) = area.source.read(&key)? {
                let list = List::read(&bytes);
                area.list = Some(list.map_err(|why| wrong(format!("{key}.file"), why))?);
            }
        }
        Ok(())
    }
}

fn wrong(key: impl Into<String>, message: impl Into<String>) -> ConfigError {
    ConfigError::new(NAME, key, message)
}
