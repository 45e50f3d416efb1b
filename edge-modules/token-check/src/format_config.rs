//! The settings of each token format, read and checked.

use serde::Deserialize;
use weir_module::ConfigError;

use crate::config::{Format, Place, read_carriers, read_list, wrong};
use crate::format::Verifier;
use crate::format::cat::{Cat, CatRules, CatrLabels, label};
use crate::format::jwt::{ClaimNames, Jwt, JwtRules};
use crate::jose_config::{CloudflareStreamConfig, UriSigningConfig};
use crate::key_source::KeyRing;
use crate::media_cdn_config::MediaCdnConfig;
use crate::signature::Algorithm;
use crate::vendor_config::{
    BunnyConfig, CloudFrontConfig, EdgeAuthConfig, HmacConfig, SecureLinkConfig,
};

/// One token format with its settings.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FormatConfig {
    /// JSON Web Token.
    Jwt(Box<JwtConfig>),
    /// Common Access Token.
    Cat(CatConfig),
    /// Akamai EdgeAuth.
    EdgeAuth(EdgeAuthConfig),
    /// Google Media CDN.
    MediaCdn(Box<MediaCdnConfig>),
    /// CloudFront.
    Cloudfront(CloudFrontConfig),
    /// nginx secure_link.
    SecureLink(SecureLinkConfig),
    /// Bunny.
    Bunny(BunnyConfig),
    /// Cloudflare Stream.
    CloudflareStream(CloudflareStreamConfig),
    /// RFC 9246.
    UriSigning(UriSigningConfig),
    /// A plain HMAC over a template.
    Hmac(HmacConfig),
}

impl Default for FormatConfig {
    fn default() -> Self {
        Self::Jwt(Box::default())
    }
}

impl FormatConfig {
    /// Where its tokens travel, as the document says it.
    pub(crate) fn carriers(&self) -> &[String] {
        match self {
            Self::Jwt(config) => &config.carriers,
            Self::Cat(config) => &config.carriers,
            Self::EdgeAuth(config) => &config.carriers,
            Self::MediaCdn(config) => &config.carriers,
            Self::UriSigning(config) => &config.carriers,
            // Their tokens are several parameters, or stand in the path.
            Self::Cloudfront(_)
            | Self::SecureLink(_)
            | Self::Bunny(_)
            | Self::CloudflareStream(_)
            | Self::Hmac(_) => &[],
        }
    }

    pub(crate) fn build(
        self,
        key: &str,
        ring: &KeyRing,
        place: &Place<'_>,
    ) -> Result<Format, ConfigError> {
        let client = place.client;
        match self {
            Self::Jwt(config) => config.build(key, ring),
            Self::Cat(config) => config.build(key, ring, place),
            Self::EdgeAuth(config) => config.build(key, ring),
            Self::MediaCdn(config) => config.build(key, ring, place),
            Self::Cloudfront(config) => config.build(key, ring),
            Self::SecureLink(config) => config.build(key, ring, client),
            Self::Bunny(config) => config.build(key, ring, client),
            Self::CloudflareStream(config) => config.build(key, ring),
            Self::UriSigning(config) => config.build(key, ring),
            Self::Hmac(config) => config.build(key, ring, client),
        }
    }
}

/// Settings of a JWT format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct JwtConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// Where the token travels.
    pub carriers: Vec<String>,
    /// Algorithms taken.
    pub algorithms: Vec<String>,
    /// Issuers taken.
    pub issuers: Vec<String>,
    /// Names of this service.
    pub audiences: Vec<String>,
    /// Values of `typ` taken.
    pub types: Vec<String>,
    /// Claims that must be there.
    pub require: Vec<String>,
    /// Seconds from `iat` after which a token is too old.
    pub max_age: Option<u32>,
    /// Whether each token, told apart by `jti`, may be used once.
    pub single_use: bool,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
    /// Names of the private claims.
    pub claims: ClaimNames,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            keys: None,
            carriers: strings(["query:token", "cookie:weir-token", "bearer", "path:t"]),
            algorithms: Vec::new(),
            issuers: Vec::new(),
            audiences: Vec::new(),
            types: Vec::new(),
            require: vec!["exp".to_owned()],
            max_age: None,
            single_use: false,
            clock_skew: 0,
            claims: ClaimNames::default(),
        }
    }
}

