//! Why there are no keys.

use crate::storage::StorageError;

/// Why there are no keys for an asset. No message holds a key.
#[derive(Debug, thiserror::Error)]
pub enum ProtectionError {
    /// What was asked for cannot be done.
    #[error("protection: {0}")]
    Settings(String),
    /// A key file cannot be used.
    #[error("key file {file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A CPIX document cannot be used.
    #[error("CPIX: {0}")]
    Cpix(String),
    /// The key server did not give keys.
    #[error("key server: {reason}")]
    KeyServer {
        /// What it said, or what happened on the way.
        reason: String,
        /// Whether the same request may succeed later.
        transient: bool,
    },
    /// The keys of an asset were never stored, or were removed.
    #[error("the keys of this asset are not stored; create it again with its keys")]
    NotStored,
    /// Stored keys cannot be opened.
    #[error("stored keys cannot be opened: {0}")]
    Sealed(&'static str),
    /// The store failed.
    #[error("cannot read or write content keys")]
    Storage(#[source] StorageError),
}

impl ProtectionError {
    /// Whether the same run may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::KeyServer { transient, .. } => *transient,
            Self::Storage(error) => error.is_transient(),
            _ => false,
        }
    }

    /// A stable short word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyServer { .. } => "key-server-failed",
            Self::Storage(_) => "storage-failed",
            _ => "protection-failed",
        }
    }
}

impl From<StorageError> for ProtectionError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::NotStored,
            error => Self::Storage(error),
        }
    }
}
