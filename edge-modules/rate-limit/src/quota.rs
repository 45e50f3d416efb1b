//! A policy made ready: the arithmetic that the store needs, and what a standing means to the client.

use weir_counters::{Limit, Standing};

use crate::config::{Config, Policy, Rate, Span, Unit};
use crate::fields;
use crate::key::KeyExpression;
use crate::request::Request;

/// How far a client may overdraw a quota of bytes, in bursts. Responses that run at once are charged when they end.
const OVERDRAFT: u64 = 16;
/// Quotas of bytes are kept in units large enough that one takes at least a microsecond: a rounding error under 0.1 %.
const SHORTEST_INTERVAL_NS: u64 = 1_000;

/// A quota as it is drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Quota {
    /// Its name in fields, problem bodies and logs.
    pub name: String,
    /// What it counts.
    pub unit: Unit,
    /// Units for each window, as configured.
    pub amount: u64,
    /// The window.
    pub window: Span,
    /// Units that can be taken at once, as configured.
    pub burst_amount: u64,
    /// Its item in `RateLimit-Policy`, which is the same for every request.
    pub policy_item: String,
    /// How its item in `RateLimit` begins: `"free";r=`.
    pub limit_lead: String,
    key: KeyExpression,
    /// How its keys in the store begin.
    key_lead: Vec<u8>,
    only: Filters,
    interval_ns: u64,
    /// The burst in the store's units.
    burst: u64,
    /// Configured units to one of the store's.
    scale: u64,
}

#[derive(Debug, Clone, Default)]
struct Filters {
    tiers: Vec<String>,
    classes: Vec<String>,
    routes: Vec<String>,
    methods: Vec<String>,
}

/// One quota with the key of one request.
#[derive(Debug, Clone)]
pub(crate) struct Draw<'q> {
    /// The quota.
    pub quota: &'q Quota,
    /// Its key in the store.
    pub key: Vec<u8>,
    /// 1, or how many people the address stands for.
    pub factor: u64,
    /// What this request takes, in the store's units.
    pub cost: u64,
}

/// What became of one draw, in the policy's own units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// Whether the quota has room.
    pub allowed: bool,
    /// What is left.
    pub remaining: u64,
    /// Seconds in which the client can use no more than that (`t`).
    pub effective_window_secs: u64,
    /// When refused: nanoseconds until the request fits.
    pub retry_after_ns: u64,
}

impl Quota {
    /// Every limited quota of a configuration: the tiers, then the policies in their order.
    pub(crate) fn all(config: &Config) -> Vec<Self> {
        let tiers = config.tiers.iter().map(|(name, tier)| Policy {
            name: name.clone(),
            key: config.tier_key.clone(),
            rate: tier.rate,
            burst: tier.burst,
            unit: Unit::Requests,
            tiers: vec![name.clone()],
            classes: Vec::new(),
            routes: Vec::new(),
            methods: Vec::new(),
        });
        tiers
            .chain(config.policies.iter().cloned())
            .filter_map(Self::new)
            .collect()
    }

    fn new(policy: Policy) -> Option<Self> {
        let Rate::Of { quota, window } = policy.rate else {
            return None;
        };
        let burst_amount = policy.burst.unwrap_or(quota);
        let mut scale = 1_u64;
        if policy.unit == Unit::ContentBytes {
            while interval(window, quota, scale) < SHORTEST_INTERVAL_NS {
                scale *= 2;
            }
        }
        let mut made = Self {
            limit_lead: format!("\"{}\";r=", policy.name),
            key_lead: format!("rate-limit|{}", policy.name).into_bytes(),
            name: policy.name,
            unit: policy.unit,
            amount: quota,
            window,
            burst_amount,
            policy_item: String::new(),
            key: policy.key,
            only: Filters {
                tiers: policy.tiers,
                classes: policy.classes,
                routes: policy.routes,
                methods: policy.methods,
            },
            interval_ns: interval(window, quota, scale),
            burst: burst_amount.div_ceil(scale),
            scale,
        };
        made.policy_item = fields::policy_item(&made);
        Some(made)
    }

