//! Administrators' keys: random texts, of which only hashes are kept.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Caller, Role};
use crate::random;
use crate::storage::s3::Secret;
use crate::storage::{GetOptions, ObjectKey, PutCondition, PutOptions, Storage, StorageError};

/// Where the hashes are kept.
const KEYS_OBJECT: &str = "keys/admin.json";
/// Largest key document in bytes.
const MAX_DOCUMENT: u64 = 1 << 20;
/// What our keys start with, so that secret scanners and people recognise them.
const KEY_PREFIX: &str = "weir_";

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store failed.
    #[error("cannot read or write the keys")]
    Storage(#[from] StorageError),
    /// The document in the store is not ours.
    #[error("the object {KEYS_OBJECT} is damaged; restore it, or delete it to have a new key made")]
    Damaged(#[source] serde_json::Error),
}

/// The keys in force.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AdminKeys {
    keys: Vec<HashedKey>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct HashedKey {
    id: String,
    role: Role,
    /// SHA-256 in hexadecimal. The keys have 256 random bits, so a slow password hash would add nothing.
    sha256: String,
    created: jiff::Timestamp,
}

impl AdminKeys {
    /// Loads the keys; makes the first one when there is none, and returns its text, which is kept nowhere.
    ///
    /// A `configured` key is in force beside the stored ones, and then none is made.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn load_or_create(
        storage: &dyn Storage,
        configured: &Secret,
    ) -> Result<(Self, Option<Secret>), KeyError> {
        let mut created = None;
        let mut keys = match Self::load(storage).await? {
            Some(keys) => keys,
            None if configured.is_empty() => {
                let secret = format!("{KEY_PREFIX}{}", random::hex_string(32));
                let first = Self {
                    keys: vec![HashedKey::new("first", Role::Admin, &secret)],
                };
                if first.save_first(storage).await? {
                    created = Some(Secret::new(secret));
                    first
                } else {
                    // Another origin on the same store was faster; its key is the one.
                    Self::load(storage).await?.unwrap_or_default()
                }
            }
            None => Self::default(),
        };
        if !configured.is_empty() {
            keys.keys.push(HashedKey::new(
                "configured",
                Role::Admin,
                configured.reveal(),
            ));
        }
        Ok((keys, created))
    }

    /// Whose key this is.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Caller> {
        let hash = hash(key);
        // All are compared, each in constant time: neither the hash nor which key came close shows in the time taken.
        let mut caller = None;
        for known in &self.keys {
            if known.sha256.as_bytes().ct_eq(hash.as_bytes()).into() {
                caller = Some(Caller {
                    id: format!("key:{}", known.id),
                    role: known.role,
                });
            }
        }
        caller
    }

    async fn load(storage: &dyn Storage) -> Result<Option<Self>, KeyError> {
        let document = match storage.get(&object(), GetOptions::default()).await {
            Ok(found) => found.bytes(MAX_DOCUMENT).await?,
            Err(StorageError::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&document)
            .map(Some)
            .map_err(KeyError::Damaged)
    }

    async fn save_first(&self, storage: &dyn Storage) -> Result<bool, KeyError> {
        let document = serde_json::to_vec_pretty(self).map_err(KeyError::Damaged)?;
        let options = PutOptions {
            content_type: Some("application/json".to_owned()),
            condition: PutCondition::IfAbsent,
            private: true,
            ..PutOptions::default()
        };
        match storage.put(&object(), document.into(), options).await {
            Ok(_) => Ok(true),
            Err(StorageError::PreconditionFailed) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl HashedKey {
    fn new(id: &str, role: Role, key: &str) -> Self {
        Self {
            id: id.to_owned(),
            role,
            sha256: hash(key),
            created: jiff::Timestamp::now(),
        }
    }
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

fn object() -> ObjectKey {
    ObjectKey::new(KEYS_OBJECT).expect("the constant is a valid key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::MemoryStorage;

    #[tokio::test]
    async fn the_first_start_makes_a_key_and_later_ones_know_it() {
        let storage = MemoryStorage::default();
        let (_, created) = AdminKeys::load_or_create(&storage, &Secret::default())
            .await
            .expect("made");
        let key = created.expect("printed once");
        let (keys, again) = AdminKeys::load_or_create(&storage, &Secret::default())
            .await
            .expect("loaded");
        assert!(again.is_none());
        assert_eq!(
            keys.find(key.reveal()).map(|caller| caller.role),
            Some(Role::Admin)
        );
        assert_eq!(keys.find(""), None);
        assert_eq!(keys.find(&key.reveal()[1..]), None);
        let stored = storage
            .get(&object(), GetOptions::default())
            .await
            .expect("there")
            .bytes(10_000)
            .await
            .expect("readable");
        assert!(
            !String::from_utf8_lossy(&stored).contains(key.reveal()),
            "only the hash is kept"
        );
    }

    #[tokio::test]
    async fn a_configured_key_needs_no_stored_one() {
        let storage = MemoryStorage::default();
        let configured = Secret::new("a key from the environment");
        let (keys, created) = AdminKeys::load_or_create(&storage, &configured)
            .await
            .expect("loaded");
        assert!(created.is_none() && keys.find("a key from the environment").is_some());
    }
}
