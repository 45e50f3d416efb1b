//! What variants claim of their media (RFC 8216bis 4.4.6.2).

use std::collections::BTreeSet;

use crate::lint::finding::Findings;
use crate::lint::playlist::{RenditionType, Variant, is_text, is_video};
use crate::lint::presentation::{Document, Presentation};
use crate::lint::rule::rules;
use crate::presentation::{VideoInfo, VideoRange};

rules! {
    CODECS_MISSING: Must Packaging "rfc-4.4.6.2-codecs-media" ["rfc-4.4.6.1.1-codecs"]
        "CODECS lists every sample format of the renditions that the variant plays."
        "Clients prepare decoders by it: playback fails when one is missing or of another profile."
        "Write the codec strings that the message gives.";
    CODECS_EXTRA: Must Packaging "rfc-4.4.6.2-codecs-extra"
        "CODECS lists only sample formats that a rendition of the variant has."
        "Clients that cannot decode it skip a variant that they could play, or wait for a track that never comes."
        "Remove the codec string.";
    RANGE: Must Packaging "rfc-4.4.6.2-video-range"
        "VIDEO-RANGE is SDR, HLG or PQ as the transfer characteristics of the video are."
        "Clients choose variants for the display by it, and show wrong colours."
        "Write the value that the message gives.";
    RESOLUTION: Should Packaging "rfc-4.4.6.2-resolution"
        "RESOLUTION is the size at which the video is shown."
        "Clients choose variants for the size of the window by it."
        "Write the display size, pixel aspect ratio and rotation applied.";
    FRAME_RATE: Should Packaging "rfc-4.4.6.2-frame-rate"
        "FRAME-RATE is the highest frame rate of the video."
        "Clients choose variants for what the device can show by it."
        "Write the frame rate with three decimals.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    for variant in list.variants.iter().chain(&list.i_frames) {
        check_variant(presentation, root.url(), variant, out);
    }
}

/// Compares what a variant claims with its media.
fn check_variant(presentation: &Presentation, url: &str, variant: &Variant, out: &mut Findings) {
    let Some(own) = variant.uri.as_deref().and_then(|uri| presentation.at(uri)) else {
        return;
    };
    check_codecs(presentation, url, variant, own, out);
    let videos: Vec<&VideoInfo> = own
        .descriptions()
        .filter_map(|one| one.video.as_ref())
        .collect();
    let Some(video) = videos.first() else {
        return;
    };
    let range = match video.colour.range {
        VideoRange::Sdr => "SDR",
        VideoRange::Hlg => "HLG",
        VideoRange::Pq => "PQ",
    };
    // Dolby Vision profile 5 has no transfer characteristics that a display could use; it is PQ.
    let dolby = own
        .descriptions()
        .any(|one| matches!(one.entry.as_str(), "dvh1" | "dvhe"));
    // Where the media do not say, they may be anything.
    let silent = video.colour.transfer == 2;
    if variant.video_range() != range && !dolby && !silent {
        let message = format!(
            "the transfer characteristics are {}, so that it must be {range}",
            video.colour.transfer
        );
        out.add(&RANGE, url, variant.line, variant.video_range(), message);
    }
    if let Some((width, height)) = variant.resolution() {
        // Pictures may be of several sizes; one of them is said.
        let is_shown = |video: &&VideoInfo| {
            let (w, h) = (video.display_width, video.display_height);
            (w == 0) || (width.abs_diff(w.into()) <= 2 && height.abs_diff(h.into()) <= 2)
        };
        if !videos.iter().any(is_shown) {
            let message = format!(
                "the video is shown with {}x{}",
                video.display_width, video.display_height
            );
            let said = format!("{width}x{height}");
            out.add(&RESOLUTION, url, variant.line, said, message);
        }
    }
    if let (Some(said), Some(real)) = (variant.frame_rate(), measured_frame_rate(own))
        && (said - real).abs() > real * 0.1
    {
        let message = format!("the video has up to {real:.3} frames/s");
        out.add(&FRAME_RATE, url, variant.line, said.to_string(), message);
    }
}

fn check_codecs(
    presentation: &Presentation,
    url: &str,
    variant: &Variant,
    own: &Document,
    out: &mut Findings,
) {
    if !variant.attributes.has("CODECS") {
        return;
    }
    let mut documents = vec![own];
    // What the variant's playlist does not hold itself, its renditions do.
    let mut all_read = !own.media().maps.is_empty();
    for (kind, group) in presentation.renditions_of(variant) {
        for rendition in group {
            let Some(uri) = rendition.uri.as_deref() else {
                continue;
            };
            match presentation.at(uri) {
                Some(document) => {
                    all_read &=
                        kind == RenditionType::Subtitles || !document.media().maps.is_empty();
                    documents.push(document);
                }
                None => all_read = false,
            }
        }
    }
    let mut found: BTreeSet<String> = BTreeSet::new();
    for document in &documents {
        all_read &= document.media().maps.len() == document.inits().count();
        for description in document.descriptions() {
            match &description.codec {
                Some(codec) => {
                    found.insert(codec.clone());
                }
                None => all_read = false,
            }
        }
    }
    let said = variant.codecs();
    for codec in &found {
        if !said.iter().any(|other| same_codec(other, codec)) && !is_text(codec) {
            let message = format!("CODECS lacks {codec}, which the media are");
            out.add(&CODECS_MISSING, url, variant.line, said.join(","), message);
        }
    }
    if all_read && !found.is_empty() {
        for codec in said {
            // A codec of which another profile is there is a wrong string, which is said above.
            let kind = |codec: &str| codec.split('.').next().unwrap_or_default().to_owned();
            let there = found.iter().any(|other| kind(other) == kind(codec));
            if !there && !is_text(codec) {
                let message = if is_video(codec) {
                    "no rendition has such pictures"
                } else {
                    "no rendition has such sound"
                };
                out.add(&CODECS_EXTRA, url, variant.line, codec, message);
            }
        }
    }
}

/// True when two codec strings mean the same (RFC 6381): upper and lower case do not matter in hexadecimal parts, nor do trailing
/// parts that AV1 and VP9 may leave out.
fn same_codec(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    if a == b {
        return true;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let optional = short.starts_with("av01.") && short.matches('.').count() >= 3
        || short.starts_with("vp09.") && short.matches('.').count() >= 3
        || short.starts_with("hvc1.") && short.matches('.').count() >= 3
        || short.starts_with("hev1.") && short.matches('.').count() >= 3;
    optional
        && long
            .strip_prefix(short.as_str())
            .is_some_and(|rest| rest.starts_with('.'))
}

/// The highest frame rate over a segment.
fn measured_frame_rate(document: &Document) -> Option<f64> {
    let mut highest: Option<f64> = None;
    for (index, facts) in document.track.segments.iter().enumerate() {
        if document.media().i_frames_only {
            return None;
        }
        let Some(init) = document.init_of(index) else {
            continue;
        };
        for span in &facts.spans {
            let Some(track) = init.track(span.track).filter(|track| track.shows_video()) else {
                continue;
            };
            let ticks = span.decode_end.saturating_sub(span.decode_start);
            if ticks > 0 && span.samples > 1 {
                #[expect(clippy::cast_precision_loss, reason = "compared with 10 % to spare")]
                let rate = span.samples as f64 * f64::from(track.timescale) / ticks as f64;
                highest = Some(highest.map_or(rate, |most: f64| most.max(rate)));
            }
        }
    }
    highest
}
