//! Where packaged files go.

use std::sync::Arc;

use async_trait::async_trait;
use weir_packager::Output;

use crate::storage::{ObjectKey, PutOptions, Storage, StorageError};

/// Takes finished files.
#[async_trait]
pub trait OutputSink: Send + Sync {
    /// Stores one file; when this returns it is visible under its whole content.
    async fn write(&self, output: Output) -> Result<(), StorageError>;
}

/// Writes under a prefix of a store.
#[derive(Debug)]
pub struct StorageSink {
    storage: Arc<dyn Storage>,
    prefix: String,
    cache_control: Option<String>,
}

impl StorageSink {
    /// A sink for keys that start with `prefix` (empty, or ending in `/`).
    #[must_use]
    pub fn new(
        storage: Arc<dyn Storage>,
        prefix: impl Into<String>,
        cache_control: Option<String>,
    ) -> Self {
        Self {
            storage,
            prefix: prefix.into(),
            cache_control,
        }
    }
}

#[async_trait]
impl OutputSink for StorageSink {
    async fn write(&self, output: Output) -> Result<(), StorageError> {
        if output.position != 0 || !output.complete {
            // An object is written whole; a track in one file would have to be held in memory.
            let reason = "single-file packaging writes to folders only";
            return Err(StorageError::unavailable(
                "writing a part of a file",
                reason,
            ));
        }
        let key = ObjectKey::new(format!("{}{}", self.prefix, output.path))?;
        let options = PutOptions {
            content_type: Some(output.content_type.to_owned()),
            content_encoding: output.content_encoding.map(str::to_owned),
            cache_control: self.cache_control.clone(),
            ..PutOptions::default()
        };
        self.storage
            .put(&key, output.body.into(), options)
            .await
            .map(drop)
    }
}
