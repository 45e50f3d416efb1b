//! The settings of the formats that CDNs made for themselves.

use serde::Deserialize;
use weir_module::ConfigError;

use crate::client::ClientSource;
use crate::config::{Format, read_carriers, wrong};
use crate::format::bunny::Bunny;
use crate::format::cloudfront::CloudFront;
use crate::format::edge_auth::{EdgeAuth, EdgeAuthRules};
use crate::format::hmac::{Encoding, HmacRules, HmacTemplate, read_template};
use crate::format::secure_link::{Form, SecureLink, SecureLinkRules, read_expression};
use crate::format_config::{clock_skew, format, strings};
use crate::key_source::KeyRing;
use crate::signature::Algorithm;

/// The name of a query parameter.
pub(crate) fn parameter(key: &str, name: &str) -> Result<String, ConfigError> {
    let plain = !name.is_empty()
        && !name.contains(['&', '=', '#', '%'])
        && name.bytes().all(|b| b.is_ascii_graphic());
    if plain {
        Ok(name.to_owned())
    } else {
        Err(wrong(key, "not the name of a query parameter"))
    }
}

/// Settings of EdgeAuth.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct EdgeAuthConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// Where the token travels.
    pub carriers: Vec<String>,
    /// The hash under the HMAC.
    pub algorithm: EdgeAuthHash,
    /// The salt.
    pub salt: Option<String>,
    /// Whether a `url` is signed escaped.
    pub escape_early: bool,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

/// The hash of an EdgeAuth token.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeAuthHash {
    /// SHA-256.
    Sha256,
    /// SHA-1.
    Sha1,
    /// MD5.
    Md5,
}

impl Default for EdgeAuthConfig {
    fn default() -> Self {
        Self {
            keys: None,
            carriers: strings([
                "query:hdnts",
                "query:hdnea",
                "query:__token__",
                "cookie:hdnts",
                "cookie:hdnea",
            ]),
            algorithm: EdgeAuthHash::Sha256,
            salt: None,
            escape_early: false,
            clock_skew: 0,
        }
    }
}

impl EdgeAuthConfig {
    pub(crate) fn build(self, key: &str, ring: &KeyRing) -> Result<Format, ConfigError> {
        let rules = EdgeAuthRules {
            carriers: read_carriers(key, &self.carriers)?,
            algorithm: match self.algorithm {
                EdgeAuthHash::Sha256 => Algorithm::Hs256,
                EdgeAuthHash::Sha1 => Algorithm::HmacSha1,
                EdgeAuthHash::Md5 => Algorithm::HmacMd5,
            },
            salt: self.salt,
            escape_early: self.escape_early,
            clock_skew: clock_skew(key, self.clock_skew)?,
        };
        format(EdgeAuth::new(rules), key, self.keys.as_deref(), ring)
    }
}

/// Settings of CloudFront's signed URLs and cookies.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CloudFrontConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

impl CloudFrontConfig {
    pub(crate) fn build(self, key: &str, ring: &KeyRing) -> Result<Format, ConfigError> {
        format(
            CloudFront::new(clock_skew(key, self.clock_skew)?),
            key,
            self.keys.as_deref(),
            ring,
        )
    }
}

/// Settings of nginx's secure links.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SecureLinkConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// The expression of `secure_link_md5`, `$secret` standing for the key.
    pub expression: String,
    /// The parameter with the hash.
    pub parameter: String,
    /// The parameter with the expiry.
    pub expires: String,
    /// The first path segment, for the form of `secure_link_secret`.
    pub prefix: Option<String>,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

impl Default for SecureLinkConfig {
    fn default() -> Self {
        Self {
            keys: None,
            expression: "$secure_link_expires$uri$remote_addr $secret".to_owned(),
            parameter: "md5".to_owned(),
            expires: "expires".to_owned(),
            prefix: None,
            clock_skew: 0,
        }
    }
}

impl SecureLinkConfig {
    pub(crate) fn build(
        self,
        key: &str,
        ring: &KeyRing,
        client: ClientSource,
    ) -> Result<Format, ConfigError> {
        let form = match self.prefix {
            Some(prefix) => {
                let plain = !prefix.is_empty()
                    && prefix
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
                if !plain {
                    return Err(wrong(
                        format!("{key}.prefix"),
                        "one path segment of letters, digits, `-`, `_`, `.`",
                    ));
                }
                Form::Secret { prefix }
            }
            None => Form::Md5 {
                parameter: parameter(&format!("{key}.parameter"), &self.parameter)?,
                expires: parameter(&format!("{key}.expires"), &self.expires)?,
                expression: read_expression(&self.expression)
                    .map_err(|message| wrong(format!("{key}.expression"), message))?,
            },
        };
        let rules = SecureLinkRules {
            form,
            client,
            clock_skew: clock_skew(key, self.clock_skew)?,
        };
        format(SecureLink::new(rules), key, self.keys.as_deref(), ring)
    }
}

/// Settings of Bunny tokens.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BunnyConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

impl BunnyConfig {
    pub(crate) fn build(
        self,
        key: &str,
        ring: &KeyRing,
        client: ClientSource,
    ) -> Result<Format, ConfigError> {
        format(
            Bunny::new(client, clock_skew(key, self.clock_skew)?),
            key,
            self.keys.as_deref(),
            ring,
        )
    }
}

/// Settings of a plain HMAC.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HmacConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// What is signed.
    pub template: String,
    /// The MAC.
    pub algorithm: String,
    /// How the MAC is written.
    pub encoding: Encoding,
    /// The parameter with the MAC.
    pub signature: String,
    /// The parameter with the expiry.
    pub expires: String,
    /// The parameter with the subject.
    pub subject: String,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

impl Default for HmacConfig {
    fn default() -> Self {
        Self {
            keys: None,
            template: "{path}\n{expires}".to_owned(),
            algorithm: "HS256".to_owned(),
            encoding: Encoding::Hex,
            signature: "signature".to_owned(),
            expires: "expires".to_owned(),
            subject: "subject".to_owned(),
            clock_skew: 0,
        }
    }
}

impl HmacConfig {
    pub(crate) fn build(
        self,
        key: &str,
        ring: &KeyRing,
        client: ClientSource,
    ) -> Result<Format, ConfigError> {
        let algorithm =
            Algorithm::from_name(&self.algorithm).filter(|algorithm| algorithm.is_mac());
        let rules = HmacRules {
            template: read_template(&self.template)
                .map_err(|message| wrong(format!("{key}.template"), message))?,
            algorithm: algorithm.ok_or_else(|| {
                wrong(
                    format!("{key}.algorithm"),
                    "give HS256, HS384, HS512 or HMAC-SHA1",
                )
            })?,
            encoding: self.encoding,
            signature: parameter(&format!("{key}.signature"), &self.signature)?,
            expires: parameter(&format!("{key}.expires"), &self.expires)?,
            subject: parameter(&format!("{key}.subject"), &self.subject)?,
            client,
            clock_skew: clock_skew(key, self.clock_skew)?,
        };
        format(HmacTemplate::new(rules), key, self.keys.as_deref(), ring)
    }
}
