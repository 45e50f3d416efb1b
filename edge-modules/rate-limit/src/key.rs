//! Whom a quota counts: key expressions such as `"subject|client-ip"` and `"client-ip+route"`.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, de};

use crate::network::Network;
use crate::request::{Request, digest};

/// What one part of a key is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
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

/// A key expression: parts joined by `+`, alternatives of a part by `|` (the first that the request has counts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyExpression {
    parts: Vec<Vec<Source>>,
}

/// The most parts that one key may have: with [`LONGEST_PART`] it keeps every key under the store's 512 bytes.
const MOST_PARTS: usize = 4;
/// Values longer than this, and those with unusual characters, go in as a digest.
const LONGEST_PART: usize = 64;

impl KeyExpression {
    /// `subject|session|client-ip`: one viewer, as well as it can be told.
    pub(crate) fn viewer() -> Self {
        Self {
            parts: vec![vec![Source::Subject, Source::Session, Source::ClientIp]],
        }
    }

    /// `subject`.
    pub(crate) fn subject() -> Self {
        Self {
            parts: vec![vec![Source::Subject]],
        }
    }

    /// `session|device`.
    pub(crate) fn session_or_device() -> Self {
        Self {
            parts: vec![vec![Source::Session, Source::Device]],
        }
    }

    /// `client-ip`.
    pub(crate) fn client_ip() -> Self {
        Self {
            parts: vec![vec![Source::ClientIp]],
        }
    }

    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = text
            .split('+')
            .map(|part| {
                part.split('|')
                    .map(|source| Source::parse(source.trim()))
                    .collect()
            })
            .collect::<Result<Vec<Vec<Source>>, String>>()?;
        if parts.len() > MOST_PARTS {
            return Err(format!(
                "a key has at most {MOST_PARTS} parts, `{text}` has {}",
                parts.len()
            ));
        }
        Ok(Self { parts })
    }

    /// The request headers that the expression reads.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flatten().flat_map(Source::headers)
    }

    /// Appends the key of a request. A part that the request lacks is `-`: all requests without it count as one.
    pub(crate) fn write(&self, out: &mut Vec<u8>, request: &Request<'_>) {
        for part in &self.parts {
            out.push(b'|');
            match part
                .iter()
                .find_map(|source| source.value(request).map(|value| (source, value)))
            {
                Some((source, value)) => {
                    out.extend_from_slice(source.tag().as_bytes());
                    out.push(b'=');
                    source.write(out, &value);
                }
                None => out.push(b'-'),
            }
        }
    }

    /// True when the request has everything that the key wants.
    pub(crate) fn is_complete(&self, request: &Request<'_>) -> bool {
        self.parts
            .iter()
            .all(|part| part.iter().any(|source| source.value(request).is_some()))
    }

    /// True when the key of this request rests on the client's address.
    pub(crate) fn uses_address(&self, request: &Request<'_>) -> bool {
        self.parts.iter().any(|part| {
            let chosen = part.iter().find(|source| source.value(request).is_some());
            matches!(
                chosen,
                Some(Source::ClientIp | Source::ClientNet | Source::Device)
            )
        })
    }
}

impl<'de> Deserialize<'de> for KeyExpression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Source {
    fn parse(text: &str) -> Result<Self, String> {
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

    fn headers(&self) -> Vec<&str> {
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
    fn tag(&self) -> Cow<'static, str> {
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

    fn value<'r>(&self, request: &Request<'r>) -> Option<Cow<'r, [u8]>> {
        let text = |value: Option<&'r str>| {
            value
                .filter(|value| !value.is_empty())
                .map(|value| Cow::Borrowed(value.as_bytes()))
        };
        let header = |name: &str| {
            request
                .head
                .header(name)
                .filter(|value| !value.is_empty())
                .map(Cow::Borrowed)
        };
        match self {
            Self::Subject => header("weir-subject"),
            Self::Session => header("weir-session"),
            Self::Country => header("weir-country"),
            Self::Tier => text(Some(request.tier)),
            Self::Class => text(Some(request.class)),
            Self::Route => text(request.route),
            Self::Path => text(Some(request.path)),
            Self::Host => header(":authority").or_else(|| header("host")),
            Self::ClientIp => request
                .network
                .map(|network| Cow::Owned(network.to_string().into_bytes())),
            Self::ClientNet => request.address.map(|address| {
                let prefix = if matches!(address, IpAddr::V4(_)) {
                    24
                } else {
                    48
                };
                Cow::Owned(Network::of(address, prefix).to_string().into_bytes())
            }),
            Self::Device => request
                .device()
                .map(|device| Cow::Owned(device.into_bytes())),
            Self::Token => header("authorization")
                .or_else(|| {
                    request
                        .token_names
                        .query
                        .iter()
                        .find_map(|name| text(request.query(name)))
                })
                .or_else(|| {
                    request
                        .token_names
                        .cookie
                        .iter()
                        .find_map(|name| text(request.cookie(name)))
                }),
            Self::CmcdSid => request.cmcd_sid().map(|sid| Cow::Owned(sid.into_bytes())),
            Self::Header(name) => header(name),
            Self::Cookie(name) => text(request.cookie(name)),
            Self::Query(name) => text(request.query(name)),
            Self::Everyone => Some(Cow::Borrowed(b"")),
        }
    }

    fn write(&self, out: &mut Vec<u8>, value: &[u8]) {
        // A token never stands in a store in the clear. A device is a digest already.
        if !matches!(self, Self::Device) && (matches!(self, Self::Token) || !is_plain(value)) {
            out.extend_from_slice(digest(value).as_bytes());
        } else {
            out.extend_from_slice(value);
        }
    }
}

