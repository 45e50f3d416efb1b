//! The record of a waiting or running job.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalogue::{AssetId, VersionNumber};

/// One job, kept as `jobs/{asset}.json` until it ends: an asset has at most one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The asset to package.
    pub asset: AssetId,
    /// The profile to package it with.
    pub profile: String,
    /// The origin process that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The owner's last sign of life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<jiff::Timestamp>,
    /// Not before this time: the pause after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<jiff::Timestamp>,
    /// How often it was begun.
    pub attempts: u32,
    /// The version that the running attempt writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
    /// Part done, 0 to 1.
    pub progress: f64,
    /// Somebody asked for it to stop.
    pub cancelled: bool,
    /// When it was asked for.
    pub created_at: jiff::Timestamp,
}

impl JobRecord {
    /// A job that waits.
    #[must_use]
    pub fn new(asset: AssetId, profile: String) -> Self {
        Self {
            asset,
            profile,
            owner: None,
            heartbeat: None,
            not_before: None,
            attempts: 0,
            version: None,
            progress: 0.0,
            cancelled: false,
            created_at: jiff::Timestamp::now(),
        }
    }

    /// Whether a worker may take it: nobody works on it, or whoever did has been silent for too long.
    #[must_use]
    pub fn is_free(&self, now: jiff::Timestamp, takeover: Duration) -> bool {
        if self.not_before.is_some_and(|time| time > now) {
            return false;
        }
        match (&self.owner, self.heartbeat) {
            (None, _) => true,
            (Some(_), None) => true,
            (Some(_), Some(heartbeat)) => {
                now.duration_since(heartbeat)
                    > jiff::SignedDuration::try_from(takeover).unwrap_or(jiff::SignedDuration::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_free_when_nobody_lives_on_it() {
        let takeover = Duration::from_secs(60);
        let now = jiff::Timestamp::now();
        let before = |seconds| now - jiff::SignedDuration::from_secs(seconds);
        let mut job = JobRecord::new(AssetId::new(), "copy".to_owned());
        assert!(job.is_free(now, takeover));
        job.owner = Some("a".to_owned());
        job.heartbeat = Some(before(59));
        assert!(!job.is_free(now, takeover));
        job.heartbeat = Some(before(61));
        assert!(job.is_free(now, takeover));
        job.not_before = Some(before(-1));
        assert!(!job.is_free(now, takeover));
    }
}
