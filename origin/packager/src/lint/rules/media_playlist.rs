//! Media playlists as a whole (RFC 8216bis 4.4.2, 4.4.3 and 6.2).

use crate::lint::finding::Findings;
use crate::lint::playlist::{Kind, Line, Playlist};
use crate::lint::presentation::{Document, Presentation};
use crate::lint::rule::rules;

rules! {
    START_TWICE: Should Packaging "rfc-4.4.2-in-both"
        "A tag of section 4.4.2 that is in the multivariant playlist is not repeated in media playlists."
        "It applies to all of them already; a repeated tag may come to differ."
        "Remove the tag from the media playlists.";
    START_DIFFERS: Must Packaging "rfc-4.4.2-same"
        "A tag of section 4.4.2 that is in the multivariant and in a media playlist has the same value in both."
        "Clients ignore the value in the media playlist."
        "Write the same value in both, or better only in the multivariant playlist.";
    START_OFFSET: Should Packaging "rfc-4.4.2.2-offset"
        "TIME-OFFSET is not larger than the playlist's duration, nor within three target durations of the end of a live playlist."
        "A client cannot start where there is no media, and stalls where there is too little."
        "Choose a TIME-OFFSET within the playlist.";
    TARGET_REQUIRED: Must Packaging "rfc-4.4.3.1-required"
        "A media playlist has EXT-X-TARGETDURATION."
        "Clients plan buffering and reloading by it and reject a playlist without it."
        "Add EXT-X-TARGETDURATION: the longest segment duration, rounded to the nearest second.";
    TARGET_LEAST: Must Packaging "rfc-4.4.3.1-least"
        "EXT-X-TARGETDURATION is at least 1."
        "A target duration of 0 makes clients reload without end."
        "Write 1 or more.";
    TARGET_EXCEEDED: Must Packaging "rfc-4.4.3.1-exceeded"
        "The duration of each segment, rounded to the nearest second, is at most the target duration."
        "Longer segments make playback stall."
        "Raise EXT-X-TARGETDURATION to the longest rounded duration in all media playlists, or cut shorter segments.";
    SEQUENCE_FIRST: Must Packaging "rfc-4.4.3.2-first"
        "EXT-X-MEDIA-SEQUENCE comes before the first segment."
        "It numbers the first segment; clients have read past it otherwise."
        "Move the tag to the head of the playlist.";
    DISCONTINUITY_FIRST: Must Packaging "rfc-4.4.3.3-first"
        "EXT-X-DISCONTINUITY-SEQUENCE comes before the first segment and before any EXT-X-DISCONTINUITY."
        "It numbers the stretch that the playlist starts with."
        "Move the tag to the head of the playlist.";
    TYPE_VALUE: Must Packaging "rfc-4.4.3.5-value"
        "EXT-X-PLAYLIST-TYPE is EVENT or VOD."
        "Other values say nothing to a client."
        "Write EVENT or VOD, or remove the tag.";
    I_FRAME_INIT: Must Packaging "rfc-4.4.3.6-init"
        "I-frame segments that are byte ranges have an initialization section: EXT-X-MAP, or the start of their resource."
        "Clients must be able to decode I-frames in any order."
        "Add EXT-X-MAP, or start the first range after the initialization section.";
    I_FRAME_PARTS: Should Packaging "rfc-4.4.4.9-i-frames"
        "I-frame playlists do not use partial segments."
        "A single picture gains nothing from being split."
        "Remove EXT-X-PART from the I-frame playlist.";
    NO_SEGMENTS: Must Packaging "rfc-4.1-segments"
        "A complete media playlist names media segments."
        "There is nothing to play."
        "List the segments, or do not publish the playlist.";
    AVAILABLE: Must Packaging "rfc-6.2.1-available"
        "Everything that a playlist names can be loaded."
        "Playback stops at a segment that is not there, and a rendition without its playlist cannot be chosen."
        "Publish the resource before the playlist, correct its URI, or mark the segment with EXT-X-GAP.";
    END: Must Packaging "rfc-6.2.1-end"
        "A playlist that holds the last segment of a presentation ends with EXT-X-ENDLIST."
        "Clients go on reloading it."
        "Add EXT-X-ENDLIST.";
    LIVE_WINDOW: Must Packaging "rfc-6.2.2-window"
        "A playlist without EXT-X-ENDLIST that has dropped segments is at least three target durations long."
        "Clients start three target durations before the end and stall without them."
        "Keep more segments in the playlist.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let root = presentation.multivariant().map(|(root, _)| &root.playlist);
    for document in presentation.media() {
        check_both(root, document, out);
        check_document(document, out);
    }
    if let Some(root) = root {
        check_start(root, None, out);
    }
}

