//! Reading MP4 and QuickTime files (ISO/IEC 14496-12, -14, -15 and the QuickTime File Format).

mod audio_entry;
mod fragment;
mod movie;
mod packed;
mod sample_entry;
mod sample_table;
mod samples;
mod scan;
mod user_data;
mod video_entry;

pub(crate) use fragment::TrackExtends;
pub(crate) use movie::{Movie, RawEdit, Trak};
pub(crate) use packed::Packed;
pub(crate) use sample_entry::{Codec, Parsed, SampleEntry, parse as parse_sample_entries};
pub(crate) use samples::{Cursor, Sample, Samples};
pub(crate) use scan::{RawIndex, Scan, Scanned};
