//! Cloudflare Stream's signed tokens: a JWT in place of the video id, `/<token>/manifest/video.m3u8`.
//!
//! `sub` is the video id, which takes the token's place in the path that goes on; `accessRules` are tried in order, the first that fits
//! decides. A request that no rule fits may pass, as the vendor has it: end the list with `{"type":"any","action":"block"}` to keep the rest out.
//!
//! Worked example, claims: `{"sub":"ea95132c15732412d22c1476fa83f27a","kid":"k1","exp":1800000000,"accessRules":[{"type":"ip.geoip.country",`
//! `"country":["DE"],"action":"allow"},{"type":"any","action":"block"}]}`.

use serde_json::Value;
use weir_module::RequestHead;

use super::jwt::{Claims, Round, looks_like_jwt, parse, verify_signature};
use super::{Presented, Verifier};
use crate::carrier::Carrier;
use crate::grant::{AccessRule, Grant, Restriction};
use crate::keys::KeySet;
use crate::network::Network;
use crate::path::NormalPath;
use crate::reason::{Reason, Refused};
use crate::signature::Algorithm;

/// What a Stream token must be like.
#[derive(Debug, Clone)]
pub struct CloudflareStreamRules {
    /// The algorithms taken.
    pub algorithms: Vec<Algorithm>,
    /// Longest time that a token may still run, in seconds.
    pub max_lifetime: Option<i64>,
    /// Seconds of clock difference forgiven.
    pub clock_skew: i64,
}

/// The Stream format.
#[derive(Debug, Clone)]
pub struct CloudflareStream {
    rules: CloudflareStreamRules,
    carriers: [Carrier; 1],
}

impl CloudflareStream {
    /// A verifier by these rules.
    pub fn new(rules: CloudflareStreamRules) -> Self {
        Self {
            rules,
            carriers: [Carrier::Path(Vec::new())],
        }
    }
}

impl Verifier for CloudflareStream {
    fn headers(&self) -> Vec<String> {
        Vec::new()
    }

    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    ) {
        if self.path_token(path).is_some() {
            super::present_single(&self.carriers, head, path, out);
        }
    }

    fn recognises(&self, text: &str) -> bool {
        looks_like_jwt(text)
    }

    fn path_token(&self, path: &NormalPath<'_>) -> Option<usize> {
        super::path_token(&self.carriers, path, looks_like_jwt)
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        let token = parse(text)?;
        // Cloudflare names the key in the claims as well as in the header; the header's is checked with the signature.
        verify_signature(&token, &self.rules.algorithms, &[], keys)?;
        let claims = Claims(&token.claims);
        let expires = claims
            .seconds("exp", Round::Down)?
            .ok_or(Refused::about(Reason::ClaimMissing, "exp"))?;
        let video = claims
            .text("sub")?
            .ok_or(Refused::about(Reason::ClaimMissing, "sub"))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if video.is_empty() || !video.bytes().all(plain) {
            return Err(Refused::about(Reason::ClaimMalformed, "sub"));
        }
        let mut grant = Grant {
            expires: Some(expires),
            not_before: claims.seconds("nbf", Round::Up)?,
            path_prefix: Some(format!("/{video}")),
            ..Grant::default()
        };
        if let Some(seconds) = self.rules.max_lifetime {
            grant
                .restrictions
                .push(Restriction::EndsWithin { expires, seconds });
        }
        if let Some(rules) = token.claims.get("accessRules") {
            grant
                .restrictions
                .push(Restriction::FirstRule(access_rules(rules)?));
        }
        // Downloads are other paths than playback, which this origin does not have: the flag restricts nothing here.
        Ok(grant)
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}

fn access_rules(value: &Value) -> Result<Vec<AccessRule>, Refused> {
    let bad = || Refused::about(Reason::ClaimMalformed, "accessRules");
    let read = |rule: &Value| {
        let texts = |name: &str| {
            let list = rule.get(name)?.as_array()?;
            list.iter()
                .map(Value::as_str)
                .collect::<Option<Vec<&str>>>()
        };
        let allow = match rule.get("action")?.as_str()? {
            "allow" => true,
            "block" => false,
            _ => return None,
        };
        let condition = match rule.get("type")?.as_str()? {
            "any" => None,
            "ip.src" => {
                let networks = texts("ip")?
                    .into_iter()
                    .map(|text| text.parse::<Network>().ok())
                    .collect::<Option<_>>()?;
                Some(Restriction::Networks(networks))
            }
            "ip.geoip.country" => Some(Restriction::Countries(
                texts("country")?
                    .into_iter()
                    .map(str::to_ascii_uppercase)
                    .collect(),
            )),
            _ => return None,
        };
        Some(AccessRule { condition, allow })
    };
    let list = value
        .as_array()
        .filter(|list| list.len() <= 16)
        .ok_or_else(bad)?;
    list.iter().map(read).collect::<Option<_>>().ok_or_else(bad)
}
