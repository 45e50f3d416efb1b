//! Token formats. Each is one file behind [`Verifier`]; a route names the formats that it accepts.

pub mod bunny;
pub mod cat;
pub mod cloudflare_stream;
pub mod cloudfront;
pub mod edge_auth;
pub mod hmac;
pub mod jwt;
pub mod long_token;
pub mod media_cdn;
mod parts;
pub mod secure_link;
pub mod uri_signing;

pub(crate) use parts::origin;

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};
use weir_module::RequestHead;

use crate::carrier::{Carrier, Found, Place};
use crate::grant::Grant;
use crate::keys::KeySet;
use crate::path::NormalPath;
use crate::query::percent_decode;
use crate::reason::Refused;

/// A token in a request, ready for its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented<'a> {
    /// Everything that the verification depends on: the token, and for formats that sign the URL what they sign of it.
    pub text: Cow<'a, str>,
    /// The token as it stands in the request; parameters with their names when it takes more than one.
    pub raw: Cow<'a, str>,
    /// What to take out of the request.
    pub places: SmallVec<[Place<'a>; 1]>,
}

impl<'a> Presented<'a> {
    /// A token that travels alone: percent-decoded once in a query or path, as it stands elsewhere.
    pub(crate) fn single(found: Found<'a>) -> Self {
        let decoded = match found.place {
            Place::Query(_) | Place::Path(_) | Place::PathParameter => percent_decode(&found.raw),
            Place::Cookie(_) | Place::Header(_) => None,
        };
        let text = match decoded {
            Some(Cow::Owned(decoded)) => Cow::Owned(decoded),
            // Nothing was encoded, or nothing that can be read.
            Some(Cow::Borrowed(_)) | None => found.raw.clone(),
        };
        Self {
            text,
            raw: found.raw,
            places: smallvec![found.place],
        }
    }
}

/// A token format: finds its tokens, checks them, and says what they grant.
pub trait Verifier: Send {
    /// The request headers that it reads.
    fn headers(&self) -> Vec<String>;

    /// Every token of this format in the request. A token that is there but broken is reported too: it must be refused, not overlooked.
    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    );

    /// True when a text looks like a token of this format. It chooses between formats that share a carrier, and tells a token
    /// from content where the path alone carries it; it decides nothing else.
    fn recognises(&self, text: &str) -> bool;

    /// How many bytes at the front of the path as it was asked for a token of this format takes up, where its encodings have no place in a
    /// path. They are cut off before the path is read.
    fn before_path(&self, asked: &str) -> Option<usize> {
        let _ = asked;
        None
    }

    /// How many segments at the front of the path a token of this format takes up, when there is one.
    fn path_token(&self, path: &NormalPath<'_>) -> Option<usize>;

    /// Checks a token: its form, its signature, and whatever of it does not depend on the request. The answer may be remembered
    /// for the same text.
    ///
    /// # Errors
    /// The first thing that is wrong.
    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused>;

    /// Seconds of clock difference forgiven.
    fn clock_skew(&self) -> i64;
}

/// Longest token taken, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

pub(crate) fn carrier_headers(carriers: &[Carrier]) -> Vec<String> {
    carriers
        .iter()
        .filter_map(Carrier::header)
        .map(str::to_owned)
        .collect()
}

pub(crate) fn present_single<'a>(
    carriers: &'a [Carrier],
    head: &RequestHead<'a>,
    path: &'a NormalPath<'a>,
    out: &mut Vec<Presented<'a>>,
) {
    for carrier in carriers {
        carrier.find(head, path, |found| out.push(Presented::single(found)));
    }
}

/// The path token among carriers. Behind a prefix every segment is a token; where the first segment itself is one, it must look so.
pub(crate) fn path_token(
    carriers: &[Carrier],
    path: &NormalPath<'_>,
    looks: impl Fn(&str) -> bool,
) -> Option<usize> {
    carriers.iter().find_map(|carrier| {
        let Carrier::Path(prefix) = carrier else {
            return None;
        };
        let mut segments = path.segments();
        let behind = prefix
            .iter()
            .all(|expected| segments.next() == Some(expected));
        let token = segments
            .next()
            .filter(|_| behind && segments.next().is_some())?;
        (!prefix.is_empty() || looks(token)).then_some(prefix.len() + 1)
    })
}
