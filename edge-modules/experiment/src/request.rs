//! One request as experiments see it.

use std::cell::OnceCell;

use sha2::{Digest, Sha256};
use weir_module::{RequestHead, device};

/// The headers that every configuration reads.
pub(crate) const HEADERS: [&str; 8] = [
    "weir-subject",
    "weir-session",
    "weir-tier",
    "weir-entitlements",
    "weir-country",
    "weir-client-ip",
    "spin-client-addr",
    "user-agent",
];

/// A request head with what was found out about it once.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The head.
    pub head: RequestHead<'a>,
    device: OnceCell<Option<String>>,
}

impl<'a> Request<'a> {
    /// Looks at a head.
    pub(crate) fn new(head: &RequestHead<'a>) -> Self {
        Self {
            head: *head,
            device: OnceCell::new(),
        }
    }

    /// The value of a header, if it has any text.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.head
            .header_str(name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// The first cookie of a name (RFC 6265 section 4.2).
    pub(crate) fn cookie(&self, name: &str) -> Option<&'a str> {
        let lines = self.head.header_all("cookie");
        let mut pairs = lines
            .filter_map(|line| std::str::from_utf8(line).ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(known, _)| known.trim() == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// The first value of a query parameter, as it stands.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.head.query()?.split('&');
        let value = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// Path and query without any parameter of this name.
    pub(crate) fn target_without(&self, name: &str) -> String {
        let mut target = self.head.path().to_owned();
        let pairs = self
            .head
            .query()
            .into_iter()
            .flat_map(|query| query.split('&'));
        let kept = pairs.filter(|pair| pair.split('=').next() != Some(name));
        for (at, pair) in kept.enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            target.push_str(pair);
        }
        target
    }

    /// The device class.
    pub(crate) fn device_class(&self) -> &'static str {
        device::class(self.header("user-agent").unwrap_or_default())
    }

    /// One device, nearly: 128 bits of a digest of the client's address and its `user-agent`.
    pub(crate) fn device(&self) -> Option<&str> {
        self.device
            .get_or_init(|| {
                // Spin appends its own value after what a client may have sent.
                let spin = self.head.header_all("spin-client-addr").last();
                let address = self
                    .header("weir-client-ip")
                    .or_else(|| std::str::from_utf8(spin?).ok().map(without_port))?;
                let mut hash = Sha256::new();
                hash.update(address.as_bytes());
                hash.update(b"\n");
                hash.update(self.head.header("user-agent").unwrap_or_default());
                Some(hex::encode(&hash.finalize()[..16]))
            })
            .as_deref()
    }
}

/// `192.0.2.1:4711` and `[2001:db8::1]:4711` without the port, which changes with every connection.
fn without_port(address: &str) -> &str {
    match address.parse::<std::net::SocketAddr>() {
        Ok(_) => address.rsplit_once(':').map_or(address, |(host, _)| host),
        Err(_) => address,
    }
}