/// True when a value may stand in a key as it is. `|` and `#` are not among the characters, so keys cannot be forged.
fn is_plain(value: &[u8]) -> bool {
    value.len() <= LONGEST_PART
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._@/:~-".contains(byte))
}

fn plain_or_digest(value: &[u8]) -> String {
    if is_plain(value) {
        String::from_utf8_lossy(value).into_owned()
    } else {
        digest(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::with_request;
    use proptest::prelude::*;

    fn key(expression: &str, target: &str, headers: &[(&str, &str)]) -> String {
        let expression = KeyExpression::parse(expression).unwrap();
        let names: Vec<&str> = expression.headers().collect();
        with_request(target, &names, headers, |request| {
            let mut out = Vec::new();
            expression.write(&mut out, request);
            String::from_utf8(out).unwrap()
        })
    }

    #[test]
    fn the_first_alternative_that_is_there_counts() {
        let expression = "subject|client-ip";
        assert_eq!(
            key(
                expression,
                "/",
                &[("weir-subject", "ada"), ("weir-client-ip", "192.0.2.1")]
            ),
            "|sub=ada"
        );
        assert_eq!(
            key(expression, "/", &[("weir-client-ip", "192.0.2.1")]),
            "|ip=192.0.2.1/32"
        );
        assert_eq!(key(expression, "/", &[("weir-subject", "")]), "|-");
    }

    #[test]
    fn ipv6_clients_are_their_64() {
        let near = key("client-ip", "/", &[("weir-client-ip", "2001:db8:0:1::1")]);
        assert_eq!(near, "|ip=2001:db8:0:1::/64");
        assert_eq!(
            near,
            key(
                "client-ip",
                "/",
                &[("weir-client-ip", "2001:db8:0:1:ffff::2")]
            )
        );
        assert_eq!(
            key("client-net", "/", &[("weir-client-ip", "2001:db8:0:1::1")]),
            "|net=2001:db8::/48"
        );
        assert_eq!(
            key("client-net", "/", &[("weir-client-ip", "192.0.2.77")]),
            "|net=192.0.2.0/24"
        );
    }

    #[test]
    fn every_source_has_a_value() {
        let headers = [
            ("weir-session", "s1"),
            ("weir-country", "FI"),
            ("host", "cdn.example"),
            ("authorization", "Bearer abc"),
            ("cookie", "a=1; edge=two"),
            ("x-api-key", "k"),
            ("cmcd-session", "sid=\"6e2fb550-c457-11e9\",sf=h"),
        ];
        assert_eq!(
            key("session+country+host", "/", &headers),
            "|sid=s1|cc=FI|host=cdn.example"
        );
        assert_eq!(
            key(
                "header:X-Api-Key+cookie:edge+query:q+path",
                "/p?q=z",
                &headers
            ),
            "|h:x-api-key=k|c:edge=two|q:q=z|path=/p"
        );
        assert_eq!(
            key("cmcd-sid+everyone", "/", &headers),
            "|cmcd=6e2fb550-c457-11e9|all="
        );
        let token = key("token", "/", &headers);
        assert!(
            token.starts_with("|tok=#") && token.len() == 38 && !token.contains("abc"),
            "{token}"
        );
    }

    #[test]
    fn hostile_values_cannot_forge_another_key() {
        let forged = key("subject+session", "/", &[("weir-subject", "a|sid=b")]);
        assert!(forged.starts_with("|sub=#"), "{forged}");
        assert!(key("subject", "/", &[("weir-subject", &"x".repeat(5_000))]).len() < 64);
    }

    #[test]
    fn wrong_expressions_are_refused() {
        for text in [
            "",
            "subjekt",
            "subject|",
            "header:",
            "subject++session",
            "tier+tier+tier+tier+tier",
        ] {
            assert!(KeyExpression::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn keys_stay_inside_the_stores_bound(subject in ".{1,200}", agent in ".{0,200}", cookie in ".{0,300}") {
            let key = key(
                "subject+device+cookie:a+token",
                "/x?CMCD=%22&a=%zz",
                &[("weir-subject", &subject), ("user-agent", &agent), ("cookie", &cookie), ("weir-client-ip", "192.0.2.1")],
            );
            prop_assert!(key.len() <= 400);
            prop_assert_eq!(key.matches('|').count(), 4);
        }
    }
}
