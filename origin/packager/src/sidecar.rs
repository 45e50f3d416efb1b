//! The index of a presentation as a file of its own.
//!
//! It holds the index boxes of every input as they stand there, which are compact already, and what had to be looked up in the
//! bitstream, and what walks over all samples told: the timelines, and the plan of the segments. All numbers are big-endian: the magic, the number of inputs, and for each input its length (u64), a flag whether its
//! index came first (u8), the number of boxes (u32), each as type, offset, payload offset and payload length (u64 each) and payload;
//! then the number of sync maps (u32), each as track (u32), number of words (u32) and words (u64 each); then the number of slice counts
//! (u32), each as track (u32) and count (u8); then the number of carriages (u32), each as track (u32), length (u64) and content; then
//! the number of tracks without sample tables (u32), each as track (u32) and what [`Packed::write`] says; then captions, texts and
//! chapters as JSON after its length (u32); then the timelines by place of the track in the movie, in the encoding of postcard after its
//! length (u32). After all inputs comes the plan in the same encoding, after its length (u32); 0 when it is not kept.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::found::Found;
use crate::input::{self, Input};
use crate::isobmff::{FourCc, Mp4Box};
use crate::mp4::{Packed, RawIndex};
use crate::plan::{KeptPlan, Segment};
use crate::timeline::Timeline;

/// Format and version.
const MAGIC: &[u8; 8] = b"WEIRIDX6";

/// Beyond it no file goes, and sums with it stay numbers.
const MAX_OFFSET: u64 = 1 << 62;

/// What the index of one input was read from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) input_len: u64,
    pub(crate) index_first: bool,
    /// The movie box, then the movie fragment boxes.
    pub(crate) boxes: Vec<Mp4Box>,
    /// Sync samples that were looked up in the bitstream, by track.
    pub(crate) sync: Vec<(u32, Vec<u64>)>,
    /// How the samples of tracks are unwrapped, by track.
    pub(crate) carriages: Vec<(u32, Bytes)>,
    /// Slices of a picture at most, by track, where they have been counted.
    pub(crate) slices: Vec<(u32, u8)>,
    /// Samples of tracks that have no table, by track.
    pub(crate) packed: Vec<(u32, Packed)>,
    pub(crate) found: Found,
    /// Timelines by place of the track in the movie: `None` where none was asked for, `Some(None)` where nothing is presented.
    pub(crate) timelines: Vec<Option<Option<Timeline>>>,
}

impl Source {
    /// The source of an index as it was found.
    pub(crate) fn of(input_len: u64, raw: &RawIndex) -> Self {
        let boxes = std::iter::once(&raw.moov)
            .chain(&raw.moofs)
            .cloned()
            .collect();
        Self {
            input_len,
            index_first: raw.index_first,
            boxes,
            sync: Vec::new(),
            carriages: raw.carriages.clone(),
            slices: Vec::new(),
            packed: raw.packed.clone(),
            found: raw.found.clone(),
            timelines: Vec::new(),
        }
    }
}

/// Writes a sidecar.
pub(crate) fn write(sources: &[Source], plan: Option<&KeptPlan<&[Segment]>>) -> Bytes {
    let boxes = sources.iter().flat_map(|source| &source.boxes);
    let size: usize = boxes.map(|part| part.payload.len() + 28).sum();
    let mut out = BytesMut::with_capacity(size + 64 * sources.len() + 16);
    let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    out.put_slice(MAGIC);
    out.put_u32(count(sources.len()));
    for source in sources {
        out.put_u64(source.input_len);
        out.put_u8(u8::from(source.index_first));
        out.put_u32(count(source.boxes.len()));
        for part in &source.boxes {
            out.put_slice(&part.kind.bytes());
            out.put_u64(part.offset);
            out.put_u64(part.payload_offset);
            out.put_u64(part.payload.len() as u64);
            out.put_slice(&part.payload);
        }
        out.put_u32(count(source.sync.len()));
        for (track, words) in &source.sync {
            out.put_u32(*track);
            out.put_u32(count(words.len()));
            words.iter().for_each(|word| out.put_u64(*word));
        }
        out.put_u32(count(source.slices.len()));
        for (track, slices) in &source.slices {
            out.put_u32(*track);
            out.put_u8(*slices);
        }
        out.put_u32(count(source.carriages.len()));
        for (track, carriage) in &source.carriages {
            out.put_u32(*track);
            out.put_u64(carriage.len() as u64);
            out.put_slice(carriage);
        }
        out.put_u32(count(source.packed.len()));
        for (track, samples) in &source.packed {
            out.put_u32(*track);
            samples.write(&mut out);
        }
        let found = serde_json::to_vec(&source.found).unwrap_or_default();
        out.put_u32(count(found.len()));
        out.put_slice(&found);
        put(&mut out, &source.timelines);
    }
    match plan {
        Some(plan) => put(&mut out, plan),
        None => out.put_u32(0),
    }
    out.freeze()
}

