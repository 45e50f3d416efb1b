//! The configuration document: read, checked whole, and turned into what decides. `README.md` explains every key.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::area::{Area, List};
use crate::circle::Circle;
use crate::client::ClientSource;
use crate::document::{Source, is_url};
use crate::networks;
use crate::pattern::Pattern;
use crate::place::Place;
use crate::refusal::Cors;
use crate::rule::{Except, Notice, Rule, Unknown};
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
    paths: Vec<Pattern>,
    #[serde(default)]
    not_paths: Vec<Pattern>,
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

/// What the configuration can know of a viewer at all. A rule that asks for more could never be answered.
struct Told<'a> {
    headers: &'a Headers,
    database: bool,
    address: bool,
}

impl Told<'_> {
    fn check(&self, key: &str, place: &Place) -> Result<(), ConfigError> {
        let headers = self.headers;
        let (told, needs) = match place {
            Place::Anywhere | Place::Area(_) => return Ok(()),
            Place::Country(_) => (headers.country.is_some(), "`headers.country`"),
            Place::Subdivision(..) => (
                headers.country.is_some() && headers.subdivision.is_some(),
                "`headers.country` and `headers.subdivision`",
            ),
            Place::Asn(_) => (headers.asn.is_some(), "`headers.asn`"),
            Place::Anonymous => (headers.anonymous.is_some(), "`headers.anonymous`"),
            Place::Network(_) => (self.address, "`client-address`"),
        };
        self.need(key, told, needs)
    }

    fn need(&self, key: &str, told: bool, needs: &str) -> Result<(), ConfigError> {
        if told || self.database {
            return Ok(());
        }
        let message = format!("nothing tells where a viewer is: give {needs} or `databases`");
        Err(wrong(key, message))
    }
}

fn check_headers(headers: &Headers) -> Result<(), ConfigError> {
    for (key, name) in headers.keyed() {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if name.is_some_and(|name| !(1..=64).contains(&name.len()) || !name.bytes().all(plain)) {
            let message = "a header's name: 1 to 64 small letters, digits, `-` and `_`";
            return Err(wrong(format!("headers.{key}"), message));
        }
    }
    if headers.latitude.is_some() != headers.longitude.is_some() {
        return Err(wrong("headers", "give `latitude` and `longitude` together"));
    }
    Ok(())
}

fn area(name: String, config: AreaConfig, told: &Told<'_>) -> Result<Area, ConfigError> {
    let key = format!("areas.{name}");
    check_name(&key, &name)?;
    let places = places(&format!("{key}.places"), &config.places, &[], told)?;
    if places.contains(&Place::Anywhere) {
        return Err(wrong(format!("{key}.places"), "an area is not everywhere"));
    }
    for (index, circle) in config.circles.iter().enumerate() {
        let key = format!("{key}.circles[{index}]");
        circle.check().map_err(|why| wrong(&key, why))?;
        let split = told.headers.latitude.is_some();
        let told_where = split || told.headers.coordinates.is_some();
        told.need(&key, told_where, "`headers.coordinates`")?;
    }
    let document = format!("area-{name}");
    let source = Source::new(&key, document, config.file, config.url, config.max_age)?;
    if source != Source::None && !told.address {
        return Err(wrong(
            key,
            "a list of networks needs the client's address: set `client-address`",
        ));
    }
    if places.is_empty() && config.circles.is_empty() && source == Source::None {
        return Err(wrong(key, "give `places`, `circles`, `file` or `url`"));
    }
    Ok(Area {
        name,
        places,
        circles: config.circles,
        source,
        list: None,
    })
}

/// What rules have unless they say otherwise.
struct Defaults {
    unknown: Unknown,
    status: u16,
    blocked_by: Option<String>,
}

impl Defaults {
    fn check(&self, status: &str, blocked_by: &str) -> Result<(), ConfigError> {
        if !matches!(self.status, 403 | 451) {
            return Err(wrong(status, "451 or 403"));
        }
        if self.blocked_by.as_deref().is_some_and(|url| !is_url(url)) {
            return Err(wrong(blocked_by, "an http or https URL of whoever blocks"));
        }
        Ok(())
    }
}

fn rule(
    key: &str,
    config: RuleConfig,
    usual: &Defaults,
    areas: &[String],
    told: &Told<'_>,
) -> Result<Rule, ConfigError> {
    check_name(&format!("{key}.name"), &config.name)?;
    let list = |what: &str, given: Option<Vec<String>>| match given {
        Some(list) if list.is_empty() => {
            Err(wrong(format!("{key}.{what}"), "name a place, `*` for all"))
        }
        Some(list) => places(&format!("{key}.{what}"), &list, areas, told),
        None => Ok(Vec::new()),
    };
    let (allow, deny) = (list("allow", config.allow)?, list("deny", config.deny)?);
    if allow.is_empty() && deny.is_empty() {
        return Err(wrong(key, "give `allow` or `deny`"));
    }
    let second = |time: Option<Timestamp>, otherwise| time.map_or(otherwise, Timestamp::as_second);
    let (from, until) = (
        second(config.from, i64::MIN),
        second(config.until, i64::MAX),
    );
    if from >= until {
        return Err(wrong(format!("{key}.until"), "after `from`"));
    }
    let own = Defaults {
        unknown: config.unknown.unwrap_or(usual.unknown),
        status: config.status.unwrap_or(usual.status),
        blocked_by: config.blocked_by.or_else(|| usual.blocked_by.clone()),
    };
    own.check(&format!("{key}.status"), &format!("{key}.blocked-by"))?;
    Ok(Rule {
        name: config.name,
        paths: config.paths,
        not_paths: config.not_paths,
        from,
        until,
        allow,
        deny,
        except: except(&format!("{key}.except"), config.except, told)?,
        unknown: own.unknown,
        notice: Notice {
            status: own.status,
            blocked_by: own.blocked_by,
            detail: config.detail,
        },
    })
}

fn except(key: &str, config: ExceptConfig, told: &Told<'_>) -> Result<Except, ConfigError> {
    if !config.networks.is_empty() && !told.address {
        return Err(wrong(format!("{key}.networks"), "set `client-address`"));
    }
    for (name, list) in [
        ("entitlements", &config.entitlements),
        ("tiers", &config.tiers),
        ("subjects", &config.subjects),
    ] {
        // An empty name would let those pass who have none.
        if list.iter().any(|item| item.trim().is_empty()) {
            return Err(wrong(format!("{key}.{name}"), "an empty name"));
        }
    }
    let networks = config.networks.iter().enumerate().map(|(index, text)| {
        networks::read(text).ok_or_else(|| {
            wrong(
                format!("{key}.networks[{index}]"),
                format!("`{text}` is no network"),
            )
        })
    });
    Ok(Except {
        networks: networks.collect::<Result<_, _>>()?,
        entitlements: config.entitlements,
        tiers: config.tiers,
        subjects: config.subjects,
    })
}

fn places(
    key: &str,
    list: &[String],
    areas: &[String],
    told: &Told<'_>,
) -> Result<Vec<Place>, ConfigError> {
    let each = list.iter().enumerate().map(|(index, text)| {
        let key = format!("{key}[{index}]");
        let place = Place::read(text, areas).map_err(|why| wrong(&key, why))?;
        told.check(&key, &place)?;
        Ok(place)
    });
    each.collect()
}

/// Names stand in answers and log lines.
fn check_name(key: &str, name: &str) -> Result<(), ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=48).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    let message = format!("`{name}` is not a name: 1 to 48 letters, digits, `_` and `-`");
    Err(wrong(key, message))
}
