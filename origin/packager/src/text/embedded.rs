//! Text tracks of MP4 and QuickTime files: reads their samples, and puts what they say on the presentation timeline.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::cue::{Cue, Document};
use super::{ttml, tx3g, wvtt};
use crate::fetch::{Fetched, MAX_READ};
use crate::isobmff::Mp4Box;
use crate::mp4::{Cursor, Sample, Samples, Trak};
use crate::presentation::{TrackInfo, TrackKind};
use crate::sample_fetch::SampleFetch;
use crate::timeline::{Source, edits, seconds, to_micros};
use crate::{ByteRange, Error, Subtitle};

/// Bytes of a sample that are read: a document of TTML may hold a whole film.
const MOST: u64 = 4 << 20;
/// Fewest bytes that are read at once.
const READ_AHEAD: u64 = 16 << 10;
/// Bytes between two samples that are read rather than skipped: one longer read is cheaper than two.
const MAX_GAP: u64 = 64 << 10;

/// What the text tracks of an input say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Embedded {
    /// Track identifier as in the source.
    pub(crate) track: u32,
    /// Codec string, or the name that Matroska has for the codec.
    pub(crate) codec: String,
    /// Language, name and flags; the text itself stands in the document.
    pub(crate) about: Subtitle,
    pub(crate) document: Document,
}

impl Embedded {
    /// The text as a track of input `input`.
    pub(crate) fn info(&self, input: usize) -> TrackInfo {
        let about = &self.about;
        let cues = &self.document.cues;
        let start = cues.first().map_or(0, |cue| cue.start);
        let end = cues.iter().map(|cue| cue.end).max().unwrap_or(0);
        TrackInfo {
            input,
            id: self.track,
            kind: TrackKind::Subtitle,
            codec: self.codec.clone(),
            language: Some(about.language.clone()).filter(|language| language != "und"),
            name: Some(about.name.clone()).filter(|name| !name.is_empty()),
            timescale: 1_000_000,
            start: seconds(start, 1_000_000),
            duration: seconds(end - start, 1_000_000),
            samples: cues.len() as u64,
            keyframes: cues.len() as u64,
            ..TrackInfo::default()
        }
    }
}

/// How the samples of a text track are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// 3GPP timed text, or text of QuickTime.
    Timed,
    WebVtt,
    Ttml,
}

impl Syntax {
    /// That of a track, and its sample entry; `None` when its text cannot be read.
    pub(crate) fn of(trak: &Trak) -> Option<(Self, Mp4Box)> {
        if !matches!(&trak.handler.bytes(), b"text" | b"sbtl" | b"subt") {
            return None;
        }
        let entry = trak.descriptions.as_ref()?.children_after(8).next()?.ok()?;
        let syntax = match &entry.kind.bytes() {
            b"tx3g" | b"text" => Self::Timed,
            b"wvtt" => Self::WebVtt,
            b"stpp" => Self::Ttml,
            _ => return None,
        };
        Some((syntax, entry))
    }

    /// Codec string: that of ISO/IEC 14496-30 where there is one.
    pub(crate) fn codec(self, entry: &Mp4Box) -> String {
        match self {
            Self::Timed => entry.kind.to_string(),
            Self::WebVtt => "wvtt".to_owned(),
            Self::Ttml => "stpp.ttml".to_owned(),
        }
    }
}

/// Reads the samples of one track.
#[derive(Debug)]
pub(crate) struct TextScan {
    samples: SampleFetch,
    cursor: Cursor,
    /// Samples that stand near each other, which are read at once.
    near: ByteRange,
    syntax: Syntax,
    timescale: u32,
    /// Cues on the timeline of the media.
    cues: Vec<Cue>,
    /// Plain text in place of cues.
    plain: bool,
    head: Vec<String>,
    forced: bool,
    broken: u64,
    size: u64,
    limit: u64,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Read {
    Need(ByteRange),
    /// Everything has been read; [`TextScan::finish`] says what.
    Done,
}

impl TextScan {
    /// A scan of `trak`, or `None` when its text cannot be read. Its samples may take `limit` bytes. `plain` leaves markup out, as
    /// titles of chapters have none.
    pub(crate) fn new(trak: &Trak, input_len: u64, limit: u64, plain: bool) -> Option<Self> {
        let (syntax, entry) = Syntax::of(trak)?;
        Some(Self {
            samples: SampleFetch::new(trak, input_len),
            cursor: trak.samples.cursor(),
            near: ByteRange { start: 0, end: 0 },
            syntax,
            timescale: trak.timescale,
            cues: Vec::new(),
            plain,
            head: match syntax {
                Syntax::WebVtt => wvtt::head(&entry),
                _ => Vec::new(),
            },
            forced: entry.kind == b"tx3g" && tx3g::is_forced(&entry),
            broken: 0,
            size: 0,
            limit,
        })
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.samples.supply(offset, data)
    }

    /// Goes on until bytes are missing or everything has been read.
    pub(crate) fn step(&mut self, trak: &Trak) -> Result<Read, Error> {
        loop {
            let mut ahead = self.cursor;
            let Some(sample) = ahead.next(&trak.samples)? else {
                return Ok(Read::Done);
            };
            let end = sample.offset.saturating_add(u64::from(sample.size));
            if sample.offset < self.near.start || end > self.near.end {
                self.near = near(&sample, ahead, &trak.samples)?;
            }
            let read_ahead = (self.near.end - sample.offset).max(READ_AHEAD);
            match self.samples.want(&sample, MOST, read_ahead)? {
                Fetched::Need(range) => return Ok(Read::Need(range)),
                Fetched::Ready(data) => self.take(&sample, &data)?,
            }
            self.cursor = ahead;
        }
    }

