//! Claims by their types, and the two that every kind of JWT is held to.

use serde_json::{Map, Value};

use crate::keys::Key;
use crate::reason::{Reason, Refused};

pub(crate) fn check_issuer(
    issuer: Option<&str>,
    key: &Key,
    allowed: &[String],
) -> Result<(), Refused> {
    let bound = key.issuer().is_none_or(|bound| issuer == Some(bound));
    let listed = allowed.is_empty()
        || issuer.is_some_and(|issuer| allowed.iter().any(|known| known == issuer));
    if bound && listed {
        Ok(())
    } else {
        Err(Reason::IssuerNotAllowed.into())
    }
}

/// RFC 7519 section 4.1.3: who finds an audience in a token and is not in it must refuse. `*` in `ours` takes any and none.
pub(crate) fn check_audience(audience: Option<&[String]>, ours: &[String]) -> Result<(), Refused> {
    match audience {
        _ if ours.iter().any(|name| name == "*") => Ok(()),
        None if ours.is_empty() => Ok(()),
        None => Err(Refused::about(Reason::ClaimMissing, "aud")),
        Some(theirs) if theirs.iter().any(|name| ours.contains(name)) => Ok(()),
        Some(_) => Err(Reason::AudienceNotAllowed.into()),
    }
}

/// Which way a fraction of a second falls: always against the token.
#[derive(Clone, Copy)]
pub(crate) enum Round {
    Down,
    Up,
}

pub(super) fn malformed(name: &str) -> Refused {
    Refused::about(Reason::ClaimMalformed, name.to_owned())
}

/// Typed access to claims; a claim of the wrong type is an error, never absent.
pub(crate) struct Claims<'a>(pub(crate) &'a Map<String, Value>);

impl Claims<'_> {
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(malformed(name)),
        }
    }

    /// A string or an array of strings.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refused> {
        self.list(name, |text| Some(text.to_owned()))
    }

    /// A string or an array of strings, each read by `read`.
    pub(crate) fn list<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Refused> {
        let one = |value: &Value| {
            value
                .as_str()
                .and_then(&read)
                .ok_or_else(|| malformed(name))
        };
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Array(list)) => list.iter().map(one).collect::<Result<_, _>>().map(Some),
            Some(value) => Ok(Some(vec![one(value)?])),
        }
    }

    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<u32>>, Refused> {
        let one = |value: &Value| {
            value
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(|| malformed(name))
        };
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Array(list)) => list.iter().map(one).collect::<Result<_, _>>().map(Some),
            Some(value) => Ok(Some(vec![one(value)?])),
        }
    }

    /// A NumericDate (RFC 7519 section 2): seconds, fractions allowed, within 2^53 of the epoch.
    pub(crate) fn seconds(&self, name: &str, round: Round) -> Result<Option<i64>, Refused> {
        const LIMIT: i64 = 1 << 53;
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let whole = match (value.as_i64(), value.as_f64(), round) {
            (Some(whole), _, _) => Some(whole),
            (None, Some(float), Round::Down) => truncate(float.floor()),
            (None, Some(float), Round::Up) => truncate(float.ceil()),
            _ => None,
        };
        whole
            .filter(|whole| (-LIMIT..=LIMIT).contains(whole))
            .map(Some)
            .ok_or_else(|| malformed(name))
    }

    pub(super) fn entitlements(&self, name: &str) -> Result<Vec<String>, Refused> {
        let list = match self.0.get(name) {
            None => Vec::new(),
            Some(Value::Object(members)) => members
                .iter()
                .filter(|(_, value)| **value != Value::Bool(false))
                .map(|(key, value)| match value {
                    Value::Bool(true) => Some(key.clone()),
                    Value::String(text) => Some(format!("{key}={text}")),
                    Value::Number(number) => Some(format!("{key}={number}")),
                    _ => None,
                })
                .collect::<Option<_>>()
                .ok_or_else(|| malformed(name))?,
            Some(_) => self.texts(name)?.unwrap_or_default(),
        };
        // They go on as one comma-separated header.
        let plain = |text: &String| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b',')
        };
        if list.iter().all(plain) {
            Ok(list)
        } else {
            Err(malformed(name))
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // Bounded on the line above the cast.
fn truncate(float: f64) -> Option<i64> {
    (float.is_finite() && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
}
