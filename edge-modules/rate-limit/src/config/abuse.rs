//! Configuration of abuse patterns and its defaults.

use serde::Deserialize;

use super::Span;
use crate::key::KeyExpression;

/// Which patterns count as abuse, and what follows.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct AbuseConfig {
    /// Off, only watched, or refused.
    pub(crate) mode: AbuseMode,
    /// Whom a pattern is held against. A request without it is not watched.
    pub(crate) key: KeyExpression,
    /// The first stay in the penalty box; doubled at each further offence.
    pub(crate) penalty: Span,
    /// The longest stay.
    pub(crate) longest_penalty: Span,
    /// How long offences are remembered.
    pub(crate) offence_memory: Span,
    /// Requests of any kind.
    pub(crate) request_rate: Threshold,
    /// Different paths.
    pub(crate) distinct_paths: Threshold,
    /// Responses with a status of 4xx (429 and 451 aside).
    pub(crate) failures: Threshold,
    /// Requests for one manifest. The default is half of a target duration of 6 s.
    pub(crate) manifest_polls: Threshold,
    /// Segments of one rendition. The default is six times real time with segments of 6 s.
    pub(crate) segment_speed: Threshold,
    /// Requests with several or tiny ranges.
    pub(crate) ranges: Threshold,
    /// Different renditions (folders of segments).
    pub(crate) variants: Threshold,
    /// IPv6 /64s of one /48 that were boxed before the whole /48 is.
    pub(crate) escalate: Threshold,
}

/// Whether abuse is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AbuseMode {
    /// Nothing is watched.
    #[default]
    Off,
    /// Patterns are counted and logged, nobody is refused.
    Monitor,
    /// Who shows a pattern is refused until the penalty is over.
    Enforce,
}

/// More than `threshold` events within `window` are too many. A threshold of 0 switches the pattern off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Threshold {
    /// Events.
    pub(crate) threshold: u64,
    /// The window.
    pub(crate) window: Span,
}

impl Default for AbuseConfig {
    fn default() -> Self {
        let threshold = |threshold, window| Threshold {
            threshold,
            window: Span::secs(window),
        };
        Self {
            mode: AbuseMode::Off,
            key: KeyExpression::client_ip(),
            penalty: Span::secs(60),
            longest_penalty: Span::secs(3_600),
            offence_memory: Span::secs(86_400),
            request_rate: threshold(50, 1),
            distinct_paths: threshold(20, 10),
            failures: threshold(10, 60),
            manifest_polls: threshold(4, 12),
            segment_speed: threshold(60, 60),
            ranges: threshold(30, 10),
            variants: threshold(8, 10),
            escalate: threshold(4, 600),
        }
    }
}
