//! Google Media CDN tokens: fields joined by `~`, signed with Ed25519 or (short tokens) HMAC.
//!
//! One of `FullPath`, `PathGlobs` (patterns joined by `,` or `!`) and `URLPrefix` (base64url) says what is covered; `Starts`, `Expires`,
//! `SessionID`, `Data`, `Headers` and `IPRanges` (base64url) limit it. The value of `FullPath` and the values of `Headers` are signed and
//! left out of the token. `acl` and `paths` stand for `PathGlobs`, `st`, `exp`, `id`, and `data` or `payload` for the other names.
//!
//! Worked example (python-docs-samples, media_cdn/dualtoken_test.py): with the HMAC key
//! `g_SlMILiIWKqsC6Z2L7gy0sReDOqtSrJrE7CXNr5Nl8=`, SHA-256:
//! `PathGlobs=/*~Expires=1663070400~hmac=9439ecdd5c4919f76f915dea72afa85a045579794e63d8cda664f5a1140c8d93`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use smallvec::{SmallVec, smallvec};
use weir_module::RequestHead;

use super::edge_auth::secret_holds;
use super::long_token::{ExchangeRules, LongToken};
use super::parts::{ORIGIN_HEADERS, join, split, unix_time};
use super::{MAX_TOKEN, Presented, Verifier};
use crate::carrier::{Carrier, Found};
use crate::grant::{Grant, Restriction};
use crate::keys::KeySet;
use crate::matching::Match;
use crate::network::{Network, NotANetwork};
use crate::path::{NormalPath, as_asked};
use crate::pattern::{Dialect, PathPattern};
use crate::query::percent_decode;
use crate::reason::{Reason, Refused};
use crate::signature::Algorithm;

/// What a Media CDN token must be like.
#[derive(Debug, Clone)]
pub struct MediaCdnRules {
    /// Where it travels.
    pub carriers: Vec<Carrier>,
    /// Headers that `Headers` may name, in lower case.
    pub headers: Vec<String>,
    /// Whether HMAC is taken beside Ed25519.
    pub hmac: bool,
    /// How a token is exchanged for a longer one, if at all.
    pub exchange: Option<Arc<ExchangeRules>>,
    /// Seconds of clock difference forgiven.
    pub clock_skew: i64,
}

/// The Media CDN format.
#[derive(Debug, Clone)]
pub struct MediaCdn {
    rules: MediaCdnRules,
}

impl MediaCdn {
    /// A verifier by these rules.
    pub fn new(rules: MediaCdnRules) -> Self {
        Self { rules }
    }
}

impl Verifier for MediaCdn {
    fn headers(&self) -> Vec<String> {
        let mut names = super::carrier_headers(&self.rules.carriers);
        names.extend(self.rules.headers.iter().cloned());
        names.extend(ORIGIN_HEADERS.map(str::to_owned));
        names
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
            let token =
                percent_decode(&found.raw).map_or_else(String::new, |decoded| decoded.into_owned());
            let fields = || token.split('~');
            let full_path = fields().any(|field| field == "FullPath");
            // The path token is not part of what was signed.
            let clean = self
                .path_token(path)
                .and_then(|count| path.without_first(count));
            let (path, asked) = if full_path {
                let path = clean.as_ref().unwrap_or(path);
                (path.encoded(), as_asked(head, path).unwrap_or_default())
            } else {
                ("", "")
            };
            let named = fields()
                .find_map(|field| field.strip_prefix("Headers="))
                .unwrap_or_default();
            let values: Vec<String> = named
                .split(',')
                .filter(|name| !name.is_empty())
                .map(|name| {
                    let lower = name.to_ascii_lowercase();
                    let known = self.rules.headers.contains(&lower);
                    let value = if known { head.header_str(&lower) } else { None };
                    format!("{name}={}", value.unwrap_or("\u{0}"))
                })
                .collect();
            let text = join(&[path, asked, &values.join(","), &token]);
            out.push(Presented {
                text: text.into(),
                raw: found.raw,
                places: smallvec![found.place],
            });
        }
    }

    fn recognises(&self, text: &str) -> bool {
        ["~Signature=", "~hmac="]
            .iter()
            .any(|mark| text.contains(mark))
            && ["Expires=", "exp="]
                .iter()
                .any(|field| text.contains(field))
    }

    fn path_token(&self, path: &NormalPath<'_>) -> Option<usize> {
        super::path_token(&self.rules.carriers, path, |segment| {
            segment.contains("~Expires=") || segment.contains("~exp=")
        })
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        let [path, asked, header_values, token] = split(text)?;
        if token.is_empty() || token.len() > MAX_TOKEN {
            return Err(Reason::TokenMalformed.into());
        }
        let (fields, proof) = token.rsplit_once('~').ok_or(Reason::TokenMalformed)?;
        let spelled = |path: &str| self.proven(fields, path, header_values, proof, keys);
        match spelled(path) {
            Err(refused) if refused.reason == Reason::SignatureInvalid && !asked.is_empty() => {
                spelled(asked)?;
            }
            outcome => outcome?,
        }
        let mut grant = grant(fields, path, header_values)?;
        if let Some(rules) = &self.rules.exchange {
            let short: Vec<_> = fields.split('~').map(named).collect();
            let long = LongToken::new(rules, &short, path, header_values);
            // A scope that no long token can have: the session would end with the short one.
            let long = long.ok_or_else(|| Refused::about(Reason::ClaimUnsupported, "FullPath"))?;
            grant.exchange = Some(Box::new(long));
        }
        Ok(grant)
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}

