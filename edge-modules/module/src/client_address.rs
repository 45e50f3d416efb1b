//! The client's address, read from a header that somebody trusted has set.
//!
//! A client can send any header. So an operator says which one is believed, and only the part of it that the trusted side wrote is read:
//! the last value, or the nth element from the right.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

use crate::RequestHead;

/// Where the client's address comes from. Nothing that a client can set itself is believed unless the operator says who cleans it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientSource {
    /// Nowhere: what needs an address is not known. The default.
    #[default]
    None,
    /// `weir-client-ip`, set by Weir's node or by `token-check` after it has dropped a client's own.
    Node,
    /// The last `spin-client-addr`: Spin appends its own to whatever the client sent.
    Spin,
    /// The nth element of `x-forwarded-for` from the right, 1 being the last: the one that the outermost trusted proxy wrote.
    ForwardedFor(u8),
    /// The `for` of the nth element of `forwarded` (RFC 7239 section 4) from the right.
    Forwarded(u8),
}

/// Not a known source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "give `none`, `weir-client-ip`, `spin-client-addr`, `x-forwarded-for:<n>` or `forwarded:<n>` with n from 1 to 16"
)]
pub struct UnknownSource;

impl FromStr for ClientSource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        let (name, count) = match text.split_once(':') {
            Some((name, count)) => {
                let count = count.parse().ok().filter(|count| (1..=16).contains(count));
                (name, Some(count.ok_or(UnknownSource)?))
            }
            None => (text, None),
        };
        Ok(match (name, count) {
            ("none", None) => Self::None,
            ("weir-client-ip", None) => Self::Node,
            ("spin-client-addr", None) => Self::Spin,
            ("x-forwarded-for", count) => Self::ForwardedFor(count.unwrap_or(1)),
            ("forwarded", count) => Self::Forwarded(count.unwrap_or(1)),
            _ => return Err(UnknownSource),
        })
    }
}

impl<'de> Deserialize<'de> for ClientSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| de::Error::custom(format!("`{text}` is no source: {error}")))
    }
}

impl ClientSource {
    /// The headers that the source reads.
    pub fn headers(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Node => &["weir-client-ip"],
            Self::Spin => &["spin-client-addr"],
            Self::ForwardedFor(_) => &["x-forwarded-for"],
            Self::Forwarded(_) => &["forwarded"],
        }
    }

    /// The address, when it can be read.
    pub fn address(self, head: &RequestHead<'_>) -> Option<IpAddr> {
        match self {
            Self::None => None,
            Self::Node => read_address(head.header_str("weir-client-ip")?),
            Self::Spin => read_address(text(head.header_all("spin-client-addr").last()?)?),
            Self::ForwardedFor(n) => read_address(nth_from_right(head, "x-forwarded-for", n)?),
            Self::Forwarded(n) => {
                let element = nth_from_right(head, "forwarded", n)?;
                let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
                let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
                read_address(node)
            }
        }
    }
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

/// The nth element from the right over all fields of a name, which are one list (RFC 9110 section 5.3). Elements are told apart before they
/// are read as text: bytes that a client put further left must not take the trusted element away with them.
fn nth_from_right<'a>(head: &RequestHead<'a>, name: &str, n: u8) -> Option<&'a str> {
    let fields: Vec<&'a [u8]> = head.header_all(name).collect();
    let mut elements = fields
        .iter()
        .rev()
        .flat_map(|field| field.rsplit(|byte| *byte == b','));
    text(elements.nth(usize::from(n).checked_sub(1)?)?)
}

