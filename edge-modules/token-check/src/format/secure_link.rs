//! nginx `secure_link` (`ngx_http_secure_link_module`): an MD5 in base64url over an expression that the operator chose, or the older
//! `secure_link_secret` with its hexadecimal MD5 in the path.
//!
//! MD5 over a secret is weak against forgery by extension when the secret comes first: put it last, as nginx's own examples do. Take this
//! format for links that exist; choose another for new ones.
//!
//! Worked example (nginx's documentation): expression `$secure_link_expires$uri$remote_addr $secret` with the secret `secret`,
//! `/s/link` until 2147483647 from 127.0.0.1 gives `md5=_e4Nc3iduzkWRm01TBBNYw`.

use md5::{Digest, Md5};
use smallvec::smallvec;
use subtle::ConstantTimeEq;
use weir_module::RequestHead;

use super::parts::{Held, from_parameters, host, join, joined_time, split};
use super::{Presented, Verifier};
use crate::carrier::Place;
use crate::client::ClientSource;
use crate::grant::{Grant, Restriction};
use crate::keys::KeySet;
use crate::path::NormalPath;
use crate::pattern::PathPattern;
use crate::query::percent_decode;
use crate::reason::{Reason, Refused};
use crate::signature::VerifyingKey;

/// How links are protected.
#[derive(Debug, Clone)]
pub struct SecureLinkRules {
    /// The form of the link.
    pub form: Form,
    /// Where `$remote_addr` comes from.
    pub client: ClientSource,
    /// Seconds of clock difference forgiven.
    pub clock_skew: i64,
}

/// The two forms of link.
#[derive(Debug, Clone)]
pub enum Form {
    /// `secure_link` and `secure_link_md5`: two query parameters.
    Md5 {
        /// The parameter with the hash.
        parameter: String,
        /// The parameter with the expiry.
        expires: String,
        /// The expression.
        expression: Vec<Piece>,
    },
    /// `secure_link_secret`: `/<prefix>/<hash>/<link>`.
    Secret {
        /// The first segment.
        prefix: String,
    },
}

/// A piece of the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// `$secure_link_expires`.
    Expires,
    /// `$uri`: the decoded, normal path.
    Uri,
    /// `$remote_addr`.
    RemoteAddr,
    /// `$host`, in lower case and without port.
    Host,
    /// `$secret`: the key, which so stays out of the expression.
    Secret,
}

/// Reads an expression.
///
/// # Errors
/// The variable that is not known.
pub fn read_expression(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        if at > 0 {
            pieces.push(Piece::Text(rest[..at].to_owned()));
        }
        let after = &rest[at + 1..];
        let (name, tail) = match after.strip_prefix('{') {
            Some(inner) => inner.split_once('}').ok_or("a `${` without `}`")?,
            None => {
                let end = after
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(after.len());
                after.split_at(end)
            }
        };
        pieces.push(match name {
            "secure_link_expires" => Piece::Expires,
            "uri" => Piece::Uri,
            "remote_addr" => Piece::RemoteAddr,
            "host" => Piece::Host,
            "secret" => Piece::Secret,
            _ => return Err(format!("`${name}` is not known: use $secure_link_expires, $uri, $remote_addr, $host, $secret")),
        });
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    for (needed, name) in [(Piece::Secret, "$secret"), (Piece::Uri, "$uri")] {
        if !pieces.contains(&needed) {
            return Err(format!(
                "without `{name}` anybody could make a link, or one link would open everything"
            ));
        }
    }
    Ok(pieces)
}

/// What an expression is filled with.
pub(crate) struct Values<'a> {
    pub(crate) expires: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) address: &'a str,
    pub(crate) host: &'a str,
}

/// The MD5 of a filled expression.
pub(crate) fn digest(expression: &[Piece], values: &Values<'_>, secret: &[u8]) -> [u8; 16] {
    let mut hash = Md5::new();
    for piece in expression {
        match piece {
            Piece::Text(text) => hash.update(text),
            Piece::Expires => hash.update(values.expires),
            Piece::Uri => hash.update(values.uri),
            Piece::RemoteAddr => hash.update(values.address),
            Piece::Host => hash.update(values.host),
            Piece::Secret => hash.update(secret),
        }
    }
    hash.finalize().into()
}