/// Settings of a CAT format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CatConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// Where the token travels.
    pub carriers: Vec<String>,
    /// Algorithms taken.
    pub algorithms: Vec<String>,
    /// Issuers taken.
    pub issuers: Vec<String>,
    /// Names of this service.
    pub audiences: Vec<String>,
    /// Claims that must be there, by name.
    pub require: Vec<String>,
    /// Headers that `cath` may name.
    pub headers: Vec<String>,
    /// The numbers of `catr`'s parameters.
    pub catr_labels: CatrLabels,
    /// What an unknown claim number from 0 up does.
    pub unknown_claims: UnknownClaims,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

/// What becomes of a token with an unknown claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownClaims {
    /// It is refused.
    Refuse,
    /// The claim is ignored.
    Ignore,
}

impl Default for CatConfig {
    fn default() -> Self {
        let carriers = [
            "header:cta-common-access-token",
            "header:common-access-token",
            "query:CAT",
            "query:cat",
            "cookie:cta-common-access-token",
        ];
        Self {
            keys: None,
            carriers: strings(carriers),
            algorithms: Vec::new(),
            issuers: Vec::new(),
            audiences: Vec::new(),
            require: vec!["exp".to_owned()],
            headers: CatRules::default().headers,
            catr_labels: CatrLabels::Short,
            unknown_claims: UnknownClaims::Refuse,
            clock_skew: 0,
        }
    }
}

impl JwtConfig {
    fn build(self, key: &str, ring: &KeyRing) -> Result<Format, ConfigError> {
        let rules = JwtRules {
            carriers: read_carriers(key, &self.carriers)?,
            algorithms: jose(key, &self.algorithms)?,
            issuers: self.issuers,
            audiences: self.audiences,
            types: self.types,
            require: self.require,
            max_age: self.max_age.map(i64::from),
            single_use: self.single_use,
            clock_skew: clock_skew(key, self.clock_skew)?,
            names: self.claims,
        };
        format(Jwt::new(rules), key, self.keys.as_deref(), ring)
    }
}

impl CatConfig {
    fn build(self, key: &str, ring: &KeyRing, place: &Place<'_>) -> Result<Format, ConfigError> {
        let algorithms = read_list(&format!("{key}.algorithms"), &self.algorithms, |name| {
            let known =
                Algorithm::from_name(name).filter(|algorithm| algorithm.to_cose().is_some());
            known.ok_or_else(|| format!("`{name}` is no COSE algorithm that is supported"))
        })?;
        let require = read_list(&format!("{key}.require"), &self.require, |name| {
            label::by_name(name).ok_or_else(|| format!("`{name}` is no CAT claim"))
        })?;
        let headers = read_list(&format!("{key}.headers"), &self.headers, |name| {
            let token = !name.is_empty() && name.bytes().all(crate::carrier::is_token_byte);
            token
                .then(|| name.to_ascii_lowercase())
                .ok_or_else(|| "not a header name".to_owned())
        })?;
        if headers.len() > 64 {
            return Err(wrong(format!("{key}.headers"), "at most 64 names"));
        }
        let rules = CatRules {
            carriers: read_carriers(key, &self.carriers)?,
            algorithms,
            issuers: self.issuers,
            audiences: self.audiences,
            require,
            headers,
            catr_labels: self.catr_labels,
            surroundings: place.surroundings.clone(),
            refuse_unknown: self.unknown_claims == UnknownClaims::Refuse,
            clock_skew: clock_skew(key, self.clock_skew)?,
        };
        format(Cat::new(rules), key, self.keys.as_deref(), ring)
    }
}

pub(crate) fn clock_skew(key: &str, seconds: u32) -> Result<i64, ConfigError> {
    if seconds > 600 {
        return Err(wrong(format!("{key}.clock-skew"), "at most 600 seconds"));
    }
    Ok(i64::from(seconds))
}

/// Puts a verifier and its keys together.
pub(crate) fn format(
    verifier: impl Verifier + 'static,
    key: &str,
    keys: Option<&[String]>,
    ring: &KeyRing,
) -> Result<Format, ConfigError> {
    Ok(Format {
        verifier: Box::new(verifier),
        sources: ring.select(&format!("{key}.keys"), keys)?,
    })
}

/// JWT algorithms by name.
pub(crate) fn jose(key: &str, names: &[String]) -> Result<Vec<Algorithm>, ConfigError> {
    read_list(&format!("{key}.algorithms"), names, |name| {
        Algorithm::from_jose(name)
            .ok_or_else(|| format!("`{name}` is no JWT algorithm that is supported"))
    })
}

/// Owned texts, for defaults.
pub(crate) fn strings<const N: usize>(list: [&str; N]) -> Vec<String> {
    list.map(str::to_owned).to_vec()
}
