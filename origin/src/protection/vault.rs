//! Where content keys rest: `keys/content/{asset}/…` in the store, apart from all media.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::sealing::Sealer;
use super::{KeySet, ProtectionError};
use crate::catalogue::{AssetId, VersionNumber};
use crate::storage::s3::Secret;
use crate::storage::{GetOptions, ObjectKey, PutOptions, Storage};

/// Where the keys are kept.
const PREFIX: &str = "keys/content/";
/// Largest stored key set in bytes: 128 keys have about 20 KiB.
const MAX_STORED: u64 = 1 << 20;

/// Keeps key sets. Files are readable by this program's user only; with a storage key they are encrypted too.
#[derive(Debug, Clone)]
pub struct Vault {
    storage: Arc<dyn Storage>,
    sealer: Option<Sealer>,
}

/// A stored key set: one of both.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<KeySet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

impl Vault {
    /// A vault in `storage`; `storage_key` is empty, or 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`ProtectionError::Settings`] when it is neither.
    pub fn new(storage: Arc<dyn Storage>, storage_key: &Secret) -> Result<Self, ProtectionError> {
        let sealer = match storage_key.reveal() {
            "" => None,
            digits => Some(Sealer::new(digits).ok_or_else(|| {
                ProtectionError::Settings(
                    "`protection.storage-key` is not 64 hexadecimal digits; make one with `openssl rand -hex 32`"
                        .to_owned(),
                )
            })?),
        };
        Ok(Self { storage, sealer })
    }

    /// Keeps the keys of a version.
    ///
    /// # Errors
    /// [`ProtectionError`].
    pub async fn store(
        &self,
        id: &AssetId,
        number: VersionNumber,
        keys: &KeySet,
    ) -> Result<(), ProtectionError> {
        self.put(version_key(id, number), keys).await
    }

    /// The keys of a version.
    ///
    /// # Errors
    /// [`ProtectionError::NotStored`] when there are none.
    pub async fn load(
        &self,
        id: &AssetId,
        number: VersionNumber,
    ) -> Result<KeySet, ProtectionError> {
        self.get(version_key(id, number)).await
    }

    /// Keeps the keys that were given with an asset, for all its versions.
    ///
    /// # Errors
    /// [`ProtectionError`].
    pub async fn store_given(&self, id: &AssetId, keys: &KeySet) -> Result<(), ProtectionError> {
        self.put(given_key(id), keys).await
    }

    /// The keys that were given with an asset.
    ///
    /// # Errors
    /// [`ProtectionError::NotStored`] when there are none.
    pub async fn load_given(&self, id: &AssetId) -> Result<KeySet, ProtectionError> {
        self.get(given_key(id)).await
    }

    /// Forgets the keys of a version.
    ///
    /// # Errors
    /// [`ProtectionError`].
    pub async fn forget(&self, id: &AssetId, number: VersionNumber) -> Result<(), ProtectionError> {
        Ok(self.storage.delete(&version_key(id, number)).await?)
    }

    /// Forgets all keys of an asset.
    ///
    /// # Errors
    /// [`ProtectionError`].
    pub async fn forget_all(&self, id: &AssetId) -> Result<(), ProtectionError> {
        self.storage
            .delete_prefix(&format!("{PREFIX}{id}/"))
            .await?;
        Ok(())
    }

    async fn put(&self, key: ObjectKey, keys: &KeySet) -> Result<(), ProtectionError> {
        let unwritable = |_| ProtectionError::Sealed("a key set cannot be written as JSON");
        let stored = match &self.sealer {
            None => Stored {
                keys: Some(keys.clone()),
                sealed: None,
            },
            Some(sealer) => {
                let plain = serde_json::to_vec(keys).map_err(unwritable)?;
                Stored {
                    keys: None,
                    sealed: Some(sealer.seal(key.as_str(), plain)),
                }
            }
        };
        let bytes = serde_json::to_vec(&stored).map_err(unwritable)?;
        let options = PutOptions {
            content_type: Some("application/json".to_owned()),
            private: true,
            ..PutOptions::default()
        };
        self.storage.put(&key, bytes.into(), options).await?;
        Ok(())
    }

