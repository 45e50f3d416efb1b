//! The configuration: the TOML document in `ORIGIN_FETCH`.

use serde::Deserialize;
use weir_module::{ConfigError, config};

/// The module's name; its environment variable is `ORIGIN_FETCH`.
pub const NAME: &str = "origin-fetch";

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The origins, in the order in which they are tried. At least one.
    pub origins: Vec<Origin>,
    /// Time-outs of one try.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Retries.
    #[serde(default)]
    pub retry: Retry,
    /// When an origin is left alone.
    #[serde(default)]
    pub breaker: BreakerConfig,
    /// Whether the client's address goes to the origin in `x-forwarded-for`.
    #[serde(default)]
    pub forward_client: bool,
    /// The name in `via`.
    #[serde(default = "via")]
    pub via: String,
}

fn via() -> String {
    "weir".to_owned()
}

/// One origin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawOrigin")]
pub struct Origin {
    /// How to connect.
    pub scheme: Scheme,
    /// Host and port: where to connect, and the `host` that the origin is told (`wasi:http` knows one authority).
    pub authority: String,
    /// What stands before each request's path; empty or `/…` without a slash at the end.
    pub base_path: String,
    /// A header that proves to the origin that the request came through here: name and value.
    pub secret: Option<(String, String)>,
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain.
    Http,
    /// TLS.
    Https,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawOrigin {
    url: String,
    secret_header: Option<String>,
    secret: Option<String>,
}

impl TryFrom<RawOrigin> for Origin {
    type Error = String;

    fn try_from(raw: RawOrigin) -> Result<Self, String> {
        let (scheme, rest) = match (
            raw.url.strip_prefix("http://"),
            raw.url.strip_prefix("https://"),
        ) {
            (Some(rest), _) => (Scheme::Http, rest),
            (_, Some(rest)) => (Scheme::Https, rest),
            _ => return Err("url: must begin with http:// or https://".to_owned()),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.is_empty() || authority.contains(['@', '?', '#', ' ']) {
            return Err("url: needs a host, with a port or without, and no user name".to_owned());
        }
        if path.contains(['?', '#']) {
            return Err("url: must not hold a query or a fragment".to_owned());
        }
        let secret = match (raw.secret_header, raw.secret) {
            (Some(name), Some(value)) => Some((header_name(name)?, value)),
            (None, None) => None,
            _ => return Err("secret-header and secret: set both or neither".to_owned()),
        };
        Ok(Self {
            scheme,
            authority: authority.to_owned(),
            base_path: path.trim_end_matches('/').to_owned(),
            secret,
        })
    }
}

fn header_name(name: String) -> Result<String, String> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err("secret-header: is not a header name (RFC 9110 section 5.1)".to_owned());
    }
    Ok(name.to_ascii_lowercase())
}

/// Time-outs of one try, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect_ms: u32,
    /// From then until the response head.
    pub first_byte_ms: u32,
    /// Between two parts of the body.
    pub between_bytes_ms: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_ms: 2_000,
            first_byte_ms: 15_000,
            between_bytes_ms: 15_000,
        }
    }
}

/// Retries of requests that may be sent twice (RFC 9110 section 9.2.2) and carry no body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Retry {
    /// Tries in all, 1 to 10.
    pub attempts: u32,
    /// The first pause before the same origin is asked again; doubled each time, with full jitter.
    pub base_ms: u32,
    /// No pause is longer.
    pub max_ms: u32,
    /// Statuses that count as a failed try.
    pub statuses: Vec<u16>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            base_ms: 50,
            max_ms: 1_000,
            statuses: vec![502, 503, 504],
        }
    }
}

/// When an origin is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Failures in a row that open it; 0 switches it off.
    pub failures: u32,
    /// How long it stays open before one request may try again.
    pub open_ms: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failures: 5,
            open_ms: 10_000,
        }
    }
}

impl Config {
    /// Reads the document.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = config::parse(NAME, text)?;
        let wrong = |key: &str, message: &str| Err(ConfigError::new(NAME, key, message));
        if config.origins.is_empty() {
            return wrong("origins", "needs at least one [[origins]] with a url");
        }
        if !(1..=10).contains(&config.retry.attempts) {
            return wrong("retry.attempts", "must be 1 to 10");
        }
        if config.retry.base_ms > config.retry.max_ms {
            return wrong("retry.base-ms", "must not exceed retry.max-ms");
        }
        if config.via.is_empty()
            || !config
                .via
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        {
            return wrong(
                "via",
                "must be a pseudonym of letters, digits, `-`, `.`, `_` (RFC 9110 section 7.6.3)",
            );
        }
        let timeouts = config.timeouts;
        for (key, value) in [
            ("timeouts.connect-ms", timeouts.connect_ms),
            ("timeouts.first-byte-ms", timeouts.first_byte_ms),
            ("timeouts.between-bytes-ms", timeouts.between_bytes_ms),
        ] {
            if value == 0 {
                return wrong(key, "must be at least 1");
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_key_is_read() {
        let readme = include_str!("../README.md");
        let sample = readme
            .split("```toml")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .unwrap();
        let config = Config::parse(sample).unwrap();
        assert_eq!(config.origins.len(), 2);
        assert_eq!(config.origins[0].authority, "origin.example:8080");
        assert_eq!(config.origins[0].base_path, "/media");
        assert_eq!(
            config.origins[0].secret,
            Some(("x-weir-edge".to_owned(), "a long random text".to_owned()))
        );
        assert_eq!(config.origins[1].scheme, Scheme::Https);
        assert_eq!(config.origins[1].authority, "backup.example");
        // The README shows the defaults, so a document of origins alone reads the same.
        let short = Config::parse("origins = [{ url = \"http://o\" }]").unwrap();
        assert_eq!(
            (config.timeouts, &config.retry, config.breaker),
            (short.timeouts, &short.retry, short.breaker)
        );
        assert_eq!(
            (config.forward_client, config.via),
            (short.forward_client, short.via)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, key) in [
            ("", "origins"),
            ("origins = []", "origins"),
            ("origins = [{ url = \"ftp://x\" }]", "origins"),
            ("origins = [{ url = \"http://u@x\" }]", "origins"),
            (
                "origins = [{ url = \"http://x\", secret = \"s\" }]",
                "origins",
            ),
            (
                "origins = [{ url = \"http://x\", secret = \"s\", secret-header = \"a b\" }]",
                "origins",
            ),
            (
                "origins = [{ url = \"http://x\" }]\nretry = { attempts = 0 }",
                "retry.attempts",
            ),
            (
                "origins = [{ url = \"http://x\" }]\ntimeouts = { connect-ms = 0 }",
                "timeouts.connect-ms",
            ),
            ("origins = [{ url = \"http://x\" }]\nvia = \"a b\"", "via"),
            ("origins = [{ url = \"http://x\" }]\nretries = 1", "retries"),
        ] {
            let error = Config::parse(text).unwrap_err();
            let named = error.key() == key || error.to_string().contains(&format!("`{key}`"));
            assert!(named, "{text}: {error}");
        }
    }
}
