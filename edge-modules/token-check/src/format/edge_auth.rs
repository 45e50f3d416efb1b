//! Akamai EdgeAuth token 2.0: `st=…~exp=…~acl=…~id=…~data=…~hmac=…`.
//!
//! The HMAC covers the fields as they stand, then `url` for tokens without `acl`, then a salt; both are left out of the token. An `acl` is
//! a list of patterns joined by `!`, `*` and `?` crossing slashes.
//!
//! Worked example, key `00112233445566778899aabbccddeeff`, SHA-256:
//! `exp=1800000000~acl=/vod/*~hmac=` and the HMAC of `exp=1800000000~acl=/vod/*`.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};
use weir_module::RequestHead;

use super::parts::{join, split, unix_time};
use super::{MAX_TOKEN, Presented, Verifier};
use crate::carrier::{Carrier, Found, Place};
use crate::grant::{Grant, Restriction};
use crate::keys::KeySet;
use crate::network::Network;
use crate::path::{NormalPath, as_asked};
use crate::pattern::{Dialect, PathPattern};
use crate::query::{percent_decode, query_without};
use crate::reason::{Reason, Refused};
use crate::signature::{Algorithm, VerifyingKey, mac};
use subtle::ConstantTimeEq;

/// What an EdgeAuth token must be like.
#[derive(Debug, Clone)]
pub struct EdgeAuthRules {
    /// Where it travels.
    pub carriers: Vec<Carrier>,
    /// `HS256`, `HMAC-SHA1` or `HMAC-MD5`.
    pub algorithm: Algorithm,
    /// The salt, when one is agreed.
    pub salt: Option<String>,
    /// Whether a `url` is signed in its escaped form (lower-case `%2f`).
    pub escape_early: bool,
    /// Seconds of clock difference forgiven.
    pub clock_skew: i64,
}

/// The EdgeAuth format.
#[derive(Debug, Clone)]
pub struct EdgeAuth {
    rules: EdgeAuthRules,
}

impl EdgeAuth {
    /// A verifier by these rules.
    pub fn new(rules: EdgeAuthRules) -> Self {
        Self { rules }
    }
}

/// The text that is signed for some fields.
pub(crate) fn message(
    fields: &str,
    url: Option<&str>,
    salt: Option<&str>,
    escape_early: bool,
) -> String {
    let mut text = fields.to_owned();
    if let Some(url) = url {
        text.push_str("~url=");
        text.push_str(&if escape_early {
            escape(url)
        } else {
            url.to_owned()
        });
    }
    if let Some(salt) = salt {
        text.push_str("~salt=");
        text.push_str(salt);
    }
    text
}

/// Form encoding with lower-case hexadecimal digits and `+` for a space, as the reference generator writes it.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

