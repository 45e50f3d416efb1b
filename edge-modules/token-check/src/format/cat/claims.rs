//! The claims of a CAT, each turned into what it grants or limits.

use super::instructions::{failure_answers, renewal};
use super::label::name_of;
use super::matches::{header_rules, uri_rules};
use super::{CatRules, label, places};
use crate::cbor::Value;
use crate::format::jwt::{check_audience, check_issuer};
use crate::grant::{Grant, Replay};
use crate::keys::Key;
use crate::reason::{Reason, Refused};
use crate::restriction::Restriction;

const MAX_NESTING: u8 = 4;

pub(super) fn malformed(number: i64) -> Refused {
    Refused::about(Reason::ClaimMalformed, name_of(number))
}

pub(super) fn unsupported(number: i64) -> Refused {
    Refused::about(Reason::ClaimUnsupported, name_of(number))
}

/// Reads all claims of a token whose signature holds.
pub(super) fn grant(claims: &Value, key: &Key, rules: &CatRules) -> Result<Grant, Refused> {
    for &number in &rules.require {
        if claims.get(number).is_none() {
            return Err(Refused::about(Reason::ClaimMissing, name_of(number)));
        }
    }
    check_critical(claims, rules)?;
    let issuer = text(claims, label::ISS)?;
    check_issuer(issuer.as_deref(), key, &rules.issuers)?;
    check_audience(audience(claims)?.as_deref(), &rules.audiences)?;
    let mut grant = Grant {
        issuer,
        subject: text(claims, label::SUB)?,
        token_id: claims.get(label::CTI).map(token_id).transpose()?,
        not_before: seconds(claims, label::NBF)?.map(|(_, up)| up),
        expires: seconds(claims, label::EXP)?.map(|(down, _)| down),
        issued_at: seconds(claims, label::IAT)?.map(|(down, _)| down),
        ..Grant::default()
    };
    let skip = [
        label::ISS,
        label::SUB,
        label::AUD,
        label::EXP,
        label::NBF,
        label::IAT,
        label::CTI,
        label::CRIT,
    ];
    for (key, value) in claims.as_map().unwrap_or_default() {
        match key {
            Value::Integer(number) => {
                let number =
                    i64::try_from(*number).map_err(|_| Refused::from(Reason::TokenMalformed))?;
                if !skip.contains(&number) {
                    top_level(number, value, claims, rules, &mut grant)?;
                }
            }
            // Text labels are private to the issuer (RFC 8392 section 9.1) and restrict nothing that is registered.
            Value::Text(_) => {}
            _ => return Err(Reason::TokenMalformed.into()),
        }
    }
    Ok(grant)
}

fn top_level(
    number: i64,
    value: &Value,
    claims: &Value,
    rules: &CatRules,
    grant: &mut Grant,
) -> Result<(), Refused> {
    match number {
        label::CATREPLAY => match value.as_integer() {
            Some(0) => {}
            // Prohibited, and detection of reuse, which without a second policy to fall back to is the same.
            Some(1 | 2) => grant.replay = Replay::Once,
            _ => return Err(malformed(number)),
        },
        label::CATIF => grant.on_failure = failure_answers(value)?,
        label::CATIFDATA => {}
        label::CATR => grant.renewal = renewal(value, claims, rules.catr_labels)?.map(Box::new),
        _ => limits(number, value, rules, 0, &mut grant.restrictions)?,
    }
    Ok(())
}

/// What a single claim demands of a request.
fn limits(
    number: i64,
    value: &Value,
    rules: &CatRules,
    depth: u8,
    out: &mut Vec<Restriction>,
) -> Result<(), Refused> {
    let bad = || malformed(number);
    match number {
        label::CATV if value.as_integer() == Some(1) => {}
        label::CATV => return Err(unsupported(number)),
        label::CATM => {
            let list = value.as_array().ok_or_else(bad)?;
            let methods = list
                .iter()
                .map(|method| method.as_text().map(str::to_owned))
                .collect::<Option<Vec<_>>>();
            out.push(Restriction::Methods(methods.ok_or_else(bad)?));
        }
        label::CATU => out.push(Restriction::Uri(uri_rules(value).ok_or_else(bad)?)),
        label::CATH => {
            for (name, matches) in header_rules(value).ok_or_else(bad)? {
                if !rules.headers.contains(&name) {
                    return Err(unsupported(number));
                }
                out.push(Restriction::Header(name, matches));
            }
        }
        label::CATNIP => out.push(places::networks(value).ok_or_else(bad)?),
        label::CATGEOISO3166 => out.push(places::countries(value).ok_or_else(bad)?),
        _ if !rules.enforces(number) && is_known(number) => return Err(unsupported(number)),
        label::CATGEOCOORD => out.push(places::circles(value).ok_or_else(bad)?),
        label::GEOHASH => out.push(places::geohashes(value).ok_or_else(bad)?),
        label::CATGEOALT => out.push(places::altitude(value).ok_or_else(bad)?),
        label::CATALPN => out.push(Restriction::Alpn(
            strings(value, |item| match item {
                Value::Text(text) => Some(text.clone()),
                Value::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
                _ => None,
            })
            .ok_or_else(bad)?,
        )),
        label::CATTPK => {
            let read = |item: &Value| {
                let digest = item.as_bytes().filter(|bytes| bytes.len() == 32);
                digest.map(hex::encode)
            };
            out.push(Restriction::TlsKeys(strings(value, read).ok_or_else(bad)?));
        }
        label::OR => out.push(Restriction::Any(
            sets(number, value, rules, depth)?,
            Reason::PathNotAllowed,
        )),
        label::NOR => out.push(Restriction::NoneOf(
            sets(number, value, rules, depth)?,
            Reason::PathNotAllowed,
        )),
        label::AND => out.extend(sets(number, value, rules, depth)?.into_iter().flatten()),
        _ if number >= 0 && rules.refuse_unknown => {
            return Err(Refused::about(
                Reason::ClaimUnsupported,
                format!("claim {number}"),
            ));
        }
        _ => {}
    }
    Ok(())
}

