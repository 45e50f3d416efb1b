//! Concurrent streams: so many playback sessions of one subject at a time.
//!
//! A session holds a place by fetching manifests and segments; one that falls silent loses it. The instance remembers whom it let
//! renew lately, so that most segment requests ask no store.

use std::collections::HashMap;

use weir_counters::{LeaseRequest, Takeover};
use weir_module::Host;

use crate::config::{Config, StreamsConfig, TakeoverRule};
use crate::key::KeyExpression;
use crate::request::Request;
use crate::store::{Answered, Store};

/// The name of the policy in fields, problem bodies and logs.
pub(crate) const STREAMS: &str = "streams";
/// Holders that one instance remembers.
const MOST_REMEMBERED: usize = 8_192;

/// The stream limit of an instance.
#[derive(Debug)]
pub(crate) struct Streams {
    config: StreamsConfig,
    tiers: HashMap<String, u32>,
    /// When each holder last renewed, by set and holder.
    renewed_ns: HashMap<Vec<u8>, u64>,
}

/// What became of a request's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It has one, or needs none.
    Held,
    /// All places are taken.
    Refused {
        /// Places of the subject.
        capacity: u32,
        /// Nanoseconds until one may be free.
        retry_after_ns: u64,
    },
    /// The store gives no answer and the configuration says to refuse.
    Unknown,
}

impl Streams {
    /// The stream limit, when it is switched on.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let tiers = config
            .tiers
            .iter()
            .filter_map(|(name, tier)| Some((name.clone(), tier.streams?)))
            .collect();
        config.streams.enabled.then(|| Self {
            config: config.streams.clone(),
            tiers,
            renewed_ns: HashMap::new(),
        })
    }

    /// The request headers that it reads.
    pub(crate) fn headers(&self) -> Vec<String> {
        let expressions = [&self.config.key, &self.config.holder];
        let mut names: Vec<String> = expressions
            .iter()
            .flat_map(|key| key.headers())
            .map(str::to_owned)
            .collect();
        names.extend(["user-agent", "weir-session", "cmcd-session"].map(str::to_owned));
        names
    }

    /// Takes or renews the place of a request.
    pub(crate) fn place(
        &mut self,
        request: &Request<'_>,
        host: &mut dyn Host,
        store: &mut Store,
    ) -> Place {
        if !self.applies(request) {
            return Place::Held;
        }
        let set = key_of(b"rate-limit|streams", &self.config.key, request);
        let holder = key_of(b"", &self.config.holder, request);
        let mut memory_key = set.clone();
        memory_key.extend_from_slice(&holder);
        let now_ns = host.now_ns();
        let known_since = self.renewed_ns.get(&memory_key).copied();
        if known_since
            .is_some_and(|renewed| now_ns < renewed.saturating_add(self.config.renew_every.ns()))
        {
            return Place::Held;
        }
        let capacity = self
            .tiers
            .get(request.tier)
            .copied()
            .unwrap_or(self.config.limit);
        let takeover = match self.config.takeover {
            TakeoverRule::RefuseNewest => Takeover::RefuseNewest,
            TakeoverRule::DropOldest => Takeover::DropOldest,
        };
        if takeover == Takeover::DropOldest
            && let Answered::Yes(Some(_)) = store.get(host, &gone_key(&set, &holder))
        {
            // It lost its place to a newer one and must not win it back by asking again.
            return Place::Refused {
                capacity,
                retry_after_ns: self.config.takeover_pause.ns(),
            };
        }
        if known_since.is_none() && self.config.zap {
            leave_former_session(request, &set, &holder, self.config.ttl.ns(), host, store);
        }
        let asked = LeaseRequest {
            set: &set,
            holder: &holder,
            capacity,
            ttl_ns: self.config.ttl.ns(),
            takeover,
        };
        match store.lease(host, asked) {
            Answered::Yes(outcome) if outcome.granted => {
                if let Some(dropped) = outcome.dropped {
                    let pause_ns = self.config.takeover_pause.ns();
                    store.write(host, |counters| {
                        counters
                            .put_if(&gone_key(&set, &dropped), None, b"taken over", pause_ns)
                            .map(drop)
                    });
                }
                self.remember(memory_key, now_ns);
                Place::Held
            }
            Answered::Yes(outcome) => Place::Refused {
                capacity,
                retry_after_ns: outcome.retry_after_ns.max(1),
            },
            Answered::Allow => Place::Held,
            Answered::Deny => Place::Unknown,
        }
    }

    fn applies(&self, request: &Request<'_>) -> bool {
        let beats = &self.config.heartbeat;
        let beat = beats.iter().any(|class| class == request.class)
            || (beats.iter().any(|class| class == "cmcd") && request.has_cmcd());
        beat && self.config.key.is_complete(request) && self.config.holder.is_complete(request)
    }

    fn remember(&mut self, key: Vec<u8>, now_ns: u64) {
        if self.renewed_ns.len() >= MOST_REMEMBERED {
            let oldest = now_ns.saturating_sub(self.config.renew_every.ns());
            self.renewed_ns.retain(|_, renewed| *renewed > oldest);
            if self.renewed_ns.len() >= MOST_REMEMBERED {
                self.renewed_ns.clear();
            }
        }
        self.renewed_ns.insert(key, now_ns);
    }
}

/// A viewer who zaps gets a new session on the same device: the former session's place is given back at once, so that zapping through
/// three channels does not lock the viewer out. Looked at once for each session and instance.
fn leave_former_session(
    request: &Request<'_>,
    set: &[u8],
    holder: &[u8],
    ttl_ns: u64,
    host: &mut dyn Host,
    store: &mut Store,
) {
    let Some(device) = request.device() else {
        return;
    };
    let mut device_key = set.to_vec();
    device_key.extend_from_slice(b"|on|");
    device_key.extend_from_slice(device.as_bytes());
    let Answered::Yes(former) = store.get(host, &device_key) else {
        return;
    };
    if former.as_deref() == Some(holder) {
        return;
    }
    store.write(host, |counters| {
        if let Some(former) = &former {
            counters.release(set, former)?;
        }
        // Lost to another request of the same device: that one is as right.
        counters
            .put_if(
                &device_key,
                former.as_deref(),
                holder,
                ttl_ns.saturating_mul(4),
            )
            .map(drop)
    });
}

fn key_of(prefix: &[u8], expression: &KeyExpression, request: &Request<'_>) -> Vec<u8> {
    let mut key = prefix.to_vec();
    expression.write(&mut key, request);
    key
}

fn gone_key(set: &[u8], holder: &[u8]) -> Vec<u8> {
    [set, b"|gone", holder].concat()
}
