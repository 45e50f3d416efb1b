//! The segment index of a single file: the `sidx` box (ISO/IEC 14496-12, 8.16.3).

use bytes::Bytes;

use crate::isobmff::BoxWriter;
use crate::plan::PlannedTrack;

/// Length of the `sidx` box for `segments` segments.
pub(crate) const fn segment_index_len(segments: usize) -> usize {
    40 + segments * 12
}

/// The `sidx` box of a track that is stored in one file. It stands right before the first segment.
pub(crate) fn segment_index(track: &PlannedTrack) -> Bytes {
    let timescale = track.track.timeline.timescale;
    let mut w = BoxWriter::with_capacity(segment_index_len(track.segments.len()));
    w.nest_full(b"sidx", 1, 0, |w| {
        w.u32(1);
        w.u32(timescale);
        w.i64(track.segments.first().map_or(0, |segment| segment.start));
        w.u64(0);
        w.u16(0);
        w.u16(u16::try_from(track.segments.len()).unwrap_or(u16::MAX));
        for segment in &track.segments {
            // Reference type 0: media; 31 bits of size.
            w.u32(u32::try_from(segment.len).unwrap_or(u32::MAX) & 0x7fff_ffff);
            w.u32(u32::try_from(segment.end.saturating_sub(segment.start)).unwrap_or(u32::MAX));
            // Starts with a stream access point of type 1.
            w.u32(0x9000_0000);
        }
    });
    w.finish()
}