impl Verifier for EdgeAuth {
    fn headers(&self) -> Vec<String> {
        super::carrier_headers(&self.rules.carriers)
    }

    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    ) {
        let mut several: SmallVec<[Found<'_>; 1]> = SmallVec::new();
        for carrier in &self.rules.carriers {
            carrier.find(head, path, |found| several.push(found));
        }
        for found in several {
            // A token with `acl` does not depend on the path and is remembered for all of it.
            let acl = found.raw.split('~').any(|field| field.starts_with("acl="));
            let query = match found.place {
                Place::Query(name) => query_without(head.query().unwrap_or_default(), &[name]),
                _ => head.query().map(str::to_owned),
            };
            let text = match (acl, query) {
                (true, _) => join(&["", "", "", &found.raw]),
                (false, query) => join(&[
                    path.encoded(),
                    as_asked(head, path).unwrap_or_default(),
                    &query.unwrap_or_default(),
                    &found.raw,
                ]),
            };
            out.push(Presented {
                text: text.into(),
                raw: found.raw,
                places: smallvec![found.place],
            });
        }
    }

    fn recognises(&self, text: &str) -> bool {
        text.contains("exp=") && text.contains("~hmac=")
    }

    fn path_token(&self, path: &NormalPath<'_>) -> Option<usize> {
        super::path_token(&self.rules.carriers, path, |segment| {
            segment.contains("~hmac=")
        })
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        let [path, asked, query, raw] = split(text)?;
        if raw.len() > MAX_TOKEN {
            return Err(Reason::TokenMalformed.into());
        }
        // A client library may have encoded the token as a whole; one that is escaped early is signed as it stands.
        let decoded = percent_decode(raw).ok_or(Reason::TokenMalformed)?;
        let urls = urls(path, asked, query);
        let first = self.check(raw, path, &urls, keys);
        match first {
            Err(refused) if refused.reason != Reason::KeyUnknown && *decoded != *raw => {
                self.check(&decoded, path, &urls, keys)
            }
            outcome => outcome,
        }
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}

impl EdgeAuth {
    fn check(
        &self,
        token: &str,
        path: &str,
        urls: &[Option<String>],
        keys: &KeySet,
    ) -> Result<Grant, Refused> {
        let malformed = || Refused::from(Reason::TokenMalformed);
        let (fields, hmac) = token.rsplit_once("~hmac=").ok_or_else(malformed)?;
        let hmac = hex::decode(hmac).map_err(|_| malformed())?;
        let acl = fields.split('~').any(|field| field.starts_with("acl="));
        let mut outcome = Err(Reason::SignatureInvalid.into());
        for url in if acl { &[None] } else { urls } {
            let salt = self.rules.salt.as_deref();
            let message = message(fields, url.as_deref(), salt, self.rules.escape_early);
            outcome = secret_holds(keys, self.rules.algorithm, &message, &hmac);
            if outcome.is_ok() {
                break;
            }
        }
        outcome?;
        self.grant(fields, path)
    }

    fn grant(&self, fields: &str, path: &str) -> Result<Grant, Refused> {
        let mut grant = Grant::default();
        let mut seen: Vec<&str> = Vec::new();
        for field in fields.split('~') {
            let (name, value) = field.split_once('=').ok_or(Reason::TokenMalformed)?;
            if seen.contains(&name) {
                return Err(Reason::TokenMalformed.into());
            }
            seen.push(name);
            let bad = || Refused::about(Reason::ClaimMalformed, name.to_owned());
            // The generator's escaping writes a space as a plus.
            let value = match self.rules.escape_early {
                true => Cow::Owned(value.replace('+', " ")),
                false => Cow::Borrowed(value),
            };
            let decoded = percent_decode(&value).ok_or_else(bad)?;
            match name {
                "st" => grant.not_before = Some(unix_time(&value).ok_or_else(bad)?),
                "exp" => grant.expires = Some(unix_time(&value).ok_or_else(bad)?),
                "ip" => {
                    let network: Network = decoded.parse().map_err(|_| bad())?;
                    grant
                        .restrictions
                        .push(Restriction::Networks(vec![network]));
                }
                "acl" => {
                    let pattern =
                        |text: &str| PathPattern::new(text, Dialect::Anything).map_err(|_| bad());
                    let patterns = decoded.split('!').map(pattern).collect::<Result<_, _>>()?;
                    grant.restrictions.push(Restriction::Paths(patterns));
                }
                "id" => grant.session = Some(decoded.into_owned()),
                // Opaque to the edge: it is for the origin's log.
                "data" => {}
                _ => return Err(Refused::about(Reason::ClaimUnsupported, name.to_owned())),
            }
        }
        if grant.expires.is_none() {
            return Err(Refused::about(Reason::ClaimMissing, "exp"));
        }
        if !seen.contains(&"acl") {
            let path = NormalPath::new(path)?;
            grant
                .restrictions
                .push(Restriction::Paths(vec![PathPattern::exact(&path)]));
        }
        Ok(grant)
    }
}

/// What a generator may have been given as `url`: the path in its normal form, as it is requested or as people write it, with the query or,
/// where the server is told to ignore it, without.
fn urls(path: &str, asked: &str, query: &str) -> Vec<Option<String>> {
    let decoded = NormalPath::new(path).map(|path| path.decoded().to_owned());
    let mut urls = vec![path.to_owned()];
    urls.extend(decoded.ok().filter(|decoded| decoded != path));
    urls.extend(Some(asked.to_owned()).filter(|asked| !asked.is_empty()));
    if !query.is_empty() {
        let with_query = urls.iter().map(|path| format!("{path}?{query}"));
        let with_query: Vec<String> = with_query.collect();
        urls.extend(with_query);
    }
    urls.into_iter().map(Some).collect()
}

/// Tries every shared secret of a set with an algorithm that the format fixes.
pub(crate) fn secret_holds(
    keys: &KeySet,
    algorithm: Algorithm,
    message: &str,
    expected: &[u8],
) -> Result<(), Refused> {
    for key in keys.candidates(None)? {
        if let VerifyingKey::Secret(secret) = key.material()
            && let Some(found) = mac(algorithm, secret, message.as_bytes())
            && bool::from(found.ct_eq(expected))
        {
            return Ok(());
        }
    }
    Err(Reason::SignatureInvalid.into())
}
