//! One request as the policies see it.

use std::net::IpAddr;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use weir_module::RequestHead;

use crate::network::Network;

/// Where a presented token may stand besides `authorization`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct TokenNames {
    /// Query parameters.
    pub query: Vec<String>,
    /// Cookies.
    pub cookie: Vec<String>,
}

/// A request head with what was found out about it once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// The head.
    pub head: RequestHead<'a>,
    /// The path in its normal form, decoded: another spelling is no other path. One that servers read in two ways stands as it came.
    pub path: &'a str,
    /// The client's address, if the host tells it.
    pub address: Option<IpAddr>,
    /// The address grouped to the configured prefix length.
    pub network: Option<Network>,
    /// The tier that holds for the request.
    pub tier: &'a str,
    /// The request class.
    pub class: &'a str,
    /// The name of the matching route.
    pub route: Option<&'a str>,
    /// Units that the request costs.
    pub cost: u64,
    /// Where tokens stand.
    pub token_names: &'a TokenNames,
}

impl<'a> Request<'a> {
    /// The first value of a query parameter, as it stands (not percent-decoded: equal bytes are an equal key).
    pub(crate) fn query(&self, name: &str) -> Option<&'a str> {
        let pairs = self
            .head
            .query()?
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(known, _)| *known == name)
            .map(|(_, value)| value)
            .next()
    }

    /// The first value of a cookie (RFC 6265 section 4.2).
    pub(crate) fn cookie(&self, name: &str) -> Option<&'a str> {
        let lines = self
            .head
            .header_all("cookie")
            .filter_map(|line| std::str::from_utf8(line).ok());
        let mut pairs = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| known.trim() == name)
            .map(|(_, value)| value.trim())
    }

    /// One device, nearly: a digest of the client's address and its `user-agent`.
    pub(crate) fn device(&self) -> Option<String> {
        let mut device = self.network?.to_string().into_bytes();
        device.push(b' ');
        device.extend_from_slice(self.head.header("user-agent").unwrap_or(b""));
        Some(digest(&device))
    }

    /// The CMCD session id: from the header, else from the query argument (CTA-5004 section 2).
    pub(crate) fn cmcd_sid(&self) -> Option<String> {
        if let Some(header) = self.head.header_str("cmcd-session") {
            return sid(header);
        }
        sid(&percent_decode(self.query("CMCD")?))
    }

    /// True when the request carries CMCD with a session id.
    pub(crate) fn has_cmcd(&self) -> bool {
        self.cmcd_sid().is_some()
    }
}

/// The first 128 bits of SHA-256: the same on every node, so that all nodes of one store share the key.
pub(crate) fn digest(value: &[u8]) -> String {
    format!("#{}", hex::encode(&Sha256::digest(value)[..16]))
}

/// The `sid` of a CMCD list: a quoted string of 1 to 64 characters.
fn sid(list: &str) -> Option<String> {
    let at = if list.starts_with("sid=") {
        0
    } else {
        list.find(",sid=").map(|at| at + 1)?
    };
    let value = list[at + 4..].strip_prefix('"')?.split('"').next()?;
    (1..=64)
        .contains(&value.chars().count())
        .then(|| value.to_owned())
}

/// Percent-decodes; what is not an escape stays as it is, and so does what is not UTF-8 afterwards, as replacement characters.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        if let Some(decoded) = pair.and_then(|pair| hex::decode(pair).ok()) {
            out.extend_from_slice(&decoded);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::client::AddressSource;
    use weir_module::{HeadBuffer, HeaderNames};

    /// Runs `check` on a request with these headers.
    pub(crate) fn with_request<R>(
        target: &str,
        names: &[&str],
        headers: &[(&str, &str)],
        check: impl FnOnce(&Request<'_>) -> R,
    ) -> R {
        let names = HeaderNames::new(names.iter().copied().chain([
            "weir-client-ip",
            "spin-client-addr",
            "cookie",
            "authorization",
            "cmcd-session",
            "user-agent",
        ]));
        let mut buffer = HeadBuffer::default();
        buffer.start("GET", target).unwrap();
        for (name, value) in headers {
            buffer.named(&names, name, value.as_bytes()).unwrap();
        }
        let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
        let address = AddressSource::Auto.address(&head, 1);
        let network =
            address.map(|address| Network::of(address, if address.is_ipv4() { 32 } else { 64 }));
        let token_names = TokenNames {
            query: vec!["token".into()],
            cookie: vec!["token".into()],
        };
        check(&Request {
            head,
            path: head.path(),
            address,
            network,
            tier: "free",
            class: "api",
            route: None,
            cost: 1,
            token_names: &token_names,
        })
    }

    #[test]
    fn cmcd_is_read_from_both_carriers() {
        let query = "/a.m4s?x=1&CMCD=bl%3D21300%2Csid%3D%226e2fb550%22";
        assert_eq!(
            with_request(query, &[], &[], |request| request.cmcd_sid()).as_deref(),
            Some("6e2fb550")
        );
        let header = [("cmcd-session", "cid=\"faec\",sid=\"abc\"")];
        assert_eq!(
            with_request(query, &[], &header, |request| request.cmcd_sid()).as_deref(),
            Some("abc"),
            "header wins"
        );
        for wrong in [
            "/?CMCD=sid%3Dabc",
            "/?CMCD=asid%3D%22x%22",
            "/?CMCD=",
            "/?CMCD=sid%3D%22%22",
            "/?CMCD=%",
        ] {
            assert_eq!(
                with_request(wrong, &[], &[], |request| request.cmcd_sid()),
                None,
                "{wrong}"
            );
        }
    }
}
