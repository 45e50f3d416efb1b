//! Multivariant playlists as Apple's players want them (Authoring Specification, chapter 9).

use std::collections::BTreeSet;

use crate::TrackKind;
use crate::lint::finding::Findings;
use crate::lint::playlist::{RenditionType, Variant, decimal_integer, is_text, is_video};
use crate::lint::presentation::Presentation;
use crate::lint::rule::rules;

rules! {
    LANGUAGE: Must Packaging "apple-8.10" ["apple-4.4", "apple-4.7"]
        "Every EXT-X-MEDIA that is not of type VIDEO has LANGUAGE."
        "Players cannot choose what the viewer understands."
        "Add LANGUAGE; und where it is not known.";
    CODECS: Must Packaging "apple-9.1" ["rfc-4.4.6.2-codecs"]
        "EXT-X-STREAM-INF has CODECS."
        "Players have to load a segment to find out whether they can play the variant."
        "Add CODECS with a codec string of each sample format.";
    RESOLUTION: Must Packaging "apple-9.2"
        "EXT-X-STREAM-INF of a variant with video has RESOLUTION."
        "Players cannot choose for the size of the screen."
        "Add RESOLUTION.";
    I_FRAME_CODECS: Must Packaging "apple-9.3"
        "EXT-X-I-FRAME-STREAM-INF has CODECS."
        "Players cannot tell whether they can show the pictures."
        "Add CODECS.";
    I_FRAME_RESOLUTION: Must Packaging "apple-9.4"
        "EXT-X-I-FRAME-STREAM-INF has RESOLUTION."
        "Players cannot choose for the size of the thumbnail."
        "Add RESOLUTION.";
    SEPARATE: Should Packaging "apple-9.5"
        "Audio and video are separate streams."
        "Every variant carries the same audio again, and caches hold it many times."
        "Package audio as a rendition of its own.";
    SEPARATE_MULTICHANNEL: Must Packaging "apple-9.6"
        "Multichannel audio is a stream of its own."
        "Devices with two loudspeakers load six channels."
        "Package audio as a rendition of its own.";
    SEPARATE_ALTERNATIVES: Must Packaging "apple-9.7"
        "Where there are alternatives of the audio, all audio is separate."
        "Players load sound that they do not play."
        "Package the audio of the variants as a rendition too, and give it a URI.";
    BIT_RATES: Must Content "apple-9.9"
        "There are variants of several bit rates."
        "Players cannot adapt to the network."
        "Encode a ladder of bit rates.";
    HIGHEST: Should Content "apple-9.10"
        "For HD content at least two variants have the highest resolution."
        "Players drop the resolution at the first shortage."
        "Add a variant of the highest resolution with a lower bit rate.";
    INDEPENDENT: Should Packaging "apple-9.11"
        "The multivariant playlist has EXT-X-INDEPENDENT-SEGMENTS."
        "Players that know it switch and seek with fewer requests."
        "Add EXT-X-INDEPENDENT-SEGMENTS where all segments start with keyframes.";
    AVERAGE: Must Packaging "apple-9.14"
        "EXT-X-STREAM-INF has AVERAGE-BANDWIDTH."
        "Players choose by the peak alone and use the network badly."
        "Add AVERAGE-BANDWIDTH.";
    FRAME_RATE: Must Packaging "apple-9.15" ["rfc-4.4.6.2-frame-rate-missing"]
        "EXT-X-STREAM-INF of a variant with video has FRAME-RATE."
        "Players cannot choose for what the device can show."
        "Add FRAME-RATE with three decimals.";
    VIDEO_RANGE: Must Packaging "apple-9.16"
        "VIDEO-RANGE stands on every variant with video, unless all are SDR."
        "Players take what does not say for SDR."
        "Add VIDEO-RANGE to all variants.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let url = root.url();
    for rendition in &list.renditions {
        let video = rendition.kind == Some(RenditionType::Video);
        if !video && !rendition.attributes.has("LANGUAGE") {
            out.add(
                &LANGUAGE,
                url,
                rendition.line,
                &rendition.name,
                "LANGUAGE is missing",
            );
        }
    }
    for variant in &list.variants {
        check_variant(presentation, url, variant, out);
    }
    for variant in &list.i_frames {
        for (name, rule) in [
            ("CODECS", &I_FRAME_CODECS),
            ("RESOLUTION", &I_FRAME_RESOLUTION),
        ] {
            if !variant.attributes.has(name) {
                out.add(rule, url, variant.line, "", format!("{name} is missing"));
            }
        }
    }
    let hdr = list
        .variants
        .iter()
        .chain(&list.i_frames)
        .any(|variant| variant.video_range() != "SDR");
    for variant in list.variants.iter().chain(&list.i_frames) {
        if hdr && variant.has_video() && !variant.attributes.has("VIDEO-RANGE") {
            let message = "other variants are HDR, this one does not say";
            out.add(&VIDEO_RANGE, url, variant.line, "", message);
        }
    }
    check_ladder(url, &list.variants, out);
    if !root.playlist.has("EXT-X-INDEPENDENT-SEGMENTS")
        && list.variants.iter().any(Variant::has_video)
    {
        let message = "there is no EXT-X-INDEPENDENT-SEGMENTS";
        out.add(&INDEPENDENT, url, None, "", message);
    }
}

