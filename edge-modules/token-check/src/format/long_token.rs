//! Google Media CDN's dual-token authentication: a short token, which opens the multivariant playlist, is answered with a long one, which
//! carries the rest of the session.
//!
//! The long token covers and demands what the short one does (its scope always, the rest as configured), lasts from the moment of the
//! exchange, and is signed with Ed25519, as Media CDN has it: an HMAC is for short tokens alone. It travels in a cookie, or in a query
//! parameter that `manifest-rewrite` puts into the playlists.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::grant::Signer;

/// How long tokens are made.
#[derive(Debug, Clone)]
pub struct ExchangeRules {
    /// How they travel.
    pub carry: Carry,
    /// Seconds that they last.
    pub lasts: i64,
    /// What signs them: an Ed25519 key.
    pub signer: Signer,
    /// The fields that are taken over besides the scope, by their usual names.
    pub copy: Vec<String>,
}

/// How a long token reaches the player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carry {
    /// In a cookie of this name, with these attributes besides `Max-Age`.
    Cookie {
        /// Name of the cookie.
        name: String,
        /// What follows the value.
        attributes: String,
        /// Seconds that it lasts.
        lasts: i64,
    },
    /// In a query parameter of this name, which playlists must carry.
    Query(String),
}

/// The long token of one short token, all but its expiry and signature.
#[derive(Debug, Clone)]
pub struct LongToken {
    rules: Arc<ExchangeRules>,
    /// The fields, joined by `~`.
    fields: String,
    /// The values of the fields' `Headers`, which are signed and left out.
    header_values: String,
}

impl LongToken {
    /// The long token for a short one's fields: `(usual name, field as it stands)`. The signed path serves where the short token covers
    /// one path alone: the long one covers the directory that it is in. None when no pattern can say that.
    pub(crate) fn new(
        rules: &Arc<ExchangeRules>,
        short: &[(&str, &str)],
        path: &str,
        header_values: &str,
    ) -> Option<Self> {
        let mut fields = Vec::new();
        for (name, field) in short {
            match *name {
                "FullPath" => {
                    let (directory, _) = path.rsplit_once('/')?;
                    if directory.contains(['*', '?', ',', '!', '~']) {
                        return None;
                    }
                    fields.push(format!("PathGlobs={directory}/*"));
                }
                "PathGlobs" | "URLPrefix" => fields.push((*field).to_owned()),
                _ if rules.copy.iter().any(|copied| copied == name) => {
                    fields.push((*field).to_owned());
                }
                _ => {}
            }
        }
        let headers = fields.iter().any(|field| field.starts_with("Headers="));
        Some(Self {
            rules: Arc::clone(rules),
            fields: fields.join("~"),
            header_values: if headers { header_values } else { "" }.to_owned(),
        })
    }

    /// How it travels.
    pub(crate) fn carry(&self) -> &Carry {
        &self.rules.carry
    }

    /// The token, as it stands in a cookie or a query; none when it cannot be signed.
    pub(crate) fn mint(&self, now: i64) -> Option<String> {
        let expires = now.saturating_add(self.rules.lasts);
        let fields = format!("{}~Expires={expires}", self.fields);
        let message = super::media_cdn::message(&fields, "", &self.header_values);
        let signer = &self.rules.signer;
        let signature = signer.key.sign(signer.algorithm, message.as_bytes()).ok()?;
        let token = format!("{fields}~Signature={}", URL_SAFE_NO_PAD.encode(signature));
        Some(escape(&token))
    }
}

impl Carry {
    /// The whole `Set-Cookie` value; none for a token in the query.
    pub(crate) fn cookie(&self, token: &str) -> Option<String> {
        let Self::Cookie {
            name,
            attributes,
            lasts,
        } = self
        else {
            return None;
        };
        let mut cookie = format!("{name}={token}; Max-Age={lasts}");
        if !attributes.is_empty() {
            cookie.push_str("; ");
            cookie.push_str(attributes);
        }
        Some(cookie)
    }

    /// What playlists must carry; none for a cookie, which comes back by itself.
    pub(crate) fn handed_on(&self, token: &str) -> Option<String> {
        match self {
            Self::Cookie { .. } => None,
            Self::Query(name) => Some(format!("query:{name}={token}")),
        }
    }
}

/// Percent-encodes what a cookie (RFC 6265 section 4.1.1) or a query parameter cannot hold; a reader decodes once.
fn escape(token: &str) -> String {
    let mut out = String::with_capacity(token.len());
    for byte in token.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~=/*!:@$".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cookie_cannot_hold_is_escaped_and_read_again() {
        let token = "PathGlobs=/a/*,/b c/*~Data=50%;\"é\"~Signature=ab-_";
        let escaped = escape(token);
        assert!(escaped.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!escaped.contains([',', ';', '"', ' ', '&', '+', '#']));
        let decoded = crate::query::percent_decode(&escaped);
        assert_eq!(decoded.as_deref(), Some(token));
    }
}
