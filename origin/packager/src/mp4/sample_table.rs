//! The sample table of a progressive track, kept as it stands in the file.
//!
//! A two-hour film has close to a million samples. The boxes that describe them are already compact, so they stay raw bytes,
//! and a [`TableCursor`] of a few words walks all of them together.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::samples::Sample;
use crate::Error;
use crate::isobmff::Mp4Box;

/// Raw tables of the `stbl` box (ISO/IEC 14496-12, 8.6 and 8.7).
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleTable {
    /// `stts`: (sample count, duration) pairs of u32.
    time_to_sample: Bytes,
    /// `ctts`: (sample count, offset) pairs of u32 and i32. Offsets of version 0 are unsigned, but writers put negative values
    /// there all the same; values of 2^31 and more count as negative in both versions.
    composition: Bytes,
    /// `stsc`: (first chunk, samples per chunk, description index) triples of u32.
    sample_to_chunk: Bytes,
    /// `stco` or `co64`.
    chunk_offsets: Bytes,
    wide_offsets: bool,
    /// `stsz` or `stz2` entries; empty when all samples have `default_size`.
    sizes: Bytes,
    /// Bits per entry of `sizes`: 4, 8, 16 or 32.
    size_bits: u8,
    default_size: u32,
    sample_count: u32,
    /// `stss`: sample numbers counted from 1; `None` when every sample is a sync sample.
    sync_samples: Option<Bytes>,
}

impl SampleTable {
    /// Reads the boxes of an `stbl` box.
    pub(crate) fn parse(stbl: &Mp4Box) -> Result<Self, Error> {
        let mut table = Self::default();
        for child in stbl.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"stts" => table.time_to_sample = entries(&child, 8)?,
                b"ctts" => table.composition = entries(&child, 8)?,
                b"stsc" => table.sample_to_chunk = entries(&child, 12)?,
                b"stco" => table.chunk_offsets = entries(&child, 4)?,
                b"co64" => {
                    table.chunk_offsets = entries(&child, 8)?;
                    table.wide_offsets = true;
                }
                b"stss" => table.sync_samples = Some(entries(&child, 4)?),
                b"stsz" => table.read_sizes(&child, false)?,
                b"stz2" => table.read_sizes(&child, true)?,
                _ => {}
            }
        }
        if table.sample_count > 0 {
            for (missing, name) in [
                (&table.time_to_sample, "stts"),
                (&table.sample_to_chunk, "stsc"),
                (&table.chunk_offsets, "stco"),
            ] {
                if missing.is_empty() {
                    return Err(stbl.malformed(format!(
                        "{} samples but no `{name}` entries",
                        table.sample_count
                    )));
                }
            }
        }
        Ok(table)
    }

    fn read_sizes(&mut self, child: &Mp4Box, compact: bool) -> Result<(), Error> {
        let (_, _, mut fields) = child.full()?;
        let word = fields.u32()?;
        let count = fields.u32()?;
        let bits = if compact { (word & 0xff) as u8 } else { 32 };
        self.sample_count = count;
        if !compact && word != 0 {
            self.default_size = word;
            return Ok(());
        }
        if !matches!(bits, 4 | 8 | 16 | 32) {
            return Err(child.malformed(format!(
                "{bits} bits for a sample size; 4, 8 or 16 are possible"
            )));
        }
        let wanted = (u64::from(count) * u64::from(bits)).div_ceil(8);
        if wanted > fields.remaining() as u64 {
            return Err(child.malformed(format!(
                "{count} samples announced but only {} bytes of sizes",
                fields.remaining()
            )));
        }
        let at = fields.position();
        self.size_bits = bits;
        self.sizes = child.payload.slice(at..);
        Ok(())
    }

    /// Number of samples.
    pub(crate) const fn sample_count(&self) -> u32 {
        self.sample_count
    }

    /// Number of samples that have an entry of their own.
    pub(crate) fn described(&self) -> u64 {
        if self.size_bits == 0 {
            0
        } else {
            u64::from(self.sample_count)
        }
    }

    fn size(&self, index: u32) -> u32 {
        let i = index as usize;
        match self.size_bits {
            32 => u32_at(&self.sizes, i),
            16 => self
                .sizes
                .get(i * 2..i * 2 + 2)
                .map_or(0, |b| u32::from(u16::from_be_bytes([b[0], b[1]]))),
            8 => self.sizes.get(i).map_or(0, |b| u32::from(*b)),
            4 => self.sizes.get(i / 2).map_or(0, |b| {
                u32::from(if i.is_multiple_of(2) { b >> 4 } else { b & 15 })
            }),
            _ => self.default_size,
        }
    }

    fn chunk_count(&self) -> usize {
        self.chunk_offsets.len() / if self.wide_offsets { 8 } else { 4 }
    }

    fn chunk_offset(&self, chunk: usize) -> Option<u64> {
        if self.wide_offsets {
            let bytes = self.chunk_offsets.get(chunk * 8..chunk * 8 + 8)?;
            Some(u64::from_be_bytes(bytes.try_into().ok()?))
        } else {
            (chunk < self.chunk_count()).then(|| u64::from(u32_at(&self.chunk_offsets, chunk)))
        }
    }
}

