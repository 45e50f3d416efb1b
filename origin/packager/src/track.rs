//! A track that is ready to be packaged: codec, timeline and description in one.

use std::sync::Arc;

use crate::import::Carriage;
use crate::mp4::{Parsed, SampleEntry, Samples, Trak, parse_sample_entries};
use crate::presentation::{TrackInfo, TrackKind};
use crate::text::Syntax;
use crate::timeline::{self, Timeline, seconds};
use crate::{Error, Note};

/// A track that is ready to be packaged.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) info: TrackInfo,
    pub(crate) entries: Vec<SampleEntry>,
    pub(crate) matrix: [i32; 4],
    pub(crate) timeline: Timeline,
    /// How samples are unwrapped, where they do not lie in the input as they are.
    pub(crate) carriage: Option<Arc<Carriage>>,
    /// True when each segment can be decoded whole without the one before.
    pub(crate) independent: bool,
    /// True when the first pictures refer to ones that are not there.
    pub(crate) cut: bool,
    /// Most parts of one sample that encryption lists apart, where they have been counted.
    pub(crate) slices: Option<u8>,
}

/// What became of a track of the source.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It can be packaged.
    Ready(Box<Track>),
    /// Its codec cannot be packaged as it is.
    Unsupported {
        info: Box<TrackInfo>,
        codec: String,
        advice: &'static str,
    },
    /// It is text, which is read apart.
    Text(Box<TrackInfo>),
    /// It presents nothing.
    Empty,
}

/// What a track is opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) input: usize,
    pub(crate) input_len: u64,
    pub(crate) movie_timescale: u32,
    pub(crate) fragmented: bool,
}

/// Reads codec and timing of a track.
///
/// `timeline` is the track's as it was found before, `Some(None)` when its edit list presents nothing of it; afterwards it is what was found
/// now.
pub(crate) fn open(
    trak: &Trak,
    context: Context,
    timeline: &mut Option<Option<Timeline>>,
    notes: &mut Vec<Note>,
) -> Result<Opened, Error> {
    let mut note = |message: String| {
        notes.push(Note {
            input: context.input,
            track: Some(trak.id),
            message,
        })
    };
    if trak.samples.count() == 0 {
        note("the track holds no samples; left out".to_owned());
        return Ok(Opened::Empty);
    }
    let mut entries = Vec::new();
    let mut refused = None;
    for parsed in parse_sample_entries(trak)? {
        match parsed {
            Parsed::Entry(entry) => entries.push(*entry),
            Parsed::Unsupported {
                kind,
                codec,
                advice,
            } => {
                refused.get_or_insert((kind, codec, advice));
            }
        }
    }
    let kind = refused
        .as_ref()
        .map_or_else(|| entries[0].kind, |(kind, ..)| *kind);
    let mut info = TrackInfo {
        input: context.input,
        id: trak.id,
        kind,
        language: trak.language.clone(),
        name: trak.name.clone(),
        timescale: trak.timescale,
        ..TrackInfo::default()
    };
    let samples: Arc<Samples> = Arc::new(trak.samples.clone());
    let source = timeline::Source {
        samples: &samples,
        timescale: trak.timescale,
        movie_timescale: context.movie_timescale,
        edits: &trak.edits,
        fragmented: context.fragmented,
        is_video: kind == TrackKind::Video,
        input_len: match &trak.carriage {
            Some(carriage) => carriage.addresses(),
            None => context.input_len,
        },
        track: trak.id,
    };
    samples.check_count()?;
    let found = match timeline.take() {
        Some(Some(before)) => Some(before.restore(&source).ok_or_else(|| {
            let reason = format!("its timeline of track {} is of another file", trak.id);
            Error::malformed("index sidecar", 0, reason)
        })?),
        Some(None) => None,
        None => Timeline::new(&source)?,
    };
    *timeline = Some(found.clone());
    let Some(timeline) = found else {
        note("its edit list presents nothing of the track; left out".to_owned());
        return Ok(Opened::Empty);
    };
    describe_timing(&mut info, &timeline);
    if let Some((syntax, entry)) = Syntax::of(trak) {
        info.codec = syntax.codec(&entry);
        return Ok(Opened::Text(Box::new(info)));
    }
    if let Some((_, codec, advice)) = refused {
        info.codec.clone_from(&codec);
        info.unsupported = Some(format!(
            "{} codec {codec} cannot be packaged; {advice}",
            kind.as_str()
        ));
        return Ok(Opened::Unsupported {
            info: Box::new(info),
            codec,
            advice,
        });
    }
    if timeline.statistics.last_description as usize > entries.len() {
        return Err(Error::malformed(
            "stsc",
            0,
            format!(
                "track {} names sample entry {} of {}",
                trak.id,
                timeline.statistics.last_description,
                entries.len()
            ),
        ));
    }
    for entry in &entries {
        entry.notes.iter().for_each(|message| note(message.clone()));
    }
    if let Some(first) = entries.first() {
        info.codec.clone_from(&first.codec_string);
        info.supplemental_codec.clone_from(&first.supplemental);
        info.audio.clone_from(&first.audio);
        info.video.clone_from(&first.video);
        if let Some(video) = &mut info.video {
            video.frame_rate = timeline.statistics.frame_rate(trak.timescale);
        }
    }
    Ok(Opened::Ready(Box::new(Track {
        info,
        entries,
        matrix: trak.matrix,
        timeline,
        carriage: trak.carriage.clone(),
        independent: true,
        cut: false,
        slices: None,
    })))
}

fn describe_timing(info: &mut TrackInfo, timeline: &Timeline) {
    let statistics = &timeline.statistics;
    info.start = seconds(timeline.start, timeline.timescale);
    info.duration = seconds(
        timeline.end.saturating_sub(timeline.start),
        timeline.timescale,
    );
    info.samples = timeline.count;
    info.keyframes = statistics.sync_samples;
    let ticks = timeline
        .end
        .saturating_sub(timeline.start)
        .max(1)
        .unsigned_abs();
    let bits =
        u128::from(statistics.bytes) * 8 * u128::from(timeline.timescale) / u128::from(ticks);
    info.bit_rate = u64::try_from(bits).unwrap_or(u64::MAX);
}
