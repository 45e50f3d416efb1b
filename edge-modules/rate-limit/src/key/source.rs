//! One source of a key: what it reads from a request, and how its value stands in the key.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::network::Network;
use crate::request::{Request, digest};

/// Values longer than this, and those with unusual characters, go in as a digest.
const LONGEST_VALUE: usize = 64;

/// What one part of a key is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `weir-subject`: who the token says the viewer is.
    Subject,
    /// `weir-session`: the playback session of the token.
    Session,
    /// The client's address, grouped to the configured prefix lengths.
    ClientIp,
    /// The client's wider network: IPv4 /24, IPv6 /48.
    ClientNet,
    /// Client address and `user-agent` together: one device, nearly.
    Device,
    /// The token as presented (`authorization`, else the configured query parameters and cookies), as a digest.
    Token,
    /// The name of the matching route.
    Route,
    /// The request class.
    Class,
    /// `weir-tier`.
    Tier,
    /// `weir-country`.
    Country,
    /// The host that the client asked for.
    Host,
    /// The path.
    Path,
    /// The session id of CMCD (CTA-5004): `sid` in the `CMCD-Session` header or the `CMCD` query argument.
    CmcdSid,
    /// A request header.
    Header(String),
    /// A cookie.
    Cookie(String),
    /// A query parameter.
    Query(String),
    /// One quota for all.
    Everyone,
}

/// The value of a source.
pub(super) enum Value<'r> {
    /// Bytes of the request: as they are when they are plain, else as a digest.
    Bytes(&'r [u8]),
    /// The same, made from the request.
    Made(String),
    /// A secret: always as a digest.
    Secret(&'r [u8]),
    /// A network, written as text.
    Network(Network),
    /// Already a digest.
    Digest(String),
}

impl Value<'_> {
    /// Appends the value as it stands in a key.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) if is_plain(bytes) => out.extend_from_slice(bytes),
            Self::Made(text) if is_plain(text.as_bytes()) => {
                out.extend_from_slice(text.as_bytes());
            }
            Self::Bytes(bytes) | Self::Secret(bytes) => {
                out.extend_from_slice(digest(bytes).as_bytes());
            }
            Self::Made(text) => out.extend_from_slice(digest(text.as_bytes()).as_bytes()),
            Self::Network(network) => network.write(out),
            Self::Digest(text) => out.extend_from_slice(text.as_bytes()),
        }
    }
}