fn check_variant(presentation: &Presentation, url: &str, variant: &Variant, out: &mut Findings) {
    let own = variant.uri.as_deref().and_then(|uri| presentation.at(uri));
    let pictures = own.is_some_and(|document| {
        document
            .tracks()
            .any(|track| track.kind == Some(TrackKind::Video))
            || document.track.segments.iter().any(|facts| {
                facts
                    .transport
                    .as_ref()
                    .is_some_and(|stream| stream.video().is_some())
            })
    });
    let video = variant.has_video() || pictures;
    let mut required = vec![("CODECS", &CODECS), ("AVERAGE-BANDWIDTH", &AVERAGE)];
    if video {
        required.push(("RESOLUTION", &RESOLUTION));
        required.push(("FRAME-RATE", &FRAME_RATE));
    }
    for (name, rule) in required {
        if !variant.attributes.has(name) {
            out.add(rule, url, variant.line, "", format!("{name} is missing"));
        }
    }
    check_separate(presentation, url, variant, video, out);
}

fn check_separate(
    presentation: &Presentation,
    url: &str,
    variant: &Variant,
    video: bool,
    out: &mut Findings,
) {
    let codecs = variant.codecs();
    let sound = codecs
        .iter()
        .any(|codec| !is_video(codec) && !is_text(codec));
    if !video {
        return;
    }
    let group: Vec<_> = presentation
        .renditions_of(variant)
        .filter(|(kind, _)| *kind == RenditionType::Audio)
        .flat_map(|(_, group)| group)
        .collect();
    let own = variant.uri.as_deref().and_then(|uri| presentation.at(uri));
    let muxed_channels = own
        .into_iter()
        .flat_map(|document| document.descriptions())
        .filter_map(|one| one.audio.as_ref())
        .map(|audio| u64::from(audio.channel_count))
        .max();
    let inside: Vec<_> = group
        .iter()
        .filter(|rendition| rendition.uri.is_none())
        .collect();
    let said_channels = inside
        .iter()
        .filter_map(|rendition| {
            decimal_integer(rendition.attributes.text("CHANNELS")?.split('/').next()?)
        })
        .max();
    let muxed = muxed_channels.is_some() || (sound && group.is_empty()) || !inside.is_empty();
    if !muxed {
        return;
    }
    let channels = muxed_channels.or(said_channels).unwrap_or(2);
    if channels > 2 {
        let message = format!("{channels} channels are in the video segments");
        out.add(&SEPARATE_MULTICHANNEL, url, variant.line, "", message);
    }
    if group.len() > 1 {
        let message = "there are alternatives, and audio in the video segments";
        out.add(&SEPARATE_ALTERNATIVES, url, variant.line, "", message);
    } else {
        out.add(
            &SEPARATE,
            url,
            variant.line,
            "",
            "audio is in the video segments",
        );
    }
}

fn check_ladder(url: &str, variants: &[Variant], out: &mut Findings) {
    let video: Vec<&Variant> = variants.iter().filter(|v| v.has_video()).collect();
    let Some(first) = video.first() else {
        return;
    };
    // Variants of one playlist with other audio are one encoding of the video.
    let playlists: BTreeSet<_> = video.iter().map(|variant| &variant.uri).collect();
    let rates: BTreeSet<_> = video.iter().map(|variant| variant.bandwidth()).collect();
    if playlists.len() < 2 || rates.len() < 2 {
        let message = "there is one bit rate of video";
        out.add(&BIT_RATES, url, first.line, "", message);
        return;
    }
    let Some(highest) = video
        .iter()
        .filter_map(|v| v.resolution())
        .max_by_key(|(w, h)| w.saturating_mul(*h))
    else {
        return;
    };
    let top: BTreeSet<_> = video
        .iter()
        .filter(|variant| variant.resolution() == Some(highest))
        .map(|variant| &variant.uri)
        .collect();
    if highest.1 >= 720 && top.len() < 2 {
        let line = video
            .iter()
            .find(|variant| variant.resolution() == Some(highest))
            .map(|variant| variant.line);
        let value = format!("{}x{}", highest.0, highest.1);
        let message = "one variant has the highest resolution";
        out.add(&HIGHEST, url, line, value, message);
    }
}
