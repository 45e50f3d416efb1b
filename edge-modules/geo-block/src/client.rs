//! The client's address, read from a header that somebody trusted has set.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Deserializer, de};
use weir_module::RequestHead;

/// Where the client's address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ClientSource {
    /// Nowhere: what needs an address is not known.
    #[default]
    None,
    /// `weir-client-ip`, set by Weir's node or by `token-check`.
    Node,
    /// The last `spin-client-addr`: Spin appends its own to whatever the client sent.
    Spin,
    /// The nth element of `x-forwarded-for` from the right, 1 being the last.
    ForwardedFor(usize),
    /// The `for` of the nth element of `forwarded` (RFC 7239) from the right.
    Forwarded(usize),
}

impl ClientSource {
    fn read(text: &str) -> Option<Self> {
        let (name, count) = match text.split_once(':') {
            Some((name, count)) => {
                let count = count.parse().ok().filter(|count| (1..=16).contains(count));
                (name, Some(count?))
            }
            None => (text, None),
        };
        match (name, count) {
            ("none", None) => Some(Self::None),
            ("weir-client-ip", None) => Some(Self::Node),
            ("spin-client-addr", None) => Some(Self::Spin),
            ("x-forwarded-for", count) => Some(Self::ForwardedFor(count.unwrap_or(1))),
            ("forwarded", count) => Some(Self::Forwarded(count.unwrap_or(1))),
            _ => None,
        }
    }

    /// The headers that it reads.
    pub(crate) fn headers(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Node => &["weir-client-ip"],
            Self::Spin => &["spin-client-addr"],
            Self::ForwardedFor(_) => &["x-forwarded-for"],
            Self::Forwarded(_) => &["forwarded"],
        }
    }

    /// The address, when it can be read.
    pub(crate) fn address(self, head: &RequestHead<'_>) -> Option<IpAddr> {
        let text = match self {
            Self::None => return None,
            Self::Node => head.header_str("weir-client-ip")?.to_owned(),
            Self::Spin => last_element(head, "spin-client-addr", 1)?,
            Self::ForwardedFor(n) => last_element(head, "x-forwarded-for", n)?,
            Self::Forwarded(n) => {
                let element = last_element(head, "forwarded", n)?;
                let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
                let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
                node.trim().trim_matches('"').to_owned()
            }
        };
        read_address(text.trim())
    }
}

impl<'de> Deserialize<'de> for ClientSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is no source: none, weir-client-ip, spin-client-addr, x-forwarded-for:<n> or forwarded:<n> with n from 1 to 16"
            ))
        })
    }
}

/// The nth element from the right over all fields of a name, which are one list (RFC 9110 section 5.3).
fn last_element(head: &RequestHead<'_>, name: &str, n: usize) -> Option<String> {
    let fields: Vec<&[u8]> = head.header_all(name).collect();
    let mut elements = fields
        .iter()
        .rev()
        .flat_map(|field| field.rsplit(|byte| *byte == b','));
    let element = elements.nth(n.checked_sub(1)?)?;
    std::str::from_utf8(element).ok().map(str::to_owned)
}

/// An address as hosts and proxies write it: plain, in brackets, with a port, or an IPv4 address dressed as IPv6. The unspecified
/// address stands for a caller that is no client.
fn read_address(text: &str) -> Option<IpAddr> {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .or_else(|| bracketed?.parse().ok())?;
    Some(address.to_canonical()).filter(|address| !address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_module::{HeadBuffer, HeaderNames};

    fn address(source: &str, headers: &[(&str, &str)]) -> Option<String> {
        let source = ClientSource::read(source).unwrap();
        let names = HeaderNames::new(source.headers().iter().copied());
        let mut buffer = HeadBuffer::default();
        buffer.start("GET", "/").unwrap();
        for (name, value) in headers {
            buffer.named(&names, name, value.as_bytes()).unwrap();
        }
        let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
        source.address(&head).map(|address| address.to_string())
    }

    #[test]
    fn only_the_trusted_hop_is_read() {
        let forged = [
            ("spin-client-addr", "10.0.0.1:1"),
            ("spin-client-addr", "192.0.2.5:4711"),
        ];
        assert_eq!(
            address("spin-client-addr", &forged).as_deref(),
            Some("192.0.2.5")
        );
        assert_eq!(
            address("spin-client-addr", &[("spin-client-addr", "0.0.0.0:0")]),
            None
        );
        let hops = [
            ("x-forwarded-for", "10.0.0.1, 192.0.2.1"),
            ("x-forwarded-for", "192.0.2.2"),
        ];
        assert_eq!(
            address("x-forwarded-for", &hops).as_deref(),
            Some("192.0.2.2")
        );
        assert_eq!(
            address("x-forwarded-for:2", &hops).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(address("x-forwarded-for:4", &hops), None);
        let hops = [(
            "forwarded",
            "for=10.0.0.1, proto=https;For=\"[2001:db8::7]:443\"",
        )];
        assert_eq!(
            address("forwarded:1", &hops).as_deref(),
            Some("2001:db8::7")
        );
        let node = [("weir-client-ip", "::ffff:192.0.2.1")];
        assert_eq!(
            address("weir-client-ip", &node).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(address("none", &node), None);
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
            assert_eq!(ClientSource::read(text), None, "{text}");
        }
    }
}
