//! Video encoding (Authoring Specification, chapter 1).

use crate::TrackKind;
use crate::lint::finding::Findings;
use crate::lint::media::Format;
use crate::lint::playlist::{Variant, is_video};
use crate::lint::presentation::{Document, Presentation, Role};
use crate::lint::rule::rules;

rules! {
    CODEC: Must Content "apple-1.1"
        "All video is H.264, HEVC, Dolby Vision or AV1."
        "Apple's players show nothing else."
        "Transcode, or offer the content in one of these codecs too.";
    H264_CONTAINER: Must Packaging "apple-1.2"
        "H.264 is in fMP4 or transport streams."
        "Apple's players read it from nothing else."
        "Package as fMP4.";
    H264_LEVEL: Must Content "apple-1.3b"
        "H.264 is at most High Profile, Level 5.2."
        "Apple's devices do not decode more."
        "Encode with High Profile, 8 bits 4:2:0, and a level of 5.2 or lower.";
    H264_PROFILE: Should Content "apple-1.4"
        "H.264 is of High Profile rather than Main or Baseline."
        "High Profile needs fewer bits for the same quality."
        "Encode with High Profile.";
    HEVC_CONTAINER: Must Packaging "apple-1.5"
        "HEVC is in fMP4."
        "Apple's players do not play it from transport streams."
        "Package as fMP4.";
    HEVC_LEVEL: Must Content "apple-1.6b"
        "HEVC is at most Main 10 Profile, Level 5.1, High Tier."
        "Apple's devices do not decode more."
        "Encode with Main or Main 10 Profile and a level of 5.1 or lower.";
    DOLBY_PROFILE: Must Content "apple-1.9"
        "Dolby Vision without a base layer is Profile 5, Level 7 or lower."
        "Other profiles need a base layer in CODECS and stand in SUPPLEMENTAL-CODECS."
        "Encode as profile 5, or signal the base layer.";
    PARAMETER_SETS: Should Packaging "apple-1.10"
        "Parameter sets are in the sample description: avc1, hvc1 and dvh1 rather than avc3, hev1 and dvhe."
        "Not every player looks for them in the samples."
        "Move the parameter sets into the sample description.";
    KEYFRAMES: Should Content "apple-1.13"
        "There is a keyframe every two seconds."
        "Switching and seeking wait for the next keyframe."
        "Encode with a keyframe interval of two seconds.";
    FRAME_RATES: Should Content "apple-1.18"
        "VOD content has 23.976, 24, 25, 29.97, 30, 50, 59.94 or 60 frames per second."
        "Displays show other rates unevenly."
        "Keep the natural frame rate of the content.";
    FRAME_RATE_MOST: Must Content "apple-1.19"
        "Video has no more than 60 frames per second."
        "Apple's devices do not show more."
        "Encode with at most 60 frames per second.";
    AV1_LEVEL: Must Content "apple-1.37"
        "AV1 is of Level 6.2 or lower."
        "Apple's devices do not decode more."
        "Encode with a level of 6.2 or lower.";
    AV1_CONTAINER: Must Packaging "apple-1.39"
        "AV1 is in fMP4."
        "Apple's players do not play it from anything else."
        "Package as fMP4.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.of_role(Role::Video) {
        check_keyframes(document, out);
        check_container(document, out);
    }
    for document in presentation.of_role(Role::IFrames) {
        check_container(document, out);
    }
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let url = root.url();
    for variant in &list.variants {
        for codec in variant.codecs() {
            check_codec(url, variant, codec, out);
        }
        check_frame_rate(presentation, url, variant, out);
        check_entries(presentation, url, variant, out);
    }
}

fn check_codec(url: &str, variant: &Variant, codec: &str, out: &mut Findings) {
    if !is_video(codec) {
        return;
    }
    let parts: Vec<&str> = codec.split('.').collect();
    let mut add = |rule, message: String| out.add(rule, url, variant.line, codec, message);
    match parts[0] {
        "avc1" | "avc3" => {
            let Some((profile, level)) = h264(codec) else {
                return;
            };
            if profile > 100 || level > 52 {
                add(
                    &H264_LEVEL,
                    format!("profile {profile}, level {}", tenths(level)),
                );
            } else if profile < 100 {
                add(&H264_PROFILE, format!("profile {profile} is below High"));
            }
        }
        "hvc1" | "hev1" => {
            let Some((profile, _, level)) = hevc(codec) else {
                return;
            };
            if profile > 2 || level > 153 {
                let level = f64::from(level) / 30.0;
                add(&HEVC_LEVEL, format!("profile {profile}, level {level:.1}"));
            }
        }
        "dvh1" | "dvhe" => {
            let number = |index: usize| parts.get(index).and_then(|part| part.parse::<u32>().ok());
            if number(1).is_some_and(|profile| profile != 5)
                || number(2).is_some_and(|level| level > 7)
            {
                add(
                    &DOLBY_PROFILE,
                    "not profile 5 of level 7 or lower".to_owned(),
                );
            }
        }
        "av01" => {
            // av01.P.LLT: seq_level_idx 18 is level 6.2; 31 has no limits.
            let level = parts
                .get(2)
                .and_then(|part| part.get(..2))
                .and_then(|digits| digits.parse::<u32>().ok());
            if level.is_some_and(|level| level > 18) {
                add(&AV1_LEVEL, "the level is above 6.2".to_owned());
            }
        }
        "mjpg" => {}
        other => add(
            &CODEC,
            format!("{other} is none of H.264, HEVC, Dolby Vision and AV1"),
        ),
    }
}

