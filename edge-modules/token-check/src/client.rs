//! Who stands at the other end: the client's address, country and network, read from headers that somebody trusted has set.

use std::net::IpAddr;
use std::str::FromStr;

use weir_module::RequestHead;

use crate::network::client_address;

/// Where the client's address comes from. Nothing that a client can set itself is believed unless the operator says who cleans it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientSource {
    /// Nowhere: a token that is bound to an address is refused. The default.
    #[default]
    None,
    /// `weir-client-ip`, `weir-country`, `weir-asn`, set by Weir's node after it has dropped a client's own.
    Node,
    /// The last `spin-client-addr`: Spin appends its own to whatever the client sent.
    Spin,
    /// The nth element of `x-forwarded-for` from the right, 1 being the last: the one that the outermost trusted proxy wrote.
    ForwardedFor(u8),
    /// The `for` of the nth element of `forwarded` (RFC 7239) from the right.
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

impl ClientSource {
    /// The headers that the source reads.
    pub fn headers(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Node => &["weir-client-ip", "weir-country", "weir-asn"],
            Self::Spin => &["spin-client-addr"],
            Self::ForwardedFor(_) => &["x-forwarded-for"],
            Self::Forwarded(_) => &["forwarded"],
        }
    }

    /// The address, when it can be read.
    pub fn address(self, head: &RequestHead<'_>) -> Option<IpAddr> {
        match self {
            Self::None => None,
            Self::Node => client_address(head.header_str("weir-client-ip")?),
            Self::Spin => client_address(text(head.header_all("spin-client-addr").last()?)?),
            Self::ForwardedFor(n) => client_address(nth_from_right(head, "x-forwarded-for", n)?),
            Self::Forwarded(n) => {
                let element = nth_from_right(head, "forwarded", n)?;
                let node = element.split(';').find_map(|pair| {
                    let (name, value) = pair.split_once('=')?;
                    name.trim()
                        .eq_ignore_ascii_case("for")
                        .then_some(value.trim())
                })?;
                client_address(node.trim_matches('"'))
            }
        }
    }

    /// The country, ISO 3166-1 alpha-2 in capitals.
    pub fn country(self, head: &RequestHead<'_>) -> Option<String> {
        let country = (self == Self::Node)
            .then(|| head.header_str("weir-country"))
            .flatten()?;
        Some(country.trim().to_ascii_uppercase()).filter(|country| country.len() == 2)
    }

    /// The autonomous system number, with or without `AS`.
    pub fn asn(self, head: &RequestHead<'_>) -> Option<u32> {
        let asn = (self == Self::Node)
            .then(|| head.header_str("weir-asn"))
            .flatten()?
            .trim();
        asn.strip_prefix("AS").unwrap_or(asn).parse().ok()
    }
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

/// The nth element from the right over all fields of a name, which are one list (RFC 9110 section 5.3).
fn nth_from_right<'a>(head: &RequestHead<'a>, name: &str, n: u8) -> Option<&'a str> {
    let fields: Vec<&'a [u8]> = head.header_all(name).collect();
    let mut elements = fields
        .iter()
        .rev()
        .filter_map(|field| text(field))
        .flat_map(|field| field.rsplit(','));
    elements.nth(usize::from(n).checked_sub(1)?).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_module::{HeadBuffer, HeaderNames};

    fn address(source: &str, headers: &[(&str, &str)]) -> Option<String> {
        let source: ClientSource = source.parse().unwrap();
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
        let hops = [
            ("x-forwarded-for", "10.0.0.1, 192.0.2.1"),
            ("x-forwarded-for", "192.0.2.2"),
        ];
        assert_eq!(
            address("x-forwarded-for:1", &hops).as_deref(),
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
        assert_eq!(
            address("weir-client-ip", &[("weir-client-ip", "::ffff:192.0.2.1")]).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(address("none", &[("weir-client-ip", "192.0.2.1")]), None);
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
}
