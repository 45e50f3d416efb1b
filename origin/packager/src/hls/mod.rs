//! HLS playlists (RFC 8216bis) as Apple's HLS Authoring Specification asks for them.

mod attributes;
mod bandwidth;
mod captions;
mod dates;
mod i_frames;
mod keys;
mod media;
mod multivariant;

pub(crate) use bandwidth::Bandwidth;
pub(crate) use i_frames::{i_frame_playlist, picture_playlist, picture_stream_line};
pub(crate) use media::{media_playlist, text_playlist};
pub(crate) use multivariant::{Beside, multivariant_playlist};

/// Seconds with the six decimals of a microsecond.
pub(crate) fn decimal(micros: i64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
