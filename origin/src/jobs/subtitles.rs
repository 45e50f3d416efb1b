//! The subtitles of an asset, as the packager takes them.

use weir_packager::Subtitle;

use super::Worker;
use crate::catalogue::{Asset, Catalogue};
use crate::packaging::PackagingError;
use crate::storage::{GetOptions, StorageError};

/// Largest text in bytes; uploads are smaller.
const MAX_TEXT: u64 = 16 << 20;

impl Worker {
    /// Reads the texts that were uploaded beside the film.
    pub(super) async fn subtitles(&self, asset: &Asset) -> Result<Vec<Subtitle>, PackagingError> {
        let mut all = Vec::with_capacity(asset.subtitles.len());
        for (name, subtitles) in &asset.subtitles {
            let key = Catalogue::subtitles_key(&asset.id, name).ok_or(StorageError::NotFound);
            let text = async {
                let object = self.storage.get(&key?, GetOptions::default()).await?;
                object.bytes(MAX_TEXT).await
            };
            match text.await {
                Ok(text) => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    all.push(subtitles.with_text(text));
                }
                // They were taken away after the job had read the record.
                Err(StorageError::NotFound) => {
                    tracing::warn!(asset = %asset.id, subtitles = name, "subtitles are gone");
                }
                Err(error) => return Err(PackagingError::Read(error)),
            }
        }
        Ok(all)
    }
}
