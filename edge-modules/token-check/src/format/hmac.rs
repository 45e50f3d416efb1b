//! A plain HMAC over a template that the operator chooses, for home-made signed URLs.
//!
//! The template names what is signed: `{path}` (normal form, decoded, or as it was asked for), `{directory}` (up to and with the last slash), `{expires}`, `{client-ip}`,
//! `{host}`, `{method}`, `{subject}`. What it does not name is not protected, so it must name the path or the directory, and the expiry.
//!
//! Worked example: template `{path}\n{expires}`, parameters `expires` and `signature` in hexadecimal.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use weir_module::RequestHead;

use super::parts::{Held, ORIGIN_HEADERS, from_parameters, host, join, joined_time, split};
use super::{Presented, Verifier};
use crate::client::ClientSource;
use crate::grant::{Grant, Restriction};
use crate::keys::KeySet;
use crate::path::{NormalPath, as_asked};
use crate::pattern::PathPattern;
use crate::query::percent_decode;
use crate::reason::{Reason, Refused};
use crate::signature::{Algorithm, VerifyingKey, mac};

/// What is signed and how it travels.
#[derive(Debug, Clone)]
pub struct HmacRules {
    /// The template, read.
    pub template: Vec<Piece>,
    /// The algorithm, a MAC.
    pub algorithm: Algorithm,
    /// How the MAC is written.
    pub encoding: Encoding,
    /// The parameter with the MAC.
    pub signature: String,
    /// The parameter with the expiry, Unix seconds.
    pub expires: String,
    /// The parameter with the subject.
    pub subject: String,
    /// Where `{client-ip}` comes from.
    pub client: ClientSource,
    /// Seconds of clock difference forgiven.
    pub clock_skew: i64,
}

/// How a MAC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Hexadecimal.
    Hex,
    /// Base64url without padding.
    Base64url,
    /// Base64 with padding.
    Base64,
}

impl Encoding {
    /// Reads a MAC as it stands in a query, where `+`, `/` and `=` may be percent-encoded.
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        let text = percent_decode(text)?;
        match self {
            Self::Hex => hex::decode(&*text).ok(),
            Self::Base64url => URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok(),
            Self::Base64 => STANDARD.decode(&*text).ok(),
        }
    }

    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64url => URL_SAFE_NO_PAD.encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }
}

/// A piece of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Piece {
    Text(String),
    Path,
    Directory,
    Expires,
    ClientIp,
    Host,
    Method,
    Subject,
}

/// Reads a template.
///
/// # Errors
/// What is wrong with it.
pub fn read_template(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('{') {
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.to_owned()));
        }
        let (name, tail) = after.split_once('}').ok_or("a `{` without `}`")?;
        pieces.push(match name {
            "path" => Piece::Path,
            "directory" => Piece::Directory,
            "expires" => Piece::Expires,
            "client-ip" => Piece::ClientIp,
            "host" => Piece::Host,
            "method" => Piece::Method,
            "subject" => Piece::Subject,
            _ => return Err(format!("`{{{name}}}` is not known")),
        });
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    if !pieces.contains(&Piece::Path) && !pieces.contains(&Piece::Directory) {
        return Err(
            "name `{path}` or `{directory}`: else one signature opens everything".to_owned(),
        );
    }
    if !pieces.contains(&Piece::Expires) {
        return Err("name `{expires}`: else a signature is good for ever".to_owned());
    }
    Ok(pieces)
}

/// What a template is filled with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Values<'a> {
    pub(crate) path: &'a str,
    pub(crate) expires: &'a str,
    pub(crate) client_ip: &'a str,
    pub(crate) host: &'a str,
    pub(crate) method: &'a str,
    pub(crate) subject: &'a str,
}

/// The signed text.
pub(crate) fn fill(template: &[Piece], values: &Values<'_>) -> String {
    template
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Path => values.path,
            Piece::Directory => directory(values.path),
            Piece::Expires => values.expires,
            Piece::ClientIp => values.client_ip,
            Piece::Host => values.host,
            Piece::Method => values.method,
            Piece::Subject => values.subject,
        })
        .collect()
}

