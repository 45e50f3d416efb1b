//! CloudFront signed URLs and signed cookies: RSA or ECDSA (P-256, in DER) over a policy, canned (only an expiry, for one URL) or custom;
//! SHA-1, or SHA-256 where `Hash-Algorithm=SHA256` stands beside the signature.
//!
//! In a URL: `Expires` or `Policy`, with `Signature` and `Key-Pair-Id`; as cookies the same names behind `CloudFront-`. Base64 is written
//! with `-`, `_` and `~` for `+`, `=` and `/`.
//!
//! Worked example: the canned policy for `https://d111111abcdef8.cloudfront.net/a.mp4` until 1767290400 is
//! `{"Statement":[{"Resource":"https://d111111abcdef8.cloudfront.net/a.mp4","Condition":{"DateLessThan":{"AWS:EpochTime":1767290400}}}]}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use weir_module::RequestHead;

use super::parts::{Held, ORIGIN_HEADERS, from_parameters, join, split, unix_time};
use super::{MAX_TOKEN, Presented, Verifier};
use crate::carrier::Place;
use crate::grant::{Grant, Restriction};
use crate::keys::KeySet;
use crate::path::{NormalPath, as_asked};
use crate::pattern::PathPattern;
use crate::query::{percent_decode, query_without};
use crate::reason::{Reason, Refused};
use crate::signature::Algorithm;

/// The CloudFront format.
#[derive(Debug, Clone)]
pub struct CloudFront {
    clock_skew: i64,
}

impl CloudFront {
    /// A verifier that forgives so many seconds of clock difference.
    pub fn new(clock_skew: i64) -> Self {
        Self { clock_skew }
    }
}

const PARAMETERS: [&str; 5] = [
    "Expires",
    "Policy",
    "Signature",
    "Key-Pair-Id",
    "Hash-Algorithm",
];
const COOKIES: [&str; 5] = [
    "CloudFront-Expires",
    "CloudFront-Policy",
    "CloudFront-Signature",
    "CloudFront-Key-Pair-Id",
    "CloudFront-Hash-Algorithm",
];

/// The canned policy, letter for letter.
pub(crate) fn canned_policy(url: &str, expires: i64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

/// CloudFront's base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD
        .encode(bytes)
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~")
}

fn decode(text: &str) -> Result<Vec<u8>, Refused> {
    // Some link builders encode the tilde.
    let text = percent_decode(text).ok_or(Reason::TokenMalformed)?;
    if text.contains(['+', '=', '/']) {
        return Err(Reason::TokenMalformed.into());
    }
    let standard = text.replace('-', "+").replace('_', "=").replace('~', "/");
    STANDARD
        .decode(standard)
        .map_err(|_| Reason::TokenMalformed.into())
}

impl Verifier for CloudFront {
    fn headers(&self) -> Vec<String> {
        let mut names = vec!["cookie".to_owned()];
        names.extend(ORIGIN_HEADERS.map(str::to_owned));
        names
    }

    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    ) {
        // A custom policy names its resource itself, so its text is the same for all that it covers. A canned one is signed over the URL, in
        // the normal form or as it was asked for.
        let urls = |policy: &str| {
            if !policy.is_empty() {
                return [String::new(), String::new()];
            }
            let query =
                query_without(head.query().unwrap_or_default(), &PARAMETERS).unwrap_or_default();
            let url = |path| crate::url::url(head, path, &query);
            [
                url(path.encoded()).unwrap_or_else(|| "\u{0}".to_owned()),
                as_asked(head, path).and_then(url).unwrap_or_default(),
            ]
        };
        let [expires, policy, signature, id, hash] =
            PARAMETERS.map(|name| Held::parameter(head, name));
        if signature.is_there() || policy.is_there() {
            let [url, asked] = urls(policy.text());
            let text = join(&[
                expires.text(),
                signature.text(),
                id.text(),
                hash.text(),
                &url,
                &asked,
                policy.text(),
            ]);
            out.push(from_parameters(text, head, &PARAMETERS));
        }
        let [expires, policy, signature, id, hash] = COOKIES.map(|name| Held::cookie(head, name));
        if signature.is_there() || policy.is_there() {
            let [url, asked] = urls(policy.text());
            let text = join(&[
                expires.text(),
                signature.text(),
                id.text(),
                hash.text(),
                &url,
                &asked,
                policy.text(),
            ]);
            let places = COOKIES.iter().map(|name| Place::Cookie(name)).collect();
            out.push(Presented {
                text: text.into(),
                raw: "".into(),
                places,
            });
        }
    }

    fn recognises(&self, text: &str) -> bool {
        text.matches('\n').count() >= 6
    }

    fn path_token(&self, _path: &NormalPath<'_>) -> Option<usize> {
        None
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        let [expires, signature, id, hash, url, asked, policy] = split(text)?;
        if text.len() > MAX_TOKEN + 4096 || [signature, id].contains(&"") {
            return Err(Reason::TokenMalformed.into());
        }
        // SHA-1 unless the parameter says otherwise, for keys of both kinds.
        let usual = match hash {
            "" | "SHA1" => [Algorithm::Rs1, Algorithm::EcdsaSha1],
            "SHA256" => [Algorithm::Rs256, Algorithm::Es256],
            _ => return Err(Reason::AlgorithmNotAllowed.into()),
        };
        let signature = decode(signature)?;
        let (documents, grant) = if policy.is_empty() {
            let until = unix_time(expires).ok_or(Reason::TokenMalformed)?;
            if url == "\u{0}" {
                return Err(Refused::about(Reason::ClaimUnsupported, "Resource"));
            }
            let limit = Restriction::Url(PathPattern::exact_text(url));
            let grant = Grant {
                expires: Some(until),
                restrictions: vec![limit],
                ..Grant::default()
            };
            let spellings = [url, asked].into_iter().filter(|url| !url.is_empty());
            let documents: Vec<Vec<u8>> = spellings
                .map(|url| canned_policy(url, until).into_bytes())
                .collect();
            (documents, grant)
        } else {
            // With a policy an `Expires` beside it means nothing, and could fool whoever reads it.
            if !expires.is_empty() {
                return Err(Reason::TokenMalformed.into());
            }
            let document = decode(policy)?;
            let grant = custom(&document)?;
            (vec![document], grant)
        };
        // The key's own binding decides whether it may be used so.
        let mut outcome = Reason::AlgorithmNotAllowed;
        for key in keys.candidates(Some(id.as_bytes()))? {
            let bound = |algorithm: &Algorithm| key.algorithms().contains(algorithm);
            let Some(algorithm) = usual.into_iter().find(bound) else {
                continue;
            };
            let raw = match algorithm {
                Algorithm::Es256 | Algorithm::EcdsaSha1 => ecdsa_raw(&signature),
                _ => signature.clone(),
            };
            let holds = |document: &Vec<u8>| key.material().verify(algorithm, document, &raw);
            if documents.iter().any(holds) {
                return Ok(grant);
            }
            outcome = Reason::SignatureInvalid;
        }
        Err(outcome.into())
    }

    fn clock_skew(&self) -> i64 {
        self.clock_skew
    }
}