/// The entries of a table box: checked to hold as many as it announces.
fn entries(child: &Mp4Box, entry_len: usize) -> Result<Bytes, Error> {
    let (_, _, mut fields) = child.full()?;
    let count = fields.u32()? as usize;
    let wanted = count
        .checked_mul(entry_len)
        .filter(|wanted| *wanted <= fields.remaining());
    let Some(wanted) = wanted else {
        return Err(child.malformed(format!(
            "{count} entries announced but only {} bytes follow",
            fields.remaining()
        )));
    };
    let at = fields.position();
    Ok(child.payload.slice(at..at + wanted))
}

/// The 32-bit word at `index`, 0 past the end.
fn u32_at(data: &[u8], index: usize) -> u32 {
    data.get(index * 4..index * 4 + 4)
        .map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

/// A place in a sample table. Copy it to come back later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableCursor {
    index: u32,
    decode_time: i64,
    time_entry: u32,
    time_left: u32,
    composition_entry: u32,
    composition_left: u32,
    sync_entry: u32,
    chunk: u32,
    chunk_left: u32,
    chunk_entry: u32,
    offset: u64,
    duration: u32,
    composition_offset: i32,
}

impl TableCursor {
    /// Decode time after the last sample walked over, in ticks of the track.
    pub(crate) const fn decode_time(&self) -> i64 {
        self.decode_time
    }

    /// True when a walk can go on from here, which a cursor that was read from a file does not promise.
    pub(crate) const fn is_sound(&self) -> bool {
        self.chunk_entry > 0 || self.chunk_left == 0
    }

    /// The next sample, or `None` after the last.
    pub(crate) fn next(&mut self, table: &SampleTable) -> Result<Option<Sample>, Error> {
        if self.index >= table.sample_count {
            return Ok(None);
        }
        while self.time_left == 0 {
            let at = self.time_entry as usize;
            if at * 8 >= table.time_to_sample.len() {
                // More samples than durations: real writers do this by one; the last duration stands for the rest.
                self.time_left = u32::MAX;
                break;
            }
            self.time_left = u32_at(&table.time_to_sample, at * 2);
            self.duration = u32_at(&table.time_to_sample, at * 2 + 1);
            self.time_entry += 1;
        }
        self.time_left -= 1;
        while self.composition_left == 0 {
            let at = self.composition_entry as usize;
            if at * 8 >= table.composition.len() {
                self.composition_left = u32::MAX;
                self.composition_offset = 0;
                break;
            }
            self.composition_left = u32_at(&table.composition, at * 2);
            self.composition_offset = u32_at(&table.composition, at * 2 + 1).cast_signed();
            self.composition_entry += 1;
        }
        self.composition_left -= 1;
        if self.chunk_left == 0 {
            self.enter_chunk(table)?;
        }
        self.chunk_left -= 1;

        let size = table.size(self.index);
        let sync = match &table.sync_samples {
            None => true,
            Some(list) => {
                let number = self.index + 1;
                while (self.sync_entry as usize) * 4 < list.len()
                    && u32_at(list, self.sync_entry as usize) < number
                {
                    self.sync_entry += 1;
                }
                (self.sync_entry as usize) * 4 < list.len()
                    && u32_at(list, self.sync_entry as usize) == number
            }
        };
        let sample = Sample {
            offset: self.offset,
            size,
            decode_time: self.decode_time,
            duration: self.duration,
            composition_offset: self.composition_offset,
            sync,
            description: u32_at(
                &table.sample_to_chunk,
                (self.chunk_entry as usize - 1) * 3 + 2,
            ),
        };
        self.index += 1;
        self.decode_time = self
            .decode_time
            .checked_add(i64::from(self.duration))
            .ok_or_else(|| {
                Error::malformed("stts", 0, "the durations add up to more than 2^63 ticks")
            })?;
        self.offset = self.offset.checked_add(u64::from(size)).ok_or_else(|| {
            Error::malformed("stco", 0, "a chunk reaches past the end of 64-bit offsets")
        })?;
        Ok(Some(sample))
    }

    /// Moves to the next chunk that holds samples. `chunk` is its number counted from 1 afterwards, and `chunk_entry` the
    /// number, counted from 1, of the `stsc` entry that rules it.
    fn enter_chunk(&mut self, table: &SampleTable) -> Result<(), Error> {
        let count = table.sample_to_chunk.len() / 12;
        loop {
            let Some(offset) = table.chunk_offset(self.chunk as usize) else {
                return Err(Error::malformed(
                    "stco",
                    0,
                    format!(
                        "{} chunks hold only {} of {} samples",
                        table.chunk_count(),
                        self.index,
                        table.sample_count
                    ),
                ));
            };
            self.chunk += 1;
            while (self.chunk_entry as usize) < count
                && u32_at(&table.sample_to_chunk, self.chunk_entry as usize * 3) <= self.chunk
            {
                self.chunk_entry += 1;
            }
            if self.chunk_entry == 0 {
                return Err(Error::malformed(
                    "stsc",
                    0,
                    "its first entry does not start at chunk 1",
                ));
            }
            self.chunk_left = u32_at(
                &table.sample_to_chunk,
                (self.chunk_entry as usize - 1) * 3 + 1,
            );
            self.offset = offset;
            if self.chunk_left > 0 {
                return Ok(());
            }
        }
    }
}
