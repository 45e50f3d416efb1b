//! Reading and changing asset records. A change is compare-and-swap: two origins never overwrite each other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::{Asset, AssetId};
use crate::storage::{
    ETag, GetOptions, ListOptions, ObjectKey, PutCondition, PutOptions, ReadRange, Storage,
    StorageError,
};

/// Where assets are kept.
const ASSETS_PREFIX: &str = "assets/";
/// Largest record in bytes; a record of a hundred versions has about 300 KiB.
const MAX_RECORD: u64 = 16 << 20;
/// Longest name of subtitles.
const MAX_SUBTITLES_NAME: usize = 64;
/// How often a change is tried against other writers.
const CHANGE_ATTEMPTS: u32 = 12;
/// Records that a listing reads at once.
const READ_CONCURRENCY: usize = 16;
/// Records that one page may look at while it searches, so that a rare word cannot read the whole catalogue.
const MAX_SCANNED: usize = 1000;

/// Why the catalogue did not answer.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// No such asset.
    #[error("there is no such asset")]
    NotFound,
    /// The record was changed by others again and again.
    #[error("the asset is being changed by others; try again")]
    Busy,
    /// The record cannot be read.
    #[error("the asset's record is damaged")]
    Damaged(#[source] serde_json::Error),
    /// The store failed.
    #[error(transparent)]
    Storage(StorageError),
}

impl From<StorageError> for CatalogueError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::NotFound,
            error => Self::Storage(error),
        }
    }
}

/// What a change decided about the record it was shown.
#[derive(Debug)]
pub enum Change<R> {
    /// Write the record as it is now.
    Write(R),
    /// Leave the stored record alone.
    Keep(R),
}

/// A page of assets, newest first.
#[derive(Debug, Clone, Default)]
pub struct AssetPage {
    /// The assets.
    pub assets: Vec<Asset>,
    /// Where the next page starts.
    pub next: Option<String>,
}

/// The asset records.
#[derive(Debug, Clone)]
pub struct Catalogue {
    storage: Arc<dyn Storage>,
}

impl Catalogue {
    /// The catalogue kept in `storage`.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Where everything of an asset is kept, with a slash at the end.
    #[must_use]
    pub fn prefix(id: &AssetId) -> String {
        format!("{ASSETS_PREFIX}{id}/")
    }

    /// Where an asset's upload is kept.
    #[must_use]
    pub fn source_key(id: &AssetId) -> ObjectKey {
        ObjectKey::new(format!("{ASSETS_PREFIX}{id}/source/original"))
            .expect("an asset id has only allowed characters")
    }

    /// Where the text of an asset's subtitles is kept; none for a name that is no name of subtitles.
    #[must_use]
    pub fn subtitles_key(id: &AssetId, name: &str) -> Option<ObjectKey> {
        let is_name = !name.is_empty()
            && name.len() <= MAX_SUBTITLES_NAME
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let key = is_name.then(|| format!("{ASSETS_PREFIX}{id}/subtitles/{name}"))?;
        ObjectKey::new(key).ok()
    }

    /// Where a version's files are kept, with a slash at the end.
    #[must_use]
    pub fn version_prefix(id: &AssetId, number: u32) -> String {
        format!("{ASSETS_PREFIX}{id}/v{number}/")
    }

    fn record_key(id: &AssetId) -> ObjectKey {
        ObjectKey::new(format!("{ASSETS_PREFIX}{id}/asset.json"))
            .expect("an asset id has only allowed characters")
    }

    /// Adds a new asset.
    ///
    /// # Errors
    /// [`CatalogueError`].
    pub async fn create(&self, asset: &Asset) -> Result<(), CatalogueError> {
        self.write(asset, PutCondition::IfAbsent).await
    }

    /// Reads an asset.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] and others.
    pub async fn get(&self, id: &AssetId) -> Result<Asset, CatalogueError> {
        self.read(id).await.map(|(asset, _)| asset)
    }

