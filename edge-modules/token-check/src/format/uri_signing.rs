//! URI Signing for CDN interconnection (RFC 9246): a JWT whose `cdniuc` says which URIs it covers.
//!
//! The container is a POSIX extended regular expression over the whole URI, or a hash of it. The token itself is no part of the URI that is
//! compared (section 2.1.15).
//!
//! Worked example, claims: `{"iss":"csp","exp":1800000000,"cdniv":1,"cdniuc":"regex:https://cdn\\.example/vod/film/.*"}`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;
use weir_module::RequestHead;

use super::jwt::{
    Claims, Round, check_audience, check_issuer, looks_like_jwt, parse, verify_signature,
};
use super::parts::ORIGIN_HEADERS;
use super::{Presented, Verifier};
use crate::carrier::Carrier;
use crate::grant::{Grant, Replay, Restriction};
use crate::keys::KeySet;
use crate::matching::Match;
use crate::network::Network;
use crate::path::NormalPath;
use crate::reason::{Reason, Refused};
use crate::signature::Algorithm;

/// What a signed JWT must be like.
#[derive(Debug, Clone)]
pub struct UriSigningRules {
    /// Where it travels.
    pub carriers: Vec<Carrier>,
    /// The algorithms taken; empty for all that the keys are bound to.
    pub algorithms: Vec<Algorithm>,
    /// The issuers taken; empty for any that a key's binding allows.
    pub issuers: Vec<String>,
    /// The names that this service goes by; `*` for any.
    pub audiences: Vec<String>,
    /// Seconds of clock difference forgiven.
    pub clock_skew: i64,
}

/// The URI signing format.
#[derive(Debug, Clone)]
pub struct UriSigning {
    rules: UriSigningRules,
}

impl UriSigning {
    /// A verifier by these rules.
    pub fn new(rules: UriSigningRules) -> Self {
        Self { rules }
    }
}

/// The claims that are understood (section 2.1); `cdnicrit` may name these alone. Tokens are not renewed here (`cdniets`, `cdnistt`, `cdnistd`):
/// one that must be is refused rather than left to end in mid-session.
const UNDERSTOOD: [&str; 11] = [
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cdniv", "cdnicrit", "cdniip", "cdniuc",
];

impl Verifier for UriSigning {
    fn headers(&self) -> Vec<String> {
        let mut names = super::carrier_headers(&self.rules.carriers);
        names.extend(ORIGIN_HEADERS.map(str::to_owned));
        names
    }

    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    ) {
        super::present_single(&self.rules.carriers, head, path, out);
    }

    fn recognises(&self, text: &str) -> bool {
        looks_like_jwt(text)
    }

    fn path_token(&self, path: &NormalPath<'_>) -> Option<usize> {
        super::path_token(&self.rules.carriers, path, looks_like_jwt)
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        let token = parse(text)?;
        let key = verify_signature(&token, &self.rules.algorithms, &[], keys)?;
        let claims = Claims(&token.claims);
        let issuer = claims.text("iss")?;
        check_issuer(issuer.as_deref(), key, &self.rules.issuers)?;
        check_audience(claims.texts("aud")?.as_deref(), &self.rules.audiences)?;
        match token.claims.get("cdniv") {
            None => {}
            Some(version) if version.as_u64() == Some(1) => {}
            Some(_) => return Err(Refused::about(Reason::ClaimUnsupported, "cdniv")),
        }
        // Section 2.1.10: a list in one string, and what it names and we do not know refuses.
        let critical = claims.text("cdnicrit")?.unwrap_or_default();
        let mut names = critical
            .split(',')
            .map(str::trim)
            .filter(|_| !critical.is_empty());
        if let Some(unknown) = names.find(|name| !UNDERSTOOD.contains(name)) {
            return Err(Refused::about(
                Reason::CriticalUnsupported,
                unknown.to_owned(),
            ));
        }
        let mut grant = Grant {
            issuer,
            subject: claims.text("sub")?,
            token_id: claims.text("jti")?,
            not_before: claims.seconds("nbf", Round::Up)?,
            expires: claims.seconds("exp", Round::Down)?,
            issued_at: claims.seconds("iat", Round::Down)?,
            ..Grant::default()
        };
        // Section 2.1.7: a token id is there to be used once.
        if grant.token_id.is_some() {
            grant.replay = Replay::Once;
        }
        let container = claims
            .text("cdniuc")?
            .ok_or(Refused::about(Reason::ClaimMissing, "cdniuc"))?;
        grant
            .restrictions
            .push(Restriction::WholeUrl(uri_container(&container)?));
        if let Some(address) = claims.text("cdniip")? {
            let network: Network = address
                .parse()
                .map_err(|_| Refused::about(Reason::ClaimMalformed, "cdniip"))?;
            grant
                .restrictions
                .push(Restriction::Networks(vec![network]));
        }
        Ok(grant)
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}

/// Section 2.1.15: `regex:` or `hash:`.
fn uri_container(container: &str) -> Result<Match, Refused> {
    let bad = || Refused::about(Reason::ClaimMalformed, "cdniuc");
    if let Some(pattern) = container.strip_prefix("regex:") {
        // The expression is for the whole URI, whether or not it is anchored.
        return Match::regex(&format!("^(?:{pattern})$")).ok_or_else(bad);
    }
    if let Some(hash) = container.strip_prefix("hash:") {
        let (name, digest) = hash.split_once(';').ok_or_else(bad)?;
        let digest = URL_SAFE_NO_PAD.decode(digest).map_err(|_| bad())?;
        return match name {
            "sha-256" if digest.len() == <sha2::Sha256 as Digest>::output_size() => {
                Ok(Match::Sha256(digest))
            }
            "sha-512" if digest.len() == <sha2::Sha512 as Digest>::output_size() => {
                Ok(Match::Sha512(digest))
            }
            _ => Err(Refused::about(Reason::ClaimUnsupported, "cdniuc")),
        };
    }
    Err(Refused::about(Reason::ClaimUnsupported, "cdniuc"))
}
