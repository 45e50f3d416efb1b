//! URI Signing for CDN interconnection (RFC 9246): a JWT whose `cdniuc` says which URIs it covers.
//!
//! The container is a POSIX extended regular expression over the whole URI, or a hash of it. The token itself is no part of the URI that is
//! compared (section 2.1.15). The client's address and the subject are encrypted (sections 2.1.2 and 2.1.10), for keys of the configuration.
//!
//! A token with `cdnistt` 1 is answered with a new one in a cookie at every request (section 2.1.13), so that it may be short-lived.
//! The player goes on sending the first one in the URL too; of the two the one that ends later counts. With `cdnistt` 2 the new one goes
//! into the URLs of the playlist (section 3.3.1), by manifest-rewrite, where tokens are handed to it.
//!
//! The package may stand in the query or in a parameter of the path, `/film;URISigningPackage=…` (section 2).
//!
//! Worked example, claims: `{"iss":"csp","exp":1800000000,"cdniv":1,"cdniuc":"regex:https://cdn\\.example/vod/film/.*"}`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::Digest;
use weir_module::RequestHead;

use super::jwt::{
    Claims, Round, check_audience, check_issuer, looks_like_jwt, parse, verify_signature,
};
use super::parts::ORIGIN_HEADERS;
use super::{Presented, Verifier};
use crate::carrier::{Carrier, Place};
use crate::grant::{Grant, Renewal, RenewalCarrier, RenewedClaims, Replay, Restriction};
use crate::jwe::{DecryptionKey, JweError, decrypt, looks_like_jwe};
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
    /// What decrypts addresses and subjects.
    pub decryption_keys: Vec<DecryptionKey>,
    /// The cookie in which a renewed token travels; none where no carrier is a cookie.
    pub cookie: Option<String>,
    /// The query parameter in which a renewed token travels; none where no carrier is one.
    pub query: Option<String>,
    /// The cookie's attributes besides its path.
    pub cookie_attributes: Vec<String>,
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

/// The claims that are understood (section 2.1); `cdnicrit` may name these alone.
const UNDERSTOOD: [&str; 14] = [
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cdniv", "cdnicrit", "cdniip", "cdniuc",
    "cdniets", "cdnistt", "cdnistd",
];

/// Longest life of a renewed token, in seconds: a year.
const MAX_LIFE: i64 = 31_536_000;

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
        let before = out.len();
        super::present_single(&self.rules.carriers, head, path, out);
        if let [one, other] = &out[before..]
            && one.text != other.text
            && in_cookie(one) != in_cookie(other)
        {
            // The token of the URL and its renewal. Whichever is taken is checked whole; both are taken out of the request.
            let later = usize::from(expiry(&one.text) < expiry(&other.text));
            let other = out.remove(before + 1 - later);
            out[before].places.extend(other.places);
        }
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
        // Section 2.1.9: a list in one string, and what it names and we do not know refuses.
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
            subject: self.subject(&claims)?,
            token_id: claims.text("jti")?,
            not_before: claims.seconds("nbf", Round::Up)?,
            expires: claims.seconds("exp", Round::Down)?,
            issued_at: claims.seconds("iat", Round::Down)?,
            ..Grant::default()
        };
        // Section 2.1.7: an id is refused that was seen before in a request for the same content.
        if grant.token_id.is_some() {
            grant.replay = Replay::OncePerPath;
        }
        let container = claims
            .text("cdniuc")?
            .ok_or(Refused::about(Reason::ClaimMissing, "cdniuc"))?;
        grant
            .restrictions
            .push(Restriction::WholeUrl(uri_container(&container)?));
        if let Some(network) = self.network(&claims)? {
            grant
                .restrictions
                .push(Restriction::Networks(vec![network]));
        }
        if let Some((by, lasts)) = self.renewal(&token.claims)? {
            let kid = token.header.get("kid").and_then(Value::as_str);
            let named = key.id().or(kid.map(str::as_bytes)).map(<[u8]>::to_vec);
            let algorithm = token.header.get("alg").and_then(Value::as_str);
            let own = (
                algorithm
                    .and_then(Algorithm::from_jose)
                    .ok_or(Reason::AlgorithmNotAllowed)?,
                named,
            );
            let algorithms = &self.rules.algorithms;
            let allowed = |one: Algorithm| algorithms.is_empty() || algorithms.contains(&one);
            let signer = keys.renewer(key, own, grant.issuer.as_deref(), allowed);
            // Nobody here could renew it: that is said, not found out when the session ends.
            let signer = signer.ok_or(Refused::about(Reason::ClaimUnsupported, "cdnistt"))?;
            grant.renewal = Some(Box::new(Renewal {
                by,
                lasts,
                deadline: None,
                claims: RenewedClaims::Jwt(token.claims),
                signer: Some(signer),
            }));
        }
        Ok(grant)
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}