    /// Changes an asset. `change` may run several times, each time on the newest record.
    ///
    /// # Errors
    /// What `change` refuses with, or [`CatalogueError`].
    pub async fn change<R, E: From<CatalogueError>>(
        &self,
        id: &AssetId,
        mut change: impl FnMut(&mut Asset) -> Result<Change<R>, E> + Send,
    ) -> Result<(Asset, R), E> {
        for attempt in 0..CHANGE_ATTEMPTS {
            let (mut asset, etag) = self.read(id).await?;
            let result = match change(&mut asset)? {
                Change::Write(result) => result,
                Change::Keep(result) => return Ok((asset, result)),
            };
            asset.updated_at = jiff::Timestamp::now();
            match self.write(&asset, PutCondition::IfMatch(etag)).await {
                Ok(()) => return Ok((asset, result)),
                Err(CatalogueError::Storage(StorageError::PreconditionFailed)) => {
                    tokio::time::sleep(Duration::from_millis(5) * 2_u32.pow(attempt.min(6))).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(CatalogueError::Busy.into())
    }

    /// Deletes an asset with everything that belongs to it. The record goes first: nothing half-deleted is ever listed.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] and others; calling again goes on where it stopped.
    pub async fn delete(&self, id: &AssetId) -> Result<(), CatalogueError> {
        let existed = self.storage.head(&Self::record_key(id)).await;
        self.storage.delete(&Self::record_key(id)).await?;
        let objects = self.storage.delete_prefix(&Self::prefix(id)).await?;
        match existed {
            Ok(_) => Ok(()),
            Err(StorageError::NotFound) if objects > 0 => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A page of assets that `wanted` accepts.
    ///
    /// # Errors
    /// [`CatalogueError`].
    pub async fn list(
        &self,
        cursor: Option<&AssetId>,
        limit: usize,
        wanted: impl Fn(&Asset) -> bool,
    ) -> Result<AssetPage, CatalogueError> {
        let mut page = AssetPage::default();
        let mut start_after = cursor.map(|id| format!("{}\u{10FFFF}", Self::prefix(id)));
        let mut scanned = 0;
        let mut last_seen = None;
        loop {
            let options = ListOptions {
                prefix: ASSETS_PREFIX.to_owned(),
                delimited: true,
                start_after,
                limit: limit.clamp(1, 100) + 1,
            };
            let listed = self.storage.list(options).await?;
            let ids = listed.prefixes.iter().filter_map(|prefix| {
                prefix[ASSETS_PREFIX.len()..]
                    .trim_end_matches('/')
                    .parse()
                    .ok()
            });
            let reads = ids
                .map(|id: AssetId| async move { (self.get(&id).await, id) })
                .collect::<Vec<_>>();
            let mut reads = futures_util::stream::iter(reads).buffered(READ_CONCURRENCY);
            while let Some((read, id)) = reads.next().await {
                if page.assets.len() == limit || scanned == MAX_SCANNED {
                    page.next = last_seen;
                    return Ok(page);
                }
                scanned += 1;
                last_seen = Some(id.to_string());
                match read {
                    Ok(asset) if wanted(&asset) => page.assets.push(asset),
                    // Deleted meanwhile, or a deletion that broke off.
                    Ok(_) | Err(CatalogueError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            match listed.next {
                Some(next) => start_after = Some(next),
                None => return Ok(page),
            }
        }
    }

    async fn read(&self, id: &AssetId) -> Result<(Asset, ETag), CatalogueError> {
        let options = GetOptions {
            range: None::<ReadRange>,
            ..GetOptions::default()
        };
        let object = self.storage.get(&Self::record_key(id), options).await?;
        let etag = object.meta.etag.clone();
        let bytes = object.bytes(MAX_RECORD).await?;
        let asset = serde_json::from_slice(&bytes).map_err(CatalogueError::Damaged)?;
        Ok((asset, etag))
    }

    async fn write(&self, asset: &Asset, condition: PutCondition) -> Result<(), CatalogueError> {
        let bytes = serde_json::to_vec(asset).map_err(CatalogueError::Damaged)?;
        let options = PutOptions {
            content_type: Some("application/json".to_owned()),
            condition,
            ..PutOptions::default()
        };
        self.storage
            .put(&Self::record_key(&asset.id), bytes.into(), options)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Metadata;
    use crate::storage::memory::MemoryStorage;

    fn catalogue() -> Catalogue {
        Catalogue::new(Arc::new(MemoryStorage::default()))
    }

    async fn add(catalogue: &Catalogue, title: &str) -> AssetId {
        let asset = Asset::new(
            Metadata {
                title: title.to_owned(),
                ..Metadata::default()
            },
            "copy".to_owned(),
        );
        catalogue.create(&asset).await.expect("created");
        asset.id
    }

    #[tokio::test]
    async fn changes_of_many_writers_are_all_kept() {
        let catalogue = catalogue();
        let id = add(&catalogue, "film").await;
        let writers = (0..8).map(|writer| {
            let (catalogue, id) = (catalogue.clone(), id.clone());
            tokio::spawn(async move {
                let change = |asset: &mut Asset| {
                    asset.metadata.tags.push(format!("tag{writer}"));
                    Ok::<_, CatalogueError>(Change::Write(()))
                };
                catalogue.change(&id, change).await.expect("changed");
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("finished");
        }
        assert_eq!(
            catalogue.get(&id).await.expect("there").metadata.tags.len(),
            8
        );
    }

    #[tokio::test]
    async fn listing_pages_through_newest_first_and_filters() {
        let catalogue = catalogue();
        let mut ids = Vec::new();
        for number in 0..7 {
            ids.push(add(&catalogue, if number % 2 == 0 { "Even" } else { "Odd" }).await);
        }
        ids.sort();
        let mut seen = Vec::new();
        let mut cursor: Option<AssetId> = None;
        loop {
            let page = catalogue
                .list(cursor.as_ref(), 3, |_| true)
                .await
                .expect("listed");
            seen.extend(page.assets.iter().map(|asset| asset.id.clone()));
            match page.next {
                Some(next) => cursor = Some(next.parse().expect("an id")),
                None => break,
            }
        }
        assert_eq!(seen, ids);
        let even = catalogue
            .list(None, 10, |asset| asset.matches("EVEN"))
            .await
            .expect("listed");
        assert_eq!((even.assets.len(), even.next), (4, None));
    }

    #[tokio::test]
    async fn deleting_takes_everything_and_says_when_there_was_nothing() {
        let catalogue = catalogue();
        let id = add(&catalogue, "film").await;
        catalogue.delete(&id).await.expect("deleted");
        assert!(matches!(
            catalogue.get(&id).await,
            Err(CatalogueError::NotFound)
        ));
        assert!(matches!(
            catalogue.delete(&id).await,
            Err(CatalogueError::NotFound)
        ));
    }
}
