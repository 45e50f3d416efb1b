//! The configuration document: read, checked whole, and turned into what decides. `README.md` explains every key.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use weir_module::{ConfigError, PathPattern, device};

use crate::NAME;
use crate::force::Secret;
use crate::percent::Percent;
use crate::ramp::{Ramp, Shape, Step};
use crate::trial::{Groups, Slot, Traits, Trial, Variant};
use crate::unit::{self, Unit};

/// Experiments in one document: each costs a hash for every request.
const MOST_TRIALS: usize = 64;
/// Variants of one experiment.
const MOST_VARIANTS: usize = 16;

/// Everything that decides, checked.
#[derive(Debug)]
pub(crate) struct Config {
    /// The experiments, in order.
    pub(crate) trials: Vec<Trial>,
    /// The exclusive groups.
    pub(crate) groups: Groups,
    /// Forced variants.
    pub(crate) force: Option<ForceConfig>,
    /// Who is told.
    pub(crate) exposure: ExposureConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Document {
    #[serde(default = "unit::usual")]
    unit: Vec<Unit>,
    #[serde(default)]
    groups: BTreeMap<String, GroupConfig>,
    #[serde(default)]
    experiments: Vec<TrialConfig>,
    #[serde(default)]
    force: Option<ForceConfig>,
    #[serde(default)]
    exposure: ExposureConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct GroupConfig {
    #[serde(default)]
    salt: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TrialConfig {
    name: String,
    #[serde(default)]
    salt: Option<String>,
    #[serde(default)]
    unit: Option<Vec<Unit>>,
    variants: Vec<Variant>,
    #[serde(default)]
    percent: Option<Percent>,
    #[serde(default)]
    ramp: Vec<Step>,
    #[serde(default)]
    ramp_shape: Shape,
    #[serde(default)]
    starts: Option<Timestamp>,
    #[serde(default)]
    ends: Option<Timestamp>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    slot: Option<[Percent; 2]>,
    #[serde(default)]
    target: Traits,
    #[serde(default)]
    exclude: Option<Traits>,
}

/// Forced variants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ForceConfig {
    /// Any of them may have signed.
    pub(crate) secrets: Vec<Secret>,
    /// The query parameter.
    #[serde(default = "force_name")]
    pub(crate) parameter: String,
    /// The cookie that keeps it; empty for none.
    #[serde(default = "force_name")]
    pub(crate) cookie: String,
    /// What follows the cookie's value, besides `Max-Age`.
    #[serde(default = "force_attributes")]
    pub(crate) cookie_attributes: String,
    /// A text that runs for longer is ignored.
    #[serde(default = "week")]
    pub(crate) longest: SignedDuration,
}

fn force_name() -> String {
    "weir-force".to_owned()
}

fn force_attributes() -> String {
    "Path=/; Secure; HttpOnly; SameSite=Lax".to_owned()
}

fn week() -> SignedDuration {
    SignedDuration::from_hours(7 * 24)
}

/// Who is told of an exposure, and when.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ExposureConfig {
    /// Requests for these paths expose.
    pub(crate) paths: Vec<PathPattern>,
    /// The response header; empty for none.
    pub(crate) header: String,
    /// The cookie with what a viewer got; empty for none.
    pub(crate) cookie: String,
    /// The cookie with the unit of a viewer that was told apart as a device; empty for none.
    pub(crate) remember_device: String,
    /// What follows the value of both cookies.
    pub(crate) cookie_attributes: String,
    /// A log line for each viewer and experiment.
    pub(crate) log: bool,
    /// An instance writes the same line again only after this time.
    pub(crate) log_again: SignedDuration,
}

impl Default for ExposureConfig {
    fn default() -> Self {
        // Both patterns are sound; without one nothing would be exposed, which a test would see.
        let paths = ["*.m3u8", "*.mpd"];
        Self {
            paths: paths
                .iter()
                .filter_map(|text| PathPattern::new(text).ok())
                .collect(),
            header: "weir-variant".to_owned(),
            cookie: String::new(),
            remember_device: String::new(),
            cookie_attributes: "Path=/; Max-Age=2592000; Secure; SameSite=Lax".to_owned(),
            log: true,
            log_again: SignedDuration::from_hours(1),
        }
    }
}

impl Config {
    /// Reads and checks the document.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let document: Document = weir_module::config::parse(NAME, text)?;
        if document.unit.is_empty() {
            return Err(wrong("unit", "name at least one"));
        }
        let mut groups = Groups::new();
        for (name, group) in document.groups {
            let key = format!("groups.{name}");
            check_name(&key, &name)?;
            let salt = salt(&key, group.salt, &format!("group/{name}"))?;
            groups.insert(name, salt);
        }
        if document.experiments.len() > MOST_TRIALS {
            return Err(wrong("experiments", format!("at most {MOST_TRIALS}")));
        }
        let mut trials: Vec<Trial> = Vec::new();
        for (index, config) in document.experiments.into_iter().enumerate() {
            let key = format!("experiments[{index}]");
            let trial = trial(&key, config, &document.unit, &groups)?;
            if trials.iter().any(|other| other.name == trial.name) {
                let message = format!("`{}` is the name of another experiment", trial.name);
                return Err(wrong(format!("{key}.name"), message));
            }
            if let Some(other) = trials.iter().find(|other| overlap(other, &trial)) {
                let message = format!("the slot overlaps that of `{}`", other.name);
                return Err(wrong(format!("{key}.slot"), message));
            }
            trials.push(trial);
        }
        document.force.as_ref().map_or(Ok(()), check_force)?;
        check_exposure(&document.exposure)?;
        Ok(Self {
            trials,
            groups,
            force: document.force,
            exposure: document.exposure,
        })
    }
}

