//! What makes areas and rules of the document, and refuses those that could never be answered.

use jiff::Timestamp;
use weir_module::ConfigError;

use super::{AreaConfig, ExceptConfig, RuleConfig, wrong};
use crate::area::Area;
use crate::document::{Source, is_url};
use crate::networks;
use crate::place::Place;
use crate::rule::{Except, Notice, Rule, Unknown};
use crate::trusted::Headers;

/// What the configuration can know of a viewer at all. A rule that asks for more could never be answered.
pub(super) struct Told<'a> {
    pub(super) headers: &'a Headers,
    pub(super) database: bool,
    pub(super) address: bool,
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

pub(super) fn check_headers(headers: &Headers) -> Result<(), ConfigError> {
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

pub(super) fn area(name: String, config: AreaConfig, told: &Told<'_>) -> Result<Area, ConfigError> {
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
pub(super) struct Defaults {
    pub(super) unknown: Unknown,
    pub(super) status: u16,
    pub(super) blocked_by: Option<String>,
}

impl Defaults {
    pub(super) fn check(&self, status: &str, blocked_by: &str) -> Result<(), ConfigError> {
        if !matches!(self.status, 403 | 451) {
            return Err(wrong(status, "451 or 403"));
        }
        if self.blocked_by.as_deref().is_some_and(|url| !is_url(url)) {
            return Err(wrong(blocked_by, "an http or https URL of whoever blocks"));
        }
        Ok(())
    }
}

pub(super) fn rule(
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
