//! The keys that sign playback tokens: several may be known, the newest signs.
//!
//! Each key is one object under `keys/signing/`, a PKCS #8 PEM. To rotate, add a key (`weir-origin token keygen`): it
//! signs after the next refresh, and the older ones stay in the published set until they are deleted.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};
use token_check::SigningKey;
use token_check::keys::Key;
use token_check::mint::Minter;

use crate::random;
use crate::storage::{
    GetOptions, ListOptions, ObjectKey, PutCondition, PutOptions, Storage, StorageError,
};

/// Where the keys are kept.
const KEYS_PREFIX: &str = "keys/signing/";
/// Largest key file in bytes: an RSA key of 8192 bits has about 6500.
const MAX_PEM: u64 = 16 << 10;
/// More active keys than this are a mistake.
const MAX_KEYS: usize = 100;

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The store failed.
    #[error("cannot read or write the signing keys")]
    Storage(#[from] StorageError),
    /// An object under `keys/signing/` is no private key.
    #[error("the signing key `{id}` is not usable: {reason}; replace or delete it")]
    Unusable {
        /// The key's id.
        id: String,
        /// What is wrong.
        reason: String,
    },
}

/// The keys in force, shared by all requests.
#[derive(Debug)]
pub struct SigningKeys {
    /// Oldest first: ids begin with the time of their making.
    minters: RwLock<Arc<[Minter]>>,
}

impl SigningKeys {
    /// Loads the keys, making the first when there is none.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub async fn load_or_create(storage: &dyn Storage) -> Result<Self, SigningKeyError> {
        let mut minters = load(storage).await?;
        if minters.is_empty() {
            let (id, key) = new_key();
            store(storage, &id, &key).await?;
            minters = load(storage).await?;
        }
        Ok(Self {
            minters: RwLock::new(minters.into()),
        })
    }

    /// Looks for keys added or deleted since.
    ///
    /// # Errors
    /// [`SigningKeyError`]; the keys known so far stay in force.
    pub async fn refresh(&self, storage: &dyn Storage) -> Result<(), SigningKeyError> {
        let minters = load(storage).await?;
        if !minters.is_empty() {
            *self.minters.write().unwrap_or_else(PoisonError::into_inner) = minters.into();
        }
        Ok(())
    }

    /// The key that signs now.
    #[must_use]
    pub fn current(&self) -> Minter {
        let minters = self.all();
        minters.last().cloned().expect(
            "there is always a key: construction makes one and a refresh never empties the set",
        )
    }

    /// The public keys as a JWKS document (RFC 7517, 5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.all().iter().filter_map(Minter::public_jwk).collect();
        json!({ "keys": keys })
    }

    /// The public keys, for checking tokens of our own.
    #[must_use]
    pub fn verifying(&self) -> Vec<Arc<Key>> {
        self.all()
            .iter()
            .filter_map(|minter| minter.verifying_key().ok().map(Arc::new))
            .collect()
    }

    fn all(&self) -> Arc<[Minter]> {
        Arc::clone(&self.minters.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A new Ed25519 key with its id: `<date>-<random>`.
#[must_use]
pub fn new_key() -> (String, SigningKey) {
    let mut seed = [0; 32];
    random::fill(&mut seed);
    let id = format!(
        "{}-{}",
        jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"),
        random::hex_string(4)
    );
    (id, SigningKey::ed25519(&seed))
}

/// Stores a key so that every origin on the store signs with it after its next refresh.
///
/// # Errors
/// When the store fails, or a key has this id already.
pub async fn store(
    storage: &dyn Storage,
    id: &str,
    key: &SigningKey,
) -> Result<(), SigningKeyError> {
    let unusable = |reason: &str| SigningKeyError::Unusable {
        id: id.to_owned(),
        reason: reason.to_owned(),
    };
    let pem = key
        .to_pem()
        .ok_or_else(|| unusable("a shared secret cannot be published"))?;
    let object = ObjectKey::new(format!("{KEYS_PREFIX}{id}.pem")).map_err(StorageError::from)?;
    let options = PutOptions {
        content_type: Some("application/pem-certificate-chain".to_owned()),
        condition: PutCondition::IfAbsent,
        private: true,
        ..PutOptions::default()
    };
    storage
        .put(&object, pem.into_bytes().into(), options)
        .await?;
    Ok(())
}

async fn load(storage: &dyn Storage) -> Result<Vec<Minter>, SigningKeyError> {
    let options = ListOptions {
        prefix: KEYS_PREFIX.to_owned(),
        delimited: false,
        start_after: None,
        limit: MAX_KEYS,
    };
    let mut minters = Vec::new();
    for object in storage.list(options).await?.objects {
        let Some(id) = object
            .key
            .file_name()
            .strip_suffix(".pem")
            .map(str::to_owned)
        else {
            continue;
        };
        let pem = storage
            .get(&object.key, GetOptions::default())
            .await?
            .bytes(MAX_PEM)
            .await?;
        let key = SigningKey::from_pem(&String::from_utf8_lossy(&pem)).map_err(|error| {
            SigningKeyError::Unusable {
                id: id.clone(),
                reason: error.to_string(),
            }
        })?;
        minters.push(Minter::new(key).with_id(id));
    }
    Ok(minters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::MemoryStorage;

    #[tokio::test]
    async fn a_key_is_made_once_and_rotation_keeps_the_old_one_published() {
        let storage = MemoryStorage::default();
        let keys = SigningKeys::load_or_create(&storage).await.expect("made");
        let first = keys.current().id().map(str::to_owned);
        let again = SigningKeys::load_or_create(&storage).await.expect("loaded");
        assert_eq!(again.current().id().map(str::to_owned), first);

        let (_, key) = new_key();
        store(&storage, "99990101T000000Z-later", &key)
            .await
            .expect("stored");
        keys.refresh(&storage).await.expect("read again");
        assert_eq!(keys.current().id(), Some("99990101T000000Z-later"));
        assert_eq!(keys.jwks()["keys"].as_array().map(Vec::len), Some(2));
        assert!(
            !keys.jwks().to_string().contains("\"d\""),
            "only public parts are published"
        );
    }

    #[tokio::test]
    async fn a_damaged_key_is_named() {
        let storage = MemoryStorage::default();
        let object = ObjectKey::new("keys/signing/bad.pem").expect("valid");
        storage
            .put(&object, b"nonsense".to_vec().into(), PutOptions::default())
            .await
            .expect("written");
        let error = SigningKeys::load_or_create(&storage)
            .await
            .expect_err("unusable")
            .to_string();
        assert!(error.contains("`bad`"), "{error}");
    }
}
