//! Reading MPEG-2 transport streams (ISO/IEC 13818-1): one programme, its pictures and its sound.
//!
//! The whole file is read once for its index. The packets of a stream are put together to an elementary stream, which is divided
//! into access units; where each lies is kept as a [`Carriage`](crate::import::Carriage), by which segments are made later.

mod clock;
pub(crate) mod nal_units;
mod packets;
mod pes;
mod pictures;
mod samples;
mod scan;
mod sound;
mod streams;
mod tables;

pub(crate) use packets::{Depacketizer, packet_len};
pub(crate) use scan::Scan;
