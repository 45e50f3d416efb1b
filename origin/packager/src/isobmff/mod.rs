//! The box structure of ISO base media files (ISO/IEC 14496-12, section 4.2): reading and writing, no meaning.

mod four_cc;
mod reader;
mod writer;

pub(crate) use four_cc::FourCc;
pub(crate) use reader::{Header, Mp4Box};
pub(crate) use writer::BoxWriter;
