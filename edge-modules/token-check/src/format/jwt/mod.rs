//! JSON Web Tokens in compact form (RFC 7519, RFC 7515), checked as RFC 8725 advises.

mod claims;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use weir_module::RequestHead;

use self::claims::malformed;
pub(crate) use self::claims::{Claims, Round, check_audience, check_issuer};
use super::{MAX_TOKEN, Presented, Verifier};
use crate::carrier::Carrier;
use crate::grant::{Grant, Replay, Restriction};
use crate::keys::{Key, KeySet};
use crate::network::Network;
use crate::path::NormalPath;
use crate::pattern::{Dialect, PathPattern};
use crate::reason::{Reason, Refused};
use crate::signature::Algorithm;

/// What a JWT must be like.
#[derive(Debug, Clone)]
pub struct JwtRules {
    /// Where it travels.
    pub carriers: Vec<Carrier>,
    /// The algorithms taken; empty for all that the keys are bound to.
    pub algorithms: Vec<Algorithm>,
    /// The issuers taken; empty for any that a key's binding allows.
    pub issuers: Vec<String>,
    /// The names that this service goes by; `*` for any. A token with `aud` is refused when none of them is in it (RFC 7519 section 4.1.3).
    pub audiences: Vec<String>,
    /// The values of `typ` taken; empty for any (RFC 8725 section 3.11).
    pub types: Vec<String>,
    /// Claims that must be there.
    pub require: Vec<String>,
    /// Seconds from `iat` after which a token is too old.
    pub max_age: Option<i64>,
    /// Whether each token, told apart by `jti`, may be used once.
    pub single_use: bool,
    /// Seconds of clock difference forgiven.
    pub clock_skew: i64,
    /// The names of the claims that are Weir's own.
    pub names: ClaimNames,
}

impl Default for JwtRules {
    fn default() -> Self {
        Self {
            carriers: vec![
                Carrier::Query("token".to_owned()),
                Carrier::Cookie("weir-token".to_owned()),
                Carrier::Bearer,
                Carrier::Path(vec!["t".to_owned()]),
            ],
            algorithms: Vec::new(),
            issuers: Vec::new(),
            audiences: Vec::new(),
            types: Vec::new(),
            require: vec!["exp".to_owned()],
            max_age: None,
            single_use: false,
            clock_skew: 0,
            names: ClaimNames::default(),
        }
    }
}

/// The names of the private claims. A claim of another name is ignored, as RFC 7519 section 4 demands, so a token issuer with other names
/// must be configured.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ClaimNames {
    /// Playback session, a string.
    pub session: String,
    /// Subscription tier, a string.
    pub tier: String,
    /// Entitlements: an array of strings, or an object of scalars.
    pub entitlements: String,
    /// Concurrent streams allowed, a number; goes on as the entitlement `max-streams`.
    pub max_streams: String,
    /// Path patterns covered.
    pub paths: String,
    /// Path patterns not covered, tested after `paths`.
    pub not_paths: String,
    /// Methods covered.
    pub methods: String,
    /// Client addresses or CIDR blocks.
    pub networks: String,
    /// Countries, ISO 3166-1 alpha-2.
    pub countries: String,
    /// Autonomous system numbers.
    pub asns: String,
    /// Referring hosts; `*.example.com` for all below.
    pub referrers: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        let name = str::to_owned;
        Self {
            session: name("sid"),
            tier: name("tier"),
            entitlements: name("entitlements"),
            max_streams: name("max_streams"),
            paths: name("paths"),
            not_paths: name("not_paths"),
            methods: name("methods"),
            networks: name("networks"),
            countries: name("countries"),
            asns: name("asns"),
            referrers: name("referrers"),
        }
    }
}

/// The parts of a token before its signature is known to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Unverified<'a> {
    /// The JOSE header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
    /// What is signed.
    pub signed: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Takes a compact JWS apart (RFC 7515 section 7.1): three parts of base64url without padding or stray bits, JSON objects
/// without repeated names.
///
/// # Errors
/// [`Reason::TokenMalformed`].
pub fn parse(text: &str) -> Result<Unverified<'_>, Refused> {
    let malformed = || Refused::from(Reason::TokenMalformed);
    if text.len() > MAX_TOKEN {
        return Err(malformed());
    }
    let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed
        .split_once('.')
        .filter(|(_, claims)| !claims.contains('.'))
        .ok_or_else(malformed)?;
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
    let object = |part: &str| crate::json::object(&bytes(part)?).map_err(|_| malformed());
    Ok(Unverified {
        header: object(header)?,
        claims: object(claims)?,
        signed,
        signature: bytes(signature)?,
    })
}

/// Three parts of base64url, the first of which begins as a JSON object does.
pub(crate) fn looks_like_jwt(text: &str) -> bool {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.starts_with("ey") && text.matches('.').count() == 2 && text.bytes().all(base64)
}