    fn take(&mut self, sample: &Sample, data: &Bytes) -> Result<(), Error> {
        self.size += data.len() as u64;
        if self.size > self.limit {
            return Err(Error::IndexTooLarge {
                input: 0,
                size: self.size,
                limit: self.limit,
            });
        }
        let data = data.slice(..data.len().min(sample.size as usize));
        let time = sample.presentation_time();
        let start = to_micros(time, self.timescale);
        let end = to_micros(
            time.saturating_add(i64::from(sample.duration)),
            self.timescale,
        );
        let cue = |text: String| Cue {
            start,
            end,
            settings: String::new(),
            text,
        };
        let found = match self.syntax {
            Syntax::Timed if self.plain => tx3g::plain_text(&data).map(|text| vec![cue(text)]),
            Syntax::Timed => tx3g::cue_text(&data).map(|text| vec![cue(text)]),
            Syntax::WebVtt => wvtt::cues(&data, start, end),
            // Times in a document are those of the track; each holds for the time of its sample (ISO/IEC 14496-30, 5.6).
            Syntax::Ttml => ttml::parse(&String::from_utf8_lossy(&data))
                .ok()
                .map(|document| document.within(start, end)),
        };
        match found {
            Some(found) => {
                let shown = found
                    .into_iter()
                    .filter(|cue| !cue.text.is_empty() && cue.end > cue.start);
                self.cues.extend(shown);
            }
            None => self.broken += u64::from(!data.is_empty()),
        }
        Ok(())
    }

    /// What the track says, on the presentation timeline, whether all of it is forced, and how many samples could not be read.
    pub(crate) fn finish(self, source: &Source<'_>) -> Result<(Document, bool, u64), Error> {
        let mut cues = Vec::with_capacity(self.cues.len());
        for edit in edits(source)? {
            let scale = |ticks: i64, timescale: u32| match ticks {
                i64::MAX => i64::MAX,
                ticks => to_micros(ticks, timescale),
            };
            let (from, to) = (
                scale(edit.media_start, source.timescale),
                scale(edit.media_end, source.timescale),
            );
            let start = scale(edit.start, source.movie_timescale);
            cues.extend(
                self.cues
                    .iter()
                    .filter_map(|cue| present(cue, from, to, start)),
            );
        }
        let mut document = Document {
            head: self.head,
            cues,
        };
        document.sort();
        if !self.plain {
            document.join();
        }
        Ok((document, self.forced, self.broken))
    }
}

/// The bytes of `sample` and of those after it that follow closely, as far as one read reaches.
fn near(sample: &Sample, mut after: Cursor, samples: &Samples) -> Result<ByteRange, Error> {
    let start = sample.offset;
    let mut end = start.saturating_add(u64::from(sample.size));
    while let Some(next) = after.next(samples)? {
        let reach = next.offset.saturating_add(u64::from(next.size));
        let gap = next.offset.checked_sub(end);
        if gap.is_none_or(|gap| gap >= MAX_GAP) || reach - start > MAX_READ {
            break;
        }
        end = reach;
    }
    Ok(ByteRange { start, end })
}

/// The part of a cue between `from` and `to` of the media, which is presented from `start` on.
fn present(cue: &Cue, from: i64, to: i64, start: i64) -> Option<Cue> {
    let (begin, end) = (cue.start.max(from), cue.end.min(to));
    (end > begin).then(|| Cue {
        start: start.saturating_add(begin.saturating_sub(from)),
        end: start.saturating_add(end.saturating_sub(from)),
        ..cue.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Logged, SampleLog};
    use crate::mp4::Packed;

    #[test]
    fn samples_near_each_other_are_read_at_once() {
        let read = |places: &[(u64, u32)]| {
            let mut log = SampleLog::new(true);
            for (offset, size) in places {
                log.push(Logged {
                    offset: *offset,
                    size: *size,
                    ..Logged::default()
                });
            }
            let samples = Samples {
                packed: Some(Packed {
                    log: log.finish(),
                    ..Packed::default()
                }),
                ..Samples::default()
            };
            let mut after = samples.cursor();
            let first = after.next(&samples).unwrap().unwrap();
            let range = near(&first, after, &samples).unwrap();
            (range.start, range.end)
        };
        assert_eq!(read(&[(5, 10)]), (5, 15));
        assert_eq!(
            read(&[(5, 10), (15, 0), (60_000, 7), (65_000, 1)]),
            (5, 65_001)
        );
        assert_eq!(read(&[(5, 10), (15 + MAX_GAP, 7)]), (5, 15));
        assert_eq!(
            read(&[(5, 10), (14 + MAX_GAP, 7), (14 + MAX_GAP, 9)]),
            (5, 21 + MAX_GAP)
        );
        let long = u32::try_from(MAX_READ).unwrap();
        assert_eq!(read(&[(5, 10), (15, long)]), (5, 15));
        assert_eq!(read(&[(5, long), (5 + MAX_READ, 1)]), (5, 5 + MAX_READ));
    }

    #[test]
    fn edits_move_and_cut_cues() {
        let cue = Cue {
            start: 10,
            end: 20,
            settings: String::new(),
            text: "x".to_owned(),
        };
        let times =
            |from, to, start| present(&cue, from, to, start).map(|cue| (cue.start, cue.end));
        assert_eq!(times(0, i64::MAX, 5), Some((15, 25)));
        assert_eq!(times(12, 15, 100), Some((100, 103)));
        assert_eq!(times(20, 30, 0), None);
    }
}
