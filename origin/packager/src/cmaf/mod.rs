//! CMAF (ISO/IEC 23000-19): initialization segments and media segments.

mod fragment;
mod init;
mod segment;
mod segment_index;

pub(crate) use fragment::Shape;
pub(crate) use init::{TrackHeader, init_segment};
pub(crate) use segment::{Container, Content, Fragments, write_segment};
pub(crate) use segment_index::{segment_index, segment_index_len};
