//! What is read and asked.

/// How thorough a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Read media segments to check what the playlists claim.
    pub media: bool,
    /// Longest playlist in bytes.
    pub max_playlist_bytes: u64,
    /// Most playlists of one presentation.
    pub max_playlists: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            media: true,
            max_playlist_bytes: 32 << 20,
            max_playlists: 1_000,
        }
    }
}
