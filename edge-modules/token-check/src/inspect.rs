//! Shows what a token says without checking it: for people who look for a fault. Never a ground for a decision.

use serde_json::{Value, json};

use crate::cbor;
use crate::format::{cat, jwt};
use crate::reason::{Reason, Refused};

/// What a token claims to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The format that the token looks like.
    pub format: &'static str,
    /// Header and claims, or fields, as JSON. The signature is left out.
    pub content: Value,
}

/// Takes a token apart by its look.
///
/// # Errors
/// [`Reason::TokenMalformed`] when it looks like no format.
pub fn inspect(token: &str) -> Result<Inspection, Refused> {
    let token = token.trim();
    if token.matches('.').count() == 2 {
        let parts = jwt::parse(token)?;
        return Ok(Inspection {
            format: "jwt",
            content: json!({ "header": parts.header, "claims": parts.claims }),
        });
    }
    if let Ok((message, claims)) = cat::parse(token) {
        let header = json!({
            "alg": message.algorithm.name(),
            "kid": message.key_id.as_deref().map(readable),
            "cwt-tag": message.cwt_tag,
            "cose-tag": message.cose_tag,
        });
        return Ok(Inspection {
            format: "cat",
            content: json!({ "header": header, "claims": claim_names(&claims) }),
        });
    }
    Err(Reason::TokenMalformed.into())
}

/// Text where bytes are text, hexadecimal where not.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(|c| !c.is_control()) => text.to_owned(),
        _ => hex::encode(bytes),
    }
}

/// The claims by their names.
fn claim_names(claims: &cbor::Value) -> Value {
    let entries = claims
        .as_map()
        .unwrap_or_default()
        .iter()
        .map(|(key, value)| {
            let known = key
                .as_integer()
                .and_then(|number| cat::label::ALL.iter().find(|(known, ..)| *known == number));
            (
                known.map_or_else(|| key_text(key), |(_, name, _)| (*name).to_owned()),
                to_json(value),
            )
        });
    Value::Object(entries.collect())
}

fn key_text(key: &cbor::Value) -> String {
    match key {
        cbor::Value::Integer(number) => number.to_string(),
        cbor::Value::Text(text) => text.clone(),
        other => hex::encode(cbor::encode(other)),
    }
}

fn to_json(value: &cbor::Value) -> Value {
    match value {
        cbor::Value::Integer(number) => {
            i64::try_from(*number).map_or_else(|_| json!(number.to_string()), |n| json!(n))
        }
        cbor::Value::Bytes(bytes) => json!(hex::encode(bytes)),
        cbor::Value::Text(text) => json!(text),
        cbor::Value::Array(list) => Value::Array(list.iter().map(to_json).collect()),
        cbor::Value::Map(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key_text(key), to_json(value)))
                .collect(),
        ),
        cbor::Value::Tag(tag, value) => json!({ "tag": tag, "value": to_json(value) }),
        cbor::Value::Bool(flag) => json!(flag),
        cbor::Value::Null => Value::Null,
        cbor::Value::Float(float) => json!(float),
    }
}
