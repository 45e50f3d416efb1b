//! Packaging on request: any playlist or segment of a source, without packaging the rest.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_util::task::TaskTracker;
use weir_packager::{Index, IndexStep, Indexer, Options, Output, Resource, SegmentStep};

use super::sidecar::{self, Reused};
use super::{MediaInput, PackagingError, StoredInput};
use crate::catalogue::{AssetId, Catalogue};
use crate::storage::{ETag, GetOptions, ObjectKey, PutOptions, Storage, StorageError};

/// Indexes held in memory. A two-hour film's has about 2 MB.
const MAX_INDEXES: usize = 32;
/// Largest sidecar in bytes.
const MAX_SIDECAR: u64 = 256 << 20;

/// Packages on request.
pub struct JustInTime {
    storage: Arc<dyn Storage>,
    options: Options,
    indexes: Mutex<VecDeque<Remembered>>,
    /// What is done beside requests.
    left: TaskTracker,
}

struct Remembered {
    id: AssetId,
    etag: ETag,
    /// Filled by whoever asks first; the others wait for it.
    index: Arc<OnceCell<Arc<Index>>>,
}

impl fmt::Debug for JustInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JustInTime").finish_non_exhaustive()
    }
}

impl JustInTime {
    /// Packages sources that lie in `storage`.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, options: Options) -> Self {
        Self {
            storage,
            options,
            indexes: Mutex::default(),
            left: TaskTracker::new(),
        }
    }

    /// One file of the presentation of an asset's source; `None` when it has no such file.
    ///
    /// `etag` is the source's as its record tells it: a source that was replaced since is not read.
    ///
    /// # Errors
    /// [`PackagingError`].
    pub async fn file(
        &self,
        id: &AssetId,
        etag: &ETag,
        path: &str,
    ) -> Result<Option<Output>, PackagingError> {
        let input = self.source(id, etag).await?;
        let index = self.index(id, etag, &input).await?;
        let path = path.to_owned();
        let resource = spawn_blocking(move || index.open(&path))
            .await
            .map_err(PackagingError::Defect)??;
        let mut request = match resource {
            None => return Ok(None),
            Some(Resource::Ready(output)) => return Ok(Some(output)),
            Some(Resource::Segment(request)) => request,
        };
        loop {
            match request.step()? {
                SegmentStep::Read { range, .. } => {
                    let data = input
                        .read(range.start, range.end)
                        .await
                        .map_err(PackagingError::Read)?;
                    request.supply(range.start, data)?;
                }
                SegmentStep::Done(output) => return Ok(Some(output)),
            }
        }
    }

    /// Makes the index of a source, or finds it made: what is asked for next waits for nothing but its own bytes.
    ///
    /// # Errors
    /// As [`JustInTime::file`].
    pub async fn prepare(&self, id: &AssetId, etag: &ETag) -> Result<(), PackagingError> {
        let input = self.source(id, etag).await?;
        self.index(id, etag, &input).await.map(drop)
    }

    /// Runs a task that [`JustInTime::finish`] waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.left.spawn(task);
    }

    async fn source(&self, id: &AssetId, etag: &ETag) -> Result<StoredInput, PackagingError> {
        let input = StoredInput::open(Arc::clone(&self.storage), Catalogue::source_key(id))
            .await
            .map_err(PackagingError::Read)?;
        if input.etag() == etag {
            return Ok(input);
        }
        Err(PackagingError::Read(StorageError::PreconditionFailed))
    }

    async fn index(
        &self,
        id: &AssetId,
        etag: &ETag,
        input: &StoredInput,
    ) -> Result<Arc<Index>, PackagingError> {
        let cell = self.cell(id, etag);
        cell.get_or_try_init(|| self.load_or_make(id, etag, input))
            .await
            .cloned()
    }

    fn cell(&self, id: &AssetId, etag: &ETag) -> Arc<OnceCell<Arc<Index>>> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(position) = indexes
            .iter()
            .position(|one| one.id == *id && one.etag == *etag)
            && let Some(found) = indexes.remove(position)
        {
            let index = Arc::clone(&found.index);
            indexes.push_front(found);
            return index;
        }
        let index = Arc::<OnceCell<Arc<Index>>>::default();
        indexes.push_front(Remembered {
            id: id.clone(),
            etag: etag.clone(),
            index: Arc::clone(&index),
        });
        indexes.truncate(MAX_INDEXES);
        index
    }

    /// From the sidecar beside the source, else from the source. What the next process would not find there is written.
    async fn load_or_make(
        &self,
        id: &AssetId,
        etag: &ETag,
        input: &StoredInput,
    ) -> Result<Arc<Index>, PackagingError> {
        let key = sidecar_key(id, etag)?;
        if let Some(sidecar) = self.kept(&key).await? {
            let (length, options) = (input.length(), self.options.clone());
            let reused = spawn_blocking(move || sidecar::reuse(sidecar, length, &options))
                .await
                .map_err(PackagingError::Defect)?;
            match reused {
                Ok(Reused { index, stale: None }) => return Ok(Arc::new(index)),
                Ok(Reused {
                    index,
                    stale: Some(anew),
                }) => {
                    tracing::info!(asset = %id, "the index beside the source was made with other options: it is written anew");
                    self.keep(id, key, anew);
                    return Ok(Arc::new(index));
                }
                Err(error) => {
                    tracing::warn!(asset = %id, error = %error, "the index beside the source cannot be used: the source is read again");
                }
            }
        }
        let index = Arc::new(read_index(input, self.options.clone()).await?);
        self.keep(id, key, index.sidecar());
        Ok(index)
    }

    /// What was written beside the source; `None` when nothing was.
    async fn kept(&self, key: &ObjectKey) -> Result<Option<Bytes>, PackagingError> {
        match self.storage.get(key, GetOptions::default()).await {
            Ok(object) if object.meta.size > MAX_SIDECAR => {
                tracing::warn!(key = %key, bytes = object.meta.size, "the index beside the source is larger than any index");
                Ok(None)
            }
            Ok(object) => {
                let sidecar = object.bytes(MAX_SIDECAR).await;
                sidecar.map(Some).map_err(PackagingError::Read)
            }
            Err(StorageError::NotFound) => Ok(None),
            Err(error) => Err(PackagingError::Read(error)),
        }
    }

    /// Writes a sidecar while the viewer is served; it spares the next process some work, no more, so a failure is only told.
    fn keep(&self, id: &AssetId, key: ObjectKey, sidecar: Bytes) {
        let (storage, id) = (Arc::clone(&self.storage), id.clone());
        self.left.spawn(async move {
            let put = storage.put(&key, sidecar.into(), PutOptions::default());
            if let Err(error) = put.await {
                tracing::warn!(asset = %id, error = %error, "could not keep an index");
            }
        });
    }

    /// Waits for what is done beside requests.
    pub async fn finish(&self) {
        self.left.close();
        self.left.wait().await;
    }
}

async fn read_index(input: &StoredInput, options: Options) -> Result<Index, PackagingError> {
    let mut indexer = Indexer::new(&[input.length()], options)?;
    loop {
        let stepped = spawn_blocking(move || indexer.step().map(|step| (indexer, step)));
        let step;
        (indexer, step) = stepped.await.map_err(PackagingError::Defect)??;
        match step {
            IndexStep::Read {
                input: number,
                range,
            } => {
                let data = input
                    .read(range.start, range.end.min(input.length()))
                    .await
                    .map_err(PackagingError::Read)?;
                indexer.supply(number, range.start, data)?;
            }
            IndexStep::Done(index) => return Ok(*index),
        }
    }
}

/// Named after the source's tag, so that the index of a replaced source is never taken for the new one's.
fn sidecar_key(id: &AssetId, etag: &ETag) -> Result<ObjectKey, PackagingError> {
    use sha2::{Digest, Sha256};
    let name = hex::encode(&Sha256::digest(etag.as_str())[..8]);
    ObjectKey::new(format!("{}source/index-{name}", Catalogue::prefix(id)))
        .map_err(|error| PackagingError::Read(error.into()))
}
