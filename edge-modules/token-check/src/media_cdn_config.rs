//! The settings of Google Media CDN's tokens, and of the exchange of short ones for long ones.

use std::sync::Arc;

use serde::Deserialize;
use weir_module::ConfigError;

use crate::clean_url::check_attributes;
use crate::config::{Format, Place, Propagate, read_carriers, read_list, wrong};
use crate::format::long_token::{Carry, ExchangeRules};
use crate::format::media_cdn::{MediaCdn, MediaCdnRules};
use crate::format_config::{clock_skew, format, strings};
use crate::grant::Signer;
use crate::key_source::KeyRing;
use crate::signature::Algorithm;
use crate::vendor_config::parameter;

/// Settings of Media CDN tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MediaCdnConfig {
    /// Keys by name; all when absent.
    pub keys: Option<Vec<String>>,
    /// Where the token travels.
    pub carriers: Vec<String>,
    /// Headers that `Headers` may name.
    pub headers: Vec<String>,
    /// Whether HMAC is taken beside Ed25519.
    pub hmac: bool,
    /// How its tokens are exchanged for longer ones; not at all when absent.
    pub exchange: Option<ExchangeConfig>,
    /// Seconds of clock difference forgiven.
    pub clock_skew: u32,
}

/// Settings of the exchange.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExchangeConfig {
    /// The name of the key that signs.
    pub key: String,
    /// How the long token travels.
    #[serde(default)]
    pub by: ExchangeBy,
    /// The name of the cookie or the query parameter.
    #[serde(default)]
    pub name: Option<String>,
    /// Seconds that it lasts.
    #[serde(default = "one_day")]
    pub lasts: u32,
    /// The fields that are taken over besides the scope.
    #[serde(default = "all_fields")]
    pub copy: Vec<String>,
    /// What follows the cookie's value, besides `Max-Age`.
    #[serde(default = "attributes")]
    pub attributes: String,
}

/// How a long token travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExchangeBy {
    /// In a cookie.
    #[default]
    Cookie,
    /// In the URLs of the playlists.
    Query,
}

const COPIED: [&str; 4] = ["SessionID", "Data", "Headers", "IPRanges"];

fn one_day() -> u32 {
    86_400
}

fn all_fields() -> Vec<String> {
    strings(COPIED)
}

/// Players often stand on another site than the videos.
fn attributes() -> String {
    "Path=/; Secure; HttpOnly; SameSite=None".to_owned()
}

impl Default for MediaCdnConfig {
    fn default() -> Self {
        Self {
            keys: None,
            carriers: strings([
                "query:edge-cache-token",
                "query:hdnts",
                "cookie:Edge-Cache-Cookie",
                "cookie:edge-cache-token",
                "path:edge-cache-token",
            ]),
            headers: strings(["user-agent", "referer", "origin"]),
            hmac: true,
            exchange: None,
            clock_skew: 0,
        }
    }
}

impl MediaCdnConfig {
    pub(crate) fn build(
        self,
        key: &str,
        ring: &KeyRing,
        place: &Place<'_>,
    ) -> Result<Format, ConfigError> {
        let headers = read_list(&format!("{key}.headers"), &self.headers, |name| {
            let token = !name.is_empty() && name.bytes().all(crate::carrier::is_token_byte);
            token
                .then(|| name.to_ascii_lowercase())
                .ok_or_else(|| "not a header name".to_owned())
        })?;
        if headers.len() > 64 {
            return Err(wrong(format!("{key}.headers"), "at most 64 names"));
        }
        let exchange = match self.exchange {
            Some(exchange) => {
                Some(exchange.build(&format!("{key}.exchange"), ring, place.propagate)?)
            }
            None => None,
        };
        let rules = MediaCdnRules {
            carriers: read_carriers(key, &self.carriers)?,
            headers,
            hmac: self.hmac,
            exchange: exchange.map(Arc::new),
            clock_skew: clock_skew(key, self.clock_skew)?,
        };
        format(MediaCdn::new(rules), key, self.keys.as_deref(), ring)
    }
}

impl ExchangeConfig {
    fn build(
        self,
        key: &str,
        ring: &KeyRing,
        propagate: Propagate,
    ) -> Result<ExchangeRules, ConfigError> {
        let at = |field: &str| format!("{key}.{field}");
        let signing = ring.signing(&at("key"), &self.key)?;
        let signer = signing
            .signer()
            .filter(|_| signing.algorithms().contains(&Algorithm::EdDsa));
        let signer = signer.ok_or_else(|| {
            let message = "a long token is signed with Ed25519: give a key whose `pem` holds such a private key";
            wrong(at("key"), message)
        })?;
        if !(1..=604_800).contains(&self.lasts) {
            return Err(wrong(at("lasts"), "1 to 604800 seconds"));
        }
        let lasts = i64::from(self.lasts);
        let copy = read_list(&at("copy"), &self.copy, |name| {
            let known = COPIED.contains(&name).then(|| name.to_owned());
            known.ok_or_else(|| format!("`{name}` is none of {}", COPIED.join(", ")))
        })?;
        let carry = match self.by {
            ExchangeBy::Cookie => {
                let name = self.name.unwrap_or_else(|| "Edge-Cache-Cookie".to_owned());
                if name.is_empty() || !name.bytes().all(crate::carrier::is_token_byte) {
                    return Err(wrong(at("name"), "not the name of a cookie"));
                }
                check_attributes(&at("attributes"), &self.attributes)?;
                Carry::Cookie {
                    name,
                    attributes: self.attributes,
                    lasts,
                }
            }
            ExchangeBy::Query if propagate == Propagate::Header => {
                let name = self.name.unwrap_or_else(|| "edge-cache-token".to_owned());
                Carry::Query(parameter(&at("name"), &name)?)
            }
            ExchangeBy::Query => {
                let message = "playlists carry the long token only with `propagate = \"header\"`, and manifest-rewrite behind this module";
                return Err(wrong(at("by"), message));
            }
        };
        Ok(ExchangeRules {
            carry,
            lasts,
            signer: Signer {
                key: signer,
                algorithm: Algorithm::EdDsa,
                key_id: None,
            },
            copy,
        })
    }
}