fn is_known(number: i64) -> bool {
    label::ALL.iter().any(|(known, ..)| *known == number)
}

/// One text or several, of which one must fit.
fn strings(value: &Value, read: impl Fn(&Value) -> Option<String>) -> Option<Vec<String>> {
    let single = std::slice::from_ref(value);
    let list = value.as_array().unwrap_or(single);
    let texts: Vec<String> = list.iter().map(read).collect::<Option<_>>()?;
    (!texts.is_empty()).then_some(texts)
}

/// The claim sets of a composition.
fn sets(
    number: i64,
    value: &Value,
    rules: &CatRules,
    depth: u8,
) -> Result<Vec<Vec<Restriction>>, Refused> {
    let list = value
        .as_array()
        .filter(|list| !list.is_empty() && list.len() <= 16)
        .ok_or_else(|| malformed(number))?;
    if depth >= MAX_NESTING {
        return Err(malformed(number));
    }
    let set = |claims: &Value| {
        let entries = claims.as_map().ok_or_else(|| malformed(number))?;
        let mut limits_of_set = Vec::new();
        for (key, value) in entries {
            let inner = key.as_integer().ok_or_else(|| malformed(number))?;
            match inner {
                label::EXP => {
                    let until = seconds(claims, inner)?.map(|(down, _)| down);
                    limits_of_set.push(Restriction::Times(None, until));
                }
                label::NBF => limits_of_set.push(Restriction::Times(
                    seconds(claims, inner)?.map(|(_, up)| up),
                    None,
                )),
                label::ISS => {
                    let issuer = value.as_text().ok_or_else(|| malformed(inner))?;
                    let listed = rules.issuers.is_empty()
                        || rules.issuers.iter().any(|known| known == issuer);
                    if !listed {
                        limits_of_set.push(Restriction::Never(Reason::IssuerNotAllowed));
                    }
                }
                label::AUD => {
                    if let Err(refused) =
                        check_audience(audience(claims)?.as_deref(), &rules.audiences)
                    {
                        limits_of_set.push(Restriction::Never(refused.reason));
                    }
                }
                label::IAT | label::CATIFDATA => {}
                // What changes the answer, the identity or the token has no meaning inside a condition.
                label::SUB
                | label::CTI
                | label::CRIT
                | label::CATIF
                | label::CATR
                | label::CATREPLAY => {
                    return Err(unsupported(inner));
                }
                _ => limits(inner, value, rules, depth + 1, &mut limits_of_set)?,
            }
        }
        Ok(limits_of_set)
    };
    list.iter().map(set).collect()
}

/// `crit`: every claim it names must be there and be enforced.
fn check_critical(claims: &Value, rules: &CatRules) -> Result<(), Refused> {
    let Some(value) = claims.get(label::CRIT) else {
        return Ok(());
    };
    let list = value.as_array().ok_or_else(|| malformed(label::CRIT))?;
    for item in list {
        let number = item.as_integer().ok_or(Reason::CriticalUnsupported)?;
        if !rules.enforces(number) || claims.get(number).is_none() {
            return Err(Refused::about(Reason::CriticalUnsupported, name_of(number)));
        }
    }
    Ok(())
}

fn text(claims: &Value, number: i64) -> Result<Option<String>, Refused> {
    match claims.get(number) {
        None => Ok(None),
        Some(value) => value
            .as_text()
            .map(|text| Some(text.to_owned()))
            .ok_or_else(|| malformed(number)),
    }
}

fn audience(claims: &Value) -> Result<Option<Vec<String>>, Refused> {
    let owned = |value: &Value| {
        value
            .as_text()
            .map(str::to_owned)
            .ok_or_else(|| malformed(label::AUD))
    };
    match claims.get(label::AUD) {
        None => Ok(None),
        Some(Value::Array(list)) => list.iter().map(owned).collect::<Result<_, _>>().map(Some),
        Some(value) => Ok(Some(vec![owned(value)?])),
    }
}

fn token_id(value: &Value) -> Result<String, Refused> {
    value
        .as_bytes()
        .map(hex::encode)
        .ok_or_else(|| malformed(label::CTI))
}

/// A NumericDate (RFC 8392 section 2: untagged), rounded down and up, within 2^53 of the epoch.
#[allow(clippy::cast_possible_truncation)] // Bounded before the cast.
fn seconds(claims: &Value, number: i64) -> Result<Option<(i64, i64)>, Refused> {
    const LIMIT: i64 = 1 << 53;
    let both = match claims.get(number) {
        None => return Ok(None),
        Some(Value::Integer(whole)) => i64::try_from(*whole).ok().map(|whole| (whole, whole)),
        Some(Value::Float(float)) if float.abs() <= 9_007_199_254_740_992.0 => {
            Some((float.floor() as i64, float.ceil() as i64))
        }
        Some(_) => None,
    };
    both.filter(|(down, _)| (-LIMIT..=LIMIT).contains(down))
        .map(Some)
        .ok_or_else(|| malformed(number))
}
