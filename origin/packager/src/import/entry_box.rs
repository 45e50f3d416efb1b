//! Sample entries for tracks of other containers (ISO/IEC 14496-12, 12.1.3 and 12.2.3): the fields, and a decoder configuration.

use bytes::Bytes;

use crate::codec::aac::ElementaryStream;
use crate::isobmff::BoxWriter;

/// A video entry of pictures with this size in pixels; `boxes` writes its configuration and what else is known.
pub(crate) fn video_entry(
    kind: &[u8; 4],
    (width, height): (u64, u64),
    boxes: impl FnOnce(&mut BoxWriter),
) -> Bytes {
    let mut w = BoxWriter::with_capacity(512);
    w.nest(kind, |w| {
        w.zeros(6);
        w.u16(1);
        w.zeros(16);
        for side in [width, height] {
            w.u16(u16::try_from(side).unwrap_or(u16::MAX));
        }
        w.zeros(50);
        boxes(w);
    });
    w.finish()
}

/// An audio entry; `boxes` writes its configuration.
pub(crate) fn audio_entry(
    kind: &[u8; 4],
    channels: u64,
    rate: u32,
    boxes: impl FnOnce(&mut BoxWriter),
) -> Bytes {
    let mut w = BoxWriter::with_capacity(256);
    w.nest(kind, |w| {
        w.zeros(6);
        w.u16(1);
        w.zeros(8);
        w.u16(u16::try_from(channels).unwrap_or(u16::MAX));
        w.u16(16);
        w.zeros(4);
        w.u32(u16::try_from(rate).map_or(0, |rate| u32::from(rate) << 16));
        boxes(w);
    });
    w.finish()
}

/// An audio entry of MPEG-4 with an elementary stream descriptor.
pub(crate) fn mpeg4_entry(channels: u64, rate: u32, object_type: u8, specific: &[u8]) -> Bytes {
    let stream = ElementaryStream {
        object_type,
        specific: specific.to_vec(),
    };
    audio_entry(b"mp4a", channels, rate, |w| stream.write(w))
}
