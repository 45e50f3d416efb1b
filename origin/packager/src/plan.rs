//! The plan of a presentation: which samples each segment of each track holds, how long it lasts and how large it is.
//!
//! Everything that playlists say follows from the plan, before any media data are read. So a playlist, or any one segment, can be
//! made from the index alone.

mod divide;
mod kept;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use divide::divide;
pub(crate) use kept::KeptPlan;

use crate::boundaries;
use crate::cmaf::{Container, Fragments, init_segment, segment_index_len};
use crate::presentation::TrackKind;
use crate::protect::{Guard, Protection, free_box_len, null_packets_len};
use crate::timeline::{Place, Timed, to_micros};
use crate::track::Track;
use crate::ts::TsStream;
use crate::{DateRange, Error, Format, Layout, Options};

/// Samples of a segment for which room is made before they are seen.
const MOST_AT_ONCE: u32 = 1 << 16;

/// One media segment. Times are in output ticks of its track.
///
/// What a sidecar does not keep follows from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// Number of the stretch between boundaries that the segment fills, the same in all tracks.
    pub(crate) slot: usize,
    /// Before its first sample.
    pub(crate) place: Place,
    /// Number of samples.
    pub(crate) samples: u32,
    /// Number of its first sample in the track, counted from 0.
    #[serde(skip)]
    pub(crate) first_sample: u64,
    /// Number of its first packet of a transport stream that carries media data, counted from 0.
    pub(crate) first_packet: u64,
    /// The key that it is encrypted with, by its number in the track's protection.
    #[serde(skip)]
    pub(crate) key: Option<usize>,
    /// Earliest presentation time.
    pub(crate) start: i64,
    /// Earliest presentation time of the next segment, or the end of the track.
    #[serde(skip)]
    pub(crate) end: i64,
    /// Sequence number of its first fragment.
    pub(crate) sequence: u32,
    /// Length in bytes.
    pub(crate) len: u64,
    /// Where it starts in the file that holds the whole track; 0 when each segment has a file of its own.
    #[serde(skip)]
    pub(crate) offset: u64,
}

/// One track and its segments.
#[derive(Clone, Debug)]
pub(crate) struct PlannedTrack {
    pub(crate) track: Track,
    /// Folder of the track's files, such as `video-1`.
    pub(crate) name: String,
    pub(crate) segments: Vec<Segment>,
    /// True when keyframes stand in fragments of their own.
    pub(crate) split_keyframes: bool,
    pub(crate) layout: Layout,
    /// Length of the initialization segment in bytes.
    pub(crate) init_len: u64,
    /// How it is encrypted, if it is.
    pub(crate) protection: Option<Arc<Protection>>,
    /// The transport stream that its segments are made of; `None` for CMAF.
    pub(crate) stream: Option<Arc<TsStream>>,
}

impl PlannedTrack {
    /// True when every segment can be decoded whole without the one before. A single one can, unless the film was cut out of another.
    pub(crate) fn is_independent(&self) -> bool {
        !self.track.cut && (self.track.independent || self.segments.len() < 2)
    }

    /// Duration of a segment in microseconds. Rounded at both ends of the segment rather than once, so that the durations of
    /// all segments add up to that of the track.
    pub(crate) fn duration_micros(&self, segment: &Segment) -> i64 {
        let timescale = self.track.timeline.timescale;
        to_micros(segment.end, timescale) - to_micros(segment.start, timescale)
    }

    /// # Errors
    /// A sample that the film does not have: the track was read from a broken file.
    pub(crate) fn check(&self, sample: &Timed) -> Result<(), Error> {
        if self.track.timeline.holds(sample) {
            return Ok(());
        }
        Err(Error::malformed(
            "index sidecar",
            0,
            format!(
                "it leads to a sample of {} that the film does not have; make the index again",
                self.name
            ),
        ))
    }

    /// The samples of a segment.
    pub(crate) fn samples(&self, segment: &Segment) -> Result<Vec<Timed>, Error> {
        let timeline = &self.track.timeline;
        let mut place = segment.place;
        let mut samples = Vec::with_capacity(segment.samples.min(MOST_AT_ONCE) as usize);
        while samples.len() < segment.samples as usize
            && let Some(sample) = place.next(timeline)?
        {
            self.check(&sample)?;
            samples.push(sample);
        }
        self.shift_descriptions(segment.key, &mut samples);
        Ok(samples)
    }

