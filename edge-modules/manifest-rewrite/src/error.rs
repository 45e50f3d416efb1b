//! What can go wrong while a manifest is rewritten.

/// Why a rewrite stopped. Most of these mean that the origin sent something unusable: the answer is a 502 when nothing has been
/// sent yet, and an aborted body when something has.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RewriteError {
    /// A line over the limit.
    #[error(
        "a line of the manifest is over {} bytes",
        crate::playlist::lines::MAX_LINE
    )]
    LineTooLong,
    /// A compressed body that cannot be unpacked.
    #[error("the compressed body cannot be unpacked: {0}")]
    Encoding(String),
    /// A compressed body that grows out of proportion.
    #[error("the compressed body unpacks to over {MAX_RATIO} times its size")]
    Bomb,
    /// The playlist defines a variable by the name of the token's parameter.
    #[error("the playlist gives the token's parameter name another meaning by EXT-X-DEFINE:NAME")]
    VariableTaken,
    /// The viewer's own filter leaves nothing.
    #[error("no stream of this asset meets the filter")]
    FilterEmpty,
    /// A rule leaves nothing and refuses.
    #[error("no stream of this asset is allowed for this viewer")]
    Refused,
    /// The programme has nothing at the time that was asked for.
    #[error("the programme has nothing between the start and the end that were asked for")]
    ClipEmpty,
    /// An MPD that is no XML.
    #[error("the MPD cannot be read: {0}")]
    Xml(String),
    /// A manifest that must be held whole and is too large for that.
    #[error("the manifest is over {limit} bytes and this policy must hold it whole")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// How many times larger than its compressed form a manifest may be, once over [`FREE_OUTPUT`] bytes.
pub const MAX_RATIO: u64 = 100;

/// Unpacked bytes before [`MAX_RATIO`] counts.
pub const FREE_OUTPUT: u64 = 4 * 1024 * 1024;
