//! Finds out whether pictures refer over the start of a segment: keyframes of open groups of pictures are followed by pictures that
//! are shown before them and need what came before them. A segment that starts so cannot be decoded whole without the one before.
//!
//! Such keyframes are CRA pictures in HEVC, with RASL pictures after them, and recovery points in H.264. An encoder makes them all
//! alike, so a few tell.

use bytes::Bytes;

use crate::fetch::Fetched;
use crate::mp4::{Codec, Cursor, Parsed, Sample, Samples, Trak, parse_sample_entries};
use crate::sample_fetch::SampleFetch;
use crate::{ByteRange, Error};

/// Keyframes that are looked at after the first one.
const KEYFRAMES: u64 = 4;
/// Pictures after a keyframe among which its leading pictures are.
const FOLLOWING: u64 = 16;
/// Bytes of a picture that are looked at: its first slice starts in them.
const HEAD: u64 = 2 << 10;
/// The same of a keyframe: encoders write parameter sets and all their settings in front.
const KEYFRAME_HEAD: u64 = 16 << 10;

/// Looks at a few keyframes of one track.
#[derive(Debug)]
pub(crate) struct OpenGopScan {
    samples: SampleFetch,
    cursor: Cursor,
    hevc: bool,
    length_size: usize,
    index: u64,
    keyframes: u64,
    /// The open keyframe at hand: its presentation time, and how many pictures after it may lead it.
    open: Option<(i64, u64)>,
    /// Whether the first picture needs others, or pictures that lead it do.
    cut: bool,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Opened {
    Need(ByteRange),
    Done {
        /// True when pictures refer over keyframes.
        open: bool,
        /// True when the first pictures refer to ones that are not there: the film was cut out of a longer one.
        cut: bool,
    },
}

impl OpenGopScan {
    /// A scan of `trak`, or `None` when it has no open groups of pictures.
    pub(crate) fn new(trak: &Trak, input_len: u64) -> Result<Option<Self>, Error> {
        if &trak.handler.bytes() != b"vide" {
            return Ok(None);
        }
        let syntax = parse_sample_entries(trak)?
            .into_iter()
            .find_map(|parsed| match parsed {
                Parsed::Entry(entry) => match &entry.codec {
                    Codec::Avc(config) => Some((false, config.length_size)),
                    Codec::Hevc(config) => Some((true, config.length_size)),
                    _ => None,
                },
                Parsed::Unsupported { .. } => None,
            });
        Ok(syntax.map(|(hevc, length_size)| Self {
            samples: SampleFetch::new(trak, input_len),
            cursor: trak.samples.cursor(),
            hevc,
            length_size: usize::from(length_size),
            index: 0,
            keyframes: 0,
            open: None,
            cut: false,
        }))
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.samples.supply(offset, data)
    }

    /// Goes on until bytes are missing or enough is known.
    pub(crate) fn step(&mut self, samples: &Samples) -> Result<Opened, Error> {
        loop {
            let mut ahead = self.cursor;
            let Some(sample) = ahead.next(samples)? else {
                return Ok(self.done(false));
            };
            if self.is_looked_at(&sample) {
                let head = if sample.sync { KEYFRAME_HEAD } else { HEAD };
                let data = match self.samples.want(&sample, head, 0)? {
                    Fetched::Ready(data) => data,
                    Fetched::Need(range) => return Ok(Opened::Need(range)),
                };
                let kind = self.kind(&data);
                if sample.sync {
                    self.keyframes += u64::from(self.index > 0);
                    self.open = self
                        .is_open(kind)
                        .then(|| (sample.presentation_time(), FOLLOWING));
                    self.cut |= self.index == 0 && !self.hevc && self.open.is_some();
                } else if !self.hevc || matches!(kind, Some(8 | 9)) {
                    if self.keyframes > 0 {
                        return Ok(self.done(true));
                    }
                    self.cut = true;
                    self.open = None;
                }
            }
            if self.keyframes >= KEYFRAMES && self.open.is_none() {
                return Ok(self.done(false));
            }
            if let Some((_, left)) = &mut self.open {
                *left -= 1;
                self.open = self.open.filter(|(_, left)| *left > 0);
            }
            self.index += 1;
            self.cursor = ahead;
        }
    }

    const fn done(&self, open: bool) -> Opened {
        Opened::Done {
            open,
            cut: self.cut,
        }
    }

    /// The first keyframes, and pictures that are shown before the open keyframe at hand.
    fn is_looked_at(&self, sample: &Sample) -> bool {
        if sample.sync {
            return self.keyframes < KEYFRAMES;
        }
        self.open
            .is_some_and(|(time, _)| sample.presentation_time() < time)
    }

    /// True when pictures that are shown before a keyframe of this kind may need what came before it.
    fn is_open(&self, kind: Option<u8>) -> bool {
        match kind {
            Some(21) => self.hevc,
            Some(1..=4) => !self.hevc,
            _ => false,
        }
    }

    /// Type of the NAL unit of a picture's first slice.
    fn kind(&self, mut data: &[u8]) -> Option<u8> {
        loop {
            let (length, rest) = data.split_at_checked(self.length_size)?;
            let length = length
                .iter()
                .fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
            let header = *rest.first()?;
            let (kind, is_slice) = if self.hevc {
                let kind = header >> 1 & 63;
                (kind, kind < 32)
            } else {
                let kind = header & 31;
                (kind, matches!(kind, 1..=5))
            };
            if is_slice {
                return Some(kind);
            }
            data = rest.get(length..)?;
        }
    }
}
