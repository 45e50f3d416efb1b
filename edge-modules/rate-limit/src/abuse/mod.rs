//! Patterns of abuse and the penalty box.
//!
//! Each pattern is a meter, itself a small quota: so many events in a window. A client that exceeds one goes into the box for a
//! while, twice as long each time. Meters and box are quotas of the same store, so one call asks most of them.

mod signs;
mod suspect;

use weir_counters::Limit;
use weir_module::{Host, Level};

use signs::{folder, is_blocking_reload, is_odd_range};
use suspect::Meter;
pub(crate) use suspect::Suspect;

use crate::class::{MANIFEST, SEGMENT};
use crate::config::{AbuseConfig, AbuseMode, Config};
use crate::log_gate::LogGate;
use crate::network::Network;
use crate::request::Request;
use crate::store::{Answered, Store};

/// What the field `violated-policies` names while a client sits in the box.
pub(crate) const PENALTY_BOX: &str = "penalty-box";
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
