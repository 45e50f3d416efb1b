//! Looks for captions in the pictures of one track.
//!
//! An encoder that writes captions writes their data with nearly every picture, empty or not: the first pictures tell whether there
//! are any. Which channels are in use shows when something is said on them, so stretches all over the film are listened to.

use bytes::Bytes;

use super::Channel;
use super::data::{CaptionData, Triplet, in_sample};
use super::line21::Line21;
use super::services::Services;
use crate::fetch::Fetched;
use crate::mp4::{Codec, Cursor, Parsed, Samples, Trak, parse_sample_entries};
use crate::sample_fetch::SampleFetch;
use crate::{ByteRange, Error};

/// Stretches that are looked at, the first one at the start.
const STRETCHES: u64 = 16;
/// Pictures of a stretch where there are caption data: two to five seconds.
const LISTEN: u64 = 128;
/// Pictures of the first stretch, and of the others, after which it is given up when there are none.
const FIRST: u64 = 8;
const OTHERS: u64 = 1;
/// Bytes of a picture that are looked at, and more where its first slice does not start in them. A film without captions, read for
/// nothing else, costs some two dozen of the short ones.
const HEAD: u64 = 2 << 10;
const LONG_HEAD: u64 = 16 << 10;
/// Bytes read at once where there are caption data, since all pictures are looked at there.
const READ_AHEAD: u64 = 256 << 10;

/// Listens to one track.
#[derive(Debug)]
pub(crate) struct CaptionScan {
    samples: SampleFetch,
    cursor: Cursor,
    syntax: CaptionData,
    count: u64,
    /// Number of the sample at the cursor, and of the stretch it is in or before.
    index: u64,
    stretch: u64,
    /// Bytes of the sample at the cursor that are looked at.
    head: u64,
    /// Caption data of the stretch with the presentation time of their picture.
    heard: Vec<(i64, Vec<Triplet>)>,
    line21: Line21,
    services: Services,
    /// There are caption data, if only empty ones.
    carried: bool,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Heard {
    Need(ByteRange),
    /// The channels in use; `None` when there are caption data, but nothing was said where they were listened to.
    Done(Option<Vec<Channel>>),
}

impl CaptionScan {
    /// A scan of `trak`, or `None` when its pictures cannot be looked into.
    pub(crate) fn new(trak: &Trak, input_len: u64) -> Result<Option<Self>, Error> {
        if &trak.handler.bytes() != b"vide" || trak.samples.count() == 0 {
            return Ok(None);
        }
        let syntax = parse_sample_entries(trak)?
            .into_iter()
            .find_map(|parsed| match parsed {
                Parsed::Entry(entry) => match &entry.codec {
                    Codec::Avc(config) => Some(CaptionData::Avc(config.length_size.into())),
                    Codec::Hevc(config) => Some(CaptionData::Hevc(config.length_size.into())),
                    Codec::Av1(_) => Some(CaptionData::Av1),
                    _ => None,
                },
                Parsed::Unsupported { .. } => None,
            });
        Ok(syntax.map(|syntax| Self {
            samples: SampleFetch::new(trak, input_len),
            cursor: trak.samples.cursor(),
            syntax,
            count: trak.samples.count(),
            index: 0,
            stretch: 0,
            head: HEAD,
            heard: Vec::new(),
            line21: Line21::default(),
            services: Services::default(),
            carried: false,
        }))
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.samples.supply(offset, data)
    }

    /// Goes on until bytes are missing or enough is known.
    pub(crate) fn step(&mut self, samples: &Samples) -> Result<Heard, Error> {
        while self.stretch < STRETCHES {
            let start = self.start(self.stretch);
            let mut ahead = self.cursor;
            let sample = ahead.next(samples)?;
            let given_up = match self.stretch {
                0 => FIRST,
                _ => OTHERS,
            };
            let most = if self.heard.is_empty() {
                given_up
            } else {
                LISTEN
            };
            let Some(sample) =
                sample.filter(|_| self.index < (start + most).min(self.start(self.stretch + 1)))
            else {
                self.listen();
                self.stretch += 1;
                continue;
            };
            if self.index >= start {
                let read_ahead = if self.heard.is_empty() { 0 } else { READ_AHEAD };
                let mut most = self.head;
                let (seen, triplets) = loop {
                    let data = match self.samples.want(&sample, most, read_ahead)? {
                        Fetched::Ready(data) => data,
                        Fetched::Need(range) => {
                            self.head = most;
                            return Ok(Heard::Need(range));
                        }
                    };
                    let mut triplets = Vec::new();
                    let seen = in_sample(self.syntax, &data, &mut triplets);
                    if seen.picture || most == LONG_HEAD || u64::from(sample.size) <= most {
                        break (seen, triplets);
                    }
                    most = LONG_HEAD;
                };
                self.head = HEAD;
                if seen.captions {
                    self.carried = true;
                    self.heard.push((sample.presentation_time(), triplets));
                }
            }
            self.index += 1;
            self.cursor = ahead;
        }
        let mut channels: Vec<_> = self.line21.channels().collect();
        channels.extend(self.services.channels());
        let silent = self.carried && channels.is_empty();
        Ok(Heard::Done((!silent).then_some(channels)))
    }

    /// Number of the first sample of a stretch.
    fn start(&self, stretch: u64) -> u64 {
        let place = u128::from(self.count) * u128::from(stretch) / u128::from(STRETCHES);
        u64::try_from(place).unwrap_or(u64::MAX)
    }

    /// Takes in what was heard of a stretch. Captions are in the order in which pictures are shown.
    fn listen(&mut self) {
        self.heard.sort_by_key(|(time, _)| *time);
        for (_, triplets) in self.heard.drain(..) {
            take(&triplets, &mut self.line21, &mut self.services);
        }
        self.services.end();
    }
}

fn take(triplets: &[Triplet], line21: &mut Line21, services: &mut Services) {
    for Triplet { kind, bytes } in triplets {
        match kind {
            0 | 1 => line21.take(*kind, *bytes),
            _ => services.take(*kind == 3, *bytes),
        }
    }
}

/// Looks for captions in samples, for the fuzzer. The first byte of `data` says of which codec they are; each starts after its length.
pub(crate) fn fuzz_samples(data: &[u8]) {
    let Some((way, mut rest)) = data.split_first() else {
        return;
    };
    let syntax = match way % 3 {
        0 => CaptionData::Avc(usize::from(way / 3 % 4) + 1),
        1 => CaptionData::Hevc(usize::from(way / 3 % 4) + 1),
        _ => CaptionData::Av1,
    };
    let (mut line21, mut services) = (Line21::default(), Services::default());
    while let Some((len, after)) = rest.split_first() {
        let (sample, after) = after.split_at(after.len().min(usize::from(*len)));
        rest = after;
        let mut triplets = Vec::new();
        in_sample(syntax, sample, &mut triplets);
        take(&triplets, &mut line21, &mut services);
    }
    services.end();
    assert!(line21.channels().chain(services.channels()).count() <= 67);
}
