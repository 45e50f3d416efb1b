//! Samples that do not lie in the input as they are: which bytes to read for them, and how to unwrap these.
//!
//! Such samples have addresses of their own, one after the other from 0. A carriage says for each where its data start in the
//! elementary stream, and for each piece of the stream where it starts in the input. It is kept as it stands in a sidecar: all
//! numbers big-endian, the form (u8), the packet identifier (u16), the length of a packet (u8), the end of the stream in the input
//! (u64), the parameter sets or the prefix (u16 count, each with u16 length), the table of samples (their addresses, and where they start in
//! the stream), the table of pieces (where they start in the stream, and in the input), and one past the last address (u64).

use bytes::Bytes;

use super::places::{Place, Places};
use crate::timeline::Timed;
use crate::transport::{Depacketizer, nal_units};
use crate::window::{Window, want};
use crate::{ByteRange, Error};

/// What is done with the bytes of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// They are taken as they stand.
    Raw,
    /// H.264 in byte stream format: NAL units get lengths.
    Avc,
    /// HEVC in byte stream format.
    Hevc,
    /// They lie in the input itself; the prefix goes before each of them.
    Prefixed,
}

/// How the samples of one track are unwrapped.
#[derive(Clone, Debug)]
pub(crate) struct Carriage {
    form: Form,
    pid: u16,
    packet: usize,
    end: u64,
    sets: Vec<Bytes>,
    samples: Places,
    pieces: Places,
    addresses: u64,
}

impl Carriage {
    /// Reads what [`CarriageWriter::finish`](super::CarriageWriter::finish) wrote.
    pub(crate) fn parse(mut data: Bytes) -> Result<Self, Error> {
        let broken = || Error::malformed("index sidecar", 0, "a carriage is broken");
        let mut take = |count: usize| {
            if count > data.len() {
                return Err(broken());
            }
            Ok(data.split_to(count))
        };
        let number = |bytes: &Bytes| bytes.iter().fold(0, |value, b| value << 8 | u64::from(*b));
        let small = |bytes: &Bytes| usize::try_from(number(bytes)).unwrap_or(usize::MAX);
        let form = match take(1)?[0] {
            0 => Form::Raw,
            1 => Form::Avc,
            2 => Form::Hevc,
            3 => Form::Prefixed,
            _ => return Err(broken()),
        };
        let pid = u16::try_from(number(&take(2)?)).unwrap_or(0);
        let packet = small(&take(1)?);
        let end = number(&take(8)?);
        let mut sets = Vec::new();
        for _ in 0..number(&take(2)?) {
            let len = small(&take(2)?);
            sets.push(take(len)?);
        }
        let mut table = || {
            let (index, data) = (small(&take(8)?), small(&take(8)?));
            Ok(Places::new(take(index)?, take(data)?))
        };
        let (samples, pieces) = (table()?, table()?);
        let addresses = number(&take(8)?);
        if form != Form::Prefixed && packet != 188 && packet != 192 {
            return Err(broken());
        }
        Ok(Self {
            form,
            pid,
            packet,
            end,
            sets,
            samples,
            pieces,
            addresses,
        })
    }

    /// Where the sample with this address lies.
    fn find(&self, address: u64) -> Option<Place> {
        self.samples
            .find(address)
            .0
            .filter(|place| place.key == address)
    }

    /// The piece that holds byte `start` of the stream, as its start in the stream and place in the input, and where the pieces
    /// end that hold it up to `end`.
    fn span(&self, start: u64, end: u64) -> Option<(u64, ByteRange)> {
        let first = self.pieces.find(start).0?;
        let (_, after) = self.pieces.find(end.saturating_sub(1).max(start));
        let range = ByteRange {
            start: first.start,
            end: after.map_or(self.end, |piece| piece.start),
        };
        Some((first.key, range))
    }

    /// One past the last address.
    pub(crate) fn addresses(&self) -> u64 {
        self.addresses
    }

