//! Whom requests are held against, and the meters and boxes that stand under a client's key in the store.

use weir_counters::Limit;

use crate::config::Threshold;
use crate::request::digest;

/// Who is watched: the client's key and, for IPv6, that of its wider network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspect {
    /// The client's key.
    pub(crate) client: Vec<u8>,
    /// The key of its IPv6 /48.
    pub(crate) network: Option<Vec<u8>>,
    /// 1, or how many people the address stands for.
    pub(crate) factor: u64,
}

/// One meter of one client.
pub(super) struct Meter {
    /// The pattern that it meters.
    pub(super) pattern: &'static str,
    key: Vec<u8>,
    interval_ns: u64,
    burst: u64,
}

impl Meter {
    /// One event.
    pub(super) fn limit(&self) -> Limit<'_> {
        Limit {
            key: &self.key,
            interval_ns: self.interval_ns,
            burst: self.burst,
            cost: 1,
        }
    }
}

impl Suspect {
    /// A key of this client, for one thing of many when `thing` is not empty.
    pub(super) fn key(&self, what: &str, thing: &[u8]) -> Vec<u8> {
        let mut key = [b"rate-limit|abuse|", what.as_bytes(), &self.client].concat();
        if !thing.is_empty() {
            key.push(b'|');
            key.extend_from_slice(digest(thing).as_bytes());
        }
        key
    }

    /// The key of its penalty box.
    pub(super) fn box_key(&self) -> Vec<u8> {
        self.key("box", b"")
    }

    /// The boxes that the client may sit in.
    pub(super) fn boxes(&self) -> Vec<Vec<u8>> {
        let network = self
            .network
            .iter()
            .map(|network| [b"rate-limit|abuse|box".as_slice(), network].concat());
        [self.box_key()].into_iter().chain(network).collect()
    }

    /// A meter for this client. None when its threshold is 0: switched off.
    pub(super) fn meter(
        &self,
        pattern: &'static str,
        thing: &[u8],
        threshold: Threshold,
    ) -> Option<Meter> {
        let Threshold { threshold, window } = threshold;
        let burst = threshold.checked_mul(self.factor)?;
        let interval_ns = window.ns().checked_div(burst)?.max(1);
        Some(Meter {
            pattern,
            key: self.key(pattern, thing),
            interval_ns,
            burst,
        })
    }
}
