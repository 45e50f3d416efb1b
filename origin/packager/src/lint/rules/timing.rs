//! Durations and timestamps as the media have them (Authoring Specification 7.1 to 7.3 and 8.1).

use crate::TrackKind;
use crate::lint::finding::Findings;
use crate::lint::media::{InitTrack, SegmentFacts, Span};
use crate::lint::presentation::{Document, Presentation, Role};
use crate::lint::rule::rules;

rules! {
    ACCURATE: Must Packaging "apple-8.1"
        "The EXTINF durations of any run of segments add up to what the media last, to one video frame."
        "Seeking lands beside what was asked for, and renditions drift apart."
        "Write EXTINF from the sample durations of the segment, with six decimals.";
    CONTINUOUS: Must Packaging "apple-7.3" ["apple-7.1", "rfc-4.4.4.3-timestamps"]
        "The decode time of each fragment follows from the one before, except at a discontinuity."
        "Players show a gap or drop media that overlap."
        "Write tfdt as the sum of the durations before, or mark a discontinuity.";
    COUNTERS: Must Packaging "apple-7.2"
        "Continuity counters of a transport stream are sequential, within segments and from one to the next."
        "Decoders take a jump for lost packets."
        "Carry the counters on from segment to segment.";
    TRACKS_CHANGE: Must Packaging "rfc-4.4.4.3-tracks"
        "EXT-X-DISCONTINUITY marks every change of the number, type or identifiers of tracks."
        "Players keep the decoders that they have, and fail."
        "Add EXT-X-DISCONTINUITY before the segment.";
    FORMAT_CHANGE: Must Packaging "rfc-4.4.4.3-format"
        "EXT-X-DISCONTINUITY marks every change of the file format."
        "Players keep the parser that they have, and fail."
        "Add EXT-X-DISCONTINUITY before the segment.";
    ENCODING_CHANGE: Should Packaging "rfc-4.4.4.3-encoding" ["apple-8.13", "apple-8.14"]
        "EXT-X-DISCONTINUITY marks changes of the encoding."
        "Players do not prepare for other parameters and may show garbage."
        "Add EXT-X-DISCONTINUITY before the first segment of the other encoding.";
    I_FRAME_DURATION: Must Packaging "rfc-4.4.3.6-duration"
        "The duration of an I-frame segment is the time to the next I-frame of the playlist."
        "Scrubbing shows pictures of another time."
        "Write EXTINF from the presentation times of the I-frames.";
}

/// Longest tolerated difference of a decode time in seconds: a tick of the coarsest timescale that is in use.
const TICK: f64 = 0.0011;

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let frame = presentation
        .of_role(Role::Video)
        .filter_map(longest_frame)
        .fold(0.0, f64::max);
    // Without pictures, a frame of 24 per second stands in.
    let frame = if frame > 0.0 { frame } else { 1.0 / 24.0 };
    for document in presentation.media() {
        match presentation.role(document) {
            Role::IFrames => check_i_frames(document, frame, out),
            Role::Video | Role::Audio => {
                check_durations(document, frame, out);
                check_changes(document, out);
                check_continuity(document, out);
                check_counters(document, out);
            }
            Role::Subtitles => {}
        }
    }
}

