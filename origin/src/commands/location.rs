//! Files, folders and `s3://` addresses as the command line names them.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use weir_origin::config::{Config, StorageKind};
use weir_origin::packaging::{
    FileInput, FolderSink, MediaInput, OutputSink, StorageSink, StoredInput,
};
use weir_origin::storage::file::FileStorage;
use weir_origin::storage::s3::{S3Settings, S3Storage};
use weir_origin::storage::{ObjectKey, Storage};

/// Opens the configured store.
pub(super) async fn open_storage(config: &Config) -> anyhow::Result<Arc<dyn Storage>> {
    Ok(match config.storage.kind {
        StorageKind::File => {
            let path = &config.storage.file.path;
            Arc::new(
                FileStorage::open(path)
                    .with_context(|| format!("cannot use the folder {}", path.display()))?,
            )
        }
        StorageKind::S3 => Arc::new(S3Storage::connect(config.storage.s3.clone()).await),
    })
}

/// Opens a film by its name on the command line.
pub(super) async fn open_input(config: &Config, name: &str) -> anyhow::Result<Arc<dyn MediaInput>> {
    let Some((bucket, key)) = s3_address(name) else {
        return Ok(Arc::new(
            FileInput::open(Path::new(name)).with_context(|| format!("cannot open {name}"))?,
        ));
    };
    let key = ObjectKey::new(key).with_context(|| format!("cannot use {name}"))?;
    let storage = bucket_storage(config, bucket, "").await;
    Ok(Arc::new(
        StoredInput::open(storage, key)
            .await
            .with_context(|| format!("cannot open {name}"))?,
    ))
}

/// Opens a place for packaged files.
pub(super) async fn open_output(
    config: &Config,
    name: &str,
) -> anyhow::Result<Arc<dyn OutputSink>> {
    let Some((bucket, prefix)) = s3_address(name) else {
        return Ok(Arc::new(
            FolderSink::create(name).with_context(|| format!("cannot make the folder {name}"))?,
        ));
    };
    let storage = bucket_storage(config, bucket, prefix).await;
    storage
        .check()
        .await
        .with_context(|| format!("cannot use the bucket of {name}"))?;
    Ok(Arc::new(StorageSink::new(storage, "", None)))
}

/// Bucket and key (or prefix) of `s3://bucket/key`.
fn s3_address(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix("s3://")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

async fn bucket_storage(config: &Config, bucket: &str, prefix: &str) -> Arc<dyn Storage> {
    let settings = S3Settings {
        bucket: bucket.to_owned(),
        prefix: prefix.trim_matches('/').to_owned(),
        ..config.storage.s3.clone()
    };
    Arc::new(S3Storage::connect(settings).await)
}
