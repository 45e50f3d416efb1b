//! Where source bytes come from.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::task::spawn_blocking;

use crate::storage::{ETag, GetOptions, ObjectKey, ReadRange, Storage, StorageError};

/// How often a range is read again when the store breaks off in the middle of it.
const READ_ATTEMPTS: u32 = 4;

/// Bytes that can be read by range.
#[async_trait]
pub trait MediaInput: Send + Sync {
    /// Bytes in all.
    fn length(&self) -> u64;

    /// The bytes from `start` up to but not including `end`, which lies within [`MediaInput::length`].
    async fn read(&self, start: u64, end: u64) -> Result<Bytes, StorageError>;
}

/// A local file.
#[derive(Debug)]
pub struct FileInput {
    file: Arc<File>,
    length: u64,
}

impl FileInput {
    /// Opens the file.
    ///
    /// # Errors
    /// When it cannot be opened or is no regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        Ok(Self {
            file: Arc::new(file),
            length: metadata.len(),
        })
    }
}

#[async_trait]
impl MediaInput for FileInput {
    fn length(&self) -> u64 {
        self.length
    }

    async fn read(&self, start: u64, end: u64) -> Result<Bytes, StorageError> {
        let file = Arc::clone(&self.file);
        let read = spawn_blocking(move || -> io::Result<Bytes> {
            let mut buffer = BytesMut::zeroed(
                usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?,
            );
            file.read_exact_at(&mut buffer, start)?;
            Ok(buffer.freeze())
        });
        read.await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| StorageError::unavailable("reading the file", error))
    }
}

/// An object in a store, pinned to the state it had when it was opened.
#[derive(Debug)]
pub struct StoredInput {
    storage: Arc<dyn Storage>,
    key: ObjectKey,
    etag: ETag,
    length: u64,
}

impl StoredInput {
    /// Looks the object up.
    ///
    /// # Errors
    /// When it does not exist or the store fails.
    pub async fn open(storage: Arc<dyn Storage>, key: ObjectKey) -> Result<Self, StorageError> {
        let meta = storage.head(&key).await?;
        Ok(Self {
            storage,
            key,
            etag: meta.etag,
            length: meta.size,
        })
    }

    /// The entity tag that every read insists on.
    #[must_use]
    pub fn etag(&self) -> &ETag {
        &self.etag
    }

    async fn read_once(&self, start: u64, end: u64) -> Result<Bytes, StorageError> {
        let options = GetOptions {
            range: Some(ReadRange::Between { start, end }),
            if_match: Some(self.etag.clone()),
        };
        let bytes = self
            .storage
            .get(&self.key, options)
            .await?
            .bytes(end.saturating_sub(start))
            .await?;
        if bytes.len() as u64 == end.saturating_sub(start) {
            return Ok(bytes);
        }
        Err(StorageError::unavailable(
            "reading the source",
            "the store sent fewer bytes than asked for",
        ))
    }
}

#[async_trait]
impl MediaInput for StoredInput {
    fn length(&self) -> u64 {
        self.length
    }

    async fn read(&self, start: u64, end: u64) -> Result<Bytes, StorageError> {
        let mut attempt = 1;
        loop {
            match self.read_once(start, end).await {
                // The client retries requests; a body that breaks off half-way is ours to ask for again.
                Err(StorageError::Unavailable { .. } | StorageError::Body(_))
                    if attempt < READ_ATTEMPTS =>
                {
                    tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}
