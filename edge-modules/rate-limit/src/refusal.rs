//! The responses that a refused request gets.

use weir_module::{Answer, Problem, RequestHead};

use crate::config::Cors;

/// Where the draft registers its problem types (section 10.2).
const REGISTRY: &str = "https://iana.org/assignments/http-problem-types#";

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A quota is used up (draft section 5.1).
    QuotaExceeded,
    /// The client shows a pattern of abuse (draft section 5.3).
    AbnormalUsage,
    /// The state store gives no answer and the configuration says to refuse (draft section 5.2).
    ReducedCapacity,
    /// The client's network is on the deny list.
    Denied,
}

/// A refusal: reason, violated policies, and when to come back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal {
    /// Names of the policies that had no room.
    pub violated: Vec<String>,
    /// Nanoseconds until the request would fit. 0: unknown.
    pub retry_after_ns: u64,
    /// The `RateLimit-Policy` field, empty for none.
    pub policies: Vec<u8>,
    /// The `RateLimit` field, empty for none.
    pub limits: Vec<u8>,
}

impl Refusal {
    /// The response.
    pub(crate) fn answer(self, reason: Reason, cors: Cors, head: &RequestHead<'_>) -> Answer {
        let problem = match reason {
            Reason::QuotaExceeded => Problem::new(
                429,
                "quota-exceeded",
                "Request cannot be satisfied as assigned quota has been exceeded",
            )
            .with_type(format!("{REGISTRY}quota-exceeded"))
            .with("violated-policies", self.violated),
            Reason::AbnormalUsage => Problem::new(
                429,
                "abnormal-usage-detected",
                "Request not satisfied due to detection of abnormal request pattern",
            )
            .with_type(format!("{REGISTRY}abnormal-usage-detected"))
            .with("violated-policies", self.violated),
            Reason::ReducedCapacity => Problem::new(
                503,
                "temporary-reduced-capacity",
                "Request cannot be satisfied due to temporary server capacity constraints",
            )
            .with_type(format!("{REGISTRY}temporary-reduced-capacity"))
            .with("violated-policies", self.violated),
            Reason::Denied => Problem::new(
                403,
                "client-denied",
                "Requests from this network are not served",
            ),
        };
        let mut answer = problem.into_answer();
        if self.retry_after_ns > 0 && self.retry_after_ns < u64::MAX {
            // Rounded up: who waits exactly so many seconds (RFC 9110 section 10.2.3) is let through.
            answer = answer.header(
                "retry-after",
                self.retry_after_ns.div_ceil(1_000_000_000).to_string(),
            );
        }
        if !self.policies.is_empty() {
            answer = answer.header("ratelimit-policy", self.policies);
        }
        if !self.limits.is_empty() {
            answer = answer.header("ratelimit", self.limits);
        }
        with_cors(answer, cors, head)
    }
}

/// Lets a player's page read the refusal; without this hls.js sees a network error and no status.
fn with_cors(answer: Answer, cors: Cors, head: &RequestHead<'_>) -> Answer {
    const READABLE: &str = "ratelimit, ratelimit-policy, retry-after, x-request-id";
    match (cors, head.header("origin")) {
        (Cors::Off, _) | (Cors::Reflect, None) => answer,
        (Cors::Any, _) => answer
            .header("access-control-allow-origin", "*")
            .header("access-control-expose-headers", READABLE),
        (Cors::Reflect, Some(origin)) => answer
            .header("access-control-allow-origin", origin)
            .header("access-control-allow-credentials", "true")
            .header("access-control-expose-headers", READABLE)
            .header("vary", "origin"),
    }
}
