//! What a configuration must be like as a whole.

use weir_counters::MAX_LEASE_CAPACITY;
use weir_module::ConfigError;

use super::{AbuseConfig, Config, Rate, Unit};
use crate::NAME;

impl Config {
    /// Checks every value against its bounds, and names against each other.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
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