    /// The request headers that its key reads.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        self.key.headers()
    }

    /// The draw of a request, when the quota applies to it. `shared_factor` counts where the key is an address that many share.
    pub(crate) fn draw<'q>(
        &'q self,
        request: &Request<'_>,
        shared_factor: u64,
    ) -> Option<Draw<'q>> {
        let listed = |list: &[String], value: &str| {
            list.is_empty() || list.iter().any(|known| known == value)
        };
        let free = self.unit == Unit::Requests && request.cost == 0;
        if free
            || !listed(&self.only.tiers, request.tier)
            || !listed(&self.only.classes, request.class)
            || !listed(&self.only.routes, request.route.unwrap_or(""))
            || !listed(&self.only.methods, request.head.method())
        {
            return None;
        }
        let mut key = Vec::with_capacity(96);
        key.extend_from_slice(&self.key_lead);
        self.key.write(&mut key, request);
        let factor = if shared_factor > 1 && self.key.uses_address(request) {
            shared_factor
        } else {
            1
        };
        let cost = if self.unit == Unit::Requests {
            request.cost
        } else {
            1
        };
        Some(Draw {
            quota: self,
            key,
            factor,
            cost,
        })
    }
}

impl Draw<'_> {
    /// What the store is asked.
    ///
    /// A quota of bytes is only looked at: the bytes are charged when the response has ended. It is looked at with room for the
    /// overdraft, because the arithmetic reads anything beyond its burst as "empty" and would forget the debt.
    pub(crate) fn limit(&self) -> Limit<'_> {
        match self.quota.unit {
            Unit::Requests => Limit {
                key: &self.key,
                interval_ns: self.interval_ns(),
                burst: self.burst(),
                cost: self.cost,
            },
            Unit::ContentBytes => self.charge(0),
        }
    }

    /// The charge of `bytes` after a response.
    pub(crate) fn charge(&self, bytes: u64) -> Limit<'_> {
        let cost = bytes.div_ceil(self.quota.scale);
        Limit {
            key: &self.key,
            interval_ns: self.interval_ns(),
            burst: self.overdrawn_burst(),
            cost,
        }
    }

    /// What one unit of the store stands for.
    pub(crate) fn scale(&self) -> u64 {
        self.quota.scale
    }

    /// Reads the store's answer.
    pub(crate) fn read(&self, standing: Standing) -> Drawn {
        let interval = self.interval_ns();
        // Not worked out unless asked for: a product that saturates is a call in WebAssembly.
        let tolerance = || interval.saturating_mul(self.burst());
        let used = standing.reset_after_ns;
        let (allowed, units, retry_after_ns) = match self.quota.unit {
            Unit::Requests => (
                standing.allowed,
                standing.remaining,
                standing.retry_after_ns,
            ),
            Unit::ContentBytes => {
                let (wanted, tolerance) = (used.saturating_add(interval), tolerance());
                (
                    wanted <= tolerance,
                    tolerance.saturating_sub(used) / interval,
                    wanted.saturating_sub(tolerance),
                )
            }
        };
        let units = if allowed || self.quota.unit == Unit::Requests {
            units
        } else {
            0
        };
        // While the quota has r units left the window tells a client to spread them at the sustained rate: the ratio of `r` to `t`
        // never suggests more (draft section 8.5). With none left it ends when the next one comes.
        let window_ns = match (allowed, units) {
            (false, _) => retry_after_ns,
            (true, 0) => used.saturating_add(interval).saturating_sub(tolerance()),
            (true, units) => units.saturating_mul(interval),
        };
        Drawn {
            allowed,
            remaining: units.saturating_mul(self.quota.scale),
            effective_window_secs: window_ns.div_ceil(1_000_000_000),
            retry_after_ns,
        }
    }

    fn interval_ns(&self) -> u64 {
        match self.factor {
            1 => self.quota.interval_ns,
            factor => (self.quota.interval_ns / factor).max(1),
        }
    }

    fn burst(&self) -> u64 {
        match self.factor {
            1 => self.quota.burst,
            factor => self.quota.burst.saturating_mul(factor),
        }
    }

    fn overdrawn_burst(&self) -> u64 {
        self.burst().saturating_mul(1 + OVERDRAFT)
    }
}

