//! What can go wrong in a store.

use super::object_key::InvalidKey;

/// The source of a [`StorageError`]: whatever the store's client reported.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error of a store. The messages name the operation, never the key: keys hold asset names.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// No object has this key.
    #[error("the object does not exist")]
    NotFound,
    /// A condition of the request (`If-Match`, `If-None-Match`) does not hold.
    #[error("the object was changed by someone else")]
    PreconditionFailed,
    /// The first wanted byte lies at or beyond the object's end.
    #[error("the range starts at or beyond the object's {size} bytes")]
    RangeNotSatisfiable {
        /// The object's size in bytes.
        size: u64,
    },
    /// The bytes given to a write were not the bytes promised.
    #[error("the body does not match its {what}: expected {expected}, got {actual}")]
    BodyMismatch {
        /// `length` or the name of the checksum.
        what: &'static str,
        /// The value that was promised.
        expected: String,
        /// The value of the bytes that came.
        actual: String,
    },
    /// The stream of bytes to be written failed before its end.
    #[error("the body to store broke off: {0}")]
    Body(#[source] std::io::Error),
    /// A key that no store accepts.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// The store refused our identity.
    #[error(
        "the store denied access to {operation}; check the credentials and the bucket's policy"
    )]
    AccessDenied {
        /// The refused operation.
        operation: &'static str,
        /// What the client reported.
        #[source]
        source: Cause,
    },
    /// The store could not be reached or failed; trying again may help.
    #[error("{operation} failed in the store")]
    Unavailable {
        /// The failed operation.
        operation: &'static str,
        /// What the client reported.
        #[source]
        source: Cause,
    },
}

impl StorageError {
    /// A failure of the store itself during `operation`.
    pub fn unavailable(operation: &'static str, source: impl Into<Cause>) -> Self {
        Self::Unavailable {
            operation,
            source: source.into(),
        }
    }

    /// Whether the same request may succeed later without a change on our side.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// A short stable word for metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::PreconditionFailed => "precondition-failed",
            Self::RangeNotSatisfiable { .. } => "range-not-satisfiable",
            Self::BodyMismatch { .. } => "body-mismatch",
            Self::Body(_) => "body",
            Self::InvalidKey(_) => "invalid-key",
            Self::AccessDenied { .. } => "access-denied",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

/// How a [`StorageError`] crosses a byte stream, whose errors are [`std::io::Error`].
impl From<StorageError> for std::io::Error {
    fn from(error: StorageError) -> Self {
        let kind = match &error {
            StorageError::NotFound => std::io::ErrorKind::NotFound,
            StorageError::BodyMismatch { .. } => std::io::ErrorKind::InvalidData,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// The way back: a [`StorageError`] that travelled through a stream keeps its meaning.
impl From<std::io::Error> for StorageError {
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(storage) => storage,
            Err(io) => Self::Body(io),
        }
    }
}
