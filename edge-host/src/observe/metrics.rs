//! Counters for Prometheus. Labels are routes, modules and outcomes: never a path, a subject or an address.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::cache::CacheStatus;
use crate::node::record::Outcome;

/// All of the node's numbers.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<Request, Counter>,
    bytes: Family<Route, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    cache: Family<Cached, Counter>,
    modules: Family<ModuleOutcome, Counter>,
    /// Connections open now.
    pub(crate) connections: Gauge,
    /// Connections refused for want of room.
    pub(crate) refused: Counter,
    cache_bytes: Gauge,
    cache_entries: Gauge,
    counter_bytes: Gauge,
    counter_entries: Gauge,
    counter_forgotten: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cached {
    route: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModuleOutcome {
    route: String,
    module: String,
    outcome: &'static str,
}

/// The numbers of one route, looked up once.
pub(crate) struct RouteMetrics {
    route: String,
    requests: Family<Request, Counter>,
    /// For the statuses that come all the time.
    common: [(u16, Counter); 4],
    bytes: Counter,
    seconds: Histogram,
    cache: Family<Cached, Counter>,
    hits: Counter,
    modules: BTreeMap<String, [Counter; Outcome::ALL.len()]>,
}

impl Default for Metrics {
    fn default() -> Self {
        let made = Self {
            registry: Mutex::new(Registry::with_prefix("weir_edge")),
            requests: Family::default(),
            bytes: Family::default(),
            seconds: Family::new_with_constructor(|| {
                Histogram::new([
                    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                    0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
                ])
            }),
            cache: Family::default(),
            modules: Family::default(),
            connections: Gauge::default(),
            refused: Counter::default(),
            cache_bytes: Gauge::default(),
            cache_entries: Gauge::default(),
            counter_bytes: Gauge::default(),
            counter_entries: Gauge::default(),
            counter_forgotten: Gauge::default(),
        };
        made.register();
        made
    }
}

impl Metrics {
    fn register(&self) {
        let mut r = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        r.register(
            "requests",
            "Requests by route and status",
            self.requests.clone(),
        );
        r.register("response_body_bytes", "Body bytes sent", self.bytes.clone());
        r.register_with_unit(
            "request_duration",
            "Time from the request head to the end of the response",
            Unit::Seconds,
            self.seconds.clone(),
        );
        r.register("cache_requests", "What the cache did", self.cache.clone());
        r.register("module_outcomes", "What modules did", self.modules.clone());
        r.register("connections", "Open connections", self.connections.clone());
        r.register(
            "connections_refused",
            "Connections refused for want of room",
            self.refused.clone(),
        );
        r.register(
            "cache_bytes",
            "Bytes in the cache",
            self.cache_bytes.clone(),
        );
        r.register(
            "cache_entries",
            "Entries in the cache",
            self.cache_entries.clone(),
        );
        r.register(
            "state_bytes",
            "Bytes of the counters",
            self.counter_bytes.clone(),
        );
        r.register("state_entries", "Counters", self.counter_entries.clone());
        r.register(
            "state_forgotten",
            "Live counters forgotten for want of room",
            self.counter_forgotten.clone(),
        );
    }

    /// The numbers of a route with these modules.
    pub(crate) fn route<'a>(
        &self,
        name: &str,
        modules: impl Iterator<Item = &'a str>,
    ) -> RouteMetrics {
        let route = || name.to_owned();
        let request = |status: u16| {
            let labels = Request {
                route: route(),
                status: status.to_string(),
            };
            (status, self.requests.get_or_create_owned(&labels))
        };
        RouteMetrics {
            requests: self.requests.clone(),
            common: [200, 206, 304, 404].map(request),
            bytes: self.bytes.get_or_create_owned(&Route { route: route() }),
            seconds: self.seconds.get_or_create_owned(&Route { route: route() }),
            cache: self.cache.clone(),
            hits: self.cache.get_or_create_owned(&Cached {
                route: route(),
                outcome: "hit",
            }),
            modules: modules
                .map(|module| {
                    let counters = Outcome::ALL.map(|outcome| {
                        self.modules.get_or_create_owned(&ModuleOutcome {
                            route: route(),
                            module: module.to_owned(),
                            outcome: outcome.as_str(),
                        })
                    });
                    (module.to_owned(), counters)
                })
                .collect(),
            route: route(),
        }
    }

    /// A request that no route took.
    pub(crate) fn unrouted(&self, status: u16) {
        let labels = Request {
            route: "-".to_owned(),
            status: status.to_string(),
        };
        self.requests.get_or_create(&labels).inc();
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, node: &crate::Node) -> String {
        let gauge = |gauge: &Gauge, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        let (bytes, entries) = node.cache_usage();
        gauge(&self.cache_bytes, bytes);
        gauge(&self.cache_entries, entries);
        let usage = node.counter_usage();
        gauge(
            &self.counter_bytes,
            u64::try_from(usage.bytes).unwrap_or(u64::MAX),
        );
        gauge(
            &self.counter_entries,
            u64::try_from(usage.entries).unwrap_or(u64::MAX),
        );
        gauge(&self.counter_forgotten, usage.forgotten);
        let mut out = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string cannot fail.
        let _ = text::encode(&mut out, &registry);
        out
    }
}

impl RouteMetrics {
    /// A request that is over.
    pub(crate) fn request(
        &self,
        status: u16,
        bytes: u64,
        time: Duration,
        cache: Option<CacheStatus>,
    ) {
        match self.common.iter().find(|(common, _)| *common == status) {
            Some((_, counter)) => counter.inc(),
            None => {
                let labels = Request {
                    route: self.route.clone(),
                    status: status.to_string(),
                };
                self.requests.get_or_create(&labels).inc()
            }
        };
        self.bytes.inc_by(bytes);
        self.seconds.observe(time.as_secs_f64());
        match cache.map(CacheStatus::label) {
            None => {}
            Some("hit") => {
                self.hits.inc();
            }
            Some(outcome) => {
                let labels = Cached {
                    route: self.route.clone(),
                    outcome,
                };
                self.cache.get_or_create(&labels).inc();
            }
        }
    }

    /// What a module did.
    pub(crate) fn module(&self, module: &str, outcome: Outcome) {
        let place = Outcome::ALL.iter().position(|known| *known == outcome);
        if let (Some(counters), Some(place)) = (self.modules.get(module), place) {
            counters[place].inc();
        }
    }
}