impl Source {
    /// Reads a source by its name.
    ///
    /// # Errors
    /// The names that there are.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let named = |prefix: &str| {
            text.strip_prefix(prefix)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
        };
        Ok(match text {
            "subject" => Self::Subject,
            "session" => Self::Session,
            "client-ip" => Self::ClientIp,
            "client-net" => Self::ClientNet,
            "device" => Self::Device,
            "token" => Self::Token,
            "route" => Self::Route,
            "class" => Self::Class,
            "tier" => Self::Tier,
            "country" => Self::Country,
            "host" => Self::Host,
            "path" => Self::Path,
            "cmcd-sid" => Self::CmcdSid,
            "everyone" => Self::Everyone,
            _ => {
                if let Some(name) = named("header:") {
                    Self::Header(name.to_ascii_lowercase())
                } else if let Some(name) = named("cookie:") {
                    Self::Cookie(name)
                } else if let Some(name) = named("query:") {
                    Self::Query(name)
                } else {
                    return Err(format!(
                        "`{text}` is not a key; known are subject, session, client-ip, client-net, device, token, route, class, tier, \
                         country, host, path, cmcd-sid, everyone, header:<name>, cookie:<name> and query:<name>"
                    ));
                }
            }
        })
    }

    /// The request headers that it reads.
    pub(super) fn headers(&self) -> Vec<&str> {
        match self {
            Self::Subject => vec!["weir-subject"],
            Self::Session => vec!["weir-session"],
            Self::Tier => vec!["weir-tier"],
            Self::Country => vec!["weir-country"],
            Self::Host => vec![":authority", "host"],
            Self::Device => vec!["user-agent"],
            Self::Token => vec!["authorization", "cookie"],
            Self::Cookie(_) => vec!["cookie"],
            Self::CmcdSid => vec!["cmcd-session"],
            Self::Header(name) => vec![name],
            _ => Vec::new(),
        }
    }

    /// Names the source inside a key, so that a subject `x` and a session `x` are two.
    pub(super) fn tag(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Subject => "sub",
            Self::Session => "sid",
            Self::ClientIp => "ip",
            Self::ClientNet => "net",
            Self::Device => "dev",
            Self::Token => "tok",
            Self::Route => "route",
            Self::Class => "class",
            Self::Tier => "tier",
            Self::Country => "cc",
            Self::Host => "host",
            Self::Path => "path",
            Self::CmcdSid => "cmcd",
            Self::Everyone => "all",
            Self::Header(name) => {
                return Cow::Owned(format!("h:{}", plain_or_digest(name.as_bytes())));
            }
            Self::Cookie(name) => {
                return Cow::Owned(format!("c:{}", plain_or_digest(name.as_bytes())));
            }
            Self::Query(name) => {
                return Cow::Owned(format!("q:{}", plain_or_digest(name.as_bytes())));
            }
        })
    }

    /// What the request says; none when it says nothing.
    pub(super) fn value<'r>(&self, request: &Request<'r>) -> Option<Value<'r>> {
        let some = |value: &'r [u8]| (!value.is_empty()).then_some(value);
        let text = |value: Option<&'r str>| some(value?.as_bytes());
        let header = |name: &str| some(request.head.header(name)?);
        Some(match self {
            Self::Subject => Value::Bytes(header("weir-subject")?),
            Self::Session => Value::Bytes(header("weir-session")?),
            Self::Country => Value::Bytes(header("weir-country")?),
            Self::Tier => Value::Bytes(text(Some(request.tier))?),
            Self::Class => Value::Bytes(text(Some(request.class))?),
            Self::Route => Value::Bytes(text(request.route)?),
            Self::Path => Value::Bytes(text(Some(request.path))?),
            Self::Host => Value::Bytes(header(":authority").or_else(|| header("host"))?),
            Self::ClientIp => Value::Network(request.network?),
            Self::ClientNet => {
                let address = request.address?;
                Value::Network(Network::of(address, wider_prefix(address)))
            }
            Self::Device => Value::Digest(request.device()?),
            Self::Token => {
                let names = request.token_names;
                let mut queries = names.query.iter();
                let mut cookies = names.cookie.iter();
                Value::Secret(
                    header("authorization")
                        .or_else(|| queries.find_map(|name| text(request.query(name))))
                        .or_else(|| cookies.find_map(|name| text(request.cookie(name))))?,
                )
            }
            Self::CmcdSid => Value::Made(request.cmcd_sid()?),
            Self::Header(name) => Value::Bytes(header(name)?),
            Self::Cookie(name) => Value::Bytes(text(request.cookie(name))?),
            Self::Query(name) => Value::Bytes(text(request.query(name))?),
            Self::Everyone => Value::Bytes(b""),
        })
    }
}

/// A client's wider network: an IPv4 /24, an IPv6 /48.
fn wider_prefix(address: IpAddr) -> u8 {
    if address.is_ipv4() { 24 } else { 48 }
}

/// True when a value may stand in a key as it is. `|` and `#` are not among the characters, so keys cannot be forged.
fn is_plain(value: &[u8]) -> bool {
    value.len() <= LONGEST_VALUE && value.iter().all(|byte| PLAIN[usize::from(*byte)])
}

/// One look-up a byte: every request's key is read with it.
static PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let others = b"._@/:~-";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] |= byte.is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

fn plain_or_digest(value: &[u8]) -> String {
    if is_plain(value) {
        String::from_utf8_lossy(value).into_owned()
    } else {
        digest(value)
    }
}
