//! Runs one job from claim to publication.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use super::production::Product;
use super::{AssetEvent, JobQueue, JobRecord, ProgressBus, QueueError};
use crate::catalogue::{
    AssetState, Catalogue, CatalogueError, Change, Failure, Version, VersionNumber,
};
use crate::config::PackagingSettings;
use crate::metrics::Metrics;
use crate::packaging::{PackagingError, failure_of};
use crate::protection::ContentKeys;
use crate::storage::{ETag, Storage, StorageError};
use crate::transcode::Transcoder;

/// Longest pause between attempts.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// Runs jobs.
#[derive(Debug)]
pub struct Worker {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) catalogue: Catalogue,
    queue: JobQueue,
    pub(super) bus: ProgressBus,
    metrics: Metrics,
    pub(super) settings: PackagingSettings,
    pub(super) transcoder: Transcoder,
    pub(super) content_keys: ContentKeys,
    pub(super) cache_control: String,
}

/// How an attempt ended.
enum Ending {
    Published,
    Failed(PackagingError),
    /// The asset is gone, or another origin took the job.
    Dropped,
    /// This process stops: the job is for whoever comes next.
    Released,
}

impl Worker {
    /// A worker over the parts of this origin.
    #[must_use]
    #[expect(
        clippy::too_many_arguments,
        reason = "each part has one name and one place where it is made"
    )]
    pub fn new(
        storage: Arc<dyn Storage>,
        queue: JobQueue,
        bus: ProgressBus,
        metrics: Metrics,
        settings: PackagingSettings,
        transcoder: Transcoder,
        content_keys: ContentKeys,
        cache_control: String,
    ) -> Self {
        Self {
            catalogue: Catalogue::new(Arc::clone(&storage)),
            storage,
            queue,
            bus,
            metrics,
            settings,
            transcoder,
            content_keys,
            cache_control,
        }
    }

    /// Runs a claimed job; `etag` is its record's. Every error ends in the asset's record, so there is no result.
    pub async fn run(&self, mut job: JobRecord, etag: ETag, shutdown: CancellationToken) {
        let started = std::time::Instant::now();
        let ending = self.attempt(&mut job, etag, &shutdown).await;
        let outcome = match &ending {
            Ending::Published => "published",
            Ending::Failed(error) => error.code(),
            Ending::Dropped => "dropped",
            Ending::Released => "released",
        };
        self.metrics.job_ended(outcome, started.elapsed());
        tracing::info!(asset = %job.asset, attempt = job.attempts, outcome, seconds = started.elapsed().as_secs_f64(), "job ended");
        if let Err(error) = self.settle(&job, ending).await {
            tracing::error!(asset = %job.asset, error = %error, "could not record the end of a job; it will be taken over");
        }
    }

    async fn attempt(
        &self,
        job: &mut JobRecord,
        etag: ETag,
        shutdown: &CancellationToken,
    ) -> Ending {
        if job.cancelled {
            return Ending::Failed(PackagingError::Cancelled);
        }
        // What the attempt before this one left half-written.
        if let Some(number) = job.version.take()
            && let Err(error) = self.remove_unpublished(job, number).await
        {
            tracing::warn!(asset = %job.asset, error = %error, "could not remove what an earlier attempt left");
        }
        let begun = self.catalogue.change(&job.asset, |asset| {
            asset.state = AssetState::Packaging;
            asset.failure = None;
            let number = asset.next_version;
            asset.next_version += 1;
            Ok::<_, CatalogueError>(Change::Write(number))
        });
        let (asset, number) = match begun.await {
            Ok(begun) => begun,
            Err(CatalogueError::NotFound) => return Ending::Dropped,
            Err(error) => {
                return Ending::Failed(PackagingError::Read(StorageError::unavailable(
                    "changing the asset",
                    error,
                )));
            }
        };
        job.version = Some(number);
        self.bus.publish(AssetEvent {
            progress: Some(0.0),
            ..AssetEvent::of(&asset)
        });

        let cancel = shutdown.child_token();
        let shared = Arc::new(Mutex::new(job.clone()));
        let lease = Lease {
            queue: self.queue.clone(),
            job: Arc::clone(&shared),
            cancel: cancel.clone(),
            interval: self.heartbeat_interval(),
        };
        let packaged = {
            let heartbeat = lease.keep(etag);
            let run = self.produce(&asset, number, &shared, &cancel);
            tokio::pin!(heartbeat, run);
            tokio::select! {
                result = &mut run => Some(result),
                // The lease ends early only when the job is not ours any more.
                () = &mut heartbeat => None,
            }
        };
        let cancelled = lock(&shared).cancelled;
        *job = lock(&shared).clone();
        match packaged {
            None => Ending::Dropped,
            Some(Ok(product)) => self.publish(job, number, product).await,
            Some(Err(PackagingError::Cancelled)) if !cancelled => Ending::Released,
            Some(Err(error)) => Ending::Failed(error),
        }
    }

    /// Names the version in the asset's record: from here on viewers get it.
    async fn publish(&self, job: &JobRecord, number: VersionNumber, product: Product) -> Ending {
        let Product {
            summary,
            pictures,
            protection,
            lint,
        } = product;
        let version = Version {
            number,
            profile: job.profile.clone(),
            multivariant: summary.report.multivariant.clone(),
            dash: summary.report.dash.clone(),
            poster: pictures.poster,
            storyboard: pictures.storyboard,
            preview: pictures.preview,
            protection,
            lint,
            duration: summary.report.presentation.duration,
            files: summary.files,
            bytes: summary.bytes,
            report: summary.report,
            published_at: jiff::Timestamp::now(),
        };
        let published = self.catalogue.change(&job.asset, |asset| {
            if asset.version(number).is_none() {
                asset.versions.push(version.clone());
            }
            asset.live_version = Some(number);
            asset.state = AssetState::Ready;
            asset.failure = None;
            Ok::<_, CatalogueError>(Change::Write(()))
        });
        match published.await {
            Ok((asset, ())) => {
                self.bus.publish(AssetEvent {
                    progress: Some(1.0),
                    ..AssetEvent::of(&asset)
                });
                Ending::Published
            }
            Err(CatalogueError::NotFound) => Ending::Dropped,
            Err(error) => Ending::Failed(PackagingError::Write(StorageError::unavailable(
                "publishing the version",
                error,
            ))),
        }
    }

    async fn settle(&self, job: &JobRecord, ending: Ending) -> Result<(), QueueError> {
        match ending {
            Ending::Published => self.queue.remove(&job.asset).await,
            Ending::Released => self.release(job, Duration::ZERO).await,
            Ending::Failed(error)
                if error.is_transient() && job.attempts < self.settings.attempts =>
            {
                tracing::warn!(asset = %job.asset, error = %Chain(&error), "packaging failed; it will be tried again");
                self.set_state(job, AssetState::Queued, None).await;
                self.release(job, pause_after(job.attempts)).await
            }
            Ending::Failed(error) => {
                if let Some(number) = job.version {
                    self.remove_unpublished(job, number).await?;
                }
                tracing::warn!(asset = %job.asset, code = error.code(), error = %Chain(&error), "packaging failed");
                self.set_state(job, AssetState::Failed, Some(failure_of(&error)))
                    .await;
                self.queue.remove(&job.asset).await
            }
            Ending::Dropped => match self.catalogue.get(&job.asset).await {
                // Deleted while it was being packaged: nothing of it may stay.
                Err(CatalogueError::NotFound) => {
                    self.storage
                        .delete_prefix(&Catalogue::prefix(&job.asset))
                        .await?;
                    self.forget_keys(job, None).await;
                    self.queue.remove(&job.asset).await
                }
                _ => Ok(()),
            },
        }
    }

    async fn set_state(&self, job: &JobRecord, state: AssetState, failure: Option<Failure>) {
        let changed = self.catalogue.change(&job.asset, |asset| {
            asset.state = state;
            asset.failure.clone_from(&failure);
            Ok::<_, CatalogueError>(Change::Write(()))
        });
        match changed.await {
            Ok((asset, ())) => self.bus.publish(AssetEvent::of(&asset)),
            Err(error) => {
                tracing::warn!(asset = %job.asset, error = %error, "could not record how the asset stands")
            }
        }
    }

    async fn release(&self, job: &JobRecord, pause: Duration) -> Result<(), QueueError> {
        let (mut stored, etag) = self.queue.get(&job.asset).await?;
        stored.owner = None;
        stored.heartbeat = None;
        stored.version = job.version;
        stored.not_before = (!pause.is_zero()).then(|| jiff::Timestamp::now() + pause);
        self.queue.replace(&stored, etag).await.map(drop)
    }

    async fn remove_unpublished(
        &self,
        job: &JobRecord,
        number: VersionNumber,
    ) -> Result<(), QueueError> {
        let published = self
            .catalogue
            .get(&job.asset)
            .await
            .is_ok_and(|asset| asset.version(number).is_some());
        if !published {
            self.storage
                .delete_prefix(&Catalogue::version_prefix(&job.asset, number))
                .await?;
            self.forget_keys(job, Some(number)).await;
        }
        Ok(())
    }

    /// Keys that nothing is encrypted with any more; that they stay for a while harms nobody, so a failure is only told.
    async fn forget_keys(&self, job: &JobRecord, number: Option<VersionNumber>) {
        let vault = self.content_keys.vault();
        let forgotten = match number {
            Some(number) => vault.forget(&job.asset, number).await,
            None => vault.forget_all(&job.asset).await,
        };
        if let Err(error) = forgotten {
            tracing::warn!(asset = %job.asset, error = %error, "could not remove content keys");
        }
    }

    fn heartbeat_interval(&self) -> Duration {
        // Four chances before another origin may think us dead, and quick enough for cancelling.
        Duration::from_secs(self.settings.takeover_seconds / 4)
            .clamp(Duration::from_secs(1), Duration::from_secs(5))
    }
}

pub(super) fn lock(job: &Mutex<JobRecord>) -> std::sync::MutexGuard<'_, JobRecord> {
    job.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pause_after(attempts: u32) -> Duration {
    (Duration::from_secs(2) * 2_u32.pow(attempts.min(8))).min(MAX_PAUSE)
}

/// An error with its causes, for one line of log.
struct Chain<'a>(&'a PackagingError);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
