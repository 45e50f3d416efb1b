//! MPEG-DASH: the MPD (ISO/IEC 23009-1), rewritten by the same policy as HLS playlists.

pub mod rewriter;
pub mod xml;
