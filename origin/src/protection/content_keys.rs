//! The keys of a new version: from where its protection says.

use std::time::Duration;

use super::cpix::KeyRequest;
use super::{
    DeliveryKey, KeySet, KeySource, Protection, ProtectionError, Speke, Vault, read_key_file,
};
use crate::catalogue::{AssetId, VersionNumber};
use crate::config::ProtectionSettings;

/// Brings keys for versions and keeps them.
#[derive(Debug, Clone)]
pub struct ContentKeys {
    vault: Vault,
    speke: Option<Speke>,
    delivery: Option<DeliveryKey>,
    key_url: String,
}

impl ContentKeys {
    /// Keys that rest in `vault`.
    ///
    /// # Errors
    /// [`ProtectionError::Settings`] names the key.
    pub fn new(vault: Vault, settings: &ProtectionSettings) -> Result<Self, ProtectionError> {
        let delivery = DeliveryKey::read(
            &settings.delivery_key_file,
            &settings.delivery_certificate_file,
        )?;
        Ok(Self {
            vault,
            speke: Speke::new(&settings.speke, delivery.clone())?,
            delivery,
            key_url: settings.key_url.clone(),
        })
    }

    /// Where the keys rest.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Where players fetch keys of an asset, without a slash at the end.
    #[must_use]
    pub fn url(&self, id: &AssetId) -> String {
        self.key_url.replace("{asset}", id.as_str())
    }

    /// What opens encrypted keys of CPIX documents.
    #[must_use]
    pub fn delivery_key(&self) -> Option<&DeliveryKey> {
        self.delivery.as_ref()
    }

    /// Whether there is a key server to ask.
    #[must_use]
    pub fn has_key_server(&self) -> bool {
        self.speke.is_some()
    }

    /// Brings the keys of a version and keeps them, so that they can be served before anything encrypted with them is.
    ///
    /// # Errors
    /// [`ProtectionError`].
    pub async fn for_version(
        &self,
        id: &AssetId,
        number: VersionNumber,
        protection: &Protection,
        film: Duration,
    ) -> Result<KeySet, ProtectionError> {
        let keys = match protection.key_source {
            KeySource::Given => self.vault.load_given(id).await?,
            _ => self.fetch(id.as_str(), protection, film).await?,
        };
        self.vault.store(id, number, &keys).await?;
        Ok(keys)
    }

    /// Keys that are not given: made, read, or asked for. `content` is the name by which a key server knows them.
    ///
    /// # Errors
    /// [`ProtectionError`].
    pub async fn fetch(
        &self,
        content: &str,
        protection: &Protection,
        film: Duration,
    ) -> Result<KeySet, ProtectionError> {
        match protection.key_source {
            KeySource::Generate => Ok(KeySet::generate(protection, film)),
            KeySource::Given => Err(ProtectionError::NotStored),
            KeySource::File => {
                let (file, scheme) = (protection.key_file.clone(), protection.scheme);
                let file = file.ok_or_else(|| {
                    ProtectionError::Settings(
                        "`key_source = \"file\"` names no `key_file`".to_owned(),
                    )
                })?;
                let delivery = self.delivery.clone();
                tokio::task::spawn_blocking(move || read_key_file(&file, scheme, delivery.as_ref()))
                    .await
                    .map_err(|_| {
                        ProtectionError::Settings("reading the key file failed".to_owned())
                    })?
            }
            KeySource::Speke => {
                let speke = self.speke.as_ref().ok_or_else(|| {
                    ProtectionError::Settings(
                        "`key_source = \"speke\"` needs a key server; set `protection.speke.url`"
                            .to_owned(),
                    )
                })?;
                let keys = KeySet::wanted(protection, film);
                speke
                    .keys(&KeyRequest {
                        content,
                        scheme: protection.scheme,
                        systems: &protection.systems(),
                        keys: &keys,
                    })
                    .await
            }
        }
    }
}
