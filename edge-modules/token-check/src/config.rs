//! The configuration document: read, checked whole, and turned into what decides.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::carrier::Carrier;
use crate::clean_url::{self, CleanUrl};
use crate::client::ClientSource;
use crate::format::Verifier;
pub use crate::format_config::FormatConfig;
use crate::key_source::{KeyConfig, KeyRing};
use crate::pattern::{Dialect, PathPattern};
use crate::refusal::Cors;
use crate::revocation::RevocationConfig;
pub use crate::sharing::SharingConfig;
use crate::surroundings::Surroundings;

/// The document. `README.md` explains every key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// What paths need that no route names.
    pub access: Access,
    /// The token formats, by a name of the operator's choice. Without any: one JWT format named `jwt`.
    pub formats: BTreeMap<String, FormatConfig>,
    /// The keys.
    pub keys: Vec<KeyConfig>,
    /// Rules by path, the first that fits.
    pub routes: Vec<RouteConfig>,
    /// Where the client's address comes from.
    pub client_address: String,
    /// The status of an expired token: 401, 403 or 410.
    pub expired_status: u16,
    /// How many verified tokens an instance remembers.
    pub remember: usize,
    /// Whether the token is handed to `manifest-rewrite`.
    pub propagate: Propagate,
    /// The `realm` of `WWW-Authenticate`.
    pub realm: String,
    /// CORS of refusals and preflights.
    pub cors: Cors,
    /// Tokens that were taken back.
    pub revocations: Option<RevocationConfig>,
    /// Headers in which a trusted proxy tells more about the client, each `what:header`.
    pub client_headers: Vec<String>,
    /// Sessions that are seen in too many places.
    pub sharing: Option<SharingConfig>,
    /// The cookie into which a token moves out of the URL; empty for none.
    pub clean_url_cookie: String,
    /// What follows its value, besides `Max-Age`.
    pub clean_url_attributes: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access: Access::Token,
            formats: BTreeMap::new(),
            keys: Vec::new(),
            routes: Vec::new(),
            client_address: "none".to_owned(),
            expired_status: 403,
            remember: 1024,
            propagate: Propagate::None,
            realm: "weir".to_owned(),
            cors: Cors::default(),
            revocations: None,
            client_headers: Vec::new(),
            sharing: None,
            clean_url_cookie: String::new(),
            clean_url_attributes: clean_url::ATTRIBUTES.to_owned(),
        }
    }
}

/// What a path needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// A valid token.
    Token,
    /// Nothing; but a token that is there must be valid, and then says who asks.
    Optional,
    /// Nothing; tokens are not looked at.
    Public,
    /// Nobody gets it.
    Closed,
}

/// Whether the token is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Propagate {
    /// No.
    None,
    /// In the request header `weir-token`, for `manifest-rewrite` to put into playlists.
    Header,
}

/// One rule by path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteConfig {
    /// Path patterns.
    pub paths: Vec<String>,
    /// What the paths need.
    #[serde(default)]
    pub access: Option<Access>,
    /// The formats taken, by name; all when absent.
    #[serde(default)]
    pub formats: Option<Vec<String>>,
}

/// Names the key that is wrong.
pub(crate) fn wrong(key: impl Into<String>, message: impl Into<String>) -> ConfigError {
    ConfigError::new(NAME, key, message)
}

/// Everything that decides, checked.
pub(crate) struct Policy {
    pub(crate) access: Access,
    pub(crate) formats: Vec<Format>,
    /// Their indices: what a path takes that no route names.
    pub(crate) every_format: Vec<usize>,
    /// Names of the path parameters in which tokens travel: no others may stand in a path.
    pub(crate) path_parameters: Vec<String>,
    pub(crate) routes: Vec<Route>,
    pub(crate) client: ClientSource,
    pub(crate) surroundings: Surroundings,
    pub(crate) clean_url: Option<CleanUrl>,
    pub(crate) expired_status: u16,
    pub(crate) propagate: Propagate,
    pub(crate) realm: String,
    pub(crate) cors: Cors,
}

/// A configured format.
pub(crate) struct Format {
    pub(crate) verifier: Box<dyn Verifier>,
    /// Which key sources it accepts.
    pub(crate) sources: Vec<usize>,
}

/// What formats are built over besides their own settings.
pub(crate) struct Place<'a> {
    pub(crate) client: ClientSource,
    pub(crate) surroundings: &'a Surroundings,
    pub(crate) propagate: Propagate,
}

/// A checked route.
pub(crate) struct Route {
    patterns: Vec<PathPattern>,
    pub(crate) access: Access,
    /// Indices of the formats taken.
    pub(crate) formats: Vec<usize>,
}

impl Route {
    pub(crate) fn covers(&self, path: &crate::path::NormalPath<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.covers(path))
    }
}

