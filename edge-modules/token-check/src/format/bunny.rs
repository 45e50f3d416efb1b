//! Bunny's advanced token authentication: HMAC-SHA256 over path, expiry, sorted parameters and, when flagged, the client's address.
//!
//! Two forms: `?token=HS256-…&expires=…` with further parameters, and `/bcdn_token=HS256-…&expires=…&token_path=…/rest`, which relative
//! URLs inherit. `HS256-1-` marks a token that is bound to the client's address (an IPv6 address to its /64 prefix); older generators append an IPv4 address as text and set no flag.
//!
//! Worked example (BunnyCDN.TokenAuthentication, e2e/vectors.json): key `SecurityKey`, `/300kb.jpg` until 1598024587:
//! `token=HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4&expires=1598024587`.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use smallvec::smallvec;
use subtle::ConstantTimeEq;
use weir_module::RequestHead;

use super::parts::{Held, from_parameters, join, joined_time, split, unix_time};
use super::{Presented, Verifier};
use crate::carrier::Place;
use crate::client::ClientSource;
use crate::grant::{Grant, Restriction};
use crate::keys::KeySet;
use crate::network::Network;
use crate::path::{NormalPath, as_asked, spelled};
use crate::pattern::PathPattern;
use crate::query::{percent_decode, query_pairs};
use crate::reason::{Reason, Refused};
use crate::signature::{Algorithm, VerifyingKey, mac};

/// The Bunny format.
#[derive(Debug, Clone)]
pub struct Bunny {
    client: ClientSource,
    clock_skew: i64,
}

/// Parameters that are the token's own.
const OWN: [&str; 7] = [
    "token",
    "expires",
    "token_path",
    "token_countries",
    "token_countries_blocked",
    "token_ignore_params",
    "limit",
];
const PATH_TOKEN: &str = "bcdn_token=";

impl Bunny {
    /// A verifier that reads the client's address from `client`.
    pub fn new(client: ClientSource, clock_skew: i64) -> Self {
        Self { client, clock_skew }
    }
}

/// What is signed: path, expiry, the address in bytes, the parameters by name.
pub(crate) fn message(
    path: &str,
    expires: &str,
    address: &[u8],
    parameters: &[(String, String)],
) -> Vec<u8> {
    let mut sorted = parameters.to_vec();
    sorted.sort();
    let joined: Vec<String> = sorted
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    [
        path.as_bytes(),
        expires.as_bytes(),
        address,
        joined.join("&").as_bytes(),
    ]
    .concat()
}

/// The address as it is signed: 4 bytes, or the /64 prefix in 16 bytes, since a household's IPv6 addresses change below that.
pub(crate) fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => (address.to_bits() >> 64 << 64).to_be_bytes().to_vec(),
    }
}

/// A directory and all below it. `/abc` does not cover `/abcd`.
fn below(path: &NormalPath<'_>) -> Vec<PathPattern> {
    let directory = format!("{}/", path.decoded().trim_end_matches('/'));
    vec![
        PathPattern::exact(path),
        PathPattern::starts_with(&directory),
    ]
}

/// The path that goes into the text: a token with `token_path` does not depend on the path that is asked for.
fn signed_path<'a>(parameters: &str, path: &'a NormalPath<'_>) -> &'a str {
    let scoped = query_pairs(parameters)
        .any(|(name, _)| percent_decode(name).is_some_and(|name| name == "token_path"));
    if scoped { "" } else { path.encoded() }
}

