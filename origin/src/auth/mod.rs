//! Who may administer this origin.

mod admin_keys;
mod identity_provider;

use serde::{Deserialize, Serialize};

pub use admin_keys::{AdminKeys, KeyError};
pub use identity_provider::IdentityProvider;

/// What a caller may do. Each role may do what the one before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads assets.
    Guest,
    /// Creates, uploads, packages and changes assets; signs playback URLs.
    User,
    /// Deletes assets.
    Admin,
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the key, or the subject of the token: for rate limits, never for logs.
    pub id: String,
    /// What it may do.
    pub role: Role,
}

/// Checks credentials of the `Authorization` header.
#[derive(Debug)]
pub struct Authenticator {
    keys: AdminKeys,
    provider: Option<IdentityProvider>,
}

impl Authenticator {
    /// Keys, and an identity provider when one is configured.
    #[must_use]
    pub fn new(keys: AdminKeys, provider: Option<IdentityProvider>) -> Self {
        Self { keys, provider }
    }

    /// Who sends this bearer credential; `None` when nobody we know does.
    #[must_use]
    pub fn authenticate(&self, credential: &str) -> Option<Caller> {
        self.keys
            .find(credential)
            .or_else(|| self.provider.as_ref()?.verify(credential))
    }
}
