//! Segments: fragments of whole packets, each with the program tables in front so that it can be read alone.

use std::ops::Range;

use bytes::Bytes;

use super::packets::{PacketWriter, Start, packets_for};
use super::pes::{self, Stamps};
use super::stream::TsStream;
use super::tables::{PROGRAM_MAP_PID, STREAM_PID};
use super::{CLOCK_INTERVAL, DELAY, PACKET};
use crate::Error;
use crate::cmaf::Content;
use crate::timeline::Timed;
use crate::window::Window;

/// Packets of the program tables before every fragment.
const TABLES: usize = 2;
/// Bytes of the program tables before every fragment.
pub(crate) const TABLES_LEN: u64 = (TABLES * PACKET) as u64;
/// Most bytes of sound in one unit: enough that headers weigh little, little enough that the length fits its field.
const SOUND_BYTES: usize = 16 << 10;

/// One packetized unit: a picture, or a few frames of sound.
#[derive(Clone, Debug)]
struct Unit {
    samples: Range<usize>,
    stamps: Stamps,
    /// Packets with payload.
    packets: usize,
    /// Packets after it that hold a clock reference alone.
    clocks: usize,
}

/// How much a fragment takes: its length in bytes, and how many of its packets count.
pub(crate) fn plan_fragment(stream: &TsStream, samples: &[Timed]) -> Result<(u64, u64), Error> {
    let units = units(stream, samples)?;
    let counted: usize = units.iter().map(|unit| unit.packets).sum();
    let clocks: usize = units.iter().map(|unit| unit.clocks).sum();
    Ok((
        ((TABLES + counted + clocks) * PACKET) as u64,
        counted as u64,
    ))
}

/// Divides the samples of a fragment into units.
fn units(stream: &TsStream, samples: &[Timed]) -> Result<Vec<Unit>, Error> {
    let mut units = Vec::new();
    let mut start = 0;
    while let Some(first) = samples.get(start) {
        let mut bytes = stream.most(first)?;
        let mut duration = stream.duration(first);
        let mut end = start + 1;
        while !stream.is_video
            && let Some(next) = samples.get(end)
        {
            let (more, longer) = (stream.most(next)?, stream.duration(next));
            if bytes + more > SOUND_BYTES || duration + longer > CLOCK_INTERVAL {
                break;
            }
            bytes += more;
            duration += longer;
            end += 1;
        }
        let stamps = stream.stamps(first);
        let clocks = usize::try_from((duration - 1).max(0) / CLOCK_INTERVAL).unwrap_or(0);
        units.push(Unit {
            samples: start..end,
            stamps,
            packets: packets_for(pes::header_len(stamps) + bytes, true),
            // A still picture of an hour needs no clock of its own.
            clocks: clocks.min(1000),
        });
        start = end;
    }
    Ok(units)
}

/// Writes a segment whose first packet of the stream is number `first_packet`.
pub(crate) fn write_segment(
    stream: &TsStream,
    content: &Content<'_>,
    first_packet: u64,
    window: &Window,
) -> Result<Vec<Bytes>, Error> {
    let capacity = usize::try_from(content.fragments.len).unwrap_or(0);
    let mut w = PacketWriter::with_capacity(capacity);
    let mut packet = first_packet;
    let mut unit_data = Vec::new();
    let mut parts = Vec::new();
    for (number, fragment) in (u64::from(content.sequence) - 1..).zip(&content.fragments.list) {
        let samples = &content.samples[fragment.samples.clone()];
        w.section(0, number, &stream.association);
        w.section(PROGRAM_MAP_PID, number, stream.map(content.guard.is_some()));
        for unit in units(stream, samples)? {
            let inside = &samples[unit.samples.clone()];
            unit_data.clear();
            // The header is written once the length of what follows is known.
            let header = pes::header_len(unit.stamps);
            unit_data.resize(header, 0);
            for sample in inside {
                parts.clear();
                window.collect([(sample.offset, sample.size)].into_iter(), &mut parts)?;
                match parts.as_slice() {
                    [whole] => stream.convert(sample, whole, content.guard, &mut unit_data),
                    parts => stream.convert(sample, &parts.concat(), content.guard, &mut unit_data),
                }
            }
            let len = (!stream.is_video).then_some(unit_data.len() - header);
            let mut head = Vec::with_capacity(header);
            pes::write_header(&mut head, stream.stream_id, unit.stamps, len);
            unit_data[..header].copy_from_slice(&head);
            let clock = unit.stamps.decode - DELAY;
            let start = Start {
                clock: Some(clock),
                random_access: inside.first().is_some_and(|sample| sample.sync),
            };
            if !w.unit(STREAM_PID, packet, unit.packets, start, &unit_data) {
                return Err(too_long());
            }
            packet += unit.packets as u64;
            for clocks in 1..=unit.clocks {
                let later = clock + clocks as i64 * CLOCK_INTERVAL;
                w.clock(STREAM_PID, packet.wrapping_sub(1), later);
            }
        }
    }
    debug_assert_eq!(w.len() as u64, content.fragments.len);
    Ok(vec![Bytes::from(w.finish())])
}

/// As many packets that say nothing as fill `len` bytes.
pub(crate) fn null_packets(len: u64) -> Bytes {
    let mut w = PacketWriter::with_capacity(0);
    (0..len / PACKET as u64).for_each(|_| w.null());
    Bytes::from(w.finish())
}

fn too_long() -> Error {
    Error::UnsupportedFeature {
        input: 0,
        feature: "a picture of very many NAL units with short lengths, or of very many zeros to be encrypted, in MPEG-TS".to_owned(),
        advice: "use CMAF",
    }
}