    async fn get(&self, key: ObjectKey) -> Result<KeySet, ProtectionError> {
        let object = self.storage.get(&key, GetOptions::default()).await?;
        let bytes = object.bytes(MAX_STORED).await?;
        // What serde says may repeat a part of the text, so it is dropped.
        let damaged = |_| ProtectionError::Sealed("the record is damaged");
        let stored: Stored = serde_json::from_slice(&bytes).map_err(damaged)?;
        match (stored.keys, stored.sealed, &self.sealer) {
            (Some(keys), None, _) => Ok(keys),
            (None, Some(sealed), Some(sealer)) => {
                let plain = sealer
                    .open(key.as_str(), &sealed)
                    .ok_or(ProtectionError::Sealed(
                        "`protection.storage-key` is not the one that they were stored with",
                    ))?;
                serde_json::from_slice(&plain).map_err(damaged)
            }
            (None, Some(_), None) => Err(ProtectionError::Sealed(
                "they are encrypted; set `protection.storage-key`",
            )),
            _ => Err(ProtectionError::Sealed("the record is damaged")),
        }
    }
}

fn version_key(id: &AssetId, number: VersionNumber) -> ObjectKey {
    ObjectKey::new(format!("{PREFIX}{id}/v{number}.json"))
        .expect("an asset id has only allowed characters")
}

fn given_key(id: &AssetId) -> ObjectKey {
    ObjectKey::new(format!("{PREFIX}{id}/given.json"))
        .expect("an asset id has only allowed characters")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protection::Protection;
    use crate::storage::memory::MemoryStorage;
    use std::time::Duration;

    async fn raw(storage: &dyn Storage, key: &ObjectKey) -> String {
        let object = storage
            .get(key, GetOptions::default())
            .await
            .expect("stored");
        String::from_utf8_lossy(&object.bytes(MAX_STORED).await.expect("read")).into_owned()
    }

    #[tokio::test]
    async fn keys_come_back_and_rest_encrypted_when_asked() {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::default());
        let plain = Vault::new(Arc::clone(&storage), &Secret::default()).expect("a vault");
        let sealed =
            Vault::new(Arc::clone(&storage), &Secret::new("0f".repeat(32))).expect("a vault");
        let (id, set) = (
            AssetId::new(),
            KeySet::generate(&Protection::default(), Duration::ZERO),
        );
        let digits = String::from(set.keys[0].key);
        plain.store(&id, 1, &set).await.expect("stored");
        assert!(
            raw(storage.as_ref(), &version_key(&id, 1))
                .await
                .contains(&digits)
        );
        assert_eq!(
            sealed.load(&id, 1).await.expect("plain ones still open"),
            set
        );
        sealed.store(&id, 2, &set).await.expect("stored");
        let text = raw(storage.as_ref(), &version_key(&id, 2)).await;
        assert!(
            !text.contains(&digits) && !text.contains(&set.keys[0].id.to_string()),
            "{text}"
        );
        assert_eq!(sealed.load(&id, 2).await.expect("opened"), set);
        let error = plain.load(&id, 2).await.expect_err("sealed").to_string();
        assert!(error.contains("protection.storage-key"), "{error}");
        sealed.store_given(&id, &set).await.expect("stored");
        sealed.forget(&id, 1).await.expect("gone");
        assert!(matches!(
            plain.load(&id, 1).await,
            Err(ProtectionError::NotStored)
        ));
        sealed.forget_all(&id).await.expect("gone");
        assert!(matches!(
            sealed.load_given(&id).await,
            Err(ProtectionError::NotStored)
        ));
        assert!(Vault::new(storage, &Secret::new("short")).is_err());
    }
}
