//! Segments and media playlists as Apple's players want them (Authoring Specification, chapters 7 and 8).

use crate::TrackKind;
use crate::lint::finding::Findings;
use crate::lint::media::Picture;
use crate::lint::presentation::{Document, Presentation, Role};
use crate::lint::rule::rules;

rules! {
    IDR: Must Content "apple-7.4"
        "Video segments start with an IDR picture."
        "Players cannot start or switch there."
        "Encode closed groups of pictures, and cut segments at IDR pictures.";
    CLAIM: Must Packaging "rfc-4.4.2.1-independent"
        "Where EXT-X-INDEPENDENT-SEGMENTS stands, every segment can be decoded without another."
        "Players that rely on it show broken pictures after a seek or a switch."
        "Leave the tag out, or cut segments where no picture refers over the cut.";
    TARGET: Should Packaging "apple-7.5"
        "The target duration is 6 seconds."
        "Longer segments start and switch slowly, shorter ones make many requests."
        "Cut segments of 6 seconds.";
    SEGMENT: Should Packaging "apple-7.6"
        "Segments last about 6 seconds."
        "Longer segments start and switch slowly, shorter ones make many requests."
        "Cut segments of 6 seconds.";
    TOO_LONG: Must Packaging "apple-7.7"
        "No segment is more than half a second longer than the target duration."
        "Players run out of media while they load it."
        "Raise EXT-X-TARGETDURATION, or cut shorter segments.";
    LIVE_DATE: Must Packaging "apple-8.4"
        "Live media playlists have EXT-X-PROGRAM-DATE-TIME."
        "Players cannot line renditions up, or say what time it is."
        "Add the tag to the first segment at least.";
    VOD: Must Packaging "apple-8.6"
        "A media playlist that does not change has EXT-X-PLAYLIST-TYPE:VOD."
        "Players take it for the end of a live stream."
        "Add EXT-X-PLAYLIST-TYPE:VOD.";
    LIVE_SEGMENTS: Must Packaging "apple-8.11"
        "A live playlist has six segments or more."
        "Players have too little to choose from, and stall."
        "Keep more segments in the playlist.";
    LIVE_WINDOW: Should Packaging "apple-8.12"
        "A live playlist holds 15 minutes or more."
        "Viewers cannot go back."
        "Keep more segments in the playlist.";
    LIVE_DISCONTINUITY: Must Packaging "apple-8.17"
        "A live playlist with EXT-X-DISCONTINUITY has EXT-X-DISCONTINUITY-SEQUENCE."
        "Players lose count when the tag leaves the playlist."
        "Add EXT-X-DISCONTINUITY-SEQUENCE.";
    INDEPENDENT: Must Packaging "apple-9.12"
        "EXT-X-INDEPENDENT-SEGMENTS is in the multivariant playlist or in all video playlists, where segments start with IDR pictures."
        "Players load the segment before when they seek."
        "Add EXT-X-INDEPENDENT-SEGMENTS to the multivariant playlist.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let root = presentation.multivariant();
    let above = root.is_some_and(|(root, _)| root.playlist.has("EXT-X-INDEPENDENT-SEGMENTS"));
    for document in presentation.media() {
        let role = presentation.role(document);
        if role == Role::Video {
            let independent = above || document.media().independent_segments;
            check_start(document, independent, out);
            if !independent && starts_with_idr(document) {
                let message =
                    "EXT-X-INDEPENDENT-SEGMENTS is missing here and in the multivariant playlist";
                out.add(&INDEPENDENT, document.url(), None, "", message);
            }
        }
        if matches!(role, Role::Video | Role::Audio) {
            check_durations(document, out);
        }
        check_type(document, out);
        if !document.media().is_complete() {
            check_live(document, role, out);
        }
    }
}

fn starts_with_idr(document: &Document) -> bool {
    let pictures: Vec<_> = document
        .track
        .segments
        .iter()
        .filter_map(|facts| facts.first_picture)
        .collect();
    !pictures.is_empty() && pictures.iter().all(|picture| *picture == Picture::Idr)
}

