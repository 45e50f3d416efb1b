#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod boundaries;
mod captions;
mod chapters;
mod cmaf;
mod codec;
mod dash;
mod date_range;
mod encryption;
mod error;
mod examine;
mod fetch;
mod files;
mod found;
#[doc(hidden)]
pub mod fuzz;
mod hls;
mod import;
mod index;
mod indexer;
mod input;
mod isobmff;
mod language;
pub mod lint;
mod matroska;
mod mp4;
mod open_gop_scan;
mod options;
mod packager;
mod plan;
mod presentation;
mod probe;
mod protect;
mod report;
mod request;
mod sample_fetch;
mod scrub_pictures;
mod segment_writer;
mod sidecar;
mod slice_scan;
mod step;
mod sync_scan;
mod text;
mod timeline;
mod track;
mod transport;
mod ts;
mod varint;
mod window;

pub use chapters::{Chapter, ChapterTitle};
pub use date_range::DateRange;
pub use encryption::{ContentKey, Encryption, Key, KeyId, KeySystem, KeyTracks, Method};
pub use error::Error;
pub use index::{Index, Resource};
pub use indexer::{IndexStep, Indexer};
pub use options::{Caption, Captions, Format, Layout, Options, Subtitle};
pub use packager::Packager;
pub use presentation::{
    AudioInfo, ColourInfo, Presentation, TrackInfo, TrackKind, VideoInfo, VideoRange,
};
pub use probe::{Probe, ProbeStep};
pub use protect::{DescriptorContent, KeyTag, PsshBox};
pub use report::{Note, Report, Variant};
pub use request::{SegmentRequest, SegmentStep};
pub use scrub_pictures::{PictureRendition, ScrubPictures};
pub use step::{ByteRange, Output, OutputKind, Progress, Step};