fn directory(path: &str) -> &str {
    path.rfind('/').map_or("/", |slash| &path[..=slash])
}

/// The format.
#[derive(Debug, Clone)]
pub struct HmacTemplate {
    rules: HmacRules,
}

impl HmacTemplate {
    /// A verifier by these rules.
    pub fn new(rules: HmacRules) -> Self {
        Self { rules }
    }
}

impl Verifier for HmacTemplate {
    fn headers(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .rules
            .client
            .headers()
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        names.extend(ORIGIN_HEADERS.map(str::to_owned));
        names
    }

    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    ) {
        let rules = &self.rules;
        let [signature, expires, subject] = [&rules.signature, &rules.expires, &rules.subject]
            .map(|name| Held::parameter(head, name));
        if !signature.is_there() {
            return;
        }
        let uses = |piece: Piece| rules.template.contains(&piece);
        let address = rules.client.address(head).filter(|_| uses(Piece::ClientIp));
        let address = address
            .map(|address| address.to_string())
            .unwrap_or_default();
        let host = host(head);
        let part = |path| match uses(Piece::Path) {
            true => path,
            false => directory(path),
        };
        let asked = as_asked(head, path).map_or("", part);
        let path = part(path.encoded());
        let parts = [
            signature.text(),
            expires.text(),
            subject.text(),
            &address,
            &host,
            head.method(),
            path,
            asked,
        ];
        out.push(from_parameters(
            join(&parts),
            head,
            &[&rules.signature, &rules.expires, &rules.subject],
        ));
    }

    fn recognises(&self, text: &str) -> bool {
        text.matches('\n').count() >= 7
    }

    fn path_token(&self, _path: &NormalPath<'_>) -> Option<usize> {
        None
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        let [
            signature,
            expires,
            subject,
            client_ip,
            host,
            method,
            path,
            asked,
        ] = split(text)?;
        let rules = &self.rules;
        let until = joined_time(expires).ok_or(Reason::TokenMalformed)?;
        let given = rules
            .encoding
            .decode(signature)
            .ok_or(Reason::TokenMalformed)?;
        let uses = |piece: Piece| rules.template.contains(&piece);
        if uses(Piece::ClientIp) && client_ip.is_empty() {
            return Err(Reason::AddressNotAllowed.into());
        }
        if !subject.is_empty() && !uses(Piece::Subject) {
            return Err(Refused::about(Reason::ClaimUnsupported, "subject"));
        }
        let subject = percent_decode(subject).ok_or(Reason::TokenMalformed)?;
        let normal = NormalPath::new(path)?;
        // The path in its normal form, as people write it, or as it was asked for: whoever signs has one of them.
        let candidates = keys.candidates(None)?;
        let holds = |path: &str| {
            let values = Values {
                path,
                expires,
                client_ip,
                host,
                method,
                subject: &subject,
            };
            let message = fill(&rules.template, &values);
            candidates.iter().any(|key| match key.material() {
                VerifyingKey::Secret(secret) => mac(rules.algorithm, secret, message.as_bytes())
                    .is_some_and(|found| bool::from(found.ct_eq(&given))),
                _ => false,
            })
        };
        let mut others = [normal.decoded(), asked].into_iter();
        if !holds(path) && !others.any(|other| !other.is_empty() && other != path && holds(other)) {
            return Err(Reason::SignatureInvalid.into());
        }
        let pattern = if uses(Piece::Path) {
            PathPattern::exact(&normal)
        } else {
            PathPattern::starts_with(normal.decoded())
        };
        let mut restrictions = vec![Restriction::Paths(vec![pattern])];
        if uses(Piece::ClientIp) {
            let network = client_ip.parse().map_err(|_| Reason::AddressNotAllowed)?;
            restrictions.push(Restriction::Networks(vec![network]));
        }
        if uses(Piece::Method) {
            restrictions.push(Restriction::Methods(vec![method.to_owned()]));
        }
        let subject = Some(subject.into_owned()).filter(|subject| !subject.is_empty());
        Ok(Grant {
            expires: Some(until),
            subject,
            restrictions,
            ..Grant::default()
        })
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}