fn wrong(key: impl Into<String>, message: impl Into<String>) -> ConfigError {
    ConfigError::new(NAME, key, message)
}

fn trial(
    key: &str,
    config: TrialConfig,
    usual: &[Unit],
    groups: &Groups,
) -> Result<Trial, ConfigError> {
    check_name(&format!("{key}.name"), &config.name)?;
    let ramp = Ramp::new(
        config.percent,
        &config.ramp,
        config.ramp_shape,
        config.starts,
        config.ends,
    )
    .map_err(|why| wrong(key, why))?;
    let slot = match (config.group, config.slot) {
        (None, None) => None,
        (Some(group), Some([from, to])) => {
            if !groups.contains_key(&group) {
                return Err(wrong(
                    format!("{key}.group"),
                    format!("there is no group `{group}`"),
                ));
            }
            if from >= to {
                return Err(wrong(
                    format!("{key}.slot"),
                    "the first number is the smaller",
                ));
            }
            let (from, to) = (from.points(), to.points());
            Some(Slot { group, from, to })
        }
        _ => return Err(wrong(key, "give `group` and `slot` together")),
    };
    check_variants(&format!("{key}.variants"), &config.variants)?;
    let units = config.unit.unwrap_or_else(|| usual.to_vec());
    if units.is_empty() {
        return Err(wrong(format!("{key}.unit"), "name at least one"));
    }
    let exclude = config.exclude.unwrap_or_else(|| Traits {
        devices: vec!["bot".to_owned()],
        ..Traits::default()
    });
    check_traits(&format!("{key}.target"), &config.target)?;
    check_traits(&format!("{key}.exclude"), &exclude)?;
    Ok(Trial {
        salt: salt(key, config.salt, &config.name)?,
        name: config.name,
        units,
        target: config.target,
        exclude,
        ramp,
        slot,
        variants: config.variants,
    })
}

fn overlap(one: &Trial, other: &Trial) -> bool {
    match (&one.slot, &other.slot) {
        (Some(one), Some(other)) => {
            one.group == other.group && one.from < other.to && other.from < one.to
        }
        _ => false,
    }
}

/// A salt that is given, or the usual one.
fn salt(key: &str, given: Option<String>, usual: &str) -> Result<String, ConfigError> {
    let salt = given.unwrap_or_else(|| usual.to_owned());
    if salt.is_empty() || salt.len() > 128 || salt.contains('\n') {
        return Err(wrong(
            format!("{key}.salt"),
            "1 to 128 bytes without a line feed",
        ));
    }
    Ok(salt)
}

