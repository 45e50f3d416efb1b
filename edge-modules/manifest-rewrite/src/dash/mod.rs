//! MPEG-DASH: the MPD (ISO/IEC 23009-1), rewritten by the same policy as HLS playlists.

mod document;
pub mod rewriter;
pub mod selection;
mod urls;
pub mod xml;