fn check_start(document: &Document, independent: bool, out: &mut Findings) {
    let segments = document
        .media()
        .segments
        .iter()
        .zip(&document.track.segments);
    for (index, (segment, facts)) in segments.enumerate() {
        let init = document.init_of(index);
        let sync = facts.spans.iter().all(|span| {
            let video = init
                .and_then(|init| init.track(span.track))
                .is_some_and(|track| track.kind == Some(TrackKind::Video));
            !video || span.starts_with_sync
        });
        // Pictures that are shown before the first one, and so may refer to what is shown before them.
        let leading = facts.spans.iter().any(|span| {
            span.starts_with_sync && span.keyframes.first().is_some_and(|at| *at > span.start)
        });
        let (message, dependent) = match facts.first_picture {
            Some(Picture::Dependent) => ("the first picture depends on others", true),
            Some(Picture::OpenGop) if leading => (
                "the first picture is an I-frame but no IDR: leading pictures depend on the segment before",
                true,
            ),
            Some(Picture::OpenGop) => ("the first picture is an I-frame but no IDR", false),
            _ if !sync => ("the first sample is no sync sample", true),
            _ => continue,
        };
        out.add(&IDR, document.url(), segment.line, &segment.uri, message);
        if independent && dependent {
            out.add(&CLAIM, document.url(), segment.line, &segment.uri, message);
        }
    }
}

fn check_durations(document: &Document, out: &mut Findings) {
    let (url, media) = (document.url(), document.media());
    let count = media.segments.len();
    if let Some(target) = media.target_duration {
        if target != 6 && count > 1 {
            let line = document
                .playlist
                .tag("EXT-X-TARGETDURATION")
                .map(|tag| tag.number);
            let message = format!("the target duration is {target} s");
            out.add(&TARGET, url, line, target.to_string(), message);
        }
        #[expect(clippy::cast_precision_loss, reason = "a target duration is small")]
        let most = target as f64 + 0.5;
        for segment in &media.segments {
            if segment.seconds() > most {
                let message = format!(
                    "{} s with a target duration of {target} s",
                    segment.seconds()
                );
                out.add(
                    &TOO_LONG,
                    url,
                    segment.info_line,
                    &segment.duration_text,
                    message,
                );
            }
        }
    }
    // The last segment is what is left.
    #[expect(clippy::cast_precision_loss, reason = "a playlist has few segments")]
    let mean = media.segments[..count.saturating_sub(1)]
        .iter()
        .map(super::super::playlist::Segment::seconds)
        .sum::<f64>()
        / count.saturating_sub(1).max(1) as f64;
    if count > 2 && (mean - 6.0).abs() > 1.0 {
        let message = format!("segments last {mean:.3} s in the mean");
        let line = media.segments.first().and_then(|segment| segment.info_line);
        out.add(&SEGMENT, url, line, format!("{mean:.3}"), message);
    }
}

fn check_type(document: &Document, out: &mut Findings) {
    let media = document.media();
    if media.ended && media.playlist_type.is_none() {
        let message = "there is EXT-X-ENDLIST and no EXT-X-PLAYLIST-TYPE";
        out.add(&VOD, document.url(), None, "", message);
    }
}

fn check_live(document: &Document, role: Role, out: &mut Findings) {
    let (url, playlist, media) = (document.url(), &document.playlist, document.media());
    if playlist.has("EXT-X-SKIP") {
        return;
    }
    if !playlist.has("EXT-X-PROGRAM-DATE-TIME") {
        let message = "there is no EXT-X-PROGRAM-DATE-TIME";
        out.add(&LIVE_DATE, url, None, "", message);
    }
    // A playlist that starts with its first segment is still growing.
    if media.segments.len() < 6 && media.media_sequence > 0 && role != Role::IFrames {
        let message = format!("the playlist has {} segments", media.segments.len());
        out.add(&LIVE_SEGMENTS, url, None, "", message);
    }
    let event = media.playlist_type.as_deref() == Some("EVENT");
    if media.duration() < 900.0 && media.media_sequence > 0 && !event {
        let message = format!("the playlist holds {:.0} s", media.duration());
        out.add(&LIVE_WINDOW, url, None, "", message);
    }
    if let Some(tag) = playlist.tag("EXT-X-DISCONTINUITY")
        && !playlist.has("EXT-X-DISCONTINUITY-SEQUENCE")
        && !event
    {
        let message = "there is no EXT-X-DISCONTINUITY-SEQUENCE";
        out.add(&LIVE_DISCONTINUITY, url, tag.number, "", message);
    }
}