/// Reads an address as hosts and proxies write it: plain, in brackets, quoted, with a port, or an IPv4 address dressed as IPv6. The
/// unspecified address, with which Spin names a caller inside itself, is no client's.
pub fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = text
        .parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .or_else(bracketed)?;
    Some(address.to_canonical()).filter(|address| !address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HeadBuffer, HeaderNames};
    use proptest::prelude::*;

    fn address(source: &str, headers: &[(&str, &[u8])]) -> Option<String> {
        let source: ClientSource = source.parse().unwrap();
        let names = HeaderNames::new(source.headers().iter().copied());
        let mut buffer = HeadBuffer::default();
        buffer.start("GET", "/").unwrap();
        for (name, value) in headers {
            buffer.named(&names, name, value).unwrap();
        }
        let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
        source.address(&head).map(|address| address.to_string())
    }

    #[test]
    fn only_the_trusted_hop_is_read() {
        let spin: [(&str, &[u8]); 2] = [
            ("spin-client-addr", b"10.0.0.1:1"),
            ("spin-client-addr", b"192.0.2.5:4711"),
        ];
        let found = |source: &str, headers: &[(&str, &[u8])], expected: Option<&str>| {
            assert_eq!(
                address(source, headers).as_deref(),
                expected,
                "{source} {headers:?}"
            );
        };
        found("spin-client-addr", &spin, Some("192.0.2.5"));
        found(
            "spin-client-addr",
            &[("spin-client-addr", b"0.0.0.0:0")],
            None,
        );
        let hops: [(&str, &[u8]); 2] = [
            ("x-forwarded-for", b"10.0.0.1, 192.0.2.1"),
            ("x-forwarded-for", b"192.0.2.2"),
        ];
        found("x-forwarded-for", &hops, Some("192.0.2.2"));
        found("x-forwarded-for:1", &hops, Some("192.0.2.2"));
        found("x-forwarded-for:2", &hops, Some("192.0.2.1"));
        found("x-forwarded-for:4", &hops, None);
        let forwarded: [(&str, &[u8]); 1] = [(
            "forwarded",
            b"for=10.0.0.1, proto=https;For=\"[2001:db8::7]:443\"",
        )];
        found("forwarded:1", &forwarded, Some("2001:db8::7"));
        found("forwarded", &[("forwarded", b"for=unknown")], None);
        let node: [(&str, &[u8]); 1] = [("weir-client-ip", b"::ffff:192.0.2.1")];
        found("weir-client-ip", &node, Some("192.0.2.1"));
        found("none", &node, None);
    }

    /// The trusted proxy appends to a line that the client has begun with bytes of no encoding: its element counts all the same, and never
    /// one from a line further left.
    #[test]
    fn bytes_of_the_client_do_not_hide_the_trusted_element() {
        let lines: [(&str, &[u8]); 2] = [
            ("x-forwarded-for", b"6.6.6.6"),
            ("x-forwarded-for", b"\xff\xfe, 192.0.2.1"),
        ];
        assert_eq!(
            address("x-forwarded-for:1", &lines).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(address("x-forwarded-for:2", &lines), None);
        let lines: [(&str, &[u8]); 2] = [
            ("forwarded", b"for=6.6.6.6"),
            ("forwarded", b"for=\xff, for=192.0.2.1"),
        ];
        assert_eq!(address("forwarded:1", &lines).as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn addresses_come_in_many_dresses() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1:8080 ", "192.0.2.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(read_address(text), Some(address.parse().unwrap()), "{text}");
        }
        for text in [
            "",
            "unknown",
            "_hidden",
            "[2001:db8::1",
            "[2001:db8::1]x",
            "1.2.3",
            "1.2.3.4.5",
            "192.0.2.1:",
            "0.0.0.0",
            "::",
        ] {
            assert_eq!(read_address(text), None, "{text}");
        }
    }

    #[test]
    fn unknown_sources_are_refused() {
        for text in [
            "",
            "x",
            "none:1",
            "weir-client-ip:2",
            "forwarded:0",
            "forwarded:17",
            "x-forwarded-for:a",
        ] {
            assert_eq!(text.parse::<ClientSource>(), Err(UnknownSource), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = read_address(&text);
        }
    }
}