impl MediaCdn {
    /// Whether the signature or code holds over the fields with this path.
    fn proven(
        &self,
        fields: &str,
        path: &str,
        header_values: &str,
        proof: &str,
        keys: &KeySet,
    ) -> Result<(), Refused> {
        let message = message(fields, path, header_values);
        match proof.split_once('=') {
            Some(("Signature", signature)) => {
                let signature = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('='));
                let signature = signature.map_err(|_| Reason::TokenMalformed)?;
                keys.verify(None, Algorithm::EdDsa, message.as_bytes(), &signature)?;
            }
            Some(("hmac", code)) if self.rules.hmac => {
                let code = hex::decode(code).map_err(|_| Reason::TokenMalformed)?;
                let algorithm = match code.len() {
                    20 => Algorithm::HmacSha1,
                    32 => Algorithm::Hs256,
                    _ => return Err(Reason::TokenMalformed.into()),
                };
                secret_holds(keys, algorithm, &message, &code)?;
            }
            Some(("hmac", _)) => return Err(Reason::AlgorithmNotAllowed.into()),
            _ => return Err(Reason::TokenMalformed.into()),
        }
        Ok(())
    }
}

/// The signed text: the fields, with the values that the token leaves out.
pub(crate) fn message(fields: &str, path: &str, header_values: &str) -> String {
    let filled: Vec<String> = fields
        .split('~')
        .map(|field| match field {
            "FullPath" => format!("FullPath={path}"),
            _ if field.starts_with("Headers=") => format!("Headers={header_values}"),
            _ => field.to_owned(),
        })
        .collect();
    filled.join("~")
}

/// A field with its usual name: some fields have shorter ones too, under which they are signed as they stand.
fn named(field: &str) -> (&str, &str) {
    let name = field.split_once('=').map_or(field, |(name, _)| name);
    let usual = match name {
        "paths" | "acl" => "PathGlobs",
        "st" => "Starts",
        "exp" => "Expires",
        "id" => "SessionID",
        "data" | "payload" => "Data",
        _ => name,
    };
    (usual, field)
}

fn grant(fields: &str, path: &str, header_values: &str) -> Result<Grant, Refused> {
    let mut grant = Grant::default();
    let mut seen: Vec<&str> = Vec::new();
    for field in fields.split('~') {
        let (name, _) = named(field);
        let value = field.split_once('=').map_or("", |(_, value)| value);
        let bad = || Refused::about(Reason::ClaimMalformed, name.to_owned());
        if seen.contains(&name) {
            return Err(bad());
        }
        seen.push(name);
        let decoded = |value: &str| {
            let bytes = URL_SAFE_NO_PAD
                .decode(value.trim_end_matches('='))
                .map_err(|_| bad())?;
            String::from_utf8(bytes).map_err(|_| bad())
        };
        match name {
            "FullPath" if field == "FullPath" => {
                let path = NormalPath::new(path)?;
                grant
                    .restrictions
                    .push(Restriction::Paths(vec![PathPattern::exact(&path)]));
            }
            "PathGlobs" => {
                // `*` crosses slashes here, `?` is one character.
                let pattern = |text: &str| {
                    PathPattern::new(text.trim(), Dialect::Anything).map_err(|_| bad())
                };
                let patterns = value
                    .split([',', '!'])
                    .map(pattern)
                    .collect::<Result<_, _>>()?;
                grant.restrictions.push(Restriction::Paths(patterns));
            }
            "URLPrefix" => {
                let prefix = decoded(value)?;
                if !prefix.starts_with("http://") && !prefix.starts_with("https://") {
                    return Err(bad());
                }
                grant.restrictions.push(Restriction::UrlPrefix(prefix));
            }
            "Starts" => grant.not_before = Some(unix_time(value).ok_or_else(bad)?),
            "Expires" => grant.expires = Some(unix_time(value).ok_or_else(bad)?),
            "SessionID" => grant.session = Some(value.to_owned()),
            "Data" | "KeyName" => {}
            "Headers" => {
                for pair in header_values.split(',') {
                    let (name, value) = pair.split_once('=').ok_or_else(bad)?;
                    if value == "\u{0}" {
                        return Err(Refused::about(Reason::HeaderNotAllowed, name.to_owned()));
                    }
                    let exact = Match::Exact(value.to_owned());
                    grant
                        .restrictions
                        .push(Restriction::Header(name.to_ascii_lowercase(), vec![exact]));
                }
            }
            "IPRanges" => {
                let networks = decoded(value)?
                    .split(',')
                    .map(|text| range(text.trim()))
                    .collect::<Result<_, _>>();
                grant
                    .restrictions
                    .push(Restriction::Networks(networks.map_err(|_| bad())?));
            }
            _ => return Err(Refused::about(Reason::ClaimUnsupported, name.to_owned())),
        }
    }
    let scopes = ["FullPath", "PathGlobs", "URLPrefix"]
        .iter()
        .filter(|name| seen.contains(name))
        .count();
    if scopes != 1 {
        return Err(Refused::about(
            Reason::ClaimMissing,
            "FullPath, PathGlobs or URLPrefix",
        ));
    }
    if grant.expires.is_none() {
        return Err(Refused::about(Reason::ClaimMissing, "Expires"));
    }
    Ok(grant)
}

/// A block; an IPv6 prefix may leave off its zeros without `::` (`2001:db8:4a7f:a732/64`), as the published examples do.
fn range(text: &str) -> Result<Network, NotANetwork> {
    text.parse().or_else(|error| match text.split_once('/') {
        Some((base, length)) if base.contains(':') && !base.contains("::") => {
            format!("{base}::/{length}").parse()
        }
        _ => Err(error),
    })
}
