//! Writing boxes into one buffer.

use bytes::{BufMut, Bytes, BytesMut};

/// Writes nested boxes; sizes are filled in when a box is closed.
#[derive(Debug, Default)]
pub(crate) struct BoxWriter {
    buffer: BytesMut,
}

impl BoxWriter {
    /// A writer with room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            buffer: BytesMut::with_capacity(capacity),
        }
    }

    /// Writes a box whose content `fill` writes.
    pub(crate) fn nest(&mut self, kind: &[u8; 4], fill: impl FnOnce(&mut Self)) {
        let start = self.buffer.len();
        self.buffer.put_u32(0);
        self.buffer.put_slice(kind);
        fill(self);
        let size = u32::try_from(self.buffer.len() - start)
            .expect("invariant: only metadata boxes are written here, far below 4 GiB");
        self.buffer[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }

    /// Writes a full box (ISO/IEC 14496-12, 4.2.2).
    pub(crate) fn nest_full(
        &mut self,
        kind: &[u8; 4],
        version: u8,
        flags: u32,
        fill: impl FnOnce(&mut Self),
    ) {
        self.nest(kind, |w| {
            w.u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
            fill(w);
        });
    }

    /// Length so far in bytes.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.buffer.put_u8(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.buffer.put_u16(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.buffer.put_u32(value);
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.buffer.put_u64(value);
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.buffer.put_i32(value);
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.buffer.put_i64(value);
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.buffer.put_slice(value);
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.buffer.put_bytes(0, count);
    }

    /// What has been written.
    pub(crate) fn finish(self) -> Bytes {
        self.buffer.freeze()
    }
}
