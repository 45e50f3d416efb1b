//! The claims of a CAT, each turned into what it grants or limits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::CatRules;
use super::matches::{header_rules, uri_rules};
use crate::cbor::Value;
use crate::cose::Tags;
use crate::format::jwt::{check_audience, check_issuer};
use crate::grant::{FailureAnswer, Grant, Renewal, RenewalCarrier, Replay, Restriction};
use crate::keys::Key;
use crate::network::Network;
use crate::reason::{Reason, Refused};
use crate::signature::Algorithm;

/// Claim numbers: RFC 8392 section 3.1 and the IANA registry of CWT claims; compositions as the open implementations number them.
#[allow(missing_docs)]
pub mod label {
    pub const ISS: i64 = 1;
    pub const SUB: i64 = 2;
    pub const AUD: i64 = 3;
    pub const EXP: i64 = 4;
    pub const NBF: i64 = 5;
    pub const IAT: i64 = 6;
    pub const CTI: i64 = 7;
    pub const CNF: i64 = 8;
    pub const OR: i64 = 41;
    pub const NOR: i64 = 42;
    pub const AND: i64 = 43;
    pub const ENC: i64 = 44;
    pub const CRIT: i64 = 45;
    pub const CATDPOPW: i64 = 275;
    pub const GEOHASH: i64 = 282;
    pub const CATREPLAY: i64 = 308;
    pub const CATPOR: i64 = 309;
    pub const CATV: i64 = 310;
    pub const CATNIP: i64 = 311;
    pub const CATU: i64 = 312;
    pub const CATM: i64 = 313;
    pub const CATALPN: i64 = 314;
    pub const CATH: i64 = 315;
    pub const CATGEOISO3166: i64 = 316;
    pub const CATGEOCOORD: i64 = 317;
    pub const CATGEOALT: i64 = 318;
    pub const CATTPK: i64 = 319;
    pub const CATIFDATA: i64 = 320;
    pub const CATDPOP: i64 = 321;
    pub const CATIF: i64 = 322;
    pub const CATR: i64 = 323;
    pub const CATTPRINT: i64 = 324;

    /// Every number with its name and whether the claim is enforced here; one that is not refuses the token.
    pub const ALL: [(i64, &str, bool); 32] = [
        (ISS, "iss", true),
        (SUB, "sub", true),
        (AUD, "aud", true),
        (EXP, "exp", true),
        (NBF, "nbf", true),
        (IAT, "iat", true),
        (CTI, "cti", true),
        (CNF, "cnf", false),
        (OR, "or", true),
        (NOR, "nor", true),
        (AND, "and", true),
        (ENC, "enc", false),
        (CRIT, "crit", true),
        (CATDPOPW, "catdpopw", false),
        (GEOHASH, "geohash", false),
        (CATREPLAY, "catreplay", true),
        (CATPOR, "catpor", false),
        (CATV, "catv", true),
        (CATNIP, "catnip", true),
        (CATU, "catu", true),
        (CATM, "catm", true),
        (CATALPN, "catalpn", false),
        (CATH, "cath", true),
        (CATGEOISO3166, "catgeoiso3166", true),
        (CATGEOCOORD, "catgeocoord", false),
        (CATGEOALT, "catgeoalt", false),
        (CATTPK, "cattpk", false),
        (CATIFDATA, "catifdata", true),
        (CATDPOP, "catdpop", false),
        (CATIF, "catif", true),
        (CATR, "catr", true),
        (CATTPRINT, "cattprint", false),
    ];

    /// The number of a claim by its name.
    pub fn by_name(name: &str) -> Option<i64> {
        ALL.iter()
            .find(|(_, known, _)| *known == name)
            .map(|(number, ..)| *number)
    }
}

/// Which numbers the parameters of `catr` have: implementations disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CatrLabels {
    /// Cookie name 3, header name 4, cookie parameters 5, header parameters 6, status 7 (node-cat and its relatives).
    Short,
    /// With the parent path as 5: cookie parameters 6, header parameters 7, status 8 (EdgeWorkers' CAT module).
    WithParentPath,
}

const MAX_NESTING: u8 = 4;

