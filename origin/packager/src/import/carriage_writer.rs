//! Collects what a [`Carriage`](super::Carriage) says, and writes it.

use bytes::{BufMut, Bytes};

use super::carriage::Form;
use super::places::{Place, PlacesWriter};

/// Least bytes of the stream from one piece to the next.
const NEAR: u64 = 4 << 10;

/// Collects what a carriage says.
#[derive(Debug)]
pub(crate) struct CarriageWriter {
    pub(crate) form: Form,
    pub(crate) pid: u16,
    pub(crate) packet: u8,
    /// Where the stream ends in the input.
    pub(crate) end: u64,
    /// Parameter sets that are left out of samples, or the prefix.
    pub(crate) sets: Vec<Vec<u8>>,
    samples: PlacesWriter,
    pieces: PlacesWriter,
    address: u64,
    /// Where the last piece starts in the stream.
    last_piece: Option<u64>,
}

impl CarriageWriter {
    pub(crate) fn new(form: Form, pid: u16, packet: u8) -> Self {
        Self {
            form,
            pid,
            packet,
            end: 0,
            sets: Vec::new(),
            samples: PlacesWriter::default(),
            pieces: PlacesWriter::default(),
            address: 0,
            last_piece: None,
        }
    }

    /// Adds a sample that takes `len` bytes from `start` on and becomes `size` bytes.
    pub(crate) fn sample(&mut self, start: u64, len: u32, size: u32) {
        self.samples.push(Place {
            key: self.address,
            start,
            len,
        });
        self.address += u64::from(size);
    }

    /// Adds to the last sample: it goes on for `len` bytes, which become `size`.
    pub(crate) fn extend(&mut self, len: u32, size: u32) {
        self.samples.extend(len);
        self.address += u64::from(size);
    }

    /// Adds a piece of the stream, unless it starts so near to the one before that the few bytes between them may be read with it.
    pub(crate) fn piece(&mut self, start: u64, place: u64) {
        if self
            .last_piece
            .is_some_and(|last| start.saturating_sub(last) < NEAR)
        {
            return;
        }
        self.last_piece = Some(start);
        self.pieces.push(Place {
            key: start,
            start: place,
            len: 0,
        });
    }

    /// Bytes that it takes.
    pub(crate) fn len(&self) -> u64 {
        (self.samples.len() + self.pieces.len()) as u64
    }

    /// The carriage as it stands in a sidecar.
    pub(crate) fn finish(mut self) -> Bytes {
        let mut head = Vec::with_capacity(64);
        head.put_u8(self.form as u8);
        head.put_u16(self.pid);
        head.put_u8(self.packet);
        head.put_u64(self.end);
        head.put_u16(u16::try_from(self.sets.len()).unwrap_or(0));
        for set in &self.sets {
            head.put_u16(u16::try_from(set.len()).unwrap_or(0));
            head.put_slice(set);
        }
        let mut out = self.samples.finish_behind(head);
        self.pieces.finish(&mut out);
        out.put_u64(self.address);
        out.shrink_to_fit();
        Bytes::from(out)
    }
}
