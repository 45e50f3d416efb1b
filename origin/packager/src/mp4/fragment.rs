//! Movie fragments (ISO/IEC 14496-12, 8.8): the track runs of every `moof` box, kept as they stand in the file.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::samples::Sample;
use crate::Error;
use crate::isobmff::Mp4Box;

/// Flag of `sample_flags`: the sample is not a sync sample.
const NON_SYNC: u32 = 0x0001_0000;
/// Most samples that a run may announce without spending a byte on them.
const MAX_EMPTY_SAMPLES: u32 = 1 << 16;

/// Defaults of one track from the `trex` box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrackExtends {
    pub(crate) description: u32,
    pub(crate) duration: u32,
    pub(crate) size: u32,
    pub(crate) flags: u32,
}

impl TrackExtends {
    /// Reads a `trex` box: the track it is about, and its defaults.
    pub(crate) fn parse(trex: &Mp4Box) -> Result<(u32, Self), Error> {
        let (_, _, mut fields) = trex.full()?;
        let track = fields.u32()?;
        let description = fields.u32()?;
        Ok((
            track,
            Self {
                description,
                duration: fields.u32()?,
                size: fields.u32()?,
                flags: fields.u32()?,
            },
        ))
    }
}

/// One `trun` box with everything needed to read it alone.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Offset of the first sample's data in the input.
    data_offset: u64,
    /// Decode time of the first sample; `None` when it follows the run before.
    decode_time: Option<i64>,
    count: u32,
    /// Flags of the `trun` box: which fields each entry has.
    fields: u32,
    first_flags: Option<u32>,
    defaults: TrackExtends,
    entries: Bytes,
}

impl Run {
    /// Number of samples.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// True when each sample has an entry of its own.
    pub(super) const fn describes_each(&self) -> bool {
        Self::entry_len(self.fields) > 0
    }

    const fn entry_len(fields: u32) -> usize {
        ((fields >> 8) & 0xf).count_ones() as usize * 4
    }
}

/// Reads one `moof` box: calls `add` with the track and each of its runs.
///
/// `defaults` gives the `trex` values of a track, or `None` for a track that the movie does not have.
pub(crate) fn parse_moof(
    moof: &Mp4Box,
    defaults: impl Fn(u32) -> Option<TrackExtends>,
    mut add: impl FnMut(u32, Run),
) -> Result<(), Error> {
    // Without a base offset and without `default-base-is-moof`, the data of a track follow those of the track before.
    let mut follow = moof.offset;
    for traf in moof.children() {
        let traf = traf?;
        if traf.kind != b"traf" {
            continue;
        }
        let Some(tfhd) = traf.children().find(b"tfhd")? else {
            return Err(traf.malformed("it has no `tfhd` box"));
        };
        let (_, flags, mut fields) = tfhd.full()?;
        let track = fields.u32()?;
        let base = match flags {
            _ if flags & 1 != 0 => fields.u64()?,
            _ if flags & 0x02_0000 != 0 => moof.offset,
            _ => follow,
        };
        let Some(mut track_defaults) = defaults(track) else {
            continue;
        };
        for (bit, value) in [
            (2, &mut track_defaults.description),
            (8, &mut track_defaults.duration),
            (0x10, &mut track_defaults.size),
            (0x20, &mut track_defaults.flags),
        ] {
            if flags & bit != 0 {
                *value = fields.u32()?;
            }
        }
        let mut decode_time =
            match traf.children().find(b"tfdt")? {
                None => None,
                Some(tfdt) => {
                    let (version, _, mut fields) = tfdt.full()?;
                    let time = fields.by_version(version)?;
                    Some(i64::try_from(time).map_err(|_| {
                        tfdt.malformed(format!("decode time {time} is out of range"))
                    })?)
                }
            };
        let mut next_data = base;
        for trun in traf.children() {
            let trun = trun?;
            if trun.kind != b"trun" {
                continue;
            }
            let (run, bytes) =
                parse_trun(&trun, base, next_data, track_defaults, decode_time.take())?;
            next_data = run.data_offset.saturating_add(bytes);
            if run.count > 0 {
                add(track, run);
            }
        }
        follow = next_data;
    }
    Ok(())
}

