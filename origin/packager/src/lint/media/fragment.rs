//! Movie fragments (RFC 8216bis 3.1.2; ISO/IEC 14496-12, 8.8).

use super::MediaProblem;
use super::described::{Described, TrackFragment};
use super::init::{Init, reason};
use crate::Error;
use crate::isobmff::Mp4Box;
use crate::mp4::{Movie, RawIndex};

/// Most keyframes of a segment whose times are kept.
const MAX_KEYFRAMES: usize = 512;
/// Most ways to describe samples of a segment that are kept.
const MAX_DESCRIBED: usize = 16;
/// Most samples of a track in a fragment. Samples that have no entry of their own cost no byte: a broken count would take for ever.
const MAX_SAMPLES: u64 = 1 << 20;

/// One `moof` box.
#[derive(Clone, Debug, Default)]
pub(in crate::lint) struct Fragment {
    pub(in crate::lint) spans: Vec<Span>,
    /// The first sample of pictures.
    pub(in crate::lint) first_sample: Option<FirstSample>,
    /// One past the last byte of sample data.
    pub(in crate::lint) data_end: u64,
    pub(in crate::lint) problems: Vec<(MediaProblem, String)>,
}

/// A sample of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) struct FirstSample {
    /// Where its data start in the resource.
    pub(in crate::lint) offset: u64,
    /// Their length.
    pub(in crate::lint) size: u32,
    pub(in crate::lint) track: u32,
    /// Number of its sample description.
    pub(in crate::lint) description: u32,
}

/// What a segment holds of one track. Times are in ticks of the track.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::lint) struct Span {
    /// Track identifier.
    pub(in crate::lint) track: u32,
    /// Decode time of the first sample.
    pub(in crate::lint) decode_start: i64,
    /// Decode time after the last sample.
    pub(in crate::lint) decode_end: i64,
    /// Earliest presentation time.
    pub(in crate::lint) start: i64,
    /// Latest end of a presentation.
    pub(in crate::lint) end: i64,
    /// Samples.
    pub(in crate::lint) samples: u64,
    /// True when the first sample is a sync sample.
    pub(in crate::lint) starts_with_sync: bool,
    /// Presentation times of sync samples.
    pub(in crate::lint) keyframes: Vec<i64>,
    /// Longest duration of a sample.
    pub(in crate::lint) longest: u32,
    /// True when the decode time of each fragment follows from the one before.
    pub(in crate::lint) continuous: bool,
    /// How its samples are described: every way that occurs.
    pub(in crate::lint) described: Vec<Described>,
}

impl Span {
    fn describe(&mut self, one: Described) {
        if self.described.len() < MAX_DESCRIBED && !self.described.contains(&one) {
            self.described.push(one);
        }
    }

    /// Adds the next fragment of the same segment.
    pub(in crate::lint) fn join(&mut self, next: Self) {
        self.continuous &= next.continuous && next.decode_start == self.decode_end;
        self.decode_end = next.decode_end;
        self.start = self.start.min(next.start);
        self.end = self.end.max(next.end);
        self.samples += next.samples;
        self.longest = self.longest.max(next.longest);
        let room = MAX_KEYFRAMES.saturating_sub(self.keyframes.len());
        self.keyframes.extend(next.keyframes.into_iter().take(room));
        next.described
            .into_iter()
            .for_each(|one| self.describe(one));
    }
}

impl Fragment {
    /// Reads a `moof` box. `init` is the initialization section that applies.
    pub(in crate::lint) fn read(moof: &Mp4Box, init: &Init) -> Result<Self, String> {
        let Some(movie) = &init.movie else {
            return Err("its initialization section has no `moov` box".to_owned());
        };
        let mut found = Self::default();
        let fail = |error: Error| reason(&error);
        let mut described = Vec::new();
        for traf in moof.children() {
            let traf = traf.map_err(fail)?;
            if traf.kind == b"traf" {
                let traf = TrackFragment::read(&traf, init).map_err(fail)?;
                found.judge(&traf);
                if traf.has_samples {
                    described.push((traf.track, traf.described));
                }
            }
        }
        let parsed = Movie::parse(RawIndex::of_boxes(movie.clone(), vec![moof.clone()]));
        // What was found so far still says why.
        let tracks = match parsed {
            Ok(parsed) => parsed.tracks,
            Err(error) => {
                found
                    .problems
                    .push((MediaProblem::Malformed, reason(&error)));
                return Ok(found);
            }
        };
        for trak in &tracks {
            let pictures = init
                .track(trak.id)
                .is_some_and(|track| track.kind == Some(crate::TrackKind::Video));
            let mut cursor = trak.samples.cursor();
            let mut span: Option<Span> = None;
            while let Some(sample) = cursor.next(&trak.samples).map_err(fail)? {
                let time = sample.presentation_time();
                let end = time.saturating_add(i64::from(sample.duration));
                let data_end = sample.offset.saturating_add(u64::from(sample.size));
                found.data_end = found.data_end.max(data_end);
                let span = span.get_or_insert_with(|| Span {
                    track: trak.id,
                    decode_start: sample.decode_time,
                    start: time,
                    end,
                    starts_with_sync: sample.sync,
                    continuous: true,
                    ..Span::default()
                });
                if pictures && span.samples == 0 && found.first_sample.is_none() {
                    found.first_sample = Some(FirstSample {
                        offset: sample.offset,
                        size: sample.size,
                        track: trak.id,
                        description: sample.description,
                    });
                }
                span.decode_end = sample
                    .decode_time
                    .saturating_add(i64::from(sample.duration));
                span.start = span.start.min(time);
                span.end = span.end.max(end);
                span.samples += 1;
                if span.samples > MAX_SAMPLES {
                    let message = format!("track {} has over {MAX_SAMPLES} samples", trak.id);
                    found.problems.push((MediaProblem::Malformed, message));
                    break;
                }
                span.longest = span.longest.max(sample.duration);
                if sample.sync && pictures && span.keyframes.len() < MAX_KEYFRAMES {
                    span.keyframes.push(time);
                }
            }
            if let Some(span) = &mut span {
                for (_, one) in described.iter().filter(|(track, _)| *track == trak.id) {
                    span.describe(*one);
                }
            }
            found.spans.extend(span);
        }
        Ok(found)
    }

    fn judge(&mut self, traf: &TrackFragment) {
        let track = traf.track;
        if traf.absolute {
            self.problems.push((
                MediaProblem::AbsoluteOffsets,
                format!("`tfhd` of track {track} gives an absolute data offset"),
            ));
        }
        if !traf.timed {
            self.problems.push((
                MediaProblem::NoDecodeTime,
                format!("the fragment of track {track} has no `tfdt` box"),
            ));
        }
        if traf.has_samples && traf.described.encrypted == Some(true) && !traf.has_auxiliary {
            self.problems.push((
                MediaProblem::NoSampleEncryption,
                format!("the fragment of track {track} has neither `senc` nor `saiz` and `saio`"),
            ));
        }
    }
}
