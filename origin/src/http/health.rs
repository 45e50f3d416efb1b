//! Whether this process lives, whether it can work, and its figures.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::App;
use super::problem::{Problem, ProblemBody};

/// How long a look at the store is believed: probes come often and from many sides.
const READY_FOR: Duration = Duration::from_secs(2);
/// Longest wait for the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// The last look at the store.
#[derive(Debug, Default)]
pub(super) struct Readiness {
    last: Mutex<Option<(Instant, bool)>>,
}

/// Alive.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "The process answers")))]
pub(super) async fn healthz() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CACHE_CONTROL, "no-store")], "ok\n")
}

/// Ready: the store can be reached, and the process is not stopping.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses((status = 200, description = "It can work"), (status = 503, description = "It cannot", body = ProblemBody)))]
pub(super) async fn readyz(
    State(app): State<App>,
) -> Result<([(HeaderName, &'static str); 1], &'static str), Problem> {
    if app.shutdown.is_cancelled() {
        return Err(not_ready("it is stopping"));
    }
    let known = *app
        .readiness
        .last
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let ready = match known {
        Some((when, ready)) if when.elapsed() < READY_FOR => ready,
        _ => {
            let ready = matches!(
                tokio::time::timeout(STORE_TIMEOUT, app.storage.check()).await,
                Ok(Ok(()))
            );
            *app.readiness
                .last
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), ready));
            ready
        }
    };
    if ready {
        Ok(([(CACHE_CONTROL, "no-store")], "ready\n"))
    } else {
        Err(not_ready("the object store does not answer"))
    }
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, description = "OpenMetrics text", content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(
    State(app): State<App>,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let text = app.metrics.render().map_err(|_| Problem::internal())?;
    Ok((
        [(
            CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    ))
}

fn not_ready(why: &str) -> Problem {
    Problem::new(
        axum::http::StatusCode::SERVICE_UNAVAILABLE,
        "not-ready",
        "The origin cannot work now",
    )
    .with_detail(why)
}
