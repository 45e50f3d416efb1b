//! Where a request came from.

use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;
use weir_module::{ClientSource, RequestHead};

/// The request header in which Weir's node, and `token-check`, tell the client's address.
pub(crate) const WEIR_CLIENT_IP: &str = "weir-client-ip";
/// The request header in which Spin tells it.
pub(crate) const SPIN_CLIENT_ADDR: &str = "spin-client-addr";

/// Which header tells the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AddressSource {
    /// `weir-client-ip`, else the last `spin-client-addr`.
    #[default]
    Auto,
    /// `weir-client-ip` only.
    WeirClientIp,
    /// The last `spin-client-addr` only: Spin appends its own after what a client may have sent.
    SpinClientAddr,
    /// `Forwarded` (RFC 7239), counted from the right.
    Forwarded,
    /// `X-Forwarded-For`, counted from the right.
    XForwardedFor,
}

impl AddressSource {
    /// The headers that it reads.
    pub(crate) fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Auto => &[WEIR_CLIENT_IP, SPIN_CLIENT_ADDR],
            Self::WeirClientIp => &[WEIR_CLIENT_IP],
            Self::SpinClientAddr => &[SPIN_CLIENT_ADDR],
            Self::Forwarded => &["forwarded"],
            Self::XForwardedFor => &["x-forwarded-for"],
        }
    }

    /// The address of the client. `hops` trusted proxies stand in front, each of which appended one entry to a forwarding header.
    pub(crate) fn address(self, head: &RequestHead<'_>, hops: u8) -> Option<IpAddr> {
        match self {
            Self::Auto => Self::WeirClientIp
                .address(head, hops)
                .or_else(|| Self::SpinClientAddr.address(head, hops)),
            Self::WeirClientIp => head
                .header(WEIR_CLIENT_IP)
                .and_then(dotted)
                .or_else(|| ClientSource::Node.address(head)),
            Self::SpinClientAddr => ClientSource::Spin.address(head),
            Self::XForwardedFor => ClientSource::ForwardedFor(hops.max(1)).address(head),
            Self::Forwarded => ClientSource::Forwarded(hops.max(1)).address(head),
        }
    }
}

/// An IPv4 address as the node writes it: four numbers without leading zeros. None for all else, which is read the long way; that takes
/// 100 ns in WebAssembly.
fn dotted(text: &[u8]) -> Option<IpAddr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.split(|byte| *byte == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        if !(1..=3).contains(&part.len()) || part[0] == b'0' && part.len() > 1 {
            return None;
        }
        for digit in part {
            let digit = digit.wrapping_sub(b'0');
            *octet = octet.checked_mul(10)?.checked_add(digit)?;
            if digit > 9 {
                return None;
            }
        }
    }
    // The unspecified address is no client's.
    let whole = parts.next().is_none() && octets != [0; 4];
    whole.then_some(Ipv4Addr::from(octets).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weir_module::client_address::read_address;
    use weir_module::{HeadBuffer, HeaderNames};

    fn address(source: AddressSource, hops: u8, headers: &[(&str, &str)]) -> Option<String> {
        let names = HeaderNames::new(source.headers().iter().copied());
        let mut buffer = HeadBuffer::default();
        buffer.start("GET", "/").unwrap();
        for (name, value) in headers {
            buffer.named(&names, name, value.as_bytes()).unwrap();
        }
        let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
        source
            .address(&head, hops)
            .map(|address| address.to_string())
    }

    #[test]
    fn spins_own_value_is_the_last() {
        let spoofed = [
            ("spin-client-addr", "6.6.6.6:1"),
            ("spin-client-addr", "192.0.2.1:5000"),
        ];
        assert_eq!(
            address(AddressSource::Auto, 1, &spoofed).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(
            address(AddressSource::Auto, 1, &[("spin-client-addr", "0.0.0.0:0")]),
            None
        );
        let both = [
            ("spin-client-addr", "6.6.6.6:1"),
            ("weir-client-ip", "192.0.2.9"),
        ];
        assert_eq!(
            address(AddressSource::Auto, 1, &both).as_deref(),
            Some("192.0.2.9")
        );
    }

    #[test]
    fn forwarding_headers_count_from_the_right() {
        let lines = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.1"),
            ("x-forwarded-for", "10.0.0.1"),
        ];
        assert_eq!(
            address(AddressSource::XForwardedFor, 1, &lines).as_deref(),
            Some("10.0.0.1")
        );
        assert_eq!(
            address(AddressSource::XForwardedFor, 2, &lines).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(address(AddressSource::XForwardedFor, 9, &lines), None);
        let forwarded = [(
            "forwarded",
            "for=6.6.6.6, For=\"[2001:db8::7]:4711\";proto=https;by=203.0.113.43",
        )];
        assert_eq!(
            address(AddressSource::Forwarded, 1, &forwarded).as_deref(),
            Some("2001:db8::7")
        );
        assert_eq!(
            address(AddressSource::Forwarded, 1, &[("forwarded", "for=unknown")]),
            None
        );
    }

    proptest! {
        /// The short way reads what the long way reads, or nothing.
        #[test]
        fn both_ways_read_the_same(octets: [u8; 4], junk in "[0-9.a:]{0,17}") {
            let text = Ipv4Addr::from(octets).to_string();
            prop_assert_eq!(dotted(text.as_bytes()), read_address(&text));
            if let Some(address) = dotted(junk.as_bytes()) {
                prop_assert_eq!(Some(address), read_address(&junk));
            }
        }
    }
}
