//! Trick play (Authoring Specification, chapter 6; RFC 8216bis 4.4.3.6).

use std::collections::BTreeSet;

use crate::TrackKind;
use crate::lint::finding::Findings;
use crate::lint::playlist::{Variant, is_video};
use crate::lint::presentation::{Document, Presentation, Role, resolve};
use crate::lint::rule::rules;

rules! {
    PROVIDED: Must Packaging "apple-6.1"
        "There are I-frame playlists."
        "Scrubbing and fast forward show no pictures."
        "Write an I-frame playlist and name it with EXT-X-I-FRAME-STREAM-INF.";
    DENSE: Should Content "apple-6.2"
        "There is an I-frame rendition with one frame per second."
        "Scrubbing jumps from keyframe to keyframe."
        "Encode an I-frame rendition with one frame per second, or mjpg pictures.";
    ALL_KEYFRAMES: Should Packaging "apple-6.3"
        "An I-frame playlist that is made of the normal content lists every keyframe of it."
        "Scrubbing skips pictures that are there."
        "List every keyframe, each with the byte range of a fragment of its own.";
    SEVERAL: Should Content "apple-6.6"
        "There are several I-frame playlists with different bit rates."
        "Scrubbing over a slow network waits for large pictures."
        "Write one for a small and one for a large variant.";
    H264: Should Content "apple-6.14"
        "Some trick play content is H.264."
        "Older devices have no pictures for scrubbing."
        "Add an H.264 I-frame rendition.";
    SDR: Must Content "apple-6.16"
        "There are SDR trick play streams."
        "Displays without HDR have no pictures for scrubbing."
        "Add an SDR I-frame rendition.";
    ONE_PICTURE: Must Packaging "rfc-4.4.3.6-i-frame"
        "Each segment of an I-frame playlist is an I-frame."
        "The picture cannot be decoded alone."
        "List only keyframes, each with the byte range of its own fragment.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.of_role(Role::IFrames) {
        check_pictures(document, out);
        check_density(presentation, document, out);
    }
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let url = root.url();
    let video: Vec<&Variant> = list.variants.iter().filter(|v| v.has_video()).collect();
    if video.is_empty() {
        return;
    }
    if list.i_frames.is_empty() {
        out.add(
            &PROVIDED,
            url,
            None,
            "",
            "there is no EXT-X-I-FRAME-STREAM-INF",
        );
        return;
    }
    let line = list.i_frames.first().map(|variant| variant.line);
    let rates: BTreeSet<_> = list.i_frames.iter().map(Variant::bandwidth).collect();
    if rates.len() < 2 {
        out.add(
            &SEVERAL,
            url,
            line,
            "",
            "all I-frame playlists have the same bit rate",
        );
    }
    if list
        .i_frames
        .iter()
        .all(|variant| variant.video_range() != "SDR")
    {
        out.add(&SDR, url, line, "", "all I-frame playlists are HDR");
    }
    let codecs: Vec<&str> = list
        .i_frames
        .iter()
        .flat_map(|variant| variant.codecs())
        .filter(|codec| is_video(codec))
        .collect();
    if !codecs.is_empty() && !codecs.iter().any(|codec| codec.starts_with("avc")) {
        out.add(
            &H264,
            url,
            line,
            codecs.join(","),
            "no I-frame playlist is H.264",
        );
    }
    let dense = presentation.of_role(Role::IFrames).any(|document| {
        let count = document.media().segments.len().max(1);
        #[expect(clippy::cast_precision_loss, reason = "a playlist has few segments")]
        let spacing = document.media().duration() / count as f64;
        spacing <= 1.05
    });
    if !dense && presentation.of_role(Role::IFrames).next().is_some() {
        out.add(
            &DENSE,
            url,
            line,
            "",
            "no I-frame playlist has one frame per second",
        );
    }
}

fn check_pictures(document: &Document, out: &mut Findings) {
    let segments = document
        .media()
        .segments
        .iter()
        .zip(&document.track.segments);
    for (segment, facts) in segments {
        let starts = facts.spans.first().is_none_or(|span| span.starts_with_sync);
        let picture = facts.first_picture != Some(crate::lint::media::Picture::Dependent) || starts;
        if !starts || !picture {
            let message = "the first sample is no keyframe";
            out.add(
                &ONE_PICTURE,
                document.url(),
                segment.line,
                &segment.uri,
                message,
            );
        }
    }
}

/// Counts the keyframes of the video playlist that is cut from the same resources.
fn check_density(presentation: &Presentation, document: &Document, out: &mut Findings) {
    let resources: BTreeSet<String> = document
        .media()
        .segments
        .iter()
        .filter_map(|segment| resolve(document.url(), &segment.uri))
        .collect();
    let source = presentation.of_role(Role::Video).find(|other| {
        let first = other.media().segments.first();
        first
            .and_then(|segment| resolve(other.url(), &segment.uri))
            .is_some_and(|url| resources.contains(&url))
    });
    let Some(source) = source else {
        return;
    };
    let mut keyframes = 0;
    for (index, facts) in source.track.segments.iter().enumerate() {
        let Some(init) = source.init_of(index) else {
            return;
        };
        keyframes += facts
            .spans
            .iter()
            .filter(|span| {
                init.track(span.track)
                    .is_some_and(|track| track.kind == Some(TrackKind::Video))
            })
            .map(|span| span.keyframes.len())
            .sum::<usize>();
    }
    let listed = document.media().segments.len();
    if listed < keyframes {
        let message = format!(
            "{listed} of the {keyframes} keyframes of {} are listed",
            source.url()
        );
        out.add(
            &ALL_KEYFRAMES,
            document.url(),
            None,
            listed.to_string(),
            message,
        );
    }
}
