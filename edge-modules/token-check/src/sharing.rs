//! Sessions that are seen in more places than one viewer is: the shared token of a restream or of a forum.
//!
//! In each window the shared state counts the different addresses, agents and countries of a session. What goes beyond the
//! configured number adds to a score; at the threshold the configured action follows.

use std::collections::HashMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use weir_module::counters::StoreError;
use weir_module::{ConfigError, Host, Level};

use crate::client;
use crate::config::wrong;
use crate::grant::{Grant, Request};
use crate::reason::{Reason, Refused};

/// Settings of the score.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SharingConfig {
    /// What follows at the threshold.
    pub action: Action,
    /// Seconds in which places are counted.
    pub window: u32,
    /// Different addresses (IPv6: /64 networks) that add nothing.
    pub addresses: u32,
    /// Different `user-agent`s that add nothing.
    pub agents: u32,
    /// Different countries that add nothing.
    pub countries: u32,
    /// The score from which on the action follows: one for each address, agent or country too many.
    pub threshold: u32,
    /// What becomes of a request when the shared state gives no answer.
    pub on_store_error: OnStoreError,
}

/// What follows at the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A log line.
    #[default]
    Observe,
    /// 401, so that the player signs in again and gets a token of a new session.
    Challenge,
    /// 403.
    Refuse,
}

/// What becomes of a request when the shared state gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnStoreError {
    /// It passes: the token itself is good.
    #[default]
    Allow,
    /// 503.
    Deny,
}

impl Default for SharingConfig {
    fn default() -> Self {
        Self {
            action: Action::Observe,
            window: 3_600,
            addresses: 4,
            agents: 3,
            countries: 1,
            threshold: 1,
            on_store_error: OnStoreError::Allow,
        }
    }
}

/// How long an instance holds what the shared state said about one viewer, in nanoseconds.
const HELD_NS: u64 = 30_000_000_000;
/// Viewers that an instance holds, at most. When it is full, all are asked about anew.
const MOST_HELD: usize = 4_096;

/// Scores sessions.
#[derive(Debug)]
pub(crate) struct Sharing {
    config: SharingConfig,
    /// By the digest of session and place: until when, and whether the session is shared.
    held: HashMap<[u8; 16], (u64, bool)>,
}

impl Sharing {
    pub(crate) fn new(config: SharingConfig) -> Result<Self, ConfigError> {
        if !(60..=2_592_000).contains(&config.window) {
            return Err(wrong("sharing.window", "60 to 2592000 seconds"));
        }
        if config.threshold == 0 {
            return Err(wrong("sharing.threshold", "1 or more"));
        }
        let least = [
            ("sharing.addresses", config.addresses),
            ("sharing.agents", config.agents),
            ("sharing.countries", config.countries),
        ];
        if let Some((key, _)) = least.iter().find(|(_, number)| *number == 0) {
            return Err(wrong(*key, "1 or more: a viewer is somewhere"));
        }
        Ok(Self {
            config,
            held: HashMap::new(),
        })
    }

    /// Counts where the session is seen.
    ///
    /// # Errors
    /// [`Reason::SessionShared`] or [`Reason::SessionChallenged`] as configured, [`Reason::StateUnavailable`].
    pub(crate) fn check(
        &mut self,
        grant: &Grant,
        request: &Request<'_>,
        host: &mut dyn Host,
    ) -> Result<(), Refused> {
        let named = [&grant.session, &grant.subject, &grant.token_id];
        let Some((kind, name)) = (0_u8..)
            .zip(named)
            .find_map(|(kind, name)| Some((kind, name.as_deref()?)))
        else {
            return Ok(());
        };
        let now_ns = host.now_ns();
        let window_ns = u64::from(self.config.window) * 1_000_000_000;
        let session = digest(&[
            &[kind],
            grant.issuer.as_deref().unwrap_or_default().as_bytes(),
            name.as_bytes(),
            &(now_ns / window_ns).to_le_bytes(),
        ]);
        let places = places(request);
        let viewer = digest(&[&session, &places[0], &places[1], &places[2]]);
        let shared = match self.held.get(&viewer) {
            Some(&(until_ns, shared)) if now_ns < until_ns => shared,
            _ => match self.score(&session, &places, window_ns, host) {
                Ok(score) => {
                    let shared = score >= self.config.threshold;
                    if self.held.len() >= MOST_HELD {
                        self.held.clear();
                    }
                    let until_ns = now_ns.saturating_add(HELD_NS);
                    self.held.insert(viewer, (until_ns, shared));
                    if shared {
                        let line = format!("a session is shared: score {score}");
                        host.log(Level::Warn, &line);
                    }
                    shared
                }
                Err(_) if self.config.on_store_error == OnStoreError::Allow => return Ok(()),
                Err(_) => return Err(Reason::StateUnavailable.into()),
            },
        };
        match (shared, self.config.action) {
            (false, _) | (_, Action::Observe) => Ok(()),
            (true, Action::Challenge) => Err(Reason::SessionChallenged.into()),
            (true, Action::Refuse) => Err(Reason::SessionShared.into()),
        }
    }

    fn score(
        &self,
        session: &[u8],
        places: &[Vec<u8>; 3],
        window_ns: u64,
        host: &mut dyn Host,
    ) -> Result<u32, StoreError> {
        let free = [
            self.config.addresses,
            self.config.agents,
            self.config.countries,
        ];
        let mut score = 0_u32;
        for ((kind, place), free) in (0_u8..).zip(places).zip(free) {
            if place.is_empty() {
                continue;
            }
            let key = |part: &[u8]| [b"token-check:shared:", session, &[kind], part].concat();
            let counters = host.counters();
            // Who makes the mark counts it, so that a place counts once over all instances.
            let new = counters.put_if(&key(&digest(&[place])), None, b"1", window_ns)?;
            let seen = counters.increment(&key(b""), i64::from(new), window_ns)?;
            let seen = u32::try_from(seen).unwrap_or(0);
            score = score.saturating_add(seen.saturating_sub(free));
        }
        Ok(score)
    }
}

/// Address, agent and country; empty for what is not known.
fn places(request: &Request<'_>) -> [Vec<u8>; 3] {
    let address = match request.client.address(request.head) {
        Some(std::net::IpAddr::V4(v4)) => v4.octets().to_vec(),
        Some(std::net::IpAddr::V6(v6)) => v6.octets()[..8].to_vec(),
        None => Vec::new(),
    };
    let agent = request.head.header("user-agent").unwrap_or_default();
    let country = client::country(*request.client, request.head).unwrap_or_default();
    [address, agent.to_vec(), country.into_bytes()]
}

/// 128 bits of SHA-256 over the parts, each with its length before it.
fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}