/// Nanoseconds in which one unit of the store comes back, rounded to the nearest.
fn interval(window: Span, quota: u64, scale: u64) -> u64 {
    let exact =
        (u128::from(window.ns()) * u128::from(scale) + u128::from(quota) / 2) / u128::from(quota);
    u64::try_from(exact).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::with_request;
    use weir_counters::{CounterStore, ManualClock, MemoryStore};

    fn quotas(text: &str) -> Vec<Quota> {
        Quota::all(&Config::parse(text).unwrap())
    }

    #[test]
    fn the_shipped_tiers() {
        let quotas = quotas("");
        let shown: Vec<_> = quotas
            .iter()
            .map(|quota| (quota.name.as_str(), quota.interval_ns, quota.burst))
            .collect();
        assert_eq!(
            shown,
            [
                ("api", 6_000_000, 10_000),
                ("free", 600_000_000, 100),
                ("premium", 60_000_000, 1_000)
            ]
        );
    }

    #[test]
    fn fields_tell_the_sustained_rate() {
        let quotas = quotas("");
        let store = MemoryStore::builder()
            .clock(ManualClock::at_secs(1_000))
            .build();
        with_request(
            "/",
            &["weir-subject", "weir-session"],
            &[("weir-subject", "ada")],
            |request| {
                assert!(quotas[0].draw(request, 1).is_none(), "another tier's");
                let draw = quotas[1].draw(request, 1).unwrap();
                assert_eq!(draw.key, b"rate-limit|free|sub=ada");
                let mut last = None;
                for _ in 0..100 {
                    last = Some(draw.read(store.take(&[draw.limit()]).unwrap()[0]));
                    let drawn = last.unwrap();
                    assert!(drawn.allowed);
                    if drawn.remaining > 0 {
                        assert!(
                            drawn.remaining * 60 <= drawn.effective_window_secs * 100,
                            "never more than 100 a minute: {drawn:?}"
                        );
                    }
                }
                assert_eq!(
                    last.unwrap(),
                    Drawn {
                        allowed: true,
                        remaining: 0,
                        effective_window_secs: 1,
                        retry_after_ns: 0
                    }
                );
                let refused = draw.read(store.take(&[draw.limit()]).unwrap()[0]);
                let expected = Drawn {
                    allowed: false,
                    remaining: 0,
                    effective_window_secs: 1,
                    retry_after_ns: 600_000_000,
                };
                assert_eq!(refused, expected);
            },
        );
    }

    #[test]
    fn bytes_are_charged_afterwards_and_a_debt_is_waited_out() {
        let quotas = quotas(
            "tiers = { free = { rate = 'unlimited' } }\n[[policies]]\nname = 'volume'\nkey = 'client-ip'\nrate = '10M/10s'\nunit = 'content-bytes'",
        );
        let quota = quotas.iter().find(|quota| quota.name == "volume").unwrap();
        let clock = ManualClock::at_secs(1_000);
        let store = MemoryStore::builder().clock(clock.clone()).build();
        with_request("/", &[], &[("weir-client-ip", "192.0.2.1")], |request| {
            let draw = quota.draw(request, 1).unwrap();
            let look = || draw.read(store.take(&[draw.limit()]).unwrap()[0]);
            assert_eq!(look().remaining / 1_000, 10_000);
            assert!(
                store.take(&[draw.charge(25_000_000)]).unwrap()[0].allowed,
                "more than the burst"
            );
            let refused = look();
            assert!(!refused.allowed);
            assert_eq!(
                (refused.remaining, refused.effective_window_secs),
                (0, 16),
                "15 s of debt and the next unit"
            );
            clock.advance_ns(15_000_000_000);
            assert!(!look().allowed);
            clock.advance_ns(100_000_000);
            assert!(look().allowed);
        });
    }

    #[test]
    fn shared_addresses_get_more_but_subjects_do_not() {
        let quotas = quotas("");
        with_request(
            "/",
            &["weir-subject", "weir-session"],
            &[("weir-client-ip", "192.0.2.1")],
            |request| {
                let draw = quotas[1].draw(request, 10).unwrap();
                assert_eq!(
                    (draw.limit().burst, draw.limit().interval_ns),
                    (1_000, 60_000_000)
                );
            },
        );
        with_request(
            "/",
            &["weir-subject", "weir-session"],
            &[("weir-client-ip", "192.0.2.1"), ("weir-subject", "a")],
            |request| {
                assert_eq!(quotas[1].draw(request, 10).unwrap().limit().burst, 100);
            },
        );
    }
}
