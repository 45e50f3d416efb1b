//! What is counted, in Prometheus's text form. No label ever holds a path, a key or a subject.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::storage::StorageMetrics;

/// Bounds in seconds, as OpenTelemetry's HTTP conventions advise.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Bounds in seconds for work that takes minutes.
const LONG_SECONDS: [f64; 10] = [0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StorageLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The figures of this process. Cloning gives another handle on the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    active_requests: Gauge<i64, AtomicI64>,
    media_bytes: Counter,
    upload_bytes: Counter,
    storage: Family<StorageLabels, Histogram, fn() -> Histogram>,
    jobs: Family<OutcomeLabels, Histogram, fn() -> Histogram>,
    refusals: Family<OutcomeLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let short: fn() -> Histogram = || Histogram::new(SECONDS);
        let long: fn() -> Histogram = || Histogram::new(LONG_SECONDS);
        let requests = Family::new_with_constructor(short);
        let storage = Family::new_with_constructor(short);
        let jobs = Family::new_with_constructor(long);
        let (active_requests, media_bytes, upload_bytes) =
            (Gauge::default(), Counter::default(), Counter::default());
        let refusals = Family::default();
        let mut registry = Registry::with_prefix("weir_origin");
        registry.register_with_unit(
            "http_server_request_duration",
            "Time to the head of an answer",
            Unit::Seconds,
            requests.clone(),
        );
        registry.register(
            "http_server_active_requests",
            "Requests being answered",
            active_requests.clone(),
        );
        registry.register_with_unit(
            "media_sent",
            "Media sent to viewers and edges",
            Unit::Bytes,
            media_bytes.clone(),
        );
        registry.register_with_unit(
            "uploads_received",
            "Uploads received",
            Unit::Bytes,
            upload_bytes.clone(),
        );
        registry.register_with_unit(
            "storage_request_duration",
            "Time a store took",
            Unit::Seconds,
            storage.clone(),
        );
        registry.register_with_unit(
            "job_duration",
            "Time a packaging job took",
            Unit::Seconds,
            jobs.clone(),
        );
        registry.register(
            "refusals",
            "Requests refused before they were looked at",
            refusals.clone(),
        );
        Self {
            registry: Arc::new(registry),
            requests,
            active_requests,
            media_bytes,
            upload_bytes,
            storage,
            jobs,
            refusals,
        }
    }
}

impl Metrics {
    /// A request was answered. `route` is the route's pattern.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels {
            http_request_method: method,
            http_route: route.to_owned(),
            http_response_status_code: status,
        };
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// A request begins; the guard's end is the request's end.
    #[must_use]
    pub fn request_begins(&self) -> ActiveRequest {
        self.active_requests.inc();
        ActiveRequest {
            gauge: self.active_requests.clone(),
        }
    }

    /// Media bytes were sent.
    pub fn media_sent(&self, bytes: u64) {
        self.media_bytes.inc_by(bytes);
    }

    /// Upload bytes came in.
    pub fn upload_received(&self, bytes: u64) {
        self.upload_bytes.inc_by(bytes);
    }

    /// A job ended.
    pub fn job_ended(&self, outcome: &'static str, took: Duration) {
        self.jobs
            .get_or_create(&OutcomeLabels { outcome })
            .observe(took.as_secs_f64());
    }

    /// A request was refused: `unauthenticated`, `rate-limited`, `edge-secret`.
    pub fn refused(&self, outcome: &'static str) {
        self.refusals
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// All figures in the OpenMetrics text format.
    ///
    /// # Errors
    /// Never in practice: a `String` takes everything.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl StorageMetrics for Metrics {
    fn request(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.storage
            .get_or_create(&StorageLabels { operation, outcome })
            .observe(took.as_secs_f64());
    }
}

/// Counts a request as active while it lives.
#[derive(Debug)]
pub struct ActiveRequest {
    gauge: Gauge<i64, AtomicI64>,
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_carry_their_units() {
        let metrics = Metrics::default();
        metrics.request("GET", "/healthz", 200, Duration::from_millis(3));
        metrics.media_sent(10);
        let text = metrics.render().expect("rendered");
        assert!(
            text.contains("weir_origin_http_server_request_duration_seconds_bucket"),
            "{text}"
        );
        assert!(
            text.contains("weir_origin_media_sent_bytes_total 10"),
            "{text}"
        );
        assert!(text.contains(r#"http_route="/healthz""#), "{text}");
    }
}