/// An ECDSA signature as `r || s`, from DER where it comes so.
fn ecdsa_raw(signature: &[u8]) -> Vec<u8> {
    match p256::ecdsa::Signature::from_der(signature) {
        Ok(parsed) => parsed.to_bytes().to_vec(),
        Err(_) => signature.to_vec(),
    }
}

/// The DER of an ECDSA signature that stands as `r || s`; none for RSA.
pub(crate) fn ecdsa_der(algorithm: Algorithm, signature: &[u8]) -> Option<Vec<u8>> {
    let ecdsa = matches!(algorithm, Algorithm::Es256 | Algorithm::EcdsaSha1);
    let parsed = p256::ecdsa::Signature::from_slice(signature).ok();
    parsed
        .filter(|_| ecdsa)
        .map(|parsed| parsed.to_der().as_bytes().to_vec())
}

/// A custom policy: one statement, a resource with wildcards, an expiry, perhaps a beginning and an address.
fn custom(document: &[u8]) -> Result<Grant, Refused> {
    let bad = |name: &'static str| Refused::about(Reason::ClaimMalformed, name);
    let policy = crate::json::object(document).map_err(|_| Reason::TokenMalformed)?;
    let only = |map: &Map<String, Value>, known: &[&str]| match map
        .keys()
        .find(|key| !known.contains(&key.as_str()))
    {
        Some(unknown) => Err(Refused::about(Reason::ClaimUnsupported, unknown.clone())),
        None => Ok(()),
    };
    only(&policy, &["Statement", "Version", "Id"])?;
    let statements = policy
        .get("Statement")
        .and_then(Value::as_array)
        .ok_or_else(|| bad("Statement"))?;
    let [Value::Object(statement)] = statements.as_slice() else {
        return Err(bad("Statement"));
    };
    only(statement, &["Resource", "Condition", "Sid"])?;
    let mut grant = Grant::default();
    let resource = match statement.get("Resource") {
        None => "*",
        Some(resource) => resource.as_str().ok_or_else(|| bad("Resource"))?,
    };
    grant.restrictions.push(Restriction::Url(
        PathPattern::over_text(resource).map_err(|_| bad("Resource"))?,
    ));
    let conditions = statement
        .get("Condition")
        .and_then(Value::as_object)
        .ok_or_else(|| bad("Condition"))?;
    for (name, value) in conditions {
        let value = value.as_object().ok_or_else(|| bad("Condition"))?;
        let time = || {
            only(value, &["AWS:EpochTime"])?;
            value
                .get("AWS:EpochTime")
                .and_then(Value::as_i64)
                .ok_or_else(|| bad("AWS:EpochTime"))
        };
        match name.as_str() {
            "DateLessThan" => grant.expires = Some(time()?),
            // "Greater than": from the second after.
            "DateGreaterThan" => grant.not_before = Some(time()?.saturating_add(1)),
            "IpAddress" => {
                only(value, &["AWS:SourceIp"])?;
                let text = value
                    .get("AWS:SourceIp")
                    .and_then(Value::as_str)
                    .ok_or_else(|| bad("AWS:SourceIp"))?;
                let network = text.parse().map_err(|_| bad("AWS:SourceIp"))?;
                grant
                    .restrictions
                    .push(Restriction::Networks(vec![network]));
            }
            _ => return Err(Refused::about(Reason::ClaimUnsupported, name.clone())),
        }
    }
    if grant.expires.is_none() {
        return Err(Refused::about(Reason::ClaimMissing, "DateLessThan"));
    }
    Ok(grant)
}