/// `profile_idc` and `level_idc` of an H.264 codec string.
pub(super) fn h264(codec: &str) -> Option<(u32, u32)> {
    let digits = codec.split('.').nth(1)?;
    let byte = |at: usize| u32::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some((byte(0)?, byte(4)?))
}

/// `general_profile_idc`, tier and `general_level_idc` of an HEVC codec string.
pub(super) fn hevc(codec: &str) -> Option<(u32, char, u32)> {
    let mut parts = codec.split('.').skip(1);
    let profile = parts
        .next()?
        .trim_start_matches(['A', 'B', 'C'])
        .parse()
        .ok()?;
    let level = parts.nth(1)?;
    let tier = level.chars().next()?;
    Some((profile, tier, level.get(1..)?.parse().ok()?))
}

fn tenths(level: u32) -> String {
    format!("{}.{}", level / 10, level % 10)
}

fn check_frame_rate(presentation: &Presentation, url: &str, variant: &Variant, out: &mut Findings) {
    const USUAL: [f64; 8] = [23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0];
    let Some(rate) = variant.frame_rate() else {
        return;
    };
    let value = rate.to_string();
    if rate > 60.0 + 0.01 {
        let message = format!("{rate} frames per second");
        out.add(&FRAME_RATE_MOST, url, variant.line, value, message);
    } else if presentation.is_vod() && !USUAL.iter().any(|usual| (usual - rate).abs() < 0.02) {
        let message = format!("{rate} frames per second is no usual rate");
        out.add(&FRAME_RATES, url, variant.line, value, message);
    }
}

fn check_entries(presentation: &Presentation, url: &str, variant: &Variant, out: &mut Findings) {
    let inside = variant
        .codecs()
        .into_iter()
        .map(|codec| codec.split('.').next().unwrap_or_default().to_owned())
        .chain(
            variant
                .uri
                .as_deref()
                .and_then(|uri| presentation.at(uri))
                .into_iter()
                .flat_map(|document| document.descriptions().map(|one| one.entry.clone())),
        )
        .find(|entry| matches!(entry.as_str(), "avc3" | "hev1" | "dvhe"));
    if let Some(entry) = inside {
        let message = format!("the parameter sets of {entry} are in the samples");
        out.add(&PARAMETER_SETS, url, variant.line, entry, message);
    }
}

fn check_keyframes(document: &Document, out: &mut Findings) {
    let mut before: Option<f64> = None;
    for (index, facts) in document.track.segments.iter().enumerate() {
        let (Some(init), Some(segment)) = (
            document.init_of(index),
            document.media().segments.get(index),
        ) else {
            continue;
        };
        if segment.discontinuity {
            before = None;
        }
        for span in &facts.spans {
            let Some(track) = init
                .track(span.track)
                .filter(|track| track.kind == Some(TrackKind::Video) && track.timescale > 0)
            else {
                continue;
            };
            #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are years")]
            let seconds = |ticks: i64| ticks as f64 / f64::from(track.timescale);
            for time in span.keyframes.iter().copied().chain([span.end]) {
                let time = seconds(time);
                // A frame more is no harm: 2.002 s at 29.97.
                if let Some(earlier) = before
                    && time - earlier > 2.1
                {
                    let message = format!("{:.3} s without a keyframe", time - earlier);
                    out.add(
                        &KEYFRAMES,
                        document.url(),
                        segment.line,
                        &segment.uri,
                        message,
                    );
                }
                before = Some(time);
            }
            // The end of the segment is no keyframe.
            before = span.keyframes.last().copied().map(seconds).or(before);
        }
    }
}

fn check_container(document: &Document, out: &mut Findings) {
    let segments = document
        .media()
        .segments
        .iter()
        .zip(&document.track.segments);
    for (segment, facts) in segments {
        let mut add = |rule, message: &str| {
            out.add(rule, document.url(), segment.line, &segment.uri, message);
        };
        if let Some(stream) = &facts.transport {
            if stream
                .streams
                .values()
                .any(|kind| matches!(kind, 0x24 | 0xe7))
            {
                add(&HEVC_CONTAINER, "HEVC in a transport stream");
            }
            // AV1 in transport streams is a private stream (0x06) of no assigned type.
            if document_is_av1(document) {
                add(&AV1_CONTAINER, "AV1 in a transport stream");
            }
        }
        if facts.format == Format::PackedAudio && document.media().i_frames_only {
            add(&H264_CONTAINER, "an I-frame playlist of packed audio");
        }
    }
}

fn document_is_av1(document: &Document) -> bool {
    document.descriptions().any(|one| one.entry == "av01")
}
