//! Finds free jobs and gives them to workers, a bounded number at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{JobQueue, JobRecord, QueueError, Worker};
use crate::catalogue::AssetId;
use crate::random;
use crate::storage::ETag;

/// How often the store is looked through for jobs of other origins and jobs whose pause is over.
const SCAN_INTERVAL: Duration = Duration::from_secs(10);

/// Finds free jobs and gives them to workers.
#[derive(Debug)]
pub struct Scheduler {
    queue: JobQueue,
    worker: Arc<Worker>,
    permits: Arc<Semaphore>,
    takeover: Duration,
    owner: String,
}

impl Scheduler {
    /// A scheduler for at most `concurrency` jobs at once.
    #[must_use]
    pub fn new(
        queue: JobQueue,
        worker: Arc<Worker>,
        concurrency: usize,
        takeover: Duration,
    ) -> Self {
        Self {
            queue,
            worker,
            permits: Arc::new(Semaphore::new(concurrency)),
            takeover,
            owner: random::hex_string(8),
        }
    }

    /// Works until `shutdown`, then lets the running jobs go: each is released for whoever comes next.
    pub async fn run(self, shutdown: CancellationToken) {
        let running = TaskTracker::new();
        while !shutdown.is_cancelled() {
            if let Err(error) = self.start_free_jobs(&running, &shutdown).await {
                tracing::warn!(error = %error, "could not look through the jobs");
            }
            tokio::select! {
                () = self.queue.wait_for_news() => {}
                () = tokio::time::sleep(SCAN_INTERVAL) => {}
                () = shutdown.cancelled() => {}
            }
        }
        running.close();
        running.wait().await;
    }

    async fn start_free_jobs(
        &self,
        running: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Result<(), QueueError> {
        for id in self.queue.assets().await? {
            let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
                return Ok(());
            };
            let Some((job, etag)) = self.claim(&id).await? else {
                continue;
            };
            let (worker, queue, shutdown) = (
                Arc::clone(&self.worker),
                self.queue.clone(),
                shutdown.clone(),
            );
            running.spawn(async move {
                worker.run(job, etag, shutdown).await;
                drop(permit);
                // A place is free: somebody may be waiting for it.
                queue.wake();
            });
        }
        Ok(())
    }

    async fn claim(&self, id: &AssetId) -> Result<Option<(JobRecord, ETag)>, QueueError> {
        let (mut job, etag) = match self.queue.get(id).await {
            Ok(found) => found,
            Err(QueueError::NoJob) => return Ok(None),
            Err(error) => return Err(error),
        };
        let now = jiff::Timestamp::now();
        if !job.is_free(now, self.takeover) {
            return Ok(None);
        }
        job.owner = Some(self.owner.clone());
        job.heartbeat = Some(now);
        job.attempts += 1;
        match self.queue.replace(&job, etag).await {
            Ok(etag) => Ok(Some((job, etag))),
            Err(QueueError::Lost | QueueError::NoJob) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