fn name_of(number: i64) -> &'static str {
    label::ALL
        .iter()
        .find(|(known, ..)| *known == number)
        .map_or("claim", |(_, name, _)| name)
}

fn malformed(number: i64) -> Refused {
    Refused::about(Reason::ClaimMalformed, name_of(number))
}

fn unsupported(number: i64) -> Refused {
    Refused::about(Reason::ClaimUnsupported, name_of(number))
}

/// Reads all claims of a token whose signature holds.
pub(super) fn grant(claims: &Value, key: &Key, rules: &CatRules) -> Result<Grant, Refused> {
    for &number in &rules.require {
        if claims.get(number).is_none() {
            return Err(Refused::about(Reason::ClaimMissing, name_of(number)));
        }
    }
    check_critical(claims)?;
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
        label::CATNIP => out.push(networks(value).ok_or_else(bad)?),
        label::CATGEOISO3166 => {
            let list = value.as_array().ok_or_else(bad)?;
            let countries = list
                .iter()
                .map(|code| code.as_text().map(str::to_ascii_uppercase))
                .collect::<Option<Vec<_>>>();
            // An entry with a subdivision (`US-CA`) fits no country: the subdivision is not known here.
            out.push(Restriction::Countries(countries.ok_or_else(bad)?));
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
        _ if label::ALL.iter().any(|(known, ..)| *known == number) => {
            return Err(unsupported(number));
        }
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
fn check_critical(claims: &Value) -> Result<(), Refused> {
    let Some(value) = claims.get(label::CRIT) else {
        return Ok(());
    };
    let list = value.as_array().ok_or_else(|| malformed(label::CRIT))?;
    for item in list {
        let number = item.as_integer().ok_or(Reason::CriticalUnsupported)?;
        let enforced = label::ALL
            .iter()
            .any(|(known, _, enforced)| *known == number && *enforced);
        if !enforced || claims.get(number).is_none() {
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

/// `catnip`: addresses and prefixes (RFC 9164 tags 52 and 54) and AS numbers; one of them must fit.
fn networks(value: &Value) -> Option<Restriction> {
    let single = std::slice::from_ref(value);
    let list = value.as_array().unwrap_or(single);
    let (mut networks, mut asns) = (Vec::new(), Vec::new());
    for item in list {
        match item {
            Value::Integer(asn) => asns.push(u32::try_from(*asn).ok()?),
            Value::Text(text) => networks.push(text.parse().ok()?),
            Value::Tag(tag @ (52 | 54), inner) => networks.push(network(*tag == 52, inner)?),
            _ => return None,
        }
    }
    let mut sets = Vec::new();
    if !networks.is_empty() {
        sets.push(vec![Restriction::Networks(networks)]);
    }
    if !asns.is_empty() {
        sets.push(vec![Restriction::Asns(asns)]);
    }
    Some(Restriction::Any(sets, Reason::AddressNotAllowed))
}

/// RFC 9164 section 3: an address as bytes, or a prefix as length and bytes with trailing zeros left off.
fn network(v4: bool, value: &Value) -> Option<Network> {
    let width = if v4 { 4 } else { 16 };
    let (length, bytes) = match value {
        Value::Bytes(bytes) if bytes.len() == width => (None, bytes.as_slice()),
        Value::Array(parts) => match parts.as_slice() {
            [length, Value::Bytes(bytes)] if bytes.len() <= width => (
                Some(u8::try_from(length.as_integer()?).ok()?),
                bytes.as_slice(),
            ),
            _ => return None,
        },
        _ => return None,
    };
    let mut full = [0_u8; 16];
    full[..bytes.len()].copy_from_slice(bytes);
    let base = if v4 {
        IpAddr::V4(Ipv4Addr::new(full[0], full[1], full[2], full[3]))
    } else {
        IpAddr::V6(Ipv6Addr::from(full))
    };
    Network::new(base, length.unwrap_or(if v4 { 32 } else { 128 })).ok()
}

/// `catif`: what to answer when a claim fails: `{ claim: [status, { header: value }, key id?] }`.
fn failure_answers(value: &Value) -> Result<Vec<(Reason, FailureAnswer)>, Refused> {
    let bad = || malformed(label::CATIF);
    let mut answers = Vec::new();
    for (key, action) in value.as_map().ok_or_else(bad)? {
        let reason = match key.as_integer().ok_or_else(bad)? {
            label::EXP => Reason::TokenExpired,
            label::NBF => Reason::TokenNotYetValid,
            label::CATU => Reason::PathNotAllowed,
            label::CATM => Reason::MethodNotAllowed,
            label::CATH => Reason::HeaderNotAllowed,
            label::CATNIP => Reason::AddressNotAllowed,
            label::CATGEOISO3166 => Reason::CountryNotAllowed,
            label::CATREPLAY => Reason::TokenReplayed,
            // The claim refuses in another way, or before its action could be read.
            _ => continue,
        };
        let parts = action.as_array().ok_or_else(bad)?;
        let status = parts
            .first()
            .and_then(Value::as_integer)
            .and_then(|status| u16::try_from(status).ok());
        let status = status
            .filter(|status| (300..600).contains(status))
            .ok_or_else(bad)?;
        let mut headers = Vec::new();
        for (name, value) in parts
            .get(1)
            .map_or(Some(&[][..]), Value::as_map)
            .ok_or_else(bad)?
        {
            // A value that asks for a token to be minted is left out: the refusal stands without it.
            if let (Some(name), Some(value)) = (name.as_text(), value.as_text()) {
                let plain = !name.is_empty()
                    && name.bytes().all(crate::carrier::is_token_byte)
                    && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
                headers.extend(plain.then(|| (name.to_ascii_lowercase(), value.to_owned())));
            }
        }
        answers.push((reason, FailureAnswer { status, headers }));
    }
    Ok(answers)
}

/// `catr`: how the token is renewed. What would renew in a way not known here is an error, not a silent end of the session.
fn renewal(value: &Value, claims: &Value, labels: CatrLabels) -> Result<Option<Renewal>, Refused> {
    let bad = || malformed(label::CATR);
    let number = |at: i64| {
        value
            .get(at)
            .map(|value| value.as_integer().ok_or_else(bad))
            .transpose()
    };
    let name = |at: i64| match value.get(at) {
        None => Ok(None),
        Some(value) => {
            let text = value
                .as_text()
                .filter(|text| !text.is_empty() && text.bytes().all(crate::carrier::is_token_byte));
            text.map(|text| Some(text.to_owned())).ok_or_else(bad)
        }
    };
    let parameters = |at: i64| match value.get(at) {
        None => Ok(Vec::new()),
        Some(value) => {
            let plain = |item: &Value| {
                item.as_text()
                    .filter(|text| text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b';'))
                    .map(str::to_owned)
            };
            value
                .as_array()
                .and_then(|list| list.iter().map(plain).collect::<Option<Vec<_>>>())
                .ok_or_else(bad)
        }
    };
    let shift = i64::from(labels == CatrLabels::WithParentPath);
    let kind = number(0)?.ok_or_else(bad)?;
    let lasts = number(1)?
        .filter(|lasts| (1..=31_536_000).contains(lasts))
        .ok_or_else(bad)?;
    let deadline = number(2)?.unwrap_or(60);
    let usual = || "cta-common-access-token".to_owned();
    let by = match kind {
        // Automatic leaves the way to the server: a cookie comes back by itself.
        0 | 1 => RenewalCarrier::Cookie(name(3)?.unwrap_or_else(usual), parameters(5 + shift)?),
        2 => {
            let header = name(4)?.unwrap_or_else(usual);
            RenewalCarrier::Header(header.to_ascii_lowercase(), parameters(6 + shift)?)
        }
        3 => {
            let status = number(7 + shift)?.unwrap_or(302);
            let status = u16::try_from(status)
                .ok()
                .filter(|status| matches!(status, 301 | 302 | 303 | 307 | 308));
            RenewalCarrier::Redirect(status.ok_or_else(bad)?)
        }
        _ => return Err(unsupported(label::CATR)),
    };
    let tags = Tags {
        cwt: false,
        cose: false,
    };
    Ok(Some(Renewal {
        by,
        lasts,
        deadline,
        claims: claims.clone(),
        algorithm: Algorithm::Hs256,
        key_id: None,
        tags,
    }))
}
