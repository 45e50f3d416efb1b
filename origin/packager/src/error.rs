//! The one error of this crate.

/// Why an input cannot be packaged.
///
/// Every message names the place or the track, what was found there, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is not of a container format that is read here.
    #[error(
        "input {input}: not an MP4, MOV, Matroska, WebM or MPEG-TS file ({found} at byte 0); convert it to MP4 first"
    )]
    UnknownContainer {
        /// Index of the input.
        input: usize,
        /// What stands at the start of the input.
        found: String,
    },
    /// A box or a field is broken.
    #[error(
        "input {input}: broken `{what}` box at byte {offset}: {reason}; the file is damaged, upload it again"
    )]
    Malformed {
        /// Index of the input.
        input: usize,
        /// Four-character code of the box, or the name of the structure.
        what: String,
        /// Where the structure starts in the input.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that every playable file has is missing.
    #[error("input {input}: no {what} found in {length} bytes; {advice}")]
    Missing {
        /// Index of the input.
        input: usize,
        /// What was looked for.
        what: &'static str,
        /// Length of the input in bytes.
        length: u64,
        /// What to do about it.
        advice: &'static str,
    },
    /// The input ends before data that its index points at.
    #[error(
        "input {input}, track {track}: sample {sample} ends at byte {end} but the input has only {length}; the file is cut short, upload it again"
    )]
    Truncated {
        /// Index of the input.
        input: usize,
        /// Track identifier as in the source.
        track: u32,
        /// Sample number, counted from 0.
        sample: u64,
        /// One past the last byte of the sample.
        end: u64,
        /// Length of the input in bytes.
        length: u64,
    },
    /// A track has a codec that cannot be packaged without transcoding.
    #[error(
        "input {input}, track {track}: {kind} codec `{codec}` cannot be packaged as {format}: {advice}"
    )]
    UnsupportedCodec {
        /// Index of the input.
        input: usize,
        /// Track identifier as in the source.
        track: u32,
        /// `video`, `audio` or `subtitle`.
        kind: &'static str,
        /// Four-character code of the sample entry, with a plain name where one is known.
        codec: String,
        /// The output format that was asked for.
        format: &'static str,
        /// What to do about it.
        advice: &'static str,
    },
    /// The input uses a feature that is not handled.
    #[error("input {input}: {feature} is not supported; {advice}")]
    UnsupportedFeature {
        /// Index of the input.
        input: usize,
        /// What was found.
        feature: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// The input's index is larger than the limit that the caller set.
    #[error(
        "input {input}: the index takes {size} bytes, more than the limit of {limit}; raise `max_index_bytes`"
    )]
    IndexTooLarge {
        /// Index of the input.
        input: usize,
        /// Size of the index in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Several inputs do not fit together.
    #[error("input {input}: {reason}; encode all renditions with the same keyframe times")]
    Misaligned {
        /// Index of the input.
        input: usize,
        /// How it differs from the first input.
        reason: String,
    },
    /// An option has a value that cannot be used.
    #[error("option `{option}`: {reason}")]
    InvalidOption {
        /// Name of the option.
        option: &'static str,
        /// Which values can be used.
        reason: String,
    },
    /// The caller broke the protocol of `step` and `supply`.
    #[error("the caller broke the protocol: {0}")]
    Protocol(String),
}

impl Error {
    /// A broken box or structure of the input at hand; [`Error::in_input`] says which one that is.
    pub(crate) fn malformed(what: impl ToString, offset: u64, reason: impl Into<String>) -> Self {
        Self::Malformed {
            input: 0,
            what: what.to_string(),
            offset,
            reason: reason.into(),
        }
    }

    /// The same error about input number `number`.
    #[must_use]
    pub(crate) fn in_input(mut self, number: usize) -> Self {
        match &mut self {
            Self::UnknownContainer { input, .. }
            | Self::Malformed { input, .. }
            | Self::Missing { input, .. }
            | Self::Truncated { input, .. }
            | Self::UnsupportedCodec { input, .. }
            | Self::UnsupportedFeature { input, .. }
            | Self::IndexTooLarge { input, .. }
            | Self::Misaligned { input, .. } => *input = number,
            Self::InvalidOption { .. } | Self::Protocol(_) => {}
        }
        self
    }

    /// True when the input itself is broken: another try with the same bytes fails again.
    #[must_use]
    pub const fn is_media_error(&self) -> bool {
        matches!(
            self,
            Self::UnknownContainer { .. }
                | Self::Malformed { .. }
                | Self::Missing { .. }
                | Self::Truncated { .. }
                | Self::Misaligned { .. }
        )
    }

    /// True when the input may be sound but cannot be packaged here (answer 422 and say so, or transcode it).
    #[must_use]
    pub const fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::UnsupportedCodec { .. }
                | Self::UnsupportedFeature { .. }
                | Self::IndexTooLarge { .. }
        )
    }
}
