//! The tracks of a file while its clusters are read, and what they become.

use bytes::Bytes;

use super::block::Block;
use super::entries::{FrameLength, describe};
use super::text::{BLOCK, Text};
use super::track_entry::TrackEntry;
use crate::codec::opus::packet_samples;
use crate::import::{
    CarriageWriter, Form, Import, Log, Logged, SampleLog, Timing, place_pictures, place_sound,
    push_run,
};
use crate::mp4::Packed;
use crate::timeline::rescale;
use crate::{Error, Note};

/// Bytes of a track's first frame that are kept for what they say about the codec.
const FIRST: usize = 8 << 10;

/// A track and its frames so far.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) entry: TrackEntry,
    /// What it says, where it is text.
    pub(super) text: Option<Text>,
    /// The frames. The later ones of a laced block have no time.
    log: SampleLog,
    /// Samples of each Opus packet, run-length coded.
    packets: Vec<(u32, u32)>,
    first: Vec<u8>,
    /// Nanoseconds of sound that are not presented at the end of the last frame.
    discard: i64,
    /// Nanoseconds of the last block, where its group says.
    last_duration: Option<u64>,
}

/// The clock of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Nanoseconds of a tick of the file.
    pub(super) tick: u64,
    /// Ticks per second of the times that are kept.
    pub(super) timescale: u32,
}

impl Clock {
    /// A time of the file in microseconds.
    pub(super) fn micros(self, ticks: i64) -> i64 {
        let nanos = i128::from(ticks) * i128::from(self.tick);
        i64::try_from((nanos + 500).div_euclid(1000)).unwrap_or(i64::MAX)
    }

    /// A time of the file on the clock that is kept, rounded to the nearest.
    fn time(self, ticks: i64) -> i64 {
        let scaled = i128::from(ticks) * i128::from(self.tick) * i128::from(self.timescale);
        let rounded = (scaled + 500_000_000).div_euclid(1_000_000_000);
        i64::try_from(rounded).unwrap_or(i64::MAX)
    }
}

/// A block whose frames are to be added.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) block: Block,
    /// Where the block starts in the input.
    pub(super) offset: u64,
    pub(super) cluster_time: i64,
    pub(super) keyframe: bool,
    pub(super) discard: i64,
    pub(super) duration: Option<u64>,
    /// What is added to a block of text.
    pub(super) addition: Vec<u8>,
}

impl Track {
    pub(super) fn new(entry: TrackEntry) -> Self {
        Self {
            text: Text::new(&entry),
            entry,
            log: SampleLog::new(true),
            packets: Vec::new(),
            first: Vec::new(),
            discard: 0,
            last_duration: None,
        }
    }

    /// Bytes that the track's index will take.
    pub(super) fn index_len(&self) -> u64 {
        self.log.len()
    }

    /// How many bytes of the head of its next block have to be read.
    pub(super) fn wants(&self) -> u64 {
        if self.text.is_some() {
            BLOCK
        } else if self.first.is_empty() {
            FIRST as u64
        } else {
            0
        }
    }

    /// Adds the frames of a block, `head` of which has been read.
    pub(super) fn add(&mut self, found: &Found, clock: Clock, head: &[u8]) -> Result<(), Error> {
        if let Some(text) = &mut self.text {
            text.add(&self.entry, found, clock, head);
            return Ok(());
        }
        let time = clock.time(
            found
                .cluster_time
                .saturating_add(i64::from(found.block.time)),
        );
        for (number, (start, len)) in found.block.frames.iter().enumerate() {
            let size = u32::try_from(*len).map_err(|_| {
                Error::malformed("Block", found.offset, format!("a frame of {len} bytes"))
            })?;
            let data = usize::try_from(*start)
                .ok()
                .and_then(|start| head.get(start..))
                .unwrap_or_default();
            let data = &data[..data.len().min(size as usize)];
            if self.first.is_empty() {
                self.first = [&self.entry.stripped, data].concat();
                self.first.truncate(FIRST);
            }
            if self.entry.codec == "A_OPUS" {
                let samples = packet_samples(data).unwrap_or(960);
                push_run(&mut self.packets, samples);
            }
            self.log.push(Logged {
                offset: found.offset + start,
                size,
                time: (number == 0).then_some(time),
                sync: found.keyframe || self.entry.kind == 2,
                recovery: false,
            });
        }
        self.discard = found.discard;
        self.last_duration = found.duration.map(|ticks| ticks.saturating_mul(clock.tick));
        Ok(())
    }

