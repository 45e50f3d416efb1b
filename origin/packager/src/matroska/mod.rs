//! Reading Matroska and WebM files (RFC 9559) over EBML (RFC 8794).

mod block;
mod chapters;
mod ebml;
mod entries;
mod ids;
mod scan;
mod text;
mod track_entry;
mod tracks;
mod walked;

pub(crate) use scan::{Scan, is_matroska};
