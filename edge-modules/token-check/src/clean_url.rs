//! A redirect that moves a token out of the URL into a cookie, so that it stands in no history, log or referrer.

use weir_module::{Answer, ConfigError, RequestHead};

use crate::carrier::Place;
use crate::config::wrong;
use crate::format::Presented;
use crate::path::NormalPath;

/// Where the token goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CleanUrl {
    cookie: String,
    attributes: String,
}

/// What follows the cookie's value unless the configuration says otherwise, besides `Max-Age`.
pub(crate) const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Refuses what cannot follow a cookie's value.
pub(crate) fn check_attributes(key: &str, attributes: &str) -> Result<(), ConfigError> {
    if attributes.len() > 512 || !attributes.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(wrong(key, "at most 512 printable ASCII characters"));
    }
    Ok(())
}

impl CleanUrl {
    /// Reads the cookie's name (empty: off) and attributes, and checks them against the carriers of all formats.
    pub(crate) fn read<'a>(
        cookie: &str,
        attributes: &str,
        mut carriers: impl Iterator<Item = &'a String>,
    ) -> Result<Option<Self>, ConfigError> {
        check_attributes("clean-url-attributes", attributes)?;
        if cookie.is_empty() {
            return Ok(None);
        }
        if !carriers.any(|carrier| carrier.strip_prefix("cookie:") == Some(cookie)) {
            let message = "no format takes its token from this cookie: the viewer would be sent away without one";
            return Err(wrong("clean-url-cookie", message));
        }
        Ok(Some(Self {
            cookie: cookie.to_owned(),
            attributes: attributes.to_owned(),
        }))
    }

    /// The redirect, when a good token came by one query parameter alone.
    pub(crate) fn redirect(
        &self,
        head: &RequestHead<'_>,
        token: &Presented<'_>,
        clean: &NormalPath<'_>,
        query: &str,
        expires: Option<i64>,
        now: i64,
    ) -> Option<Answer> {
        let [Place::Query(_)] = token.places.as_slice() else {
            return None;
        };
        // A cookie holds no other bytes (RFC 6265 section 4.1.1); what does not fit stays in the URL.
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        if !matches!(head.method(), "GET" | "HEAD") || !token.raw.bytes().all(fits) {
            return None;
        }
        let mut cookie = format!("{}={}", self.cookie, token.raw);
        if let Some(expires) = expires {
            cookie.push_str(&format!("; Max-Age={}", expires.saturating_sub(now).max(0)));
        }
        if !self.attributes.is_empty() {
            cookie.push_str("; ");
            cookie.push_str(&self.attributes);
        }
        let and = if query.is_empty() { "" } else { "?" };
        let location = format!("{}{and}{query}", clean.encoded());
        let answer = Answer::redirect(302, &location)
            .header("set-cookie", cookie)
            .header("cache-control", "no-store");
        Some(answer)
    }
}