fn check_document(document: &Document, out: &mut Findings) {
    let (url, playlist, media) = (document.url(), &document.playlist, document.media());
    debug_assert_eq!(playlist.kind, Kind::Media);
    match media.target_duration {
        None if !playlist.has("EXT-X-TARGETDURATION") => {
            out.add(
                &TARGET_REQUIRED,
                url,
                None,
                "",
                "there is no EXT-X-TARGETDURATION",
            );
        }
        Some(0) => {
            let line = playlist.tag("EXT-X-TARGETDURATION").map(|tag| tag.number);
            out.add(&TARGET_LEAST, url, line, "0", "the target duration is 0");
        }
        _ => {}
    }
    if let Some(target) = media.target_duration {
        for segment in &media.segments {
            let Some(duration) = segment.duration else {
                continue;
            };
            #[expect(clippy::cast_precision_loss, reason = "a target duration is small")]
            let most = target as f64;
            if (duration + 0.5).floor() > most {
                let message = format!(
                    "{duration} s, rounded, is more than the target duration of {target} s"
                );
                let line = segment.info_line;
                out.add(&TARGET_EXCEEDED, url, line, &segment.duration_text, message);
            }
        }
    }
    check_order(playlist, out);
    if let Some(tag) = playlist.tag("EXT-X-PLAYLIST-TYPE")
        && !matches!(tag.text(), "EVENT" | "VOD")
    {
        let message = "the playlist type is neither EVENT nor VOD";
        out.add(&TYPE_VALUE, url, tag.number, tag.shown(), message);
    }
    if media.i_frames_only {
        if let Some(first) = media.segments.first()
            && first.map.is_none()
            && first.offset == Some(0)
        {
            let message = "the first I-frame starts its resource and there is no EXT-X-MAP";
            out.add(&I_FRAME_INIT, url, first.line, &first.uri, message);
        }
        if let Some(part) = media.parts.first() {
            let message = "an I-frame playlist has partial segments";
            out.add(&I_FRAME_PARTS, url, part.line, "", message);
        }
    }
    if media.is_complete() && media.segments.is_empty() && !playlist.has("EXT-X-SKIP") {
        out.add(&NO_SEGMENTS, url, None, "", "the playlist names no segment");
    }
    if media.playlist_type.as_deref() == Some("VOD") && !media.ended {
        out.add(&END, url, None, "", "a VOD playlist has no EXT-X-ENDLIST");
    }
    let window = media.duration();
    #[expect(clippy::cast_precision_loss, reason = "a target duration is small")]
    let least = media.target_duration.unwrap_or(0) as f64 * 3.0;
    if !media.ended
        && media.media_sequence > 0
        && window + 1e-6 < least
        && !playlist.has("EXT-X-SKIP")
    {
        let message = format!("{window:.3} s are fewer than three target durations, {least:.0} s");
        out.add(&LIVE_WINDOW, url, None, "", message);
    }
    check_start(playlist, Some(window), out);
}

/// Tags that must come before segments.
fn check_order(playlist: &Playlist, out: &mut Findings) {
    let url = playlist.url.as_str();
    let (mut segment, mut discontinuity) = (false, false);
    for line in &playlist.lines {
        match line {
            Line::Uri { .. } => segment = true,
            Line::Tag(tag) => match tag.name.as_str() {
                "EXT-X-DISCONTINUITY" => discontinuity = true,
                "EXT-X-MEDIA-SEQUENCE" if segment => {
                    let message = "EXT-X-MEDIA-SEQUENCE comes after a segment";
                    out.add(&SEQUENCE_FIRST, url, tag.number, tag.shown(), message);
                }
                "EXT-X-DISCONTINUITY-SEQUENCE" if segment || discontinuity => {
                    let message = "EXT-X-DISCONTINUITY-SEQUENCE comes after what it numbers";
                    out.add(&DISCONTINUITY_FIRST, url, tag.number, tag.shown(), message);
                }
                _ => {}
            },
        }
    }
}

/// Tags that may be in the multivariant and in the media playlist.
fn check_both(root: Option<&Playlist>, document: &Document, out: &mut Findings) {
    let Some(root) = root else {
        return;
    };
    for name in ["EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-START"] {
        let (Some(above), Some(here)) = (root.tag(name), document.playlist.tag(name)) else {
            continue;
        };
        let same = above.attributes.list.len() == here.attributes.list.len()
            && above
                .attributes
                .list
                .iter()
                .all(|attribute| here.attributes.list.contains(attribute));
        let (rule, message) = if same {
            (
                &START_TWICE,
                format!("{name} is in the multivariant playlist already"),
            )
        } else {
            (
                &START_DIFFERS,
                format!("{name} differs from the multivariant playlist"),
            )
        };
        out.add(rule, document.url(), here.number, here.shown(), message);
    }
}

fn check_start(playlist: &Playlist, duration: Option<f64>, out: &mut Findings) {
    let (Some(tag), Some(duration)) = (playlist.tag("EXT-X-START"), duration) else {
        return;
    };
    let Some(offset) = tag.attributes.float("TIME-OFFSET") else {
        return;
    };
    let url = playlist.url.as_str();
    if offset.abs() > duration + 1e-3 {
        let message = format!("TIME-OFFSET {offset} is beyond the playlist's {duration:.3} s");
        out.add(&START_OFFSET, url, tag.number, tag.shown(), message);
    } else if !playlist.media.ended {
        #[expect(clippy::cast_precision_loss, reason = "a target duration is small")]
        let three = playlist.media.target_duration.unwrap_or(0) as f64 * 3.0;
        let before_end = if offset < 0.0 {
            -offset
        } else {
            duration - offset
        };
        if before_end < three {
            let message =
                format!("TIME-OFFSET is {before_end:.3} s before the end of a live playlist");
            out.add(&START_OFFSET, url, tag.number, tag.shown(), message);
        }
    }
}