/// Appends a value after its length; nothing when it is longer than a length can tell, so that it is found anew when the sidecar is read.
fn put(out: &mut BytesMut, value: &impl Serialize) {
    let data = postcard::to_stdvec(value).unwrap_or_default();
    let len = u32::try_from(data.len()).unwrap_or(0);
    out.put_u32(len);
    out.put_slice(if len == 0 { &[] } else { &data });
}

/// Reads a sidecar and opens its inputs. Also returns the plan of their segments, if it holds one.
pub(crate) fn read(data: Bytes) -> Result<(Vec<Input>, Option<KeptPlan>), Error> {
    let mut reader = Reader { data };
    if reader.take(8)?.as_ref() != MAGIC {
        return Err(broken(
            "it does not start with the magic of this version; make the index again",
        ));
    }
    let inputs = reader.u32()?;
    let inputs = (0..inputs)
        .map(|number| read_input(&mut reader, number as usize))
        .collect::<Result<_, _>>()?;
    Ok((inputs, reader.value()?))
}

fn read_input(reader: &mut Reader, number: usize) -> Result<Input, Error> {
    let input_len = reader.offset()?;
    let index_first = reader.take(1)?.first() == Some(&1);
    let mut boxes = Vec::new();
    for _ in 0..reader.u32()? {
        let kind = reader.take(4)?;
        let kind = FourCc([kind[0], kind[1], kind[2], kind[3]]);
        let (offset, payload_offset, len) = (reader.offset()?, reader.offset()?, reader.u64()?);
        let payload = reader.take(usize::try_from(len).unwrap_or(usize::MAX))?;
        boxes.push(Mp4Box {
            kind,
            offset,
            payload,
            payload_offset,
        });
    }
    let mut sync = Vec::new();
    for _ in 0..reader.u32()? {
        let track = reader.u32()?;
        let words = reader.u32()? as usize;
        let words = reader.take(words.saturating_mul(8))?;
        let words = words.chunks_exact(8).map(|word| {
            word.iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte))
        });
        sync.push((track, words.collect()));
    }
    let mut slices = Vec::new();
    for _ in 0..reader.u32()? {
        slices.push((reader.u32()?, reader.take(1)?[0]));
    }
    let mut carriages = Vec::new();
    for _ in 0..reader.u32()? {
        let (track, len) = (reader.u32()?, reader.u64()?);
        carriages.push((
            track,
            reader.take(usize::try_from(len).unwrap_or(usize::MAX))?,
        ));
    }
    let mut packed = Vec::new();
    for _ in 0..reader.u32()? {
        let (track, flags) = (reader.u32()?, reader.take(1)?[0]);
        let (count, extra) = (reader.u64()?, reader.u32()?);
        let mut part = || {
            let len = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
            reader.take(len)
        };
        let parts = [part()?, part()?, part()?];
        let samples = Packed::read(flags, count, extra, parts)
            .ok_or_else(|| broken("it announces more samples than it holds"))?;
        packed.push((track, samples));
    }
    let len = reader.u32()? as usize;
    let found: Found = match len {
        0 => Found::default(),
        len => serde_json::from_slice(&reader.take(len)?)
            .map_err(|error| broken(&format!("what was looked up cannot be read: {error}")))?,
    };
    let timelines = reader.value()?.unwrap_or_default();
    let mut boxes = boxes.into_iter();
    let moov = boxes
        .next()
        .ok_or_else(|| broken("it holds no movie box"))?;
    let raw = RawIndex {
        moov,
        moofs: boxes.collect(),
        index_first,
        notes: Vec::new(),
        carriages,
        packed,
        found,
    };
    let source = Source {
        sync,
        slices,
        timelines,
        ..Source::of(input_len, &raw)
    };
    input::from_index(number, raw, source).map_err(|error| error.in_input(number))
}

fn broken(reason: &str) -> Error {
    Error::malformed("index sidecar", 0, reason)
}

struct Reader {
    data: Bytes,
}

impl Reader {
    fn take(&mut self, count: usize) -> Result<Bytes, Error> {
        if count > self.data.len() {
            return Err(broken("it ends too early"));
        }
        Ok(self.data.split_to(count))
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(self
            .take(4)?
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }

    fn u64(&mut self) -> Result<u64, Error> {
        Ok(self
            .take(8)?
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A value after its length; `None` when it is not there.
    fn value<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let len = self.u32()? as usize;
        let data = self.take(len)?;
        if data.is_empty() {
            return Ok(None);
        }
        let value = postcard::from_bytes(&data);
        value.map(Some).map_err(|error| {
            broken(&format!(
                "what was found in the samples cannot be read: {error}"
            ))
        })
    }

    /// A place in a file.
    fn offset(&mut self) -> Result<u64, Error> {
        let offset = self.u64()?;
        if offset > MAX_OFFSET {
            return Err(broken("it names a place beyond the end of any file"));
        }
        Ok(offset)
    }
}
