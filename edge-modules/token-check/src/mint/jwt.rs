//! Minting JWTs that the [`crate::format::jwt`] verifier reads with its shipped claim names.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::MintError;
use crate::pattern::{Dialect, PathPattern};
use crate::signature::{Algorithm, SigningKey};

/// The claims of a token. Times are Unix seconds. Lists that are empty leave their claim out; an empty list in the token would
/// cover nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JwtClaims {
    /// `iss`.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`.
    pub audiences: Vec<String>,
    /// `exp`. Verifiers require it unless configured otherwise.
    pub expires: Option<i64>,
    /// `nbf`.
    pub not_before: Option<i64>,
    /// `iat`.
    pub issued_at: Option<i64>,
    /// `jti`.
    pub token_id: Option<String>,
    /// `sid`: the playback session.
    pub session: Option<String>,
    /// `tier`.
    pub tier: Option<String>,
    /// `entitlements`, each `name` or `name=value`.
    pub entitlements: Vec<String>,
    /// `max_streams`.
    pub max_streams: Option<u32>,
    /// `paths`: patterns covered (`/vod/film/*`).
    pub paths: Vec<String>,
    /// `not_paths`: patterns not covered.
    pub not_paths: Vec<String>,
    /// `methods`.
    pub methods: Vec<String>,
    /// `networks`: addresses or CIDR blocks.
    pub networks: Vec<String>,
    /// `countries`.
    pub countries: Vec<String>,
    /// `asns`.
    pub asns: Vec<u32>,
    /// `referrers`: hosts.
    pub referrers: Vec<String>,
    /// Further claims, which win over those above.
    pub more: Map<String, Value>,
}

impl JwtClaims {
    /// Adds a path pattern that the token covers.
    #[must_use]
    pub fn cover(mut self, pattern: impl Into<String>) -> Self {
        self.paths.push(pattern.into());
        self
    }

    /// The claims as JSON.
    fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| {
            let empty = value.as_array().is_some_and(Vec::is_empty);
            if !value.is_null() && !empty {
                map.insert(name.to_owned(), value);
            }
        };
        put("iss", json!(self.issuer));
        put("sub", json!(self.subject));
        put(
            "aud",
            match self.audiences.as_slice() {
                [one] => json!(one),
                all => json!(all),
            },
        );
        put("exp", json!(self.expires));
        put("nbf", json!(self.not_before));
        put("iat", json!(self.issued_at));
        put("jti", json!(self.token_id));
        put("sid", json!(self.session));
        put("tier", json!(self.tier));
        put("entitlements", json!(self.entitlements));
        put("max_streams", json!(self.max_streams));
        put("paths", json!(self.paths));
        put("not_paths", json!(self.not_paths));
        put("methods", json!(self.methods));
        put("networks", json!(self.networks));
        put("countries", json!(self.countries));
        put("asns", json!(self.asns));
        put("referrers", json!(self.referrers));
        map.extend(self.more.clone());
        map
    }
}

pub(super) fn mint(
    key: &SigningKey,
    algorithm: Algorithm,
    id: Option<&str>,
    claims: &JwtClaims,
) -> Result<String, MintError> {
    for pattern in claims.paths.iter().chain(&claims.not_paths) {
        PathPattern::new(pattern, Dialect::Segments).map_err(|_| MintError::Field {
            field: "paths",
            reason: "not a path pattern",
        })?;
    }
    let mut header = json!({ "typ": "JWT", "alg": algorithm.name() });
    if let Some(id) = id {
        header["kid"] = json!(id);
    }
    compact(key, algorithm, &header, &Value::Object(claims.to_json()))
}

/// A compact JWS (RFC 7515 section 7.1) over a JSON header and payload.
pub(crate) fn compact(
    key: &SigningKey,
    algorithm: Algorithm,
    header: &Value,
    payload: &Value,
) -> Result<String, MintError> {
    if algorithm.is_legacy() {
        return Err(MintError::Field {
            field: "alg",
            reason: "a JWT is not signed with MD5 or SHA-1",
        });
    }
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        base64(header.to_string().as_bytes()),
        base64(payload.to_string().as_bytes())
    );
    let signature = key.sign(algorithm, signed.as_bytes())?;
    Ok(format!("{signed}.{}", base64(&signature)))
}
