//! One line for each request: the route, never the path; outcomes, never tokens or subjects.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Version};

use crate::node::module::Module;
use crate::node::record::Outcome;

/// What a line says.
pub(crate) struct Line<'a> {
    pub(crate) route: &'a str,
    pub(crate) id: &'a HeaderValue,
    pub(crate) head_only: bool,
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    /// The response went out to its end.
    pub(crate) whole: bool,
    /// Until the response head.
    pub(crate) head: Duration,
    /// Until the end of the body.
    pub(crate) total: Duration,
    pub(crate) cache: Option<&'static str>,
    pub(crate) reason: Option<&'a HeaderValue>,
    pub(crate) outcomes: &'a [(Arc<Module>, Outcome)],
}

/// Writes it.
pub(crate) fn write(line: &Line<'_>) {
    if !tracing::enabled!(target: "access", tracing::Level::INFO) {
        return;
    }
    let mut modules = String::new();
    for (module, outcome) in line.outcomes {
        if !modules.is_empty() {
            modules.push(' ');
        }
        modules.push_str(&module.name);
        modules.push('=');
        modules.push_str(outcome.as_str());
    }
    tracing::info!(
        target: "access",
        route = line.route,
        request_id = line.id.to_str().unwrap_or("-"),
        protocol = ?line.version,
        head_only = line.head_only,
        status = line.status,
        bytes = line.bytes,
        whole = line.whole,
        head_us = micros(line.head),
        total_us = micros(line.total),
        cache = line.cache.unwrap_or("-"),
        reason = line.reason.and_then(|reason| reason.to_str().ok()).unwrap_or("-"),
        modules,
        "request"
    );
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