impl Verifier for Bunny {
    fn headers(&self) -> Vec<String> {
        self.client
            .headers()
            .iter()
            .map(|name| (*name).to_owned())
            .collect()
    }

    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    ) {
        let address = self
            .client
            .address(head)
            .map(|address| address.to_string())
            .unwrap_or_default();
        let query = head.query().unwrap_or_default();
        if let Some(end) = self.before_path(head.path()) {
            let (segment, rest) = head.path().split_at(end);
            let segment = &segment[1..];
            let own = &segment[PATH_TOKEN.len() - "token=".len()..];
            let signed = signed_path(own, path);
            let asked = spelled(rest, path).filter(|_| !signed.is_empty());
            let asked = asked.unwrap_or_default();
            let text = join(&["path", &address, signed, asked, own, query]);
            out.push(Presented {
                text: text.into(),
                raw: segment.into(),
                places: smallvec![Place::Path(1)],
            });
        }
        let ours = matches!(Held::parameter(head, "token"), Held::One(token) if token.starts_with("HS256-"));
        if ours || Held::parameter(head, "token") == Held::Several {
            let signed = signed_path(query, path);
            let asked = as_asked(head, path).filter(|_| !signed.is_empty());
            let text = join(&[
                "query",
                &address,
                signed,
                asked.unwrap_or_default(),
                query,
                "",
            ]);
            out.push(from_parameters(text, head, &OWN));
        }
    }

    fn recognises(&self, text: &str) -> bool {
        text.starts_with("path\n") || text.starts_with("query\n")
    }

    /// `token_path` has encoded slashes, which no path may have.
    fn before_path(&self, asked: &str) -> Option<usize> {
        let first = asked.strip_prefix('/')?;
        let end = first.find('/').filter(|_| first.starts_with(PATH_TOKEN))?;
        Some(end + 1)
    }

    fn path_token(&self, _path: &NormalPath<'_>) -> Option<usize> {
        None
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        let [_, address, path, asked, own, further] = split(text)?;
        let malformed = || Refused::from(Reason::TokenMalformed);
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in query_pairs(own).chain(query_pairs(further)) {
            let name = percent_decode(name).ok_or_else(malformed)?.into_owned();
            let value = percent_decode(value).ok_or_else(malformed)?.into_owned();
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(malformed());
            }
            parameters.push((name, value));
        }
        let mut take = |name: &str| {
            let at = parameters.iter().position(|(known, _)| known == name)?;
            Some(parameters.remove(at).1)
        };
        let token = take("token").ok_or_else(malformed)?;
        let expires = take("expires").ok_or_else(malformed)?;
        let until = joined_time(&expires).ok_or_else(malformed)?;
        let value = |name: &str| {
            parameters
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        };
        let scope = value("token_path");
        if value("token_ignore_params").as_deref() == Some("true") {
            parameters.retain(|(name, _)| name == "token_ignore_params" || name == "token_path");
        }
        let encoded = token.strip_prefix("HS256-").ok_or_else(malformed)?;
        let (bound, encoded) = encoded
            .strip_prefix("1-")
            .map_or((false, encoded), |encoded| (true, encoded));
        let given = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| malformed())?;
        let address = address.parse::<IpAddr>().ok();
        // With the flag the address in bytes; without it nothing, or the text that older generators append.
        let signed_path = scope.as_deref().unwrap_or(path);
        let mut readings = Vec::new();
        for signed_path in [signed_path, asked] {
            if signed_path.is_empty() {
                continue;
            }
            if bound {
                let bytes = address_bytes(address.ok_or(Reason::AddressNotAllowed)?);
                readings.push((message(signed_path, &expires, &bytes, &parameters), true));
            } else {
                let plain = message(signed_path, &expires, &[], &parameters);
                let with = |address: IpAddr| [&plain, address.to_string().as_bytes()].concat();
                readings.extend(address.map(|address| (with(address), true)));
                readings.push((plain, false));
            }
        }
        let holds = |secret: &[u8], signed: &[u8]| {
            mac(Algorithm::Hs256, secret, signed)
                .is_some_and(|found| bool::from(found.ct_eq(&given)))
        };
        let candidates = keys.candidates(None)?;
        let found = readings.iter().find(|(signed, _)| {
            candidates.iter().any(|key| match key.material() {
                VerifyingKey::Secret(secret) => holds(secret, signed),
                _ => false,
            })
        });
        let Some((_, bound)) = found else {
            return Err(Reason::SignatureInvalid.into());
        };
        let mut grant = Grant {
            expires: Some(until),
            ..Grant::default()
        };
        grant.restrictions.push(Restriction::Paths(match &scope {
            Some(scope) => below(&NormalPath::new(scope)?),
            None => vec![PathPattern::exact(&NormalPath::new(path)?)],
        }));
        if let Some(address) = address.filter(|_| *bound) {
            let network = Network::new(address, if address.is_ipv4() { 32 } else { 64 });
            grant
                .restrictions
                .push(Restriction::Networks(network.into_iter().collect()));
        }
        let codes = |list: &str| {
            list.split(',')
                .map(|code| code.trim().to_ascii_uppercase())
                .collect::<Vec<_>>()
        };
        // Parameters that the token leaves unsigned restrict nothing: anybody could have taken them away.
        let signed_value = |name: &str| {
            parameters
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value)
        };
        if let Some(list) = signed_value("token_countries") {
            grant.restrictions.push(Restriction::Countries(codes(list)));
        }
        if let Some(list) = signed_value("token_countries_blocked") {
            let blocked = vec![vec![Restriction::Countries(codes(list))]];
            grant
                .restrictions
                .push(Restriction::NoneOf(blocked, Reason::CountryNotAllowed));
        }
        if let Some(limit) = signed_value("limit") {
            grant
                .entitlements
                .extend(unix_time(limit).map(|rate| format!("max-kilobytes-per-second={rate}")));
        }
        Ok(grant)
    }

    fn clock_skew(&self) -> i64 {
        self.clock_skew
    }
}