    /// Moves samples in the clear to the sample entries that are not encrypted.
    fn shift_descriptions(&self, key: Option<usize>, samples: &mut [Timed]) {
        if let (Some(protection), None) = (&self.protection, &self.stream) {
            let shift = protection.description_shift(key);
            samples
                .iter_mut()
                .for_each(|sample| sample.description += shift);
        }
    }

    fn guard(&self, key: Option<usize>) -> Option<Guard<'_>> {
        Guard::new(self.protection.as_deref(), key)
    }

    fn container(&self, key: Option<usize>) -> Container<'_> {
        match &self.stream {
            Some(stream) => Container::Ts(stream),
            None => Container::Cmaf(self.guard(key)),
        }
    }

    /// True when players take keyframes out of a file that is encrypted segment by segment, and count its blocks from the start.
    fn is_one_file_of_blocks(&self) -> bool {
        let whole = |protection: &Arc<Protection>| protection.method.scheme().is_none();
        self.layout == Layout::SingleFile && self.protection.as_ref().is_some_and(whole)
    }

    /// Bytes of the `free` box before the segment index of a single file.
    pub(crate) fn header_filler(&self) -> u64 {
        if !self.is_one_file_of_blocks() || self.stream.is_some() {
            return 0;
        }
        free_box_len(self.init_len + segment_index_len(self.segments.len()) as u64)
    }

    /// Bytes that are added to a segment of `len` bytes, so that the next one starts on a block of the cipher.
    pub(crate) fn segment_filler(&self, key: Option<usize>, len: u64) -> u64 {
        if key.is_some() || !self.is_one_file_of_blocks() {
            return 0;
        }
        match self.stream {
            Some(_) => null_packets_len(len),
            None => free_box_len(len),
        }
    }

    /// The fragments of a segment whose samples are `samples`.
    pub(crate) fn fragments(
        &self,
        segment: &Segment,
        samples: &[Timed],
    ) -> Result<Fragments, Error> {
        Fragments::new(samples, self.split_keyframes, self.container(segment.key))
    }
}

/// The plan of a presentation.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) tracks: Vec<PlannedTrack>,
    /// Where segments begin, in microseconds of presentation time, without the start and the end.
    pub(crate) boundaries: Vec<i64>,
    /// `EXT-X-TARGETDURATION` of every playlist, in seconds.
    pub(crate) target_duration: u64,
    /// The date of presentation time 0.
    pub(crate) zero: Option<Timestamp>,
    pub(crate) date_ranges: Vec<DateRange>,
}

impl Plan {
    /// Plans the segments of all tracks.
    pub(crate) fn new(
        tracks: Vec<Track>,
        options: &Options,
        salt: Option<[u8; 32]>,
        kept: Option<KeptPlan>,
    ) -> Result<Self, Error> {
        let (boundaries, mut segments) = match kept.filter(|kept| kept.is_for(options)) {
            Some(kept) => {
                kept.check(&tracks)?;
                (kept.boundaries, kept.tracks)
            }
            None => {
                let boundaries = boundaries::choose(&tracks, options.segment_duration)?;
                (boundaries, Vec::new())
            }
        };
        segments.resize_with(tracks.len(), || None);
        let mut counts = [0_usize; 3];
        let mut planned = Vec::with_capacity(tracks.len());
        for (track, kept) in tracks.into_iter().zip(segments) {
            let number = &mut counts[track.info.kind as usize];
            *number += 1;
            let name = format!("{}-{number}", track.info.kind.as_str());
            let input = track.info.input;
            let protection = match (&options.encryption, &salt) {
                (Some(encryption), Some(salt)) => {
                    Protection::new(encryption, &track, &name, salt)?.map(Arc::new)
                }
                _ => None,
            };
            planned.push(
                plan_track(track, name, protection, &boundaries, kept, options)
                    .map_err(|error| error.in_input(input))?,
            );
        }
        if options.encryption.is_some() && planned.iter().all(|track| track.protection.is_none()) {
            return Err(Error::InvalidOption {
                option: "encryption",
                reason: "no key is for any of the tracks; give one for `all`".to_owned(),
            });
        }
        // The longest duration rounded to the nearest second, over all renditions: RFC 8216bis 4.4.3.1 wants no EXTINF, rounded,
        // to exceed it, and Apple's Authoring Specification 8.2 the same value for sound and pictures.
        let longest = planned
            .iter()
            .flat_map(|track| {
                track
                    .segments
                    .iter()
                    .map(|segment| track.duration_micros(segment))
            })
            .max()
            .unwrap_or(0);
        let target_duration = u64::try_from((longest + 500_000) / 1_000_000)
            .unwrap_or(0)
            .max(1);
        Ok(Self {
            tracks: planned,
            boundaries,
            target_duration,
            zero: options.program_date_time,
            date_ranges: options.date_ranges.clone(),
        })
    }
}