fn check_variants(key: &str, variants: &[Variant]) -> Result<(), ConfigError> {
    if !(1..=MOST_VARIANTS).contains(&variants.len()) {
        return Err(wrong(key, format!("1 to {MOST_VARIANTS} variants")));
    }
    for (index, variant) in variants.iter().enumerate() {
        check_name(&format!("{key}[{index}].name"), &variant.name)?;
        if variants[..index]
            .iter()
            .any(|other| other.name == variant.name)
        {
            let message = format!("`{}` is the name of another variant", variant.name);
            return Err(wrong(format!("{key}[{index}].name"), message));
        }
        if variant.weight > 1_000_000 {
            return Err(wrong(format!("{key}[{index}].weight"), "0 to 1000000"));
        }
    }
    if variants.iter().all(|variant| variant.weight == 0) {
        return Err(wrong(key, "one weight must be more than 0"));
    }
    Ok(())
}

fn check_traits(key: &str, traits: &Traits) -> Result<(), ConfigError> {
    let country =
        |code: &&String| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase());
    if let Some(code) = traits.countries.iter().find(country) {
        let message = format!("`{code}` is not an ISO 3166-1 code of two capitals");
        return Err(wrong(format!("{key}.countries"), message));
    }
    let unknown = |class: &&String| !device::CLASSES.contains(&class.as_str());
    if let Some(class) = traits.devices.iter().find(unknown) {
        let message = format!("`{class}` is not among {}", device::CLASSES.join(", "));
        return Err(wrong(format!("{key}.devices"), message));
    }
    let blank = |list: &[String]| list.iter().any(|item| item.trim().is_empty());
    for (name, list) in [
        ("tiers", &traits.tiers),
        ("entitlements", &traits.entitlements),
    ] {
        if blank(list) {
            return Err(wrong(format!("{key}.{name}"), "an empty name fits nobody"));
        }
    }
    Ok(())
}

fn check_force(force: &ForceConfig) -> Result<(), ConfigError> {
    if force.secrets.is_empty()
        || force
            .secrets
            .iter()
            .any(|secret| secret.as_str().len() < 16)
    {
        return Err(wrong(
            "force.secrets",
            "one or more, each of 16 characters or more",
        ));
    }
    check_name("force.parameter", &force.parameter)?;
    if !force.cookie.is_empty() {
        check_name("force.cookie", &force.cookie)?;
    }
    check_attributes("force.cookie-attributes", &force.cookie_attributes)?;
    if force.longest <= SignedDuration::ZERO {
        return Err(wrong("force.longest", "more than 0"));
    }
    Ok(())
}

fn check_exposure(exposure: &ExposureConfig) -> Result<(), ConfigError> {
    for (key, name) in [
        ("exposure.header", &exposure.header),
        ("exposure.cookie", &exposure.cookie),
        ("exposure.remember-device", &exposure.remember_device),
    ] {
        if !name.is_empty() {
            check_name(key, name)?;
        }
    }
    if exposure
        .header
        .bytes()
        .any(|byte| byte.is_ascii_uppercase())
    {
        return Err(wrong("exposure.header", "in lower case"));
    }
    check_attributes("exposure.cookie-attributes", &exposure.cookie_attributes)?;
    if exposure.log_again < SignedDuration::ZERO {
        return Err(wrong("exposure.log-again", "0 or more"));
    }
    Ok(())
}

/// Names stand in header values, cookies and signed texts, where they need no escape.
fn check_name(key: &str, name: &str) -> Result<(), ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=48).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    let message = format!("`{name}` is not a name: 1 to 48 letters, digits, `_` and `-`");
    Err(wrong(key, message))
}

fn check_attributes(key: &str, attributes: &str) -> Result<(), ConfigError> {
    // `av-octet` of RFC 6265 section 4.1.1.
    if attributes.len() <= 512 && attributes.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(());
    }
    Err(wrong(key, "at most 512 printable ASCII characters"))
}
