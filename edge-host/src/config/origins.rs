//! Origins.

use http::Uri;
use serde::Deserialize;

use super::Span;

/// `[origins.<name>]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OriginConfig {
    /// Base URLs, `http` or `https`, in order of preference: the next is tried when one fails.
    pub urls: Vec<String>,
    /// What the origin sees as `host`. Default: the URL's own.
    #[serde(default)]
    pub host: HostHeader,
    /// How long a connection may take. Default `3s`.
    #[serde(default = "OriginConfig::connect_timeout")]
    pub connect_timeout: Span,
    /// How long the response head may take. Default `30s`.
    #[serde(default = "OriginConfig::head_timeout")]
    pub head_timeout: Span,
    /// How long the body may stand still. Default `30s`.
    #[serde(default = "OriginConfig::idle_timeout")]
    pub idle_timeout: Span,
    /// More tries for requests that may be sent twice, beyond the first. Default 2.
    #[serde(default = "OriginConfig::retries")]
    pub retries: u32,
    /// The most idle connections kept for each host. Default 64.
    #[serde(default = "OriginConfig::idle_connections")]
    pub idle_connections: usize,
    /// Headers that are set on every request, a shared secret among them. Values are never logged.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, Secret>,
}

/// What the origin sees as `host`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostHeader {
    /// The authority of the origin's URL.
    #[default]
    Origin,
    /// The viewer's. It then is part of the cache key.
    Viewer,
}

/// A text that is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, for sending.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl OriginConfig {
    const fn connect_timeout() -> Span {
        Span::secs(3)
    }

    const fn head_timeout() -> Span {
        Span::secs(30)
    }

    const fn idle_timeout() -> Span {
        Span::secs(30)
    }

    const fn retries() -> u32 {
        2
    }

    const fn idle_connections() -> usize {
        64
    }

    pub(super) fn check(&self) -> Result<(), (String, String)> {
        if self.urls.is_empty() {
            return Err(("urls".to_owned(), "at least one URL is needed".to_owned()));
        }
        for (index, url) in self.urls.iter().enumerate() {
            let key = || format!("urls[{index}]");
            let wrong = |why: &str| Err((key(), format!("`{url}` {why}")));
            let Ok(uri) = url.parse::<Uri>() else {
                return wrong("is not a URL");
            };
            if !matches!(uri.scheme_str(), Some("http" | "https")) {
                return wrong("must begin with http:// or https://");
            }
            if uri
                .authority()
                .is_none_or(|authority| authority.as_str().contains('@'))
            {
                return wrong("must name a host, without user and password");
            }
            if uri.query().is_some() {
                return wrong("must not have a query");
            }
        }
        for (name, value) in &self.headers {
            let named = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
            if !named || http::HeaderValue::from_str(value.expose()).is_err() {
                return Err((
                    format!("headers.{name}"),
                    "not a header name with a value that can be sent".to_owned(),
                ));
            }
        }
        Ok(())
    }
}