/// The secure_link format.
#[derive(Debug, Clone)]
pub struct SecureLink {
    rules: SecureLinkRules,
}

impl SecureLink {
    /// A verifier by these rules.
    pub fn new(rules: SecureLinkRules) -> Self {
        Self { rules }
    }
}

impl Verifier for SecureLink {
    fn headers(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .rules
            .client
            .headers()
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        names.extend(super::parts::ORIGIN_HEADERS.map(str::to_owned));
        names
    }

    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    ) {
        match &self.rules.form {
            Form::Md5 {
                parameter, expires, ..
            } => {
                let hash = Held::parameter(head, parameter);
                let until = Held::parameter(head, expires);
                if hash.is_there() {
                    let address = self
                        .rules
                        .client
                        .address(head)
                        .map(|address| address.to_string())
                        .unwrap_or_default();
                    let host = host(head);
                    let text = join(&[hash.text(), until.text(), &address, &host, path.decoded()]);
                    out.push(from_parameters(text, head, &[parameter, expires]));
                }
            }
            Form::Secret { .. } => {
                if let (Some(count), Some(hash)) = (self.path_token(path), path.segments().nth(1))
                    && let Some(rest) = path.without_first(count)
                {
                    let text = join(&[hash, "", "", "", rest.decoded()]);
                    out.push(Presented {
                        text: text.into(),
                        raw: hash.into(),
                        places: smallvec![Place::Path(count)],
                    });
                }
            }
        }
    }

    fn recognises(&self, text: &str) -> bool {
        text.matches('\n').count() >= 4
    }

    fn path_token(&self, path: &NormalPath<'_>) -> Option<usize> {
        match &self.rules.form {
            Form::Md5 { .. } => None,
            Form::Secret { prefix } => {
                let mut segments = path.segments();
                let ours = segments.next() == Some(prefix)
                    && segments.next().is_some()
                    && segments.next().is_some();
                ours.then_some(2)
            }
        }
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        use base64::Engine;
        let [hash, until, address, host, uri] = split(text)?;
        let malformed = || Refused::from(Reason::TokenMalformed);
        let expires = match until {
            "" => None,
            text => Some(joined_time(text).ok_or_else(malformed)?),
        };
        let given = match &self.rules.form {
            Form::Md5 { .. } => base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(
                    percent_decode(hash)
                        .ok_or_else(malformed)?
                        .trim_end_matches('='),
                )
                .map_err(|_| malformed())?,
            Form::Secret { .. } => hex::decode(hash).map_err(|_| malformed())?,
        };
        let mut holds = false;
        for key in keys.candidates(None)? {
            let VerifyingKey::Secret(secret) = key.material() else {
                continue;
            };
            let expected: [u8; 16] = match &self.rules.form {
                Form::Md5 { expression, .. } => digest(
                    expression,
                    &Values {
                        expires: until,
                        uri,
                        address,
                        host,
                    },
                    secret,
                ),
                // nginx hashes the link without its leading slash, then the secret.
                Form::Secret { .. } => Md5::new()
                    .chain_update(&uri[1..])
                    .chain_update(secret)
                    .finalize()
                    .into(),
            };
            holds |= bool::from(expected.as_slice().ct_eq(&given));
        }
        if !holds {
            return Err(Reason::SignatureInvalid.into());
        }
        let signs = |piece: Piece| match &self.rules.form {
            Form::Md5 { expression, .. } => expression.contains(&piece),
            Form::Secret { .. } => false,
        };
        // An expiry that is not signed is no expiry: anybody could write another.
        if expires.is_some() != signs(Piece::Expires) {
            return Err(Refused::about(Reason::ClaimMissing, "expires"));
        }
        let mut grant = Grant {
            // The module holds a link good in the second that it names.
            expires: expires.map(|last| last.saturating_add(1)),
            ..Grant::default()
        };
        // The text was made from this path alone, so the exact decoded path is what the link covers.
        grant
            .restrictions
            .push(Restriction::Paths(vec![PathPattern::exact_text(uri)]));
        if signs(Piece::RemoteAddr) {
            let network = address.parse().map_err(|_| Reason::AddressNotAllowed)?;
            grant
                .restrictions
                .push(Restriction::Networks(vec![network]));
        }
        Ok(grant)
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}
