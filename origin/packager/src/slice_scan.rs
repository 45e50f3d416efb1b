//! Counts the parts of pictures (slices, tiles, frames) that encryption keeps apart: how much it has to say about each picture must be
//! known before the picture is read.
//!
//! An encoder settles how it divides pictures when it starts, so the first pictures tell.

use bytes::Bytes;

use crate::fetch::{Fetch, Fetched, MAX_READ};
use crate::mp4::{Cursor, Parsed, Samples, Trak, parse_sample_entries};
use crate::protect::SampleReader;
use crate::{ByteRange, Error};

/// Samples that are looked at.
const TRIAL: u64 = 32;
/// Bytes read at once.
const READ_AHEAD: u64 = 1 << 20;

/// Looks at the first samples of one track.
#[derive(Debug)]
pub(crate) struct SliceScan {
    fetch: Fetch,
    cursor: Cursor,
    reader: SampleReader,
    count: u64,
    most: usize,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Counted {
    Need(ByteRange),
    /// Most parts of a sample that are listed apart.
    Done(u8),
}

impl SliceScan {
    /// A scan of `trak`, or `None` when its samples are not divided for encryption.
    pub(crate) fn new(trak: &Trak, input_len: u64) -> Result<Option<Self>, Error> {
        if &trak.handler.bytes() != b"vide" || trak.carriage.is_some() || trak.samples.count() == 0
        {
            return Ok(None);
        }
        let reader = parse_sample_entries(trak)?
            .into_iter()
            .find_map(|parsed| match parsed {
                Parsed::Entry(entry) => SampleReader::new(&entry),
                Parsed::Unsupported { .. } => None,
            });
        Ok(reader.map(|reader| Self {
            fetch: Fetch::new(input_len),
            cursor: trak.samples.cursor(),
            reader,
            count: 0,
            most: 1,
        }))
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.fetch.supply(offset, data)
    }

    /// Goes on until bytes are missing or enough is known.
    pub(crate) fn step(&mut self, samples: &Samples) -> Result<Counted, Error> {
        loop {
            let mut ahead = self.cursor;
            let sample = ahead.next(samples)?;
            let Some(sample) = sample.filter(|_| self.count < TRIAL) else {
                return Ok(Counted::Done(u8::try_from(self.most).unwrap_or(u8::MAX)));
            };
            let end = sample
                .offset
                .saturating_add(u64::from(sample.size).min(MAX_READ));
            let range = ByteRange {
                start: sample.offset,
                end: end.min(self.fetch.input_len()),
            };
            if !range.is_empty() {
                match self.fetch.want(range, READ_AHEAD) {
                    Fetched::Ready(data) => self.most = self.most.max(self.reader.count(&data)),
                    Fetched::Need(range) => return Ok(Counted::Need(range)),
                }
            }
            self.count += 1;
            self.cursor = ahead;
        }
    }
}
