//! What the media playlists of a presentation have in common (RFC 8216bis 6.2.4; Authoring Specification 8.2, 8.3, 8.7, 8.15, 8.22).

use crate::lint::finding::Findings;
use crate::lint::playlist::MediaPlaylist;
use crate::lint::presentation::{Document, Presentation, Role};
use crate::lint::rule::rules;
use crate::lint::rules::timing::start_time;

rules! {
    TARGET: Must Packaging "rfc-6.2.4-target-duration" ["apple-8.2"]
        "All media playlists have the same target duration; only those of subtitles and I-frames may differ, and only for VOD."
        "Clients plan buffering for all of them at once."
        "Write the largest target duration into all playlists.";
    LIVE_TARGET: Must Packaging "apple-5.6" ["apple-6.11"]
        "In live content the target durations of subtitle and I-frame playlists are those of the other media."
        "Clients plan reloading for all of them at once."
        "Write the same target duration into all playlists.";
    TYPE: Must Packaging "rfc-6.2.4-type"
        "If a media playlist has EXT-X-PLAYLIST-TYPE, all have it with the same value."
        "Clients take the presentation for live in one rendition and for VOD in another."
        "Write the same type into all playlists.";
    START: Must Content "rfc-6.2.4-start"
        "The first segments of all VOD playlists start at the same media timestamp."
        "Renditions play out of step, or the first seconds are missing in one of them."
        "Cut all renditions at the same time, and fill what one of them lacks.";
    CONTENT: Must Content "rfc-6.2.4-content"
        "What one playlist has and another has not stands at the beginning or end and is no longer than the target duration."
        "A client that switches runs out of media."
        "Package all renditions over the same time.";
    DURATION: Must Content "apple-8.3" ["apple-8.7", "apple-2.15"]
        "Audio and video playlists have the same duration, to a few frames."
        "Playback ends, or sound stops, before the rest."
        "Cut or pad the renditions to the same length.";
    DATES: Must Packaging "rfc-6.2.4-program-date"
        "If a media playlist has EXT-X-PROGRAM-DATE-TIME, all have it, with the same mapping of dates to media."
        "Clients that switch lose their place in time."
        "Write the tag into all playlists, from the same clock.";
    DISCONTINUITIES: Must Packaging "apple-8.15" ["rfc-6.2.4-discontinuity"]
        "All variants and renditions have discontinuities at the same points in time."
        "Clients line renditions up by them."
        "Write EXT-X-DISCONTINUITY into all playlists at the same times.";
    BOUNDARIES: Should Packaging "apple-8.22"
        "All variants and renditions of audio and video have segment boundaries at the same points in time."
        "Switching fetches media twice, and some receivers do not switch at all."
        "Cut all renditions at the same keyframes, audio at the nearest frame.";
}

/// How far apart starts and ends may be in seconds: sound comes in frames of up to 64 ms, pictures of up to 1/15 s.
const FEW_FRAMES: f64 = 0.15;
/// How much shorter subtitles may be: their segments need not end with a frame.
const HALF_SECOND: f64 = 0.5;

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let vod = presentation.is_vod();
    let of = |roles: &[Role]| -> Vec<&Document> {
        presentation
            .media()
            .filter(|document| roles.contains(&presentation.role(document)))
            .collect()
    };
    let main = of(&[Role::Video, Role::Audio]);
    let side = of(&[Role::Subtitles, Role::IFrames]);
    let Some(first) = main.first() else {
        return;
    };
    check_targets(first, &main, &side, vod, out);
    check_types(first, &main, &side, out);
    check_times(first, &main, &of(&[Role::Subtitles]), vod, out);
    check_dates(first, &main, out);
    check_discontinuities(first, &main, out);
    let reference = main
        .iter()
        .find(|document| presentation.role(document) == Role::Video)
        .unwrap_or(first);
    check_boundaries(reference, &main, out);
}

fn check_targets(
    first: &Document,
    main: &[&Document],
    side: &[&Document],
    vod: bool,
    out: &mut Findings,
) {
    let target = first.media().target_duration;
    let mut compare = |documents: &[&Document], rule| {
        for document in documents {
            let other = document.media().target_duration;
            if let (Some(target), Some(other)) = (target, other)
                && target != other
            {
                let line = document
                    .playlist
                    .tag("EXT-X-TARGETDURATION")
                    .map(|tag| tag.number);
                let message = format!("{} has a target duration of {target}", first.url());
                out.add(rule, document.url(), line, other.to_string(), message);
            }
        }
    };
    compare(main, &TARGET);
    if !vod {
        compare(side, &LIVE_TARGET);
    }
}

fn check_types(first: &Document, main: &[&Document], side: &[&Document], out: &mut Findings) {
    let kind = &first.media().playlist_type;
    for document in main.iter().chain(side) {
        let other = &document.media().playlist_type;
        if other != kind {
            let name = |kind: &Option<String>| kind.clone().unwrap_or_else(|| "none".to_owned());
            let message = format!("{} has {}", first.url(), name(kind));
            out.add(&TYPE, document.url(), None, name(other), message);
        }
    }
}