/// Reads a `trun` box. Also returns how many bytes its samples take.
fn parse_trun(
    trun: &Mp4Box,
    base: u64,
    next_data: u64,
    defaults: TrackExtends,
    decode_time: Option<i64>,
) -> Result<(Run, u64), Error> {
    let (_, flags, mut fields) = trun.full()?;
    let count = fields.u32()?;
    let data_offset = if flags & 1 != 0 {
        let offset = fields.i32()?;
        base.checked_add_signed(i64::from(offset))
            .ok_or_else(|| trun.malformed(format!("data offset {offset} leads out of the file")))?
    } else {
        next_data
    };
    let first_flags = if flags & 4 != 0 {
        Some(fields.u32()?)
    } else {
        None
    };
    let entry_len = Run::entry_len(flags);
    let wanted = (count as usize)
        .checked_mul(entry_len)
        .filter(|wanted| *wanted <= fields.remaining());
    let Some(wanted) = wanted else {
        return Err(trun.malformed(format!(
            "{count} samples announced but only {} bytes follow",
            fields.remaining()
        )));
    };
    if entry_len == 0 && defaults.size == 0 && count > MAX_EMPTY_SAMPLES {
        return Err(trun.malformed(format!("{count} samples announced, all of them empty")));
    }
    let at = fields.position();
    let entries = trun.payload.slice(at..at + wanted);
    let run = Run {
        data_offset,
        decode_time,
        count,
        fields: flags,
        first_flags,
        defaults,
        entries,
    };
    let bytes = if flags & 0x200 == 0 {
        u64::from(count) * u64::from(defaults.size)
    } else {
        let before = if flags & 0x100 != 0 { 4 } else { 0 };
        run.entries
            .chunks_exact(entry_len)
            .map(|entry| u64::from(word(entry, before)))
            .sum()
    };
    Ok((run, bytes))
}

/// The 32-bit word at byte `at` of an entry, whose length was checked when the run was read.
fn word(entry: &[u8], at: usize) -> u32 {
    entry
        .get(at..at + 4)
        .map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

/// A place among the runs of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunCursor {
    run: u32,
    sample: u32,
    offset: u64,
    decode_time: i64,
    started: bool,
}

impl RunCursor {
    /// True when a walk over `runs` can go on from here, which a cursor that was read from a file does not promise.
    pub(crate) fn is_sound(&self, runs: &[Run]) -> bool {
        let run = runs.get(self.run as usize);
        self.sample == 0 || run.is_some_and(|run| self.sample < run.count)
    }

    /// The next sample. `table_end` is the decode time after the samples of the movie box, where the first run without a time
    /// of its own starts.
    pub(crate) fn next(&mut self, runs: &[Run], table_end: i64) -> Result<Option<Sample>, Error> {
        let Some(run) = runs.get(self.run as usize) else {
            return Ok(None);
        };
        if !self.started {
            self.started = true;
            self.decode_time = table_end;
        }
        if self.sample == 0 {
            self.offset = run.data_offset;
            self.decode_time = run.decode_time.unwrap_or(self.decode_time);
        }
        let entry_len = Run::entry_len(run.fields);
        let start = self.sample as usize * entry_len;
        let entry = run
            .entries
            .get(start..start + entry_len)
            .unwrap_or_default();
        let mut at = 0;
        let mut field = |bit: u32, default: u32| {
            if run.fields & bit == 0 {
                return default;
            }
            at += 4;
            word(entry, at - 4)
        };
        let duration = field(0x100, run.defaults.duration);
        let size = field(0x200, run.defaults.size);
        let mut flags = field(0x400, run.defaults.flags);
        let composition_offset = field(0x800, 0).cast_signed();
        if self.sample == 0
            && let Some(first) = run.first_flags
        {
            flags = first;
        }
        let sample = Sample {
            offset: self.offset,
            size,
            decode_time: self.decode_time,
            duration,
            composition_offset,
            sync: flags & NON_SYNC == 0,
            description: run.defaults.description,
        };
        self.offset = self.offset.checked_add(u64::from(size)).ok_or_else(|| {
            Error::malformed("trun", 0, "a run reaches past the end of 64-bit offsets")
        })?;
        self.decode_time = self
            .decode_time
            .checked_add(i64::from(duration))
            .ok_or_else(|| {
                Error::malformed("trun", 0, "the durations add up to more than 2^63 ticks")
            })?;
        self.sample += 1;
        if self.sample == run.count {
            self.sample = 0;
            self.run += 1;
        }
        Ok(Some(sample))
    }
}
