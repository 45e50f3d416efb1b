//! Patterns of abuse and the penalty box.
//!
//! Each pattern is a meter, itself a small quota: so many events in a window. A client that exceeds one goes into the box for a
//! while, twice as long each time. Meters and box are quotas of the same store, so one call asks most of them.

use weir_counters::Limit;
use weir_module::{Host, Level, RequestHead};

use crate::class::{MANIFEST, SEGMENT};
use crate::config::{AbuseConfig, AbuseMode, Config, Span, Threshold};
use crate::log_gate::LogGate;
use crate::network::Network;
use crate::request::{Request, digest};
use crate::store::{Answered, Store};

/// What the field `violated-policies` names while a client sits in the box.
pub(crate) const PENALTY_BOX: &str = "penalty-box";
/// A range shorter than this says "storm" rather than "player".
const TINY_RANGE_BYTES: u64 = 1_024;

/// The abuse patterns of an instance.
#[derive(Debug)]
pub(crate) struct Abuse {
    config: AbuseConfig,
    lines: LogGate,
}

/// What a request showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// Nothing to hold against it.
    Fair,
    /// Refuse it.
    Abusive {
        /// The pattern, or [`PENALTY_BOX`].
        pattern: &'static str,
        /// Nanoseconds until the client is let out.
        retry_after_ns: u64,
    },
}

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

