//! The client's address behind trusted proxies.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::{self, HeaderName};

use crate::config::{ClientAddressConfig, ForwardedHeader};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that the outermost trusted proxy saw; the peer's own when there is none or the header does not say.
///
/// With `n` trusted hops the last `n` entries were written by them, so the `n`-th from the end is the client. A client can
/// write any entry before that one, and none after it.
pub(crate) fn find(config: &ClientAddressConfig, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    if config.trusted_hops == 0 {
        return peer.to_canonical();
    }
    let name = match config.header {
        ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
        ForwardedHeader::Forwarded => header::FORWARDED,
    };
    let entries: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let entry = entries
        .len()
        .checked_sub(config.trusted_hops)
        .map(|at| entries[at].trim());
    let found = match config.header {
        ForwardedHeader::XForwardedFor => entry.and_then(address),
        ForwardedHeader::Forwarded => entry.and_then(forwarded_for),
    };
    found.unwrap_or(peer).to_canonical()
}

/// The `for` parameter of one element (RFC 7239 section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| address(value.trim().trim_matches('"')))?
    })
}

/// An address with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    text.split_once(':')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(hops: usize, header: ForwardedHeader, value: &'static str) -> String {
        let config = ClientAddressConfig {
            trusted_hops: hops,
            header,
        };
        let mut headers = HeaderMap::new();
        let name = match header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => header::FORWARDED,
        };
        headers.insert(name, http::HeaderValue::from_static(value));
        find(&config, &headers, IpAddr::from([9, 9, 9, 9])).to_string()
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        use ForwardedHeader::{Forwarded, XForwardedFor};
        assert_eq!(found(0, XForwardedFor, "1.1.1.1"), "9.9.9.9");
        assert_eq!(found(1, XForwardedFor, "6.6.6.6, 1.1.1.1"), "1.1.1.1");
        assert_eq!(
            found(2, XForwardedFor, "6.6.6.6, 1.1.1.1, 2.2.2.2"),
            "1.1.1.1"
        );
        assert_eq!(found(2, XForwardedFor, "1.1.1.1"), "9.9.9.9");
        assert_eq!(found(1, XForwardedFor, "nonsense"), "9.9.9.9");
        assert_eq!(
            found(1, Forwarded, "for=\"[2001:db8::1]:80\";proto=http"),
            "2001:db8::1"
        );
        assert_eq!(found(1, Forwarded, "for=6.6.6.6, For=1.1.1.1:5"), "1.1.1.1");
        assert_eq!(found(1, Forwarded, "for=_hidden"), "9.9.9.9");
        assert_eq!(found(1, XForwardedFor, "::ffff:1.2.3.4"), "1.2.3.4");
    }
}
