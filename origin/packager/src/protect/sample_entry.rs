//! Sample entries of encrypted tracks (ISO/IEC 14496-12, 8.12): `encv` and `enca`.

use bytes::Bytes;

use super::Protection;
use crate::isobmff::BoxWriter;

/// The entry of an encrypted track, from that of the track in the clear.
pub(super) fn encrypted(entry: &Bytes, protection: &Protection) -> Bytes {
    let (Some(format), Some(content)) = (
        entry.get(4..8).and_then(|kind| kind.first_chunk::<4>()),
        entry.get(8..),
    ) else {
        return entry.clone();
    };
    let scheme = protection.method.scheme().unwrap_or_default();
    let constant = protection.iv_size() == 0;
    let is_video = protection.has_subsamples();
    let mut w = BoxWriter::with_capacity(entry.len() + 128);
    w.nest(if is_video { b"encv" } else { b"enca" }, |w| {
        w.bytes(content);
        w.nest(b"sinf", |w| {
            w.nest(b"frma", |w| w.bytes(format));
            w.nest_full(b"schm", 0, 0, |w| {
                w.bytes(&scheme);
                w.u32(0x0001_0000);
            });
            w.nest(b"schi", |w| {
                // Version 1 has a pattern.
                w.nest_full(b"tenc", u8::from(constant), 0, |w| {
                    w.u8(0);
                    protection.describe(w, 0);
                });
            });
        });
    });
    w.finish()
}
