//! The settings of the formats that are JWTs of a special kind.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use weir_module::ConfigError;

use crate::carrier::Carrier;
use crate::config::{Format, read_carriers, wrong};
use crate::format::cloudflare_stream::{CloudflareStream, CloudflareStreamRules};
use crate::format::uri_signing::{UriSigning, UriSigningRules};
use crate::format_config::{clock_skew, format, jose, strings};
use crate::jwe::DecryptionKey;
use crate::key_source::KeyRing;

/// Settings of Cloudflare Stream tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CloudflareStreamConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// Algorithms taken.
    pub algorithms: Vec<String>,
    /// Longest time that a token may still run, in seconds; 0 for no bound.
    pub max_lifetime: u32,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

impl Default for CloudflareStreamConfig {
    fn default() -> Self {
        Self {
            keys: None,
            algorithms: strings(["RS256"]),
            max_lifetime: 86_400,
            clock_skew: 0,
        }
    }
}

impl CloudflareStreamConfig {
    pub(crate) fn build(self, key: &str, ring: &KeyRing) -> Result<Format, ConfigError> {
        let rules = CloudflareStreamRules {
            algorithms: jose(key, &self.algorithms)?,
            max_lifetime: Some(i64::from(self.max_lifetime)).filter(|seconds| *seconds > 0),
            clock_skew: clock_skew(key, self.clock_skew)?,
        };
        format(
            CloudflareStream::new(rules),
            key,
            self.keys.as_deref(),
            ring,
        )
    }
}

/// Settings of RFC 9246 URI signing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct UriSigningConfig {
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
    /// What decrypts addresses and subjects.
    pub decryption_keys: Vec<DecryptionKeyConfig>,
    /// What follows the path in the cookie of a renewed token.
    pub cookie_attributes: String,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

/// A symmetric key of JSON Web Encryption.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DecryptionKeyConfig {
    /// The name that tokens call it by.
    pub id: Option<String>,
    /// 16 or 32 bytes in base64 or base64url.
    pub secret_base64: String,
}

impl std::fmt::Debug for DecryptionKeyConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecryptionKeyConfig")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl DecryptionKeyConfig {
    fn build(self, key: &str) -> Result<DecryptionKey, ConfigError> {
        let plain = self.secret_base64.trim_end_matches('=');
        let plain = plain.replace('+', "-").replace('/', "_");
        URL_SAFE_NO_PAD
            .decode(plain)
            .ok()
            .and_then(|secret| DecryptionKey::new(self.id, &secret))
            .ok_or_else(|| {
                wrong(
                    format!("{key}.secret-base64"),
                    "give 16 or 32 bytes in base64",
                )
            })
    }
}

impl Default for UriSigningConfig {
    fn default() -> Self {
        Self {
            keys: None,
            carriers: strings([
                "query:URISigningPackage",
                "path-parameter:URISigningPackage",
                "cookie:URISigningPackage",
            ]),
            algorithms: Vec::new(),
            issuers: Vec::new(),
            audiences: Vec::new(),
            decryption_keys: Vec::new(),
            cookie_attributes: "Secure; HttpOnly; SameSite=Lax".to_owned(),
            clock_skew: 0,
        }
    }
}

impl UriSigningConfig {
    pub(crate) fn build(self, key: &str, ring: &KeyRing) -> Result<Format, ConfigError> {
        let carriers = read_carriers(key, &self.carriers)?;
        let cookie = carriers.iter().find_map(|carrier| match carrier {
            Carrier::Cookie(name) => Some(name.clone()),
            _ => None,
        });
        let query = carriers.iter().find_map(|carrier| match carrier {
            Carrier::Query(name) => Some(name.clone()),
            _ => None,
        });
        let attributes = self.cookie_attributes.trim();
        if !attributes.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            let message = "plain ASCII: attributes with `;` between them";
            return Err(wrong(format!("{key}.cookie-attributes"), message));
        }
        let mut decryption_keys = Vec::new();
        for (at, config) in self.decryption_keys.into_iter().enumerate() {
            decryption_keys.push(config.build(&format!("{key}.decryption-keys[{at}]"))?);
        }
        let rules = UriSigningRules {
            carriers,
            algorithms: jose(key, &self.algorithms)?,
            issuers: self.issuers,
            audiences: self.audiences,
            decryption_keys,
            cookie,
            query,
            cookie_attributes: Some(attributes.to_owned())
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect(),
            clock_skew: clock_skew(key, self.clock_skew)?,
        };
        format(UriSigning::new(rules), key, self.keys.as_deref(), ring)
    }
}