impl Plan {
    /// True when every segment of every track can be decoded whole without the one before.
    pub(crate) fn is_independent(&self) -> bool {
        self.tracks.iter().all(PlannedTrack::is_independent)
    }

    /// Number of stretches between boundaries.
    pub(crate) const fn slots(&self) -> usize {
        self.boundaries.len() + 1
    }

    /// Where the presentation ends, in microseconds.
    pub(crate) fn end(&self) -> i64 {
        let ends = self.tracks.iter().map(|track| &track.track.timeline);
        ends.map(|timeline| to_micros(timeline.end, timeline.timescale))
            .max()
            .unwrap_or(0)
    }

    /// Start and end of every stretch, in microseconds.
    pub(crate) fn stretches(&self) -> Vec<(i64, i64)> {
        let starts = std::iter::once(0).chain(self.boundaries.iter().copied());
        let ends = self.boundaries.iter().copied().chain([self.end()]);
        starts.zip(ends).collect()
    }
}

/// Plans one track: its segments are those of `kept`, or else it is divided at `boundaries`, which are in microseconds.
fn plan_track(
    track: Track,
    name: String,
    protection: Option<Arc<Protection>>,
    boundaries: &[i64],
    kept: Option<Vec<Segment>>,
    options: &Options,
) -> Result<PlannedTrack, Error> {
    let is_video = track.info.kind == TrackKind::Video;
    let stream = match options.format {
        Format::Cmaf => None,
        Format::MpegTs => {
            let method = protection.as_ref().map(|protection| protection.method);
            Some(Arc::new(TsStream::new(&track, method)?))
        }
    };
    let mut planned = PlannedTrack {
        split_keyframes: is_video && options.i_frame_playlists,
        layout: options.layout,
        init_len: match &stream {
            Some(_) => 0,
            None => init_segment(&track, protection.as_deref()).len() as u64,
        },
        stream,
        protection,
        track,
        name,
        segments: Vec::new(),
    };
    let timeline = &planned.track.timeline;
    let has_overhead = planned.stream.is_some() || planned.protection.is_some();
    if has_overhead && timeline.count > timeline.statistics.bytes {
        // Each sample costs some bytes of output there: an index that invents samples would not cost its author any.
        return Err(Error::UnsupportedFeature {
            input: 0,
            feature: format!(
                "a track of {} samples in {} bytes, encrypted or in MPEG-TS",
                timeline.count, timeline.statistics.bytes
            ),
            advice: "package it as CMAF in the clear",
        });
    }
    planned.segments = match kept {
        Some(segments) => segments,
        None => divide(&planned, boundaries)?,
    };
    planned.number();
    Ok(planned)
}

impl PlannedTrack {
    /// Sets what follows from the segments before and after each.
    fn number(&mut self) {
        let ends: Vec<i64> = self
            .segments
            .iter()
            .skip(1)
            .map(|segment| segment.start)
            .chain([self.track.timeline.end])
            .collect();
        let mut first_sample = 0;
        for (segment, end) in self.segments.iter_mut().zip(ends) {
            segment.end = end.max(segment.start);
            segment.first_sample = first_sample;
            first_sample += u64::from(segment.samples);
        }
        if self.layout == Layout::SingleFile {
            let mut offset = match &self.stream {
                Some(_) => 0,
                None => {
                    let index = segment_index_len(self.segments.len()) as u64;
                    self.init_len + self.header_filler() + index
                }
            };
            for segment in &mut self.segments {
                segment.offset = offset;
                offset += segment.len;
            }
        }
    }
}