impl Abuse {
    /// The patterns, when they are switched on.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        (config.abuse.mode != AbuseMode::Off).then(|| Self {
            config: config.abuse.clone(),
            lines: LogGate::default(),
        })
    }

    /// The request headers that it reads.
    pub(crate) fn headers(&self) -> Vec<String> {
        self.config
            .key
            .headers()
            .chain(["range"])
            .map(str::to_owned)
            .collect()
    }

    /// True when the end of a response is of interest.
    pub(crate) fn counts_failures(&self) -> bool {
        self.config.failures.threshold > 0
    }

    /// Whom a request is held against. None when its client cannot be told apart.
    pub(crate) fn suspect(&self, request: &Request<'_>, shared_factor: u64) -> Option<Suspect> {
        if !self.config.key.is_complete(request) {
            return None;
        }
        let mut client = Vec::new();
        self.config.key.write(&mut client, request);
        let by_address = self.config.key.uses_address(request);
        let network = request
            .address
            .filter(|address| address.is_ipv6() && by_address);
        let network =
            network.map(|address| format!("|net={}", Network::of(address, 48)).into_bytes());
        Some(Suspect {
            client,
            network,
            factor: if by_address { shared_factor } else { 1 },
        })
    }

    /// Meters a request.
    pub(crate) fn watch(
        &mut self,
        suspect: &Suspect,
        request: &Request<'_>,
        host: &mut dyn Host,
        store: &mut Store,
    ) -> Conduct {
        let meters = self.meters(suspect, request);
        let boxes = suspect.boxes();
        let asks = boxes.iter().map(|key| Limit {
            key,
            interval_ns: self.longest_ns(),
            burst: 1,
            cost: 0,
        });
        let limits: Vec<Limit<'_>> = asks.chain(meters.iter().map(Meter::limit)).collect();
        let standings = match store.take(host, &limits) {
            Answered::Yes(standings) => standings,
            // The policies come next and have their own answer to a store that is silent.
            Answered::Allow | Answered::Deny => return Conduct::Fair,
        };
        let (in_box, metered) = standings.split_at(boxes.len());
        let boxed_ns = in_box
            .iter()
            .filter(|standing| standing.remaining == 0)
            .map(|standing| standing.reset_after_ns)
            .max();
        if let Some(retry_after_ns) = boxed_ns {
            return self.judged(PENALTY_BOX, retry_after_ns);
        }
        let exceeded = metered
            .iter()
            .zip(&meters)
            .find(|(standing, _)| !standing.allowed)
            .map(|(_, meter)| meter.pattern);
        let exceeded = exceeded.or_else(|| self.too_many_different(suspect, request, host, store));
        match exceeded {
            Some(pattern) => self.punish(pattern, suspect, host, store),
            None => Conduct::Fair,
        }
    }

    /// Counts a response that ended badly. 429 is this module's own and counts for nothing.
    pub(crate) fn ended(
        &mut self,
        suspect: &Suspect,
        status: u16,
        host: &mut dyn Host,
        store: &mut Store,
    ) {
        if !matches!(status, 400..=428 | 430..=450 | 452..=499) {
            return;
        }
        let Some(meter) = suspect.meter("failures", b"", self.config.failures) else {
            return;
        };
        if let Answered::Yes(standings) = store.take(host, &[meter.limit()])
            && standings.iter().any(|standing| !standing.allowed)
        {
            self.punish(meter.pattern, suspect, host, store);
        }
    }

    /// The meters that a request moves.
    fn meters(&self, suspect: &Suspect, request: &Request<'_>) -> Vec<Meter> {
        let path = request.path.as_bytes();
        let config = &self.config;
        let mut meters = Vec::with_capacity(4);
        meters.extend(suspect.meter("request-rate", b"", config.request_rate));
        if request.class == MANIFEST && !is_blocking_reload(&request.head) {
            meters.extend(suspect.meter("manifest-polls", path, config.manifest_polls));
        }
        if request.class == SEGMENT {
            meters.extend(suspect.meter("segment-speed", folder(path), config.segment_speed));
        }
        if request.head.header_str("range").is_some_and(is_odd_range) {
            meters.extend(suspect.meter("ranges", b"", config.ranges));
        }
        meters
    }

    /// Counts distinct things: a path (or a rendition's folder) counts when it is new within the window.
    fn too_many_different(
        &self,
        suspect: &Suspect,
        request: &Request<'_>,
        host: &mut dyn Host,
        store: &mut Store,
    ) -> Option<&'static str> {
        let path = request.path.as_bytes();
        let folders =
            (request.class == SEGMENT).then(|| ("variants", folder(path), self.config.variants));
        let different = [
            Some(("distinct-paths", path, self.config.distinct_paths)),
            folders,
        ];
        for (pattern, thing, threshold) in different.into_iter().flatten() {
            let Some(meter) = suspect.meter(pattern, b"", threshold) else {
                continue;
            };
            let seen_key = suspect.key(pattern, thing);
            let seen = Limit {
                key: &seen_key,
                interval_ns: threshold.window.ns(),
                burst: 1,
                cost: 1,
            };
            let allowed = |answer: Answered<Vec<weir_counters::Standing>>| match answer {
                Answered::Yes(standings) => standings.iter().all(|standing| standing.allowed),
                Answered::Allow | Answered::Deny => false,
            };
            if allowed(store.take(host, &[seen]))
                && let Answered::Yes(standings) = store.take(host, &[meter.limit()])
                && standings.iter().any(|standing| !standing.allowed)
            {
                return Some(pattern);
            }
        }
        None
    }

    /// Puts a client into the box, and its /48 when too many of its /64s have been there.
    fn punish(
        &mut self,
        pattern: &'static str,
        suspect: &Suspect,
        host: &mut dyn Host,
        store: &mut Store,
    ) -> Conduct {
        let offences_key = suspect.key("offences", b"");
        let memory_ns = self.config.offence_memory.ns();
        let mut offences = 1;
        store.write(host, |counters| {
            offences = counters.increment(&offences_key, 1, memory_ns)?;
            Ok(())
        });
        let doublings = u32::try_from(offences.clamp(1, 32) - 1).unwrap_or(0);
        let penalty_ns = self
            .config
            .penalty
            .ns()
            .saturating_mul(1 << doublings)
            .min(self.longest_ns());
        let mut boxes = vec![suspect.box_key()];
        if let Some(network) = &suspect.network {
            let escalate = self.config.escalate;
            let group = Suspect {
                client: network.clone(),
                network: None,
                factor: suspect.factor,
            };
            if let Some(meter) = group.meter("escalate", b"", escalate)
                && let Answered::Yes(standings) = store.take(host, &[meter.limit()])
                && standings.iter().any(|standing| !standing.allowed)
            {
                boxes.push(group.box_key());
            }
        }
        for key in &boxes {
            let sentence = Limit {
                key,
                interval_ns: penalty_ns,
                burst: 1,
                cost: 1,
            };
            store.take(host, &[sentence]);
        }
        if let Some(count) = self.lines.open(host.now_ns()) {
            let verb = if self.config.mode == AbuseMode::Enforce {
                "boxed"
            } else {
                "monitor: would box"
            };
            let secs = penalty_ns / 1_000_000_000;
            host.log(
                Level::Warn,
                &format!(
                    "abuse: {pattern}: {verb} a client for {secs} s ({count} since the last line)"
                ),
            );
        }
        self.judged(pattern, penalty_ns)
    }

    fn judged(&self, pattern: &'static str, retry_after_ns: u64) -> Conduct {
        match self.config.mode {
            AbuseMode::Enforce => Conduct::Abusive {
                pattern,
                retry_after_ns,
            },
            AbuseMode::Monitor | AbuseMode::Off => Conduct::Fair,
        }
    }

    fn longest_ns(&self) -> u64 {
        self.config.longest_penalty.max(self.config.penalty).ns()
    }
}

