//! One stream of the programme while the file is read, and what it becomes.

use std::collections::VecDeque;

use bytes::Bytes;

use super::clock::{Clock, Hand};
use super::packets::{Depacketizer, Packet};
use super::pes::Header;
use super::pictures::Pictures;
use super::samples::{Samples, filled_times};
use super::sound::Sound;
use super::tables::{Coding, Stream};
use crate::codec::avc::AvcConfig;
use crate::codec::dolby_frame;
use crate::codec::hevc::HevcConfig;
use crate::codec::mpeg_audio::AudioFrame;
use crate::codec::records::{avc_record, hevc_record};
use crate::import::{
    CarriageWriter, Form, Import, audio_entry, mpeg4_entry, place_pictures, place_sound,
    video_entry,
};
use crate::mp4::Packed;
use crate::{Error, Note, language};

/// What a stream becomes.
pub(super) struct Finished {
    pub(super) track: Import,
    pub(super) samples: Packed,
    /// Its first time, in ticks of the clock of time stamps.
    pub(super) first: i64,
    /// How its samples are unwrapped.
    pub(super) carriage: Bytes,
}

/// Ticks per second of time stamps.
pub(super) const CLOCK: u32 = 90_000;

/// A stream that is read.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) stream: Stream,
    packets: Depacketizer,
    hand: Hand,
    carriage: CarriageWriter,
    /// Bytes of the elementary stream so far.
    len: u64,
    /// Where the unit at hand starts in the input.
    unit_place: u64,
    /// Times of units that were not given to an access unit yet, with where the unit starts in the stream.
    marks: VecDeque<(u64, i64)>,
    body: Body,
    samples: Samples,
    counter: Option<u8>,
    pub(super) lost: u64,
    pub(super) scrambled: bool,
}

#[derive(Debug)]
enum Body {
    Pictures(Pictures),
    Sound(Sound),
    Unread,
}

impl Reader {
    pub(super) fn new(stream: Stream, packet: u8) -> Self {
        let (form, body) = match stream.coding {
            Coding::Avc => (Form::Avc, Body::Pictures(Pictures::new(false))),
            Coding::Hevc => (Form::Hevc, Body::Pictures(Pictures::new(true))),
            Coding::Other(..) => (Form::Raw, Body::Unread),
            coding => (Form::Raw, Body::Sound(Sound::new(coding))),
        };
        Self {
            packets: Depacketizer::new(usize::from(packet), stream.pid),
            carriage: CarriageWriter::new(form, stream.pid, packet),
            stream,
            hand: Hand::default(),
            len: 0,
            unit_place: 0,
            marks: VecDeque::new(),
            body,
            samples: Samples::default(),
            counter: None,
            lost: 0,
            scrambled: false,
        }
    }

    /// Bytes that the stream's index takes.
    pub(super) fn index_len(&self) -> u64 {
        self.carriage.len() + self.samples.log.len()
    }

    /// Takes a packet that starts at `place` of the input.
    pub(super) fn packet(
        &mut self,
        packet: &Packet<'_>,
        place: u64,
        clock: &mut Clock,
    ) -> Result<(), Error> {
        if packet.payload.is_empty() {
            return Ok(());
        }
        self.scrambled |= packet.scrambled;
        let repeated = self.counter == Some(packet.counter);
        if repeated && !packet.starts {
            // The carriage would unwrap it twice; so it is taken twice here too, which a decoder survives.
            self.lost += 1;
        } else if self
            .counter
            .is_some_and(|last| (last + 1) & 15 != packet.counter)
        {
            self.lost += 1;
        }
        self.counter = Some(packet.counter);
        if packet.starts {
            self.unit_place = place;
        }
        let mut header = None;
        let mut data = Vec::new();
        self.packets.packet(
            packet,
            |found| header = Some(found),
            |bytes| data.extend_from_slice(bytes),
        );
        if let Some(header) = header {
            self.begin(header, clock);
        }
        self.take(&data)
    }

    /// A packetized unit begins.
    fn begin(&mut self, header: Header, clock: &mut Clock) {
        self.carriage.piece(self.len, self.unit_place);
        let Some(presentation) = header.presentation else {
            return;
        };
        let decode = header.decode.unwrap_or(presentation);
        let time = clock.time(&mut self.hand, decode);
        let half = 1_i64 << 32;
        let delay = (presentation - decode + half).rem_euclid(half * 2) - half;
        self.marks.push_back((self.len, time + delay));
    }

    fn take(&mut self, data: &[u8]) -> Result<(), Error> {
        self.len += data.len() as u64;
        let (marks, samples, carriage) = (&mut self.marks, &mut self.samples, &mut self.carriage);
        match &mut self.body {
            Body::Pictures(pictures) => {
                pictures.push(data, |unit| samples.picture(unit, marks, carriage))
            }
            Body::Sound(sound) => {
                sound.push(data, |frame| samples.frame(frame, marks, carriage));
                Ok(())
            }
            Body::Unread => Ok(()),
        }
    }

