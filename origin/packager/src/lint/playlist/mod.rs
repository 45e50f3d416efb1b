//! Reads playlists without giving up: everything that can be understood is kept with its line, and every oddity is noted.

mod attributes;
mod date;
mod define;
mod media;
mod multivariant;
mod reader;
mod value;
mod variables;

pub(super) use attributes::{Attribute, ValueKind};
pub(super) use date::DateTime;
pub(super) use media::{Key, MediaPlaylist, Segment};
pub(super) use multivariant::{Multivariant, Rendition, RenditionType, Variant, is_text, is_video};
pub(super) use reader::{Kind, Line, Playlist, ProblemKind, Tag};
pub(super) use value::{ByteRangeValue, decimal_integer, floating_point};
