//! Finds sync samples in the bitstream when the index does not tell them apart.
//!
//! A track without an `stss` box says that every sample is a sync sample, and so do fragments whose flags were left 0. Some
//! writers merely forgot. A segment that starts at such a sample cannot be decoded, so the claim is checked: on the first samples
//! always, on all of them when it turns out wrong.

use bytes::Bytes;

use crate::codec::{avc, hevc};
use crate::fetch::{Fetch, Fetched, MAX_READ};
use crate::mp4::{Codec, Cursor, Parsed, Sample, SampleEntry, Samples, Trak, parse_sample_entries};
use crate::{ByteRange, Error};

/// Samples that are looked at before the claim of the index is believed.
const TRIAL: u64 = 32;
/// Bytes read at once.
const READ_AHEAD: u64 = 1 << 20;

/// Looks at the samples of one track.
#[derive(Debug)]
pub(crate) struct SyncScan {
    fetch: Fetch,
    cursor: Cursor,
    syntax: Syntax,
    length_size: usize,
    /// One bit for each sample looked at.
    found: Vec<u64>,
    count: u64,
    sync: u64,
}

#[derive(Clone, Copy, Debug)]
enum Syntax {
    Avc,
    Hevc,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Looked {
    Need(ByteRange),
    /// The sync samples as a bit map, or `None` when the index is right.
    Done(Option<Vec<u64>>),
}

impl SyncScan {
    /// A scan of `trak`, or `None` when its index can be relied on or its codec is not one that can be looked into.
    pub(crate) fn new(trak: &Trak, input_len: u64) -> Result<Option<Self>, Error> {
        if &trak.handler.bytes() != b"vide"
            || trak.carriage.is_some()
            || !claims_nothing(&trak.samples)?
        {
            return Ok(None);
        }
        let entry = parse_sample_entries(trak)?
            .into_iter()
            .find_map(|parsed| match parsed {
                Parsed::Entry(entry) => Some(entry),
                Parsed::Unsupported { .. } => None,
            });
        let (syntax, length_size) = match entry.as_deref() {
            Some(SampleEntry {
                codec: Codec::Avc(config),
                ..
            }) => (Syntax::Avc, config.length_size),
            Some(SampleEntry {
                codec: Codec::Hevc(config),
                ..
            }) => (Syntax::Hevc, config.length_size),
            _ => return Ok(None),
        };
        Ok(Some(Self {
            fetch: Fetch::new(input_len),
            cursor: trak.samples.cursor(),
            syntax,
            length_size: usize::from(length_size),
            found: Vec::new(),
            count: 0,
            sync: 0,
        }))
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.fetch.supply(offset, data)
    }

    /// Goes on until bytes are missing or enough is known.
    pub(crate) fn step(&mut self, samples: &Samples) -> Result<Looked, Error> {
        loop {
            let mut ahead = self.cursor;
            let sample = ahead.next(samples)?;
            let Some(sample) = sample.filter(|_| self.count < TRIAL || self.sync < self.count)
            else {
                let wrong = self.sync < self.count && self.sync > 0;
                return Ok(Looked::Done(wrong.then(|| std::mem::take(&mut self.found))));
            };
            let end = sample
                .offset
                .saturating_add(u64::from(sample.size).min(MAX_READ));
            let range = ByteRange {
                start: sample.offset,
                end: end.min(self.fetch.input_len()),
            };
            let data = if range.is_empty() {
                Bytes::new()
            } else {
                match self.fetch.want(range, READ_AHEAD) {
                    Fetched::Ready(data) => data,
                    Fetched::Need(range) => return Ok(Looked::Need(range)),
                }
            };
            self.note(&sample, &data);
            self.cursor = ahead;
        }
    }

    fn note(&mut self, sample: &Sample, data: &[u8]) {
        let is_sync = self.is_sync(data).unwrap_or(sample.sync);
        if self.count.is_multiple_of(64) {
            self.found.push(0);
        }
        if let Some(word) = self.found.last_mut() {
            *word |= u64::from(is_sync) << (self.count % 64);
        }
        self.count += 1;
        self.sync += u64::from(is_sync);
    }

    /// Whether the first slice of an access unit belongs to a sync sample; `None` when there is no slice.
    fn is_sync(&self, mut data: &[u8]) -> Option<bool> {
        loop {
            let (length, rest) = data.split_at_checked(self.length_size)?;
            let length = length
                .iter()
                .fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
            let header = *rest.first()?;
            let kind = match self.syntax {
                Syntax::Avc => avc::is_sync_nal(header),
                Syntax::Hevc => hevc::is_sync_nal(header),
            };
            if kind.is_some() {
                return kind;
            }
            data = rest.get(length..)?;
        }
    }
}

/// True when the index calls all samples sync samples, or none.
fn claims_nothing(samples: &Samples) -> Result<bool, Error> {
    let mut cursor = samples.cursor();
    let Some(first) = cursor.next(samples)? else {
        return Ok(false);
    };
    let mut more = false;
    while let Some(sample) = cursor.next(samples)? {
        more = true;
        if sample.sync != first.sync {
            return Ok(false);
        }
    }
    Ok(more)
}