/// One meter of one client.
struct Meter {
    pattern: &'static str,
    key: Vec<u8>,
    interval_ns: u64,
    burst: u64,
}

impl Meter {
    fn limit(&self) -> Limit<'_> {
        Limit {
            key: &self.key,
            interval_ns: self.interval_ns,
            burst: self.burst,
            cost: 1,
        }
    }
}

impl Suspect {
    fn key(&self, what: &str, thing: &[u8]) -> Vec<u8> {
        let mut key = [b"rate-limit|abuse|", what.as_bytes(), &self.client].concat();
        if !thing.is_empty() {
            key.push(b'|');
            key.extend_from_slice(digest(thing).as_bytes());
        }
        key
    }

    fn box_key(&self) -> Vec<u8> {
        self.key("box", b"")
    }

    /// The boxes that the client may sit in.
    fn boxes(&self) -> Vec<Vec<u8>> {
        let network = self
            .network
            .iter()
            .map(|network| [b"rate-limit|abuse|box".as_slice(), network].concat());
        [self.box_key()].into_iter().chain(network).collect()
    }

    /// A meter for this client. None when its threshold is 0: switched off.
    fn meter(&self, pattern: &'static str, thing: &[u8], threshold: Threshold) -> Option<Meter> {
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

/// Everything up to the last slash: one rendition's segments.
fn folder(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    &path[..end]
}

/// Low-latency players ask for the next playlist before it is there (RFC 8216bis section 6.2.5.2): no polling.
fn is_blocking_reload(head: &RequestHead<'_>) -> bool {
    head.query()
        .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("_HLS_msn=")))
}

/// Several ranges at once, or a tiny one (RFC 9110 section 14.2 allows a server to refuse "many small ranges").
fn is_odd_range(range: &str) -> bool {
    let Some(set) = range.trim().strip_prefix("bytes=") else {
        return true;
    };
    if set.contains(',') {
        return true;
    }
    let Some((first, last)) = set.trim().split_once('-') else {
        return true;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => last.saturating_sub(first) < TINY_RANGE_BYTES,
        (Ok(_), Err(_)) => !last.is_empty(),
        (Err(_), Ok(suffix)) => !first.is_empty() || suffix < TINY_RANGE_BYTES,
        (Err(_), Err(_)) => true,
    }
}

impl Default for AbuseConfig {
    fn default() -> Self {
        let threshold = |threshold, window| Threshold {
            threshold,
            window: Span::secs(window),
        };
        Self {
            mode: AbuseMode::Off,
            key: crate::key::KeyExpression::client_ip(),
            penalty: Span::secs(60),
            longest_penalty: Span::secs(3_600),
            offence_memory: Span::secs(86_400),
            request_rate: threshold(50, 1),
            distinct_paths: threshold(20, 10),
            failures: threshold(10, 60),
            manifest_polls: threshold(4, 12),
            segment_speed: threshold(60, 60),
            ranges: threshold(30, 10),
            variants: threshold(8, 10),
            escalate: threshold(4, 600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_ask_for_plain_ranges() {
        for range in [
            "bytes=0-1048575",
            "bytes=100000-",
            "bytes=-500000",
            " bytes=0-1024",
        ] {
            assert!(!is_odd_range(range), "{range}");
        }
        for range in [
            "bytes=0-0",
            "bytes=0-1,5-6",
            "bytes=-1",
            "bytes=5-1",
            "bytes=a-b",
            "bytes=",
            "chunks=1-2",
            "bytes=-",
            "bytes=1-x",
        ] {
            assert!(is_odd_range(range), "{range}");
        }
    }

    #[test]
    fn a_folder_is_a_rendition() {
        assert_eq!(folder(b"/a/1080p/seg-1.m4s"), b"/a/1080p");
        assert_eq!(folder(b"x"), b"");
        assert_eq!(folder(b""), b"");
    }
}
