//! The settings of the formats that are JWTs of a special kind.

use serde::Deserialize;
use weir_module::ConfigError;

use crate::config::{Format, read_carriers};
use crate::format::cloudflare_stream::{CloudflareStream, CloudflareStreamRules};
use crate::format::uri_signing::{UriSigning, UriSigningRules};
use crate::format_config::{clock_skew, format, jose, strings};
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
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

impl Default for UriSigningConfig {
    fn default() -> Self {
        Self {
            keys: None,
            carriers: strings(["query:URISigningPackage", "cookie:URISigningPackage"]),
            algorithms: Vec::new(),
            issuers: Vec::new(),
            audiences: Vec::new(),
            clock_skew: 0,
        }
    }
}

impl UriSigningConfig {
    pub(crate) fn build(self, key: &str, ring: &KeyRing) -> Result<Format, ConfigError> {
        let rules = UriSigningRules {
            carriers: read_carriers(key, &self.carriers)?,
            algorithms: jose(key, &self.algorithms)?,
            issuers: self.issuers,
            audiences: self.audiences,
            clock_skew: clock_skew(key, self.clock_skew)?,
        };
        format(UriSigning::new(rules), key, self.keys.as_deref(), ring)
    }
}
