//! A store in a local folder.
//!
//! An object is a file under the same path. A write goes to a temporary file, is flushed to the disk, and is renamed
//! over its place, so that a reader or a crash sees the old object or the new one, never a part. Conditional
//! writes hold a lock file, which also excludes other processes on the same folder.

mod durable;
mod listing;
mod lock;

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::task::spawn_blocking;

use self::durable::{PendingFile, remove_empty_parents, sync_folder};
use self::lock::KeyLocks;
use super::{
    ByteStream, ETag, GetOptions, ListOptions, ListPage, Object, ObjectKey, ObjectMeta, PutBody,
    PutCondition, PutOptions, Storage, StorageError,
};
use crate::media_type::media_type_of;

/// The store's own folder under the root; [`ObjectKey`] cannot name it.
const OWN_FOLDER: &str = ".weir";
/// Bytes read from the disk at once: large enough that thread hand-over costs little, small enough for many readers.
const READ_CHUNK: u64 = 256 * 1024;

/// A store in a local folder.
#[derive(Debug, Clone)]
pub struct FileStorage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    locks: KeyLocks,
}

impl FileStorage {
    /// Opens the store, making the folder when it does not exist.
    ///
    /// # Errors
    /// When the folder cannot be made or written.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = root.into();
        let opened = || -> io::Result<Inner> {
            let own = root.join(OWN_FOLDER);
            fs::create_dir_all(own.join("temporary"))?;
            // What an earlier process left half-written was never visible and never will be.
            durable::remove_abandoned(&own.join("temporary"))?;
            let locks = KeyLocks::open(&own.join("locks"))?;
            Ok(Inner {
                root: fs::canonicalize(&root)?,
                locks,
            })
        };
        opened()
            .map(|inner| Self {
                inner: Arc::new(inner),
            })
            .map_err(|error| StorageError::unavailable("opening the folder", error))
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.inner.root.join(key.as_str())
    }

    fn temporary_folder(&self) -> PathBuf {
        self.inner.root.join(OWN_FOLDER).join("temporary")
    }

    /// Puts the finished file in place, if the condition holds.
    fn publish(
        &self,
        key: &ObjectKey,
        pending: PendingFile,
        condition: &PutCondition,
    ) -> Result<ObjectMeta, StorageError> {
        let path = self.path(key);
        // Unconditional writes lock too: else one could slip between another's check and its rename.
        let _guard = self
            .inner
            .locks
            .lock(key)
            .map_err(|error| failed("put", error))?;
        let current = match meta_of(key, &path) {
            Ok(meta) => Some(meta.etag),
            Err(StorageError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let holds = match condition {
            PutCondition::None => true,
            PutCondition::IfAbsent => current.is_none(),
            PutCondition::IfMatch(etag) => current.as_ref() == Some(etag),
        };
        if !holds {
            return Err(StorageError::PreconditionFailed);
        }
        pending
            .rename_to(&path, &self.inner.root)
            .map_err(|error| failed("put", error))?;
        meta_of(key, &path)
    }
}

#[async_trait]
impl Storage for FileStorage {
    async fn put(
        &self,
        key: &ObjectKey,
        body: PutBody,
        options: PutOptions,
    ) -> Result<ObjectMeta, StorageError> {
        let folder = self.temporary_folder();
        let private = options.private;
        let mut pending = blocking("put", move || PendingFile::create(&folder, private)).await?;
        let mut stream = body.into_checked_stream(options.checksum);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            pending = blocking("put", move || pending.write(&chunk)).await?;
        }
        let store = self.clone();
        let key = key.clone();
        let published = spawn_blocking(move || {
            let pending = pending.finish().map_err(|error| failed("put", error))?;
            store.publish(&key, pending, &options.condition)
        });
        joined(published.await)
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<Object, StorageError> {
        let path = self.path(key);
        let key = key.clone();
        let opened = spawn_blocking(move || -> Result<(File, ObjectMeta), StorageError> {
            let file = File::open(&path).map_err(|error| missing_or_failed("get", error))?;
            let metadata = file.metadata().map_err(|error| failed("get", error))?;
            let meta = describe(&key, &metadata)?;
            Ok((file, meta))
        });
        let (file, meta) = joined(opened.await)?;
        if options.if_match.is_some_and(|etag| etag != meta.etag) {
            return Err(StorageError::PreconditionFailed);
        }
        let range = options
            .range
            .map_or(Ok((0, meta.size)), |range| range.resolve(meta.size))?;
        Ok(Object {
            meta,
            range,
            body: read_stream(file, range),
        })
    }

    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta, StorageError> {
        let path = self.path(key);
        let key = key.clone();
        joined(spawn_blocking(move || meta_of(&key, &path)).await)
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage, StorageError> {
        let store = self.clone();
        joined(spawn_blocking(move || listing::list(&store.inner.root, &options)).await)
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        let store = self.clone();
        let key = key.clone();
        blocking("delete", move || {
            let path = store.path(&key);
            let _guard = store.inner.locks.lock(&key)?;
            match fs::remove_file(&path) {
                Ok(()) => {
                    path.parent().map_or(Ok(()), sync_folder)?;
                    remove_empty_parents(&path, &store.inner.root);
                    Ok(())
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
                    ) =>
                {
                    Ok(())
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn check(&self) -> Result<(), StorageError> {
        let folder = self.temporary_folder();
        blocking("check", move || {
            PendingFile::create(&folder, true).map(drop)
        })
        .await
    }
}

fn failed(operation: &'static str, error: io::Error) -> StorageError {
    match error.kind() {
        ErrorKind::PermissionDenied => StorageError::AccessDenied {
            operation,
            source: error.into(),
        },
        _ => StorageError::unavailable(operation, error),
    }
}

fn missing_or_failed(operation: &'static str, error: io::Error) -> StorageError {
    match error.kind() {
        // A key below an object ("a" and "a/b") does not exist either.
        ErrorKind::NotFound | ErrorKind::NotADirectory => StorageError::NotFound,
        _ => failed(operation, error),
    }
}

async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    joined(spawn_blocking(move || work().map_err(|error| failed(operation, error))).await)
}

fn joined<T>(
    result: Result<Result<T, StorageError>, tokio::task::JoinError>,
) -> Result<T, StorageError> {
    result.unwrap_or_else(|error| Err(StorageError::unavailable("a disk operation", error)))
}

fn meta_of(key: &ObjectKey, path: &Path) -> Result<ObjectMeta, StorageError> {
    let metadata = fs::metadata(path).map_err(|error| missing_or_failed("head", error))?;
    describe(key, &metadata)
}

fn describe(key: &ObjectKey, metadata: &fs::Metadata) -> Result<ObjectMeta, StorageError> {
    if !metadata.is_file() {
        return Err(StorageError::NotFound);
    }
    let modified = metadata.modified().map_err(|error| failed("head", error))?;
    let nanoseconds = modified
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    Ok(ObjectMeta {
        key: key.clone(),
        size: metadata.len(),
        // Every write makes a new file and stamps it with the clock in nanoseconds (see `PendingFile::finish`).
        etag: ETag::new(&format!(
            "{nanoseconds:x}-{:x}-{:x}",
            metadata.len(),
            metadata.ino()
        )),
        modified,
        content_type: Some(media_type_of(key.file_name()).to_owned()),
    })
}

/// The bytes of an open file, read on the blocking pool one chunk ahead of nobody: a slow viewer costs one chunk.
fn read_stream(file: File, (start, end): (u64, u64)) -> ByteStream {
    let file = Arc::new(file);
    futures_util::stream::try_unfold(start, move |offset| {
        let file = Arc::clone(&file);
        async move {
            if offset >= end {
                return Ok(None);
            }
            let chunk = spawn_blocking(move || read_chunk(&file, offset, end))
                .await
                .map_err(io::Error::other)??;
            let next = offset + chunk.len() as u64;
            Ok(Some((chunk, next)))
        }
    })
    .boxed()
}

fn read_chunk(file: &File, offset: u64, end: u64) -> io::Result<Bytes> {
    let length = usize::try_from((end - offset).min(READ_CHUNK)).unwrap_or(0);
    let mut buffer = BytesMut::zeroed(length);
    file.read_exact_at(&mut buffer, offset)?;
    Ok(buffer.freeze())
}
