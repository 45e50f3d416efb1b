//! `[token]`: which token is carried, in which form, and where it must not go.

use serde::Deserialize;
use weir_module::{ConfigError, RequestHead};

use crate::NAME;
use crate::playlist::places::{Place, Places};
use crate::playlist::variables::is_name;
use crate::uri::carrier::{Carrier, decoded_if_plain};
use crate::uri::hosts::{compile_hosts, compile_places};
use crate::uri::policy::UriPolicy;
use crate::uri::reference::HostPattern;
use crate::viewer::Viewer;

/// The request header in which `token-check` passes the token's carrier form on.
pub const HEADER: &str = "weir-token";

/// `[token]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TokenConfig {
    /// How a query token is written. Default `literal`.
    pub form: Form,
    /// What stands before a token in a path when `weir-token` gives the token alone. Default `/t/`.
    pub path_prefix: String,
    /// Query parameters of the request to carry when there is no `weir-token`: for tokens that the origin or another CDN checks.
    pub parameters: Vec<String>,
    /// Hosts that never see the token.
    pub exclude_hosts: Vec<String>,
    /// Places that never get it.
    pub exclude_places: Vec<String>,
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self {
            form: Form::default(),
            path_prefix: "/t/".to_owned(),
            parameters: Vec::new(),
            exclude_hosts: Vec::new(),
            exclude_places: Vec::new(),
        }
    }
}

/// How a query token is written into URIs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As it is: works in every player; the result is personal.
    #[default]
    Literal,
    /// `{$name}`, defined by `EXT-X-DEFINE:QUERYPARAM` (protocol 11): the result is the same for every viewer. A token that a
    /// variable cannot hold is written literally.
    Variable,
}

/// The compiled section.
#[derive(Debug, Clone)]
pub struct Token {
    form: Form,
    path_prefix: String,
    parameters: Vec<String>,
    /// Hosts that are left alone.
    pub exclude: Vec<HostPattern>,
    places: Places,
}

impl Token {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(config: &TokenConfig) -> Result<Self, ConfigError> {
        if !config.path_prefix.starts_with('/') || config.path_prefix.starts_with("//") {
            return Err(ConfigError::new(
                NAME,
                "token.path-prefix",
                "it begins with one slash, as in /t/",
            ));
        }
        let excluded = compile_places("token.exclude-places", &config.exclude_places)?;
        Ok(Self {
            form: config.form,
            path_prefix: config.path_prefix.clone(),
            parameters: config.parameters.clone(),
            exclude: compile_hosts("token.exclude-hosts", &config.exclude_hosts)?,
            places: Place::ALL
                .into_iter()
                .filter(|place| !excluded.contains(*place))
                .fold(Places::default(), Places::with),
        })
    }

    /// The token of this request, if it carries one.
    pub fn find(&self, head: &RequestHead<'_>) -> Option<Carrier> {
        if let Some(value) = head.header(HEADER) {
            return Carrier::parse(value, &self.path_prefix);
        }
        let wanted = |pair: &&str| {
            let name = pair.split_once('=').map_or("", |(name, _)| name);
            self.parameters.iter().any(|known| known == name)
        };
        let pairs: Vec<&str> = head.query()?.split('&').filter(wanted).collect();
        Carrier::query(pairs.join("&").as_bytes())
    }

    /// Writes the token into the policy. Returns the variables that must be defined for it.
    pub fn apply(
        &self,
        carrier: &Carrier,
        viewer: &Viewer,
        policy: &mut UriPolicy,
    ) -> Vec<Vec<u8>> {
        let Carrier::Query(pairs) = carrier else {
            viewer.make_personal();
            policy.carry_token(carrier, self.places);
            return Vec::new();
        };
        let mut variables = Vec::new();
        for (name, value) in pairs {
            if self.form == Form::Variable && is_name(name) && decoded_if_plain(value).is_some() {
                policy.append(name, &[b"{$", name.as_slice(), b"}"].concat(), self.places);
                variables.push(name.clone());
            } else {
                viewer.make_personal();
                policy.append(name, value, self.places);
            }
        }
        variables
    }
}
