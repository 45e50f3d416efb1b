//! Job records in the store.

use std::sync::Arc;

use tokio::sync::Notify;

use super::JobRecord;
use crate::catalogue::AssetId;
use crate::storage::{
    ETag, GetOptions, ListOptions, ObjectKey, PutCondition, PutOptions, Storage, StorageError,
};

/// Where jobs are kept.
const JOBS_PREFIX: &str = "jobs/";
/// Largest job record in bytes.
const MAX_RECORD: u64 = 64 << 10;

/// Why the queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The asset has a job already.
    #[error("the asset is already being packaged")]
    AlreadyQueued,
    /// The asset has no job.
    #[error("the asset is not being packaged")]
    NoJob,
    /// Another origin changed the job first.
    #[error("another origin has the job")]
    Lost,
    /// The record is not readable.
    #[error("a job record is damaged")]
    Damaged(#[source] serde_json::Error),
    /// The store failed.
    #[error(transparent)]
    Storage(StorageError),
}

impl From<StorageError> for QueueError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::NoJob,
            StorageError::PreconditionFailed => Self::Lost,
            error => Self::Storage(error),
        }
    }
}

/// The queue. Cloning gives another handle on the same one.
#[derive(Debug, Clone)]
pub struct JobQueue {
    storage: Arc<dyn Storage>,
    news: Arc<Notify>,
}

impl JobQueue {
    /// The queue kept in `storage`.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            news: Arc::new(Notify::new()),
        }
    }

    /// Adds a job.
    ///
    /// # Errors
    /// [`QueueError::AlreadyQueued`] when the asset has one.
    pub async fn submit(&self, job: &JobRecord) -> Result<(), QueueError> {
        match self.write(job, PutCondition::IfAbsent).await {
            Ok(_) => {
                self.news.notify_one();
                Ok(())
            }
            Err(QueueError::Lost) => Err(QueueError::AlreadyQueued),
            Err(error) => Err(error),
        }
    }

    /// Returns when a job was added in this process.
    pub async fn wait_for_news(&self) {
        self.news.notified().await;
    }

    /// Wakes whoever waits for news.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// The job of an asset.
    ///
    /// # Errors
    /// [`QueueError::NoJob`] when there is none.
    pub async fn get(&self, id: &AssetId) -> Result<(JobRecord, ETag), QueueError> {
        let object = self
            .storage
            .get(&job_key(id), GetOptions::default())
            .await?;
        let etag = object.meta.etag.clone();
        let bytes = object.bytes(MAX_RECORD).await?;
        let job = serde_json::from_slice(&bytes).map_err(QueueError::Damaged)?;
        Ok((job, etag))
    }

    /// Replaces a job if nobody changed it since `etag`.
    ///
    /// # Errors
    /// [`QueueError::Lost`] when somebody did.
    pub async fn replace(&self, job: &JobRecord, etag: ETag) -> Result<ETag, QueueError> {
        self.write(job, PutCondition::IfMatch(etag)).await
    }

    /// Asks for a job to stop.
    ///
    /// # Errors
    /// [`QueueError::NoJob`] when there is none, [`QueueError::Lost`] when it changed again and again.
    pub async fn cancel(&self, id: &AssetId) -> Result<JobRecord, QueueError> {
        for _ in 0..8 {
            let (mut job, etag) = self.get(id).await?;
            job.cancelled = true;
            job.not_before = None;
            match self.replace(&job, etag).await {
                Ok(_) => {
                    self.news.notify_one();
                    return Ok(job);
                }
                Err(QueueError::Lost) => {}
                Err(error) => return Err(error),
            }
        }
        Err(QueueError::Lost)
    }

    /// Takes a job off the queue.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove(&self, id: &AssetId) -> Result<(), QueueError> {
        Ok(self.storage.delete(&job_key(id)).await?)
    }

    /// The assets that have a job.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn assets(&self) -> Result<Vec<AssetId>, QueueError> {
        let mut assets = Vec::new();
        let mut start_after = None;
        loop {
            let options = ListOptions {
                prefix: JOBS_PREFIX.to_owned(),
                delimited: false,
                start_after,
                limit: 1000,
            };
            let page = self.storage.list(options).await?;
            let names = page
                .objects
                .iter()
                .filter_map(|object| object.key.file_name().strip_suffix(".json"));
            assets.extend(names.filter_map(|name| name.parse().ok()));
            match page.next {
                Some(next) => start_after = Some(next),
                None => return Ok(assets),
            }
        }
    }

    async fn write(&self, job: &JobRecord, condition: PutCondition) -> Result<ETag, QueueError> {
        let bytes = serde_json::to_vec(job).map_err(QueueError::Damaged)?;
        let options = PutOptions {
            content_type: Some("application/json".to_owned()),
            condition,
            ..PutOptions::default()
        };
        Ok(self
            .storage
            .put(&job_key(&job.asset), bytes.into(), options)
            .await?
            .etag)
    }
}

fn job_key(id: &AssetId) -> ObjectKey {
    ObjectKey::new(format!("{JOBS_PREFIX}{id}.json"))
        .expect("an asset id has only allowed characters")
}