/// Checks header and signature: the algorithm against the rules and the key, `crit`, `typ`, `b64`.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn verify_signature<'k>(
    token: &Unverified<'_>,
    algorithms: &[Algorithm],
    types: &[String],
    keys: &'k KeySet,
) -> Result<&'k Key, Refused> {
    let text = |name: &'static str| match token.header.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .map(Some)
            .ok_or(Refused::about(Reason::TokenMalformed, name)),
    };
    // RFC 7515 section 4.1.11: what is critical and not understood refuses. Nothing critical is understood here.
    if token.header.contains_key("crit") || token.header.contains_key("b64") {
        return Err(Reason::CriticalUnsupported.into());
    }
    let algorithm = text("alg")?
        .and_then(Algorithm::from_jose)
        .filter(|algorithm| algorithms.is_empty() || algorithms.contains(algorithm))
        .ok_or(Reason::AlgorithmNotAllowed)?;
    if !types.is_empty() {
        let bare = |name: &str| {
            name.to_ascii_lowercase()
                .trim_start_matches("application/")
                .to_owned()
        };
        let typ = text("typ")?.map(bare);
        if !types
            .iter()
            .any(|wanted| typ.as_deref() == Some(bare(wanted).as_str()))
        {
            return Err(Refused::about(Reason::TokenMalformed, "typ"));
        }
    }
    let id = text("kid")?.map(str::as_bytes);
    Ok(keys.verify(id, algorithm, token.signed.as_bytes(), &token.signature)?)
}

/// The JWT format.
#[derive(Debug, Clone)]
pub struct Jwt {
    rules: JwtRules,
}

impl Jwt {
    /// A verifier by these rules.
    pub fn new(rules: JwtRules) -> Self {
        Self { rules }
    }
}

impl Verifier for Jwt {
    fn headers(&self) -> Vec<String> {
        super::carrier_headers(&self.rules.carriers)
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
        let key = verify_signature(&token, &self.rules.algorithms, &self.rules.types, keys)?;
        self.grant(&token.claims, key)
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}

impl Jwt {
    fn grant(&self, claims: &Map<String, Value>, key: &Key) -> Result<Grant, Refused> {
        let rules = &self.rules;
        let claims = Claims(claims);
        for name in &rules.require {
            if !claims.0.contains_key(name) {
                return Err(Refused::about(Reason::ClaimMissing, name.clone()));
            }
        }
        let issuer = claims.text("iss")?;
        check_issuer(issuer.as_deref(), key, &rules.issuers)?;
        check_audience(claims.texts("aud")?.as_deref(), &rules.audiences)?;
        let mut grant = Grant {
            issuer,
            subject: claims.text("sub")?,
            token_id: claims.text("jti")?,
            not_before: claims.seconds("nbf", Round::Up)?,
            expires: claims.seconds("exp", Round::Down)?,
            issued_at: claims.seconds("iat", Round::Down)?,
            ..Grant::default()
        };
        if rules.single_use {
            if grant.token_id.is_none() {
                return Err(Refused::about(Reason::ClaimMissing, "jti"));
            }
            grant.replay = Replay::Once;
        }
        self.private_claims(&claims, &mut grant)?;
        if let Some(seconds) = rules.max_age {
            let issued_at = grant
                .issued_at
                .ok_or(Refused::about(Reason::ClaimMissing, "iat"))?;
            grant.restrictions.push(Restriction::MaxAge {
                issued_at,
                seconds,
                skew: rules.clock_skew,
            });
        }
        Ok(grant)
    }

    fn private_claims(&self, claims: &Claims<'_>, grant: &mut Grant) -> Result<(), Refused> {
        let names = &self.rules.names;
        grant.session = claims.text(&names.session)?;
        grant.tier = claims.text(&names.tier)?;
        grant.entitlements = claims.entitlements(&names.entitlements)?;
        if let Some(streams) = claims.0.get(&names.max_streams) {
            let streams = streams
                .as_u64()
                .ok_or_else(|| malformed(&names.max_streams))?;
            grant.entitlements.push(format!("max-streams={streams}"));
        }
        let limits = &mut grant.restrictions;
        let patterns =
            |name: &str| claims.list(name, |text| PathPattern::new(text, Dialect::Segments).ok());
        limits.extend(patterns(&names.paths)?.map(Restriction::Paths));
        limits.extend(patterns(&names.not_paths)?.map(Restriction::NotPaths));
        limits.extend(
            claims
                .list(&names.methods, |text| Some(text.to_owned()))?
                .map(Restriction::Methods),
        );
        limits.extend(
            claims
                .list(&names.networks, |text| text.parse::<Network>().ok())?
                .map(Restriction::Networks),
        );
        let country = |text: &str| (text.len() == 2).then(|| text.to_ascii_uppercase());
        limits.extend(
            claims
                .list(&names.countries, country)?
                .map(Restriction::Countries),
        );
        limits.extend(claims.numbers(&names.asns)?.map(Restriction::Asns));
        let host = |text: &str| (!text.is_empty()).then(|| text.to_ascii_lowercase());
        limits.extend(
            claims
                .list(&names.referrers, host)?
                .map(Restriction::Referrers),
        );
        Ok(())
    }
}
