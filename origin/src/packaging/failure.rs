//! Why packaging failed, and whose fault it was.

use crate::catalogue::Failure;
use crate::storage::StorageError;

/// Why a run ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum PackagingError {
    /// The source is broken, or of a kind that cannot be packaged.
    #[error(transparent)]
    Media(#[from] weir_packager::Error),
    /// The source could not be read.
    #[error("cannot read the source")]
    Read(#[source] StorageError),
    /// A file could not be written.
    #[error("cannot write the output")]
    Write(#[source] StorageError),
    /// Somebody asked for it to stop.
    #[error("packaging was cancelled")]
    Cancelled,
    /// A step of the packager panicked: a defect of ours.
    #[error("the packager failed unexpectedly")]
    Defect(#[source] tokio::task::JoinError),
    /// Transcoding failed.
    #[error(transparent)]
    Transcode(#[from] crate::transcode::TranscodeError),
    /// There are no keys to encrypt with.
    #[error(transparent)]
    Protection(#[from] crate::protection::ProtectionError),
    /// The linter found what viewers must not get: a defect of ours.
    #[error("the packaged version breaks a rule and is not published: {violation}")]
    Lint {
        /// The first rule that is broken, and where.
        violation: String,
        /// Everything that was found.
        report: Box<crate::catalogue::LintReport>,
    },
}

impl PackagingError {
    /// Whether the same run may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Read(error) | Self::Write(error) => error.is_transient(),
            Self::Transcode(error) => error.is_transient(),
            Self::Protection(error) => error.is_transient(),
            Self::Media(_) | Self::Cancelled | Self::Defect(_) | Self::Lint { .. } => false,
        }
    }

    /// A stable short word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Media(error) if error.is_unsupported() => "media-unsupported",
            Self::Media(error) if error.is_media_error() => "media-broken",
            Self::Media(_) => "packaging-failed",
            Self::Read(_) | Self::Write(_) => "storage-failed",
            Self::Cancelled => "cancelled",
            Self::Defect(_) => "internal",
            Self::Transcode(error) => error.code(),
            Self::Protection(error) => error.code(),
            Self::Lint { .. } => "lint-failed",
        }
    }
}

/// The error as it stands in an asset's record and in answers.
#[must_use]
pub fn failure_of(error: &PackagingError) -> Failure {
    let (track, codec) = match error {
        PackagingError::Media(media) => subject_of(media),
        _ => (None, None),
    };
    Failure {
        code: error.code().to_owned(),
        detail: error.to_string(),
        track,
        codec,
        lint: match error {
            PackagingError::Lint { report, .. } => Some(report.as_ref().clone()),
            _ => None,
        },
        at: jiff::Timestamp::now(),
    }
}

fn subject_of(error: &weir_packager::Error) -> (Option<u32>, Option<String>) {
    match error {
        weir_packager::Error::UnsupportedCodec { track, codec, .. } => {
            (Some(*track), Some(codec.clone()))
        }
        weir_packager::Error::Truncated { track, .. } => (Some(*track), None),
        _ => (None, None),
    }
}
