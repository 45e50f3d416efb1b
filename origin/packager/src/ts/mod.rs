//! MPEG-2 transport streams (ISO/IEC 13818-1): one elementary stream in each, as separate renditions of HLS.
//!
//! Playlists state the length of segments before their samples are read. So every access unit has a fixed number of packets, which
//! follows from its size in the source; what it does not fill is stuffing. Continuity counters follow from the same numbers, and any
//! one segment can be made without those before it.

mod packets;
mod pes;
mod sample_aes;
mod segment;
mod stream;
mod tables;

pub(crate) use segment::{TABLES_LEN, null_packets, plan_fragment, write_segment};
pub(crate) use stream::TsStream;
pub(crate) use tables::checksum;

/// Bytes of a packet.
pub(crate) const PACKET: usize = 188;
/// Ticks per second of time stamps.
const CLOCK: i64 = 90_000;
/// Presentation time 0 on the clock of the stream: ten seconds, so that nothing before it is negative.
pub(crate) const EPOCH: i64 = 10 * CLOCK;
/// How long before it is decoded an access unit starts to arrive, in ticks.
const DELAY: i64 = CLOCK / 2;
/// Longest time between two clock references, in ticks: 90 ms, where the standard allows 100 (2.7.2).
const CLOCK_INTERVAL: i64 = 8_100;

/// Converts a time to ticks since the stream's start, modulo 2^33 as time stamps are (2.4.3.7).
fn ticks(time: i64, timescale: u32) -> i64 {
    let scale = i128::from(timescale.max(1));
    let scaled = (i128::from(time) * i128::from(CLOCK) + scale / 2).div_euclid(scale);
    let wrapped = (scaled + i128::from(EPOCH)).rem_euclid(1 << 33);
    i64::try_from(wrapped).unwrap_or(0)
}
