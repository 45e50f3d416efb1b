//! What goes on of a request that passes: the normal path, no token, no identity but the token's.

use std::borrow::Cow;

use smallvec::SmallVec;
use weir_module::{Edit, Edits, RequestHead};

use crate::carrier::{Place, cookies_without};
use crate::client::ClientSource;
use crate::config::Policy;
use crate::format::Presented;
use crate::grant::Grant;
use crate::path::NormalPath;
use crate::query::query_without;
use crate::reason::{Reason, Refused};

/// Headers that tell later modules who asks: a client's own are always taken off.
pub(crate) const IDENTITY: [&str; 5] = [
    "weir-subject",
    "weir-tier",
    "weir-session",
    "weir-entitlements",
    "weir-token",
];
/// Headers that only the node may set.
pub(crate) const SURROUNDINGS: [&str; 4] =
    ["weir-client-ip", "weir-country", "weir-asn", "weir-variant"];
impl Policy {
    /// What goes on: the normal path, no token, no identity but the token's.
    pub(crate) fn edits(
        &self,
        head: &RequestHead<'_>,
        clean: &NormalPath<'_>,
        query: Option<&str>,
        gone: &Places<'_>,
        grant: Option<&Grant>,
        handed: Option<String>,
    ) -> Result<Edits, Refused> {
        let mut edits = Edits::none();
        let prefix = grant
            .and_then(|grant| grant.path_prefix.as_deref())
            .unwrap_or_default();
        if !prefix.is_empty() || !gone.parameters.is_empty() || clean.encoded() != head.path() {
            let target = match query {
                None if prefix.is_empty() => Cow::Borrowed(clean.encoded()),
                None => Cow::Owned(format!("{prefix}{}", clean.encoded())),
                Some(query) => Cow::Owned([prefix, clean.encoded(), "?", query].concat()),
            };
            push(&mut edits, Edit::SetTarget(&target))?;
        }
        if !gone.cookies.is_empty() {
            match cookies_without(head, &gone.cookies) {
                Some(rest) => push(&mut edits, Edit::SetRequest("cookie", &rest))?,
                None => push(&mut edits, Edit::RemoveRequest("cookie"))?,
            }
        }
        for name in &gone.headers {
            push(&mut edits, Edit::RemoveRequest(name))?;
        }
        let entitlements = grant
            .filter(|grant| !grant.entitlements.is_empty())
            .map(|grant| grant.entitlements.join(", "));
        let identity: [Option<Cow<'_, str>>; 5] = [
            grant
                .and_then(|grant| grant.subject.as_deref())
                .map(header_text),
            grant
                .and_then(|grant| grant.tier.as_deref())
                .map(header_text),
            grant
                .and_then(|grant| grant.session.as_deref())
                .map(header_text),
            entitlements.map(Cow::Owned),
            handed.map(Cow::Owned),
        ];
        for (name, value) in IDENTITY.iter().zip(identity) {
            match value {
                Some(value) => push(&mut edits, Edit::SetRequest(name, value.as_bytes()))?,
                None if head.header(name).is_some() => push(&mut edits, Edit::RemoveRequest(name))?,
                None => {}
            }
        }
        if self.client != ClientSource::Node {
            let address = self.client.address(head).map(|address| address.to_string());
            for name in SURROUNDINGS {
                match &address {
                    Some(address) if name == "weir-client-ip" => {
                        push(&mut edits, Edit::SetRequest(name, address.as_bytes()))?;
                    }
                    _ if head.header(name).is_some() => {
                        push(&mut edits, Edit::RemoveRequest(name))?
                    }
                    _ => {}
                }
            }
        }
        Ok(edits)
    }
}

/// What tokens occupy, each once.
#[derive(Default)]
pub(crate) struct Places<'a> {
    parameters: Names<'a>,
    cookies: Names<'a>,
    headers: Names<'a>,
}

/// Room for one without an allocation: most requests carry one token at one place.
type Names<'a> = SmallVec<[&'a str; 1]>;

impl<'a> Places<'a> {
    /// The query without the token's parameters; none when nothing is left of it.
    pub(crate) fn query(&self, head: &RequestHead<'a>) -> Option<Cow<'a, str>> {
        if self.parameters.is_empty() {
            return head.query().map(Cow::Borrowed);
        }
        query_without(head.query()?, &self.parameters).map(Cow::Owned)
    }

    pub(crate) fn add(&mut self, place: Place<'a>) {
        let (list, name) = match place {
            Place::Query(name) => (&mut self.parameters, name),
            Place::Cookie(name) => (&mut self.cookies, name),
            Place::Header(name) => (&mut self.headers, name),
            Place::Path(_) | Place::PathParameter => return,
        };
        if !list.contains(&name) {
            list.push(name);
        }
    }
}

/// How a playlist's URLs must carry the token; none for carriers that a player repeats by itself.
pub(crate) fn carrier_form(token: &Presented<'_>) -> Option<String> {
    match *token.places.as_slice() {
        [Place::Query(name)] => Some(format!("query:{name}={}", token.raw)),
        [Place::Query(_), ..] => Some(format!("query:{}", token.raw)),
        [Place::Path(_), ..] => Some(format!("path:{}", token.raw)),
        _ => None,
    }
}

/// A claim as a header value: visible ASCII as it is, all else and `%` percent-encoded, so that no claim can forge a header.
fn header_text(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(out)
}

/// A value that no header field can hold is the token's fault.
pub(crate) fn push(edits: &mut Edits, edit: Edit<'_>) -> Result<(), Refused> {
    edits.push(edit).map_err(|_| Reason::TokenMalformed.into())
}
