//! Why transcoding failed.

/// Why transcoding failed.
#[derive(Debug, thiserror::Error)]
pub enum TranscodeError {
    /// The program cannot be run.
    #[error("ffmpeg cannot be run: install it, or set `transcode.ffmpeg` to where it is")]
    NotInstalled(#[source] std::io::Error),
    /// The installed ffmpeg lacks an encoder that the profile needs.
    #[error(
        "this ffmpeg has no encoder `{0}`; install a build that has it, or choose another profile"
    )]
    NoEncoder(&'static str),
    /// ffmpeg cannot read the source.
    #[error("ffmpeg cannot read the source: {reason}")]
    Unreadable {
        /// The end of what ffmpeg said.
        reason: String,
    },
    /// The source has neither pictures nor sound.
    #[error(
        "the source has neither a video nor an audio track that ffmpeg knows; send another file"
    )]
    NothingToPlay,
    /// ffmpeg gave up.
    #[error("ffmpeg failed: {reason}")]
    Failed {
        /// The end of what ffmpeg said.
        reason: String,
    },
    /// It took longer than allowed.
    #[error("transcoding took longer than {seconds} s; raise `transcode.timeout-seconds`")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// Somebody asked for it to stop.
    #[error("transcoding was cancelled")]
    Cancelled,
    /// The work folder or the loopback connection failed.
    #[error("the machine failed: {0}")]
    Machine(#[from] std::io::Error),
}

impl TranscodeError {
    /// Whether the same run may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Machine(_))
    }

    /// Whether the source is to blame.
    #[must_use]
    pub fn is_media_error(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::NothingToPlay)
    }

    /// A stable short word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotInstalled(_) | Self::NoEncoder(_) => "transcoder-missing",
            Self::Unreadable { .. } => "media-broken",
            Self::NothingToPlay => "media-unsupported",
            Self::Failed { .. } => "transcode-failed",
            Self::TimedOut { .. } => "transcode-timeout",
            Self::Cancelled => "cancelled",
            Self::Machine(_) => "transcode-machine",
        }
    }
}
