//! The sign of life on a running job.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::worker::lock;
use super::{JobQueue, JobRecord, QueueError};
use crate::storage::ETag;

/// Says again and again that the job is ours.
pub(super) struct Lease {
    pub(super) queue: JobQueue,
    pub(super) job: Arc<Mutex<JobRecord>>,
    pub(super) cancel: CancellationToken,
    pub(super) interval: Duration,
}

impl Lease {
    /// Runs until the job is lost to another origin or deleted.
    pub(super) async fn keep(&self, mut etag: ETag) {
        loop {
            let mut current = lock(&self.job).clone();
            current.heartbeat = Some(jiff::Timestamp::now());
            match self.queue.replace(&current, etag.clone()).await {
                Ok(next) => etag = next,
                Err(QueueError::Lost) => match self.queue.get(&current.asset).await {
                    // The one change that others may make to a job of ours is to cancel it.
                    Ok((stored, next)) if stored.owner == current.owner => {
                        etag = next;
                        if stored.cancelled {
                            lock(&self.job).cancelled = true;
                            self.cancel.cancel();
                        }
                        continue;
                    }
                    _ => return,
                },
                Err(QueueError::NoJob) => return,
                // The store is away for a moment; the lease has several intervals to spare.
                Err(error) => tracing::warn!(error = %error, "could not renew the lease on a job"),
            }
            tokio::time::sleep(self.interval).await;
        }
    }
}