/// The track by which a playlist is timed: its pictures, or else its sound.
fn leading<'a>(
    document: &'a Document,
    index: usize,
    facts: &'a SegmentFacts,
) -> Option<(&'a InitTrack, &'a Span)> {
    let init = document.init_of(index)?;
    let of = |kind| {
        facts.spans.iter().find_map(|span| {
            let track = init.track(span.track)?;
            (track.kind == Some(kind) && track.timescale > 0).then_some((track, span))
        })
    };
    of(TrackKind::Video).or_else(|| of(TrackKind::Audio))
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ticks are years")]
fn seconds(ticks: i64, track: &InitTrack) -> f64 {
    ticks as f64 / f64::from(track.timescale)
}

/// Presentation time of the first sample of a playlist in seconds.
pub(super) fn start_time(document: &Document) -> Option<f64> {
    let facts = document.track.segments.first()?;
    let (track, span) = leading(document, 0, facts)?;
    let start = span.start.max(track.media_start);
    Some(seconds(start.saturating_sub(track.media_start), track))
}

/// Where a segment starts and ends in seconds. What lies before the start of the edit list, as the priming of sound does, is not
/// presented.
fn presented(track: &InitTrack, span: &Span) -> (f64, f64) {
    let start = span.start.max(track.media_start);
    let end = span.end.max(start);
    (seconds(start, track), seconds(end, track))
}

/// The longest frame of a video playlist in seconds. A picture that is held for long is no measure of accuracy.
fn longest_frame(document: &Document) -> Option<f64> {
    let segments = document.track.segments.iter().enumerate();
    segments
        .filter_map(|(index, facts)| {
            let (track, span) = leading(document, index, facts)?;
            (track.kind == Some(TrackKind::Video))
                .then(|| seconds(i64::from(span.longest), track).min(0.1))
        })
        .reduce(f64::max)
}

fn check_durations(document: &Document, frame: f64, out: &mut Findings) {
    let media = document.media();
    let facts = &document.track.segments;
    let place = |index: usize| {
        let (track, span) = leading(document, index, facts.get(index)?)?;
        Some(presented(track, span))
    };
    // The largest difference between two prefix sums is the error of the worst run of segments.
    let (mut error, mut least, mut most) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (index, segment) in media.segments.iter().enumerate() {
        let Some((start, end)) = place(index) else {
            (error, least, most) = (0.0, 0.0, 0.0);
            continue;
        };
        // A segment lasts until the next one is presented.
        let next = media
            .segments
            .get(index + 1)
            .filter(|next| !next.discontinuity && next.map == segment.map)
            .and_then(|_| place(index + 1));
        let real = next.map_or(end, |(next, _)| next) - start;
        error += segment.seconds() - real;
        let worst = (error - least).max(most - error);
        least = least.min(error);
        most = most.max(error);
        if worst > frame + 0.001 {
            let message = format!(
                "the media last {real:.6} s; up to here the sum is off by {worst:.3} s, more than a frame of {frame:.3} s"
            );
            out.add(
                &ACCURATE,
                document.url(),
                segment.info_line,
                &segment.duration_text,
                message,
            );
            // One finding for one cause.
            (error, least, most) = (0.0, 0.0, 0.0);
        }
    }
}

fn check_continuity(document: &Document, out: &mut Findings) {
    let media = document.media();
    let mut before: Vec<(u32, f64)> = Vec::new();
    for (index, (segment, facts)) in media
        .segments
        .iter()
        .zip(&document.track.segments)
        .enumerate()
    {
        let Some(init) = document.init_of(index) else {
            before.clear();
            continue;
        };
        if segment.discontinuity || facts.spans.is_empty() {
            before.clear();
        }
        for span in &facts.spans {
            let Some(track) = init.track(span.track).filter(|track| track.timescale > 0) else {
                continue;
            };
            let start = seconds(span.decode_start, track);
            let end = seconds(span.decode_end, track);
            let mut add = |message: String| {
                out.add(
                    &CONTINUOUS,
                    document.url(),
                    segment.line,
                    &segment.uri,
                    message,
                );
            };
            match before.iter_mut().find(|(id, _)| *id == span.track) {
                Some((_, last)) => {
                    let jump = start - *last;
                    if jump.abs() > TICK {
                        add(format!(
                            "track {} goes on at {start:.3} s, {jump:+.3} s from the end of the segment before",
                            span.track
                        ));
                    }
                    *last = end;
                }
                None => before.push((span.track, end)),
            }
            if !span.continuous {
                add(format!(
                    "fragments of track {} do not follow each other",
                    span.track
                ));
            }
        }
    }
}

fn check_changes(document: &Document, out: &mut Findings) {
    let media = document.media();
    let segments = media.segments.iter().zip(&document.track.segments);
    let pairs: Vec<_> = segments.enumerate().collect();
    for pair in pairs.windows(2) {
        let ((first, (_, before)), (second, (segment, facts))) = (pair[0], pair[1]);
        if segment.discontinuity {
            continue;
        }
        let mut add = |rule, message: String| {
            out.add(rule, document.url(), segment.line, &segment.uri, message);
        };
        let known = |facts: &SegmentFacts| {
            !matches!(
                facts.format,
                crate::lint::media::Format::Unread
                    | crate::lint::media::Format::Encrypted
                    | crate::lint::media::Format::Unknown
            )
        };
        if known(before) && known(facts) && before.format != facts.format {
            add(
                &FORMAT_CHANGE,
                format!("{:?} follows {:?}", facts.format, before.format),
            );
        }
        let (Some(old), Some(new)) = (document.init_of(first), document.init_of(second)) else {
            continue;
        };
        if media.segments[first].map == segment.map {
            continue;
        }
        let shape = |init: &crate::lint::media::Init| -> Vec<_> {
            init.tracks
                .iter()
                .map(|track| (track.id, track.kind))
                .collect()
        };
        if shape(old) != shape(new) {
            add(
                &TRACKS_CHANGE,
                "the tracks change without a discontinuity".to_owned(),
            );
        } else if old.tracks != new.tracks {
            add(
                &ENCODING_CHANGE,
                "the encoding changes without a discontinuity".to_owned(),
            );
        }
    }
}

fn check_counters(document: &Document, out: &mut Findings) {
    let segments = document
        .media()
        .segments
        .iter()
        .zip(&document.track.segments);
    let mut before: Option<&crate::lint::media::TransportFacts> = None;
    for (segment, facts) in segments {
        let Some(stream) = &facts.transport else {
            before = None;
            continue;
        };
        let mut add = |message: String| {
            out.add(
                &COUNTERS,
                document.url(),
                segment.line,
                &segment.uri,
                message,
            );
        };
        if stream.breaks > 0 {
            add(format!(
                "{} packets do not follow the one before",
                stream.breaks
            ));
        }
        if let Some(earlier) = before.filter(|_| !segment.discontinuity) {
            let jump = stream.counters.iter().find(|(pid, (first, _))| {
                earlier
                    .counters
                    .get(pid)
                    .is_some_and(|(_, last)| *first != (last + 1) & 15 && first != last)
            });
            if let Some((pid, (first, _))) = jump {
                add(format!(
                    "the counter of packet identifier {pid} starts with {first}"
                ));
            }
        }
        before = Some(stream);
    }
}

fn check_i_frames(document: &Document, frame: f64, out: &mut Findings) {
    let media = document.media();
    let mut before: Option<(f64, usize)> = None;
    for (index, (segment, facts)) in media
        .segments
        .iter()
        .zip(&document.track.segments)
        .enumerate()
    {
        // The first sample in decode order is the I-frame.
        let time = leading(document, index, facts).and_then(|(track, span)| {
            let time = span.keyframes.first().copied().unwrap_or(span.start);
            (!segment.discontinuity).then(|| seconds(time, track))
        });
        if let (Some(time), Some((earlier, number))) = (time, before)
            && let Some(last) = media.segments.get(number)
        {
            let real = time - earlier;
            if (real - last.seconds()).abs() > frame + 0.001 {
                let message = format!("the next I-frame comes {real:.3} s later");
                out.add(
                    &I_FRAME_DURATION,
                    document.url(),
                    last.info_line,
                    &last.duration_text,
                    message,
                );
            }
        }
        before = time.map(|time| (time, index));
    }
}