    /// What the stream becomes, with its first time; `None` when it holds nothing. `end` is where the input ends.
    pub(super) fn finish(
        mut self,
        end: u64,
        notes: &mut Vec<Note>,
    ) -> Result<Option<Finished>, Error> {
        let id = u32::from(self.stream.pid);
        let mut note = |message: String| {
            notes.push(Note {
                input: 0,
                track: Some(id),
                message,
            });
        };
        let (marks, samples, carriage) = (&mut self.marks, &mut self.samples, &mut self.carriage);
        match &mut self.body {
            Body::Pictures(pictures) => {
                pictures.finish(|unit| samples.picture(unit, marks, carriage));
            }
            Body::Sound(sound) => sound.finish(|frame| samples.frame(frame, marks, carriage)),
            Body::Unread => {}
        }
        if self.scrambled {
            return Err(Error::UnsupportedFeature {
                input: 0,
                feature: format!("stream {id:#x}, which is scrambled,"),
                advice: "bring the recording in the clear",
            });
        }
        if self.lost > 0 {
            note(format!("{} packets are missing or repeated", self.lost));
        }
        self.carriage.end = end;
        let (handler, entry) = match self.entry() {
            Some(found) => found,
            None if self.samples.log.count() == 0 => {
                note("the stream holds nothing that can be decoded; left out".to_owned());
                return Ok(None);
            }
            None => {
                return Err(Error::malformed(
                    format!("stream {id:#x}"),
                    0,
                    "its configuration cannot be read",
                ));
            }
        };
        if let Body::Pictures(pictures) = &self.body {
            self.carriage.sets.clone_from(&pictures.sets);
        }
        let samples = std::mem::take(&mut self.samples);
        let log = samples.log.finish();
        if !log.times().any(|time| time.is_some()) {
            note("the stream holds nothing that has a time; left out".to_owned());
            return Ok(None);
        }
        let is_video = handler == *b"vide";
        let mut recovery = false;
        let (timescale, mut timing, first) = if is_video {
            recovery = log.sync <= 1 && log.recovery > 1;
            if recovery {
                note("there are no IDR pictures; segments start at recovery points".to_owned());
            }
            match place_pictures(filled_times(&log), CLOCK, None) {
                Some(placed) => (placed.timescale, placed.timing, placed.first),
                None => return Ok(None),
            }
        } else {
            let lengths = samples
                .lengths
                .iter()
                .flat_map(|(count, length)| std::iter::repeat_n(*length, *count as usize));
            let rate = samples.rate.max(1);
            let (timing, first, gaps) = place_sound(log.times(), lengths, CLOCK, rate);
            if gaps > 0 {
                note(format!("the sound is interrupted {gaps} times"));
            }
            // Frames before the first one with a time were cut off from what they belong to; they come before it.
            (rate, timing, first)
        };
        let packed = Packed {
            durations: std::mem::take(&mut timing.durations).finish(),
            offsets: std::mem::take(&mut timing.offsets).finish(),
            log,
            extra: 0,
            addressed: true,
            recovery,
            first_sync: is_video,
        };
        let track = Import {
            id,
            handler,
            timescale,
            language: self.stream.language.as_deref().and_then(language::from_tag),
            name: None,
            entry,
            rotation: 0,
            timing,
        };
        Ok(Some(Finished {
            track,
            samples: packed,
            first,
            carriage: self.carriage.finish(),
        }))
    }

    /// Handler and sample entry.
    fn entry(&self) -> Option<([u8; 4], Bytes)> {
        let video = |kind: &[u8; 4], name: &[u8; 4], record: &[u8], size: (u32, u32)| {
            let size = (u64::from(size.0), u64::from(size.1));
            video_entry(kind, size, |w| w.nest(name, |w| w.bytes(record)))
        };
        match &self.body {
            Body::Pictures(pictures) if self.stream.coding == Coding::Avc => {
                let record = avc_record(&pictures.sets)?;
                let format = AvcConfig::parse(&record)?.picture_format()?;
                let size = (format.width, format.height);
                Some((*b"vide", video(b"avc1", b"avcC", &record, size)))
            }
            Body::Pictures(pictures) => {
                let record = hevc_record(&pictures.sets)?;
                let format = HevcConfig::parse(&record)?.picture_format()?;
                let size = (format.width, format.height);
                Some((*b"vide", video(b"hvc1", b"hvcC", &record, size)))
            }
            Body::Sound(sound) => Some((*b"soun", self.sound_entry(&sound.first)?)),
            Body::Unread => None,
        }
    }

    fn sound_entry(&self, first: &[u8]) -> Option<Bytes> {
        match self.stream.coding {
            Coding::Adts => {
                let frame = AudioFrame::parse_adts(first)?;
                let config = frame.specific_config();
                let channels = u64::from(frame.channels);
                Some(mpeg4_entry(channels, frame.sample_rate, 0x40, &config))
            }
            Coding::Mpeg => {
                let frame = AudioFrame::parse_mpeg(first)?;
                let (channels, rate) = (u64::from(frame.channels), frame.sample_rate);
                Some(match frame.layer {
                    3 => mpeg4_entry(channels, rate, 0x6b, &[]),
                    _ => audio_entry(b".mp2", channels, rate, |_| {}),
                })
            }
            _ => {
                let (frame, config) = dolby_frame::config_of(first)?;
                let (kind, name) = if frame.enhanced {
                    (b"ec-3", b"dec3")
                } else {
                    (b"ac-3", b"dac3")
                };
                Some(audio_entry(kind, 2, frame.sample_rate, |w| {
                    w.nest(name, |w| w.bytes(&config));
                }))
            }
        }
    }
}
