//! What can be wrong, with a request's options or with its picture, and how each is told to the viewer.

use weir_module::{Answer, Problem};

use crate::format::SourceFormat;

/// An option that cannot be used. Always the caller's fault: the answer is 400 and names the option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// A name that is not an option.
    #[error("`{name}` is not an option; known options are {known}")]
    Unknown {
        /// The name, shortened when it is long.
        name: String,
        /// The names that this grammar knows.
        known: &'static str,
    },
    /// The same option twice.
    #[error("option `{0}` stands twice")]
    Repeated(&'static str),
    /// A value that the option does not take.
    #[error("option `{name}`: {reason}")]
    Value {
        /// The option.
        name: &'static str,
        /// What it takes.
        reason: String,
    },
    /// Two options that exclude each other, or one that needs another.
    #[error("{0}")]
    Conflict(&'static str),
    /// Percent-encoding or UTF-8 that cannot be read.
    #[error("the options are not readable text: {0}")]
    Encoding(&'static str),
    /// A preset that the configuration does not hold.
    #[error("there is no preset `{0}`")]
    NoPreset(String),
    /// Options without a signature, or with a wrong one, where the configuration asks for one. Answered 403.
    #[error("{0}")]
    Signature(&'static str),
}

impl OptionError {
    pub(crate) fn value(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Value {
            name,
            reason: reason.into(),
        }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "thumbnail-option-unknown",
            Self::NoPreset(_) => "thumbnail-preset-unknown",
            Self::Signature(_) => "thumbnail-signature",
            _ => "thumbnail-option-invalid",
        }
    }

    /// The response.
    pub fn into_answer(self) -> Answer {
        let (status, title) = match self {
            Self::Signature(_) => (403, "The picture options are not signed"),
            _ => (400, "The picture options cannot be used"),
        };
        Problem::new(status, self.code(), title)
            .detail(self.to_string())
            .into_answer()
    }
}

/// A picture that cannot be made. The answer is 422 with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// Not a format that is decoded here.
    #[error("{0} is not a format that is decoded here (JPEG, PNG, WebP and GIF are)")]
    Unsupported(&'static str),
    /// A part of a known format that is not decoded here.
    #[error("this {format} uses {feature}, which is not decoded here")]
    UnsupportedFeature {
        /// The container.
        format: SourceFormat,
        /// Its part.
        feature: &'static str,
    },
    /// Bytes that contradict their own format, or end early.
    #[error("the {format} is broken: {reason}")]
    Broken {
        /// The container.
        format: SourceFormat,
        /// Where it went wrong.
        reason: String,
    },
    /// More bytes than the limit.
    #[error("the source is larger than {limit} bytes")]
    SourceTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// More pixels than the limit.
    #[error("the source has {width} x {height} pixels, more than {limit} in all")]
    TooManyPixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit in pixels.
        limit: u64,
    },
    /// More memory than the limit.
    #[error(
        "decoding would take {needed} bytes of memory, more than {limit}; ask for a smaller picture"
    )]
    TooMuchMemory {
        /// Estimated bytes.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A picture that would come out larger than the limit.
    #[error("the result would have {width} x {height} pixels, more than {limit} on a side")]
    ResultTooLarge {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit in pixels.
        limit: u32,
    },
    /// A region that does not touch the picture.
    #[error("the region lies outside of the picture, which has {width} x {height} pixels")]
    EmptyRegion {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// A time thumbnail without a storyboard to cut it from.
    #[error("the storyboard cannot be used: {0}")]
    Storyboard(String),
    /// An encoder refused. Not expected for sizes inside the limits.
    #[error("the {0} encoder failed: {1}")]
    Encode(&'static str, String),
}

impl PictureError {
    pub(crate) fn broken(format: SourceFormat, reason: impl std::fmt::Display) -> Self {
        Self::Broken {
            format,
            reason: reason.to_string(),
        }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported(_) | Self::UnsupportedFeature { .. } => "picture-unsupported",
            Self::Broken { .. } => "picture-broken",
            Self::SourceTooLarge { .. }
            | Self::TooManyPixels { .. }
            | Self::TooMuchMemory { .. } => "picture-too-large",
            Self::ResultTooLarge { .. } => "picture-result-too-large",
            Self::EmptyRegion { .. } => "picture-region-empty",
            Self::Storyboard(_) => "storyboard-unusable",
            Self::Encode(..) => "picture-encode-failed",
        }
    }

    /// The response.
    pub fn into_answer(self) -> Answer {
        Problem::new(422, self.code(), "The picture cannot be made")
            .detail(self.to_string())
            .into_answer()
    }
}