impl Config {
    /// Checks everything and builds what decides.
    ///
    /// # Errors
    /// The first key that is wrong.
    pub(crate) fn build(self) -> Result<(Policy, KeyRing), ConfigError> {
        let ring = KeyRing::new(&self.keys)?;
        let mut configs = self.formats;
        if configs.is_empty() {
            configs.insert("jwt".to_owned(), FormatConfig::default());
        }
        let names: Vec<String> = configs.keys().cloned().collect();
        let client =
            self.client_address
                .parse()
                .map_err(|error: crate::client::UnknownSource| {
                    wrong("client-address", error.to_string())
                })?;
        let surroundings = Surroundings::read(&self.client_headers)?;
        let clean_url = CleanUrl::read(
            &self.clean_url_cookie,
            &self.clean_url_attributes,
            configs.values().flat_map(FormatConfig::carriers),
        )?;
        let mut path_parameters: Vec<String> = configs
            .values()
            .flat_map(FormatConfig::carriers)
            .filter_map(|carrier| carrier.strip_prefix("path-parameter:"))
            .map(str::to_owned)
            .collect();
        path_parameters.dedup();
        let place = Place {
            client,
            surroundings: &surroundings,
            propagate: self.propagate,
        };
        let mut formats = Vec::new();
        for (name, config) in configs {
            formats.push(config.build(&format!("formats.{name}"), &ring, &place)?);
        }
        let all: Vec<usize> = (0..formats.len()).collect();
        let mut routes = Vec::new();
        for (at, route) in self.routes.into_iter().enumerate() {
            let key = format!("routes[{at}]");
            if route.paths.is_empty() {
                return Err(wrong(
                    format!("{key}.paths"),
                    "give at least one path pattern",
                ));
            }
            let patterns = read_list(&format!("{key}.paths"), &route.paths, |text| match text {
                // Whoever lists the front page means the front page: `/**` says everything.
                "/" => Ok(PathPattern::exact_text("/")),
                _ => PathPattern::new(text, Dialect::Segments).map_err(|error| error.to_string()),
            })?;
            let formats = match &route.formats {
                None => all.clone(),
                Some(wanted) => read_list(&format!("{key}.formats"), wanted, |wanted| {
                    names
                        .iter()
                        .position(|name| name == wanted)
                        .ok_or_else(|| format!("no format is named `{wanted}`"))
                })?,
            };
            let access = route.access.unwrap_or(self.access);
            if formats.is_empty() && matches!(access, Access::Token | Access::Optional) {
                return Err(wrong(
                    format!("{key}.formats"),
                    "a route that takes tokens needs a format",
                ));
            }
            routes.push(Route {
                patterns,
                access,
                formats,
            });
        }
        if !matches!(self.expired_status, 401 | 403 | 410) {
            return Err(wrong("expired-status", "give 401, 403 or 410"));
        }
        if self
            .realm
            .bytes()
            .any(|byte| byte == b'"' || byte == b'\\' || !(0x20..0x7f).contains(&byte))
        {
            return Err(wrong("realm", "plain ASCII without quotes and backslashes"));
        }
        if self.remember > 1 << 16 {
            return Err(wrong("remember", "at most 65536"));
        }
        check_cors(&self.cors)?;
        let policy = Policy {
            access: self.access,
            formats,
            path_parameters,
            every_format: all,
            routes,
            client,
            surroundings,
            clean_url,
            expired_status: self.expired_status,
            propagate: self.propagate,
            realm: self.realm,
            cors: self.cors,
        };
        Ok((policy, ring))
    }
}

fn check_cors(cors: &Cors) -> Result<(), ConfigError> {
    for (at, origin) in cors.origins.iter().enumerate() {
        let host = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        let plain = host.is_some_and(|host| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
        });
        if origin != "*" && !plain {
            return Err(wrong(
                format!("cors.origins[{at}]"),
                "give `*` or an origin like `https://player.example`",
            ));
        }
    }
    if cors.credentials && cors.origins.iter().any(|origin| origin == "*") {
        return Err(wrong(
            "cors.credentials",
            "needs listed origins: `*` with cookies would let every page read answers",
        ));
    }
    Ok(())
}

/// Reads a list of texts; an error names the element.
pub(crate) fn read_list<T>(
    key: &str,
    texts: &[String],
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, ConfigError> {
    texts
        .iter()
        .enumerate()
        .map(|(at, text)| read(text).map_err(|message| wrong(format!("{key}[{at}]"), message)))
        .collect()
}

pub(crate) fn read_carriers(key: &str, texts: &[String]) -> Result<Vec<Carrier>, ConfigError> {
    if texts.is_empty() {
        return Err(wrong(
            format!("{key}.carriers"),
            "give at least one carrier",
        ));
    }
    read_list(&format!("{key}.carriers"), texts, |text| {
        text.parse()
            .map_err(|error: crate::carrier::UnknownCarrier| error.to_string())
    })
}