    /// What the track becomes, in ticks of `timescale` from the start of the file; `None` when it is left out, with a note.
    pub(super) fn finish(
        mut self,
        timescale: u32,
        notes: &mut Vec<Note>,
    ) -> Result<Option<Finished>, Error> {
        let id = u32::try_from(self.entry.number).unwrap_or(u32::MAX);
        let mut note = |message: String| {
            notes.push(Note {
                input: 0,
                track: Some(id),
                message,
            });
        };
        let handler = match self.entry.kind {
            1 => *b"vide",
            2 => *b"soun",
            17 => {
                note(format!(
                    "subtitles ({}) are left out; bring them as WebVTT, SRT or TTML beside the film",
                    self.entry.codec
                ));
                return Ok(None);
            }
            kind => {
                note(format!(
                    "a track of type {kind} carries no pictures, sound or text; left out"
                ));
                return Ok(None);
            }
        };
        if self.log.count() == 0 {
            note("the track holds no samples; left out".to_owned());
            return Ok(None);
        }
        let described =
            describe(&self.entry, &self.first).map_err(|feature| Error::UnsupportedFeature {
                input: 0,
                feature: format!("track {id}: {feature}"),
                advice: "remux the file with a current tool, or transcode it",
            })?;
        let log = std::mem::replace(&mut self.log, SampleLog::new(true)).finish();
        let nanos = |nanos: i64, scale: u32| {
            let ticks = i128::from(nanos) * i128::from(scale) / 1_000_000_000;
            i64::try_from(ticks).unwrap_or(0)
        };
        let (own, mut timing, first) = match described.sound {
            Some((rate, length)) => {
                let (mut timing, first, gaps) = self.place(&log, timescale, rate, length);
                timing.media_start = nanos(self.entry.delay.try_into().unwrap_or(0), rate);
                timing.cut = nanos(self.discard.max(0), rate);
                if gaps > 0 {
                    note(format!("the sound is interrupted {gaps} times"));
                }
                (rate, timing, first)
            }
            None => {
                let frame = self.entry.frame.or(self.last_duration);
                match place_pictures(log.times().flatten(), timescale, frame) {
                    Some(placed) => (placed.timescale, placed.timing, placed.first),
                    None => return Ok(None),
                }
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "an angle")]
        let turns = (-self.entry.video.roll / 90.0).round() as i64;
        let prefix = std::mem::take(&mut self.entry.stripped);
        let mut samples = Packed {
            durations: std::mem::take(&mut timing.durations).finish(),
            offsets: std::mem::take(&mut timing.offsets).finish(),
            log,
            ..Packed::default()
        };
        let carriage = put_prefix_back(prefix, &mut samples);
        Ok(Some(Finished {
            track: Import {
                id,
                handler,
                timescale: own,
                language: self.entry.language,
                name: self.entry.name,
                entry: described.entry,
                rotation: u16::try_from(turns.rem_euclid(4) * 90).unwrap_or(0),
                timing,
            },
            samples,
            first,
            carriage,
        }))
    }

    fn place(
        &self,
        log: &Log,
        timescale: u32,
        rate: u32,
        length: FrameLength,
    ) -> (Timing, i64, u64) {
        let times = log.times();
        match length {
            FrameLength::Fixed(samples) => {
                place_sound(times, std::iter::repeat(samples), timescale, rate)
            }
            FrameLength::Total(samples, total) => {
                let before = log.count.saturating_sub(1);
                let last = total.saturating_sub(before * u64::from(samples));
                let last = u32::try_from(last)
                    .unwrap_or(samples)
                    .clamp(1, samples.max(1));
                let before = usize::try_from(before).unwrap_or(usize::MAX);
                let lengths = std::iter::repeat_n(samples, before);
                place_sound(times, lengths.chain([last]), timescale, rate)
            }
            FrameLength::Opus => {
                let lengths = self
                    .packets
                    .iter()
                    .flat_map(|(count, samples)| std::iter::repeat_n(*samples, *count as usize));
                place_sound(times, lengths, timescale, rate)
            }
            FrameLength::Unknown => {
                // Each frame lasts until the next one starts, the last one as long as the one before.
                let known = times
                    .clone()
                    .map(|time| time.map_or(0, |time| rescale(time, timescale, rate)));
                let next = known.clone().skip(1).map(Some).chain([None]);
                let lengths = known.zip(next).scan(1, |last, (start, next)| {
                    if let Some(next) = next {
                        *last = u32::try_from(next - start).unwrap_or(1);
                    }
                    Some(*last)
                });
                place_sound(times, lengths, timescale, rate)
            }
        }
    }
}

/// What a track becomes.
pub(super) struct Finished {
    pub(super) track: Import,
    pub(super) samples: Packed,
    /// Start in ticks of the file.
    pub(super) first: i64,
    /// How samples are unwrapped, where they do not lie in the input as they are.
    pub(super) carriage: Option<Bytes>,
}

/// Where bytes were taken off the start of every frame: how to put them back. Samples have addresses of their own then.
fn put_prefix_back(prefix: Vec<u8>, samples: &mut Packed) -> Option<Bytes> {
    let extra = u32::try_from(prefix.len())
        .ok()
        .filter(|extra| *extra > 0)?;
    let mut writer = CarriageWriter::new(Form::Prefixed, 0, 0);
    for sample in samples.log.iter() {
        let size = sample.size.saturating_add(extra);
        writer.sample(sample.offset, sample.size, size);
    }
    writer.sets.push(prefix);
    samples.extra = extra;
    samples.addressed = true;
    Some(writer.finish())
}
