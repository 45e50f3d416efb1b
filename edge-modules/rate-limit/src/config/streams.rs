//! Configuration of concurrent streams.

use serde::Deserialize;

use super::Span;
use crate::key::KeyExpression;

/// How many playback sessions a subject may have at once.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct StreamsConfig {
    /// Whether streams are limited.
    pub(crate) enabled: bool,
    /// Places of one subject; a tier's `streams` wins.
    pub(crate) limit: u32,
    /// Whose streams are counted together. A request without it is not limited.
    pub(crate) key: KeyExpression,
    /// What one stream is. A request without it is not limited.
    pub(crate) holder: KeyExpression,
    /// How long a place is kept without a request.
    pub(crate) ttl: Span,
    /// How often an instance renews a place in the store.
    pub(crate) renew_every: Span,
    /// Who gives way when all places are taken.
    pub(crate) takeover: TakeoverRule,
    /// How long a session that lost its place is kept out.
    pub(crate) takeover_pause: Span,
    /// Classes whose requests keep a place; `cmcd` stands for any request with a CMCD session id.
    pub(crate) heartbeat: Vec<String>,
    /// Whether a new session gives back the place of the former one on the same device.
    pub(crate) zap: bool,
}

/// Who gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TakeoverRule {
    /// The new stream is refused.
    #[default]
    RefuseNewest,
    /// The stream that was granted first is refused from now on.
    DropOldest,
}

impl Default for StreamsConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            limit: 3,
            key: KeyExpression::subject(),
            holder: KeyExpression::session_or_device(),
            ttl: Span::secs(45),
            renew_every: Span::secs(10),
            takeover: TakeoverRule::RefuseNewest,
            takeover_pause: Span::secs(600),
            heartbeat: vec!["manifest".to_owned(), "segment".to_owned()],
            zap: true,
        }
    }
}