fn check_times(
    first: &Document,
    main: &[&Document],
    subtitles: &[&Document],
    vod: bool,
    out: &mut Findings,
) {
    if !vod {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a target duration is small")]
    let target = first.media().target_duration.unwrap_or(0) as f64;
    let duration = first.media().duration();
    let begin = start_time(first);
    for document in &main[1..] {
        let other = document.media().duration();
        let off = (other - duration).abs();
        let message = format!("{other:.3} s, but {} lasts {duration:.3} s", first.url());
        if off > target.max(FEW_FRAMES) {
            out.add(
                &CONTENT,
                document.url(),
                None,
                format!("{other:.3}"),
                &message,
            );
        }
        if off > FEW_FRAMES {
            out.add(
                &DURATION,
                document.url(),
                None,
                format!("{other:.3}"),
                &message,
            );
        }
        if let (Some(begin), Some(start)) = (begin, start_time(document))
            && (start - begin).abs() > FEW_FRAMES
        {
            let message = format!("it starts at {start:.3} s, {} at {begin:.3} s", first.url());
            out.add(&START, document.url(), None, format!("{start:.3}"), message);
        }
    }
    for document in subtitles {
        let other = document.media().duration();
        if duration - other > HALF_SECOND {
            let message = format!("{other:.3} s, but {} lasts {duration:.3} s", first.url());
            out.add(
                &super::captions::WHOLE,
                document.url(),
                None,
                format!("{other:.3}"),
                message,
            );
        }
    }
}

fn check_dates(first: &Document, main: &[&Document], out: &mut Findings) {
    let dated = |document: &Document| document.media().segments.iter().any(|s| s.date.is_some());
    if !main.iter().any(|document| dated(document)) {
        return;
    }
    for document in main {
        if !dated(document) {
            let message = "other playlists have EXT-X-PROGRAM-DATE-TIME, this one has not";
            out.add(&DATES, document.url(), None, "", message);
        }
    }
    // The date of the start: where media can be read, of a media timestamp.
    let Some(date) = origin(first.media()) else {
        return;
    };
    let begin = start_time(first);
    for document in &main[1..] {
        let Some(other) = origin(document.media()) else {
            continue;
        };
        let shift = match (begin, start_time(document)) {
            (Some(begin), Some(start)) => start - begin,
            // Live playlists need not start with the same segment.
            _ if !document.media().is_complete() => continue,
            _ => 0.0,
        };
        let off = (other - date) - shift;
        if off.abs() > 0.5 {
            let message = format!("its dates are {off:+.3} s from those of {}", first.url());
            out.add(&DATES, document.url(), None, "", message);
        }
    }
}

/// Seconds since 1970 of the start of the playlist, by its first date.
#[expect(
    clippy::cast_precision_loss,
    reason = "2^53 microseconds are 285 years"
)]
fn origin(media: &MediaPlaylist) -> Option<f64> {
    let mut elapsed = 0.0;
    for segment in &media.segments {
        if let Some(date) = segment.date {
            return Some(date.micros as f64 / 1e6 - elapsed);
        }
        elapsed += segment.seconds();
    }
    None
}

fn check_discontinuities(first: &Document, main: &[&Document], out: &mut Findings) {
    // Live playlists may have been read at different moments.
    if !first.media().is_complete() {
        return;
    }
    let times = |document: &Document| -> Vec<(f64, usize)> {
        let mut at = 0.0;
        let mut found = Vec::new();
        for segment in &document.media().segments {
            if segment.discontinuity && at > 0.0 {
                found.push((at, segment.line));
            }
            at += segment.seconds();
        }
        found
    };
    let reference = times(first);
    for document in &main[1..] {
        let other = times(document);
        let missing = reference
            .iter()
            .find(|(at, _)| !other.iter().any(|(time, _)| (time - at).abs() < 0.5));
        let extra = other
            .iter()
            .find(|(at, _)| !reference.iter().any(|(time, _)| (time - at).abs() < 0.5));
        if let Some((at, line)) = missing {
            let message = format!(
                "there is no discontinuity at {at:.3} s as in line {line} of {}",
                first.url()
            );
            out.add(&DISCONTINUITIES, document.url(), None, "", message);
        } else if let Some((at, line)) = extra {
            let message = format!("{} has no discontinuity at {at:.3} s", first.url());
            out.add(&DISCONTINUITIES, document.url(), *line, "", message);
        }
    }
}

fn check_boundaries(reference: &Document, main: &[&Document], out: &mut Findings) {
    if !reference.media().is_complete() {
        return;
    }
    let ends = |document: &Document| -> Vec<(f64, usize)> {
        let mut at = 0.0;
        document
            .media()
            .segments
            .iter()
            .map(|segment| {
                at += segment.seconds();
                (at, segment.line)
            })
            .collect()
    };
    let expected = ends(reference);
    for document in main {
        let found = ends(document);
        let off = expected
            .iter()
            .zip(&found)
            .find(|((a, _), (b, _))| (a - b).abs() > FEW_FRAMES);
        if let Some(((a, _), (b, line))) = off {
            let message = format!(
                "the segment ends at {b:.3} s, in {} at {a:.3} s",
                reference.url()
            );
            out.add(&BOUNDARIES, document.url(), *line, "", message);
        } else if expected.len() != found.len() {
            let message = format!(
                "{} segments, {} in {}",
                found.len(),
                expected.len(),
                reference.url()
            );
            out.add(&BOUNDARIES, document.url(), None, "", message);
        }
    }
}