impl UriSigning {
    /// Section 2.1.2: encrypted, since it is about a person. One that nobody here can read goes on as it stands; it limits nothing.
    fn subject(&self, claims: &Claims<'_>) -> Result<Option<String>, Refused> {
        let bad = || Refused::about(Reason::ClaimMalformed, "sub");
        let Some(subject) = claims.text("sub")? else {
            return Ok(None);
        };
        if !looks_like_jwe(&subject) {
            return Ok(Some(subject));
        }
        match decrypt(&subject, &self.rules.decryption_keys) {
            Ok(plain) => String::from_utf8(plain).map(Some).map_err(|_| bad()),
            Err(JweError::Unsupported) => Ok(Some(subject)),
            Err(JweError::Broken) => Err(bad()),
        }
    }

    /// Section 2.1.10: encrypted, an address or a block, in brackets as the RFC's own example has it. In the clear it binds as well.
    fn network(&self, claims: &Claims<'_>) -> Result<Option<Network>, Refused> {
        let bad = || Refused::about(Reason::ClaimMalformed, "cdniip");
        let Some(mut address) = claims.text("cdniip")? else {
            return Ok(None);
        };
        if looks_like_jwe(&address) {
            let plain = decrypt(&address, &self.rules.decryption_keys).map_err(|error| {
                match error {
                    JweError::Broken => bad(),
                    // What cannot be verified must be refused.
                    JweError::Unsupported => Refused::about(Reason::ClaimUnsupported, "cdniip"),
                }
            })?;
            address = String::from_utf8(plain).map_err(|_| bad())?;
        }
        let inner = address
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let network = inner.unwrap_or(&address).parse().map_err(|_| bad())?;
        Ok(Some(network))
    }

    /// Sections 2.1.12 to 2.1.14: how the token is renewed, and for how many seconds. Section 6.5 registers 0, not at all, 1, by cookie, and 2,
    /// by query. Whatever it says, there must be a number of seconds beside it (section 3.2.1).
    fn renewal(
        &self,
        claims: &Map<String, Value>,
    ) -> Result<Option<(RenewalCarrier, i64)>, Refused> {
        let malformed = |name: &'static str| Refused::about(Reason::ClaimMalformed, name);
        let number = |name: &'static str| match claims.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or(malformed(name)),
        };
        let depth = number("cdnistd")?.unwrap_or_default();
        let depth = usize::try_from(depth).map_err(|_| malformed("cdnistd"))?;
        let lasts = Claims(claims).seconds("cdniets", Round::Down)?;
        let Some(transport) = number("cdnistt")? else {
            return Ok(None);
        };
        let lasts = lasts.ok_or(Refused::about(Reason::ClaimMissing, "cdniets"))?;
        let nowhere = Refused::about(Reason::ClaimUnsupported, "cdnistt");
        let by = match transport {
            0 => return Ok(None),
            1 => RenewalCarrier::CookieBelow(
                self.rules.cookie.clone().ok_or(nowhere)?,
                depth,
                self.rules.cookie_attributes.clone(),
            ),
            2 => RenewalCarrier::Query(self.rules.query.clone().ok_or(nowhere)?),
            _ => return Err(nowhere),
        };
        if !(1..=MAX_LIFE).contains(&lasts) {
            return Err(malformed("cdniets"));
        }
        Ok(Some((by, lasts)))
    }
}

fn in_cookie(token: &Presented<'_>) -> bool {
    matches!(token.places.as_slice(), [Place::Cookie(_)])
}

/// What a token says of its end, unchecked: never is later than any time, what cannot be read is before all.
fn expiry(text: &str) -> i64 {
    parse(text).map_or(i64::MIN, |token| {
        match Claims(&token.claims).seconds("exp", Round::Down) {
            Ok(expires) => expires.unwrap_or(i64::MAX),
            Err(_) => i64::MIN,
        }
    })
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
        // RFC 6920 section 3 has it in base64url; the RFC's own example was made with `/`.
        let digest = digest.replace('+', "-").replace('/', "_");
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
