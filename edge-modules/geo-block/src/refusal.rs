//! The responses that a refused request gets (RFC 7725).

use serde::Deserialize;
use weir_module::{Answer, Problem, RequestHead};

use crate::place::Place;
use crate::rule::Rule;
use weir_location::Location;

/// Which pages may read a refusal (the `Access-Control-Allow-Origin` of the Fetch standard).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cors {
    /// Any page, without credentials.
    #[default]
    Any,
    /// The page that asks, with credentials.
    Reflect,
    /// No header: same origin only.
    Off,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal<'a> {
    /// The path can be read in two ways.
    AmbiguousPath,
    /// A rule blocks the viewer.
    Blocked(&'a Rule),
    /// A rule asks what nothing tells.
    Unknown(&'a Rule),
    /// A database or list is not there yet.
    DataMissing,
}

impl std::fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AmbiguousPath => f.write_str("an ambiguous path"),
            Self::Blocked(rule) => write!(f, "rule {}", rule.name),
            Self::Unknown(rule) => write!(f, "rule {} (place unknown)", rule.name),
            Self::DataMissing => f.write_str("a missing database or list"),
        }
    }
}

impl<'a> Refusal<'a> {
    /// True when the request itself is at fault: then it is refused while others are only watched, too.
    pub(crate) fn is_of_the_request(self) -> bool {
        matches!(self, Self::AmbiguousPath)
    }

    /// The one of two that says more: a block is certain, what is unknown may be temporary.
    pub(crate) fn plainer(self, other: Self) -> Self {
        let rank = |refusal: &Self| match refusal {
            Self::AmbiguousPath => 0,
            Self::Blocked(_) => 1,
            Self::Unknown(_) => 2,
            Self::DataMissing => 3,
        };
        if rank(&other) < rank(&self) {
            other
        } else {
            self
        }
    }

    /// The response.
    pub(crate) fn answer(self, location: &Location, cors: Cors, head: &RequestHead<'_>) -> Answer {
        let country = location.country.map(|country| country.as_str());
        let answer = match self {
            Self::AmbiguousPath => Problem::new(
                400,
                "path-ambiguous",
                "Servers would read this path in different ways",
            )
            .into_answer(),
            Self::DataMissing => Problem::new(
                503,
                "location-data-unavailable",
                "Where you are cannot be looked up now",
            )
            .into_answer()
            .header("retry-after", "5"),
            Self::Unknown(rule) => of_rule(
                rule,
                "location-unknown",
                "Not available where the place of the viewer is not known",
                country,
            ),
            Self::Blocked(rule) if rule.is_embargo() => {
                of_rule(rule, "embargoed", "Not available at this time", country)
            }
            Self::Blocked(rule) => of_rule(
                rule,
                "location-not-allowed",
                "Not available where you are",
                country,
            ),
        };
        with_cors(answer, cors, head)
    }
}

impl Rule {
    /// True when nobody may pass for a time.
    fn is_embargo(&self) -> bool {
        self.until != i64::MAX && self.deny.contains(&Place::Anywhere)
    }
}

fn of_rule(
    rule: &Rule,
    code: &'static str,
    title: &'static str,
    country: Option<&'static str>,
) -> Answer {
    let mut problem =
        Problem::new(rule.notice.status, code, title).with("rule", rule.name.as_str());
    if let Some(country) = country {
        problem = problem.with("country", country);
    }
    if let Some(detail) = &rule.notice.detail {
        problem = problem.detail(detail.as_str());
    }
    if let (true, Ok(until)) = (rule.is_embargo(), jiff::Timestamp::from_second(rule.until)) {
        problem = problem.with("until", until.to_string());
    }
    let answer = problem.into_answer();
    match &rule.notice.blocked_by {
        Some(url) => answer.header("link", format!("<{url}>; rel=\"blocked-by\"")),
        None => answer,
    }
}

/// Lets a player's page read the refusal; without this hls.js sees a network error and no status.
fn with_cors(answer: Answer, cors: Cors, head: &RequestHead<'_>) -> Answer {
    const READABLE: &str = "link, retry-after, x-request-id";
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