    /// Adds what has to be read for samples to `wanted`.
    pub(crate) fn want(&self, samples: &[Timed], wanted: &mut Vec<ByteRange>) -> Result<(), Error> {
        for sample in samples {
            let place = self.find(sample.offset).ok_or_else(lost)?;
            if self.form == Form::Prefixed {
                want(wanted, place.start, place.len);
                continue;
            }
            let end = place.start.saturating_add(u64::from(place.len));
            let (_, range) = self.span(place.start, end).ok_or_else(lost)?;
            if range.end < range.start {
                return Err(lost());
            }
            match wanted.last_mut() {
                Some(last) if last.start <= range.start && range.start <= last.end => {
                    last.end = last.end.max(range.end);
                }
                _ => wanted.push(range),
            }
        }
        Ok(())
    }

    /// The data of samples under their own addresses, from what was read.
    pub(crate) fn unwrap(&self, samples: &[Timed], window: &Window) -> Result<Window, Error> {
        let mut unwrapped = Vec::new();
        let mut out = Vec::new();
        let mut stream = Stream::default();
        let mut parts = Vec::new();
        for sample in samples {
            let place = self.find(sample.offset).ok_or_else(lost)?;
            let before = out.len();
            if self.form == Form::Prefixed {
                self.sets
                    .iter()
                    .for_each(|prefix| out.extend_from_slice(prefix));
                parts.clear();
                window.collect([(place.start, place.len)].into_iter(), &mut parts)?;
                parts
                    .iter()
                    .for_each(|part: &Bytes| out.extend_from_slice(part));
            } else {
                let data = self.stream_bytes(&mut stream, place, window)?;
                match self.form {
                    Form::Avc | Form::Hevc => {
                        let is_set = |nal: &[u8]| self.sets.iter().any(|set| *set == nal);
                        nal_units::convert(data, self.form == Form::Hevc, is_set, &mut out);
                    }
                    Form::Raw | Form::Prefixed => out.extend_from_slice(data),
                }
            }
            if out.len() - before != sample.size as usize {
                return Err(lost());
            }
            unwrapped.push((sample.offset, before));
        }
        let data = Bytes::from(out);
        let mut order: Vec<_> = unwrapped
            .iter()
            .zip(
                unwrapped
                    .iter()
                    .map(|(_, start)| *start)
                    .skip(1)
                    .chain([data.len()]),
            )
            .map(|((address, start), end)| (*address, *start, end))
            .collect();
        order.sort_unstable();
        order.dedup_by_key(|(address, ..)| *address);
        let mut made = Window::default();
        for (address, start, end) in order {
            made.push(address, data.slice(start..end));
        }
        Ok(made)
    }

    /// The bytes of a sample in the elementary stream. `stream` holds what the samples before it needed.
    fn stream_bytes<'a>(
        &self,
        stream: &'a mut Stream,
        place: Place,
        window: &Window,
    ) -> Result<&'a [u8], Error> {
        let end = place.start.saturating_add(u64::from(place.len));
        if place.start < stream.start || end > stream.start + stream.data.len() as u64 {
            let (first, range) = self.span(place.start, end).ok_or_else(lost)?;
            let mut parts = Vec::new();
            window.slices(range, &mut parts)?;
            stream.start = first;
            stream.data.clear();
            let mut packets = Depacketizer::new(self.packet, self.pid);
            packets.read(&parts.concat(), |payload| {
                stream.data.extend_from_slice(payload)
            });
        }
        let from = usize::try_from(place.start - stream.start).unwrap_or(usize::MAX);
        stream
            .data
            .get(from..from.saturating_add(place.len as usize))
            .ok_or_else(lost)
    }
}

/// A stretch of an elementary stream.
#[derive(Debug, Default)]
struct Stream {
    start: u64,
    data: Vec<u8>,
}

fn lost() -> Error {
    Error::malformed(
        "elementary stream",
        0,
        "it does not hold what its index says; the file changed while it was read",
    )
}
