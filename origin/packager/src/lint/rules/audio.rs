//! Audio encoding (Authoring Specification, chapter 2).

use crate::TrackKind;
use crate::lint::finding::Findings;
use crate::lint::playlist::{Rendition, RenditionType, decimal_integer, is_text, is_video};
use crate::lint::presentation::Presentation;
use crate::lint::rule::rules;

rules! {
    STEREO: Must Content "apple-2.3"
        "There is stereo audio in AAC or HE-AAC."
        "Every device plays it; not every device plays anything else."
        "Add a stereo AAC rendition.";
    HE_AAC_RATE: Should Content "apple-2.4"
        "HE-AAC is used up to 64 kbit/s."
        "Above that AAC-LC sounds better."
        "Encode as AAC-LC.";
    AC3: Must Content "apple-2.6"
        "Where there is Dolby Digital Plus, there is Dolby Digital too for devices that do not play it."
        "Those devices fall back to stereo, or play nothing."
        "Add an AC-3 rendition, or deliver only to devices that play E-AC-3.";
    DESCRIPTIONS: Must Packaging "apple-2.13"
        "Audio descriptions have AUTOSELECT=YES."
        "Viewers who ask for descriptions in their settings do not get them."
        "Write AUTOSELECT=YES.";
    ONE_STREAM: Must Packaging "apple-2.17"
        "A segment has one audio stream."
        "Players play an arbitrary one of them."
        "Make a rendition of each.";
    LOUDNESS: Should Content "apple-2.19"
        "Audio in fMP4 has a loudness box."
        "Content of different loudness follows each other, and viewers reach for the volume."
        "Measure the loudness and write ludt, or normalise all content.";
    CONTAINER: Must Packaging "apple-2.25"
        "xHE-AAC, Apple Lossless and FLAC are in fMP4."
        "Apple's players do not play them from anything else."
        "Package as fMP4.";
    DESCRIPTION_LANGUAGE: Must Packaging "apple-2.27"
        "Audio descriptions have the LANGUAGE in which they are spoken."
        "Players cannot choose the one that the viewer understands."
        "Add LANGUAGE.";
    CODEC: Must Content "apple-2.2" ["apple-2.5"]
        "Audio is AAC, HE-AAC, xHE-AAC, Apple Lossless, FLAC, AC-3, E-AC-3 or APAC."
        "Apple's players play nothing else."
        "Transcode, or offer the content in one of these codecs too.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.media() {
        let segments = document
            .media()
            .segments
            .iter()
            .zip(&document.track.segments);
        for (index, (segment, facts)) in segments.enumerate() {
            let streams = facts
                .transport
                .as_ref()
                .map_or(0, |stream| stream.audio_streams());
            let tracks = document.init_of(index).map_or(0, |init| {
                let heard = |id| {
                    init.track(id)
                        .is_some_and(|track| track.kind == Some(TrackKind::Audio))
                };
                facts.spans.iter().filter(|span| heard(span.track)).count()
            });
            if streams > 1 || tracks > 1 {
                let message = format!("the segment has {} audio streams", streams.max(tracks));
                out.add(
                    &ONE_STREAM,
                    document.url(),
                    segment.line,
                    &segment.uri,
                    message,
                );
            }
        }
        let silent = document.tracks().find(|track| {
            track.kind == Some(TrackKind::Audio)
                && !track.loudness
                && track.descriptions.iter().any(|one| one.entry != "apac")
        });
        if let Some(track) = silent {
            let line = document.media().maps.first().map(|map| map.line);
            let message = format!("track {} has no `ludt` box", track.id);
            out.add(&LOUDNESS, document.url(), line, "", message);
        }
    }
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let url = root.url();
    let mut audio: Vec<(usize, &str)> = Vec::new();
    for variant in &list.variants {
        for codec in variant.codecs() {
            if !is_video(codec) && !is_text(codec) {
                audio.push((variant.line, codec));
            }
        }
    }
    for (line, codec) in &audio {
        let kind = codec.split('.').next().unwrap_or_default();
        let known = matches!(
            kind.to_ascii_lowercase().as_str(),
            "mp4a" | "alac" | "flac" | "ac-3" | "ec-3" | "ec+3" | "apac"
        );
        if !known || matches!(*codec, "mp4a.40.34" | "mp4a.6B" | "mp4a.6b" | "mp4a.69") {
            let message = "not among the codecs that Apple's players take";
            out.add(&CODEC, url, *line, *codec, message);
        }
    }
    let is = |name: &str| audio.iter().any(|(_, codec)| codec.starts_with(name));
    if let Some((line, codec)) = audio.iter().find(|(_, codec)| codec.starts_with("ec-3"))
        && !is("ac-3")
    {
        out.add(&AC3, url, *line, *codec, "there is E-AC-3 and no AC-3");
    }
    if !audio.is_empty() && !has_stereo(presentation, &audio) {
        let line = audio.first().map(|(line, _)| *line);
        let value = audio
            .iter()
            .map(|(_, codec)| *codec)
            .collect::<Vec<_>>()
            .join(",");
        out.add(&STEREO, url, line, value, "there is no stereo audio in AAC");
    }
    check_rates(presentation, url, out);
    for rendition in &list.renditions {
        check_description(url, rendition, out);
    }
    check_containers(presentation, out);
}

fn is_aac(codec: &str) -> bool {
    matches!(codec, "mp4a.40.2" | "mp4a.40.5" | "mp4a.40.29")
}

/// True when AAC is offered that may be stereo: what the tracks and CHANNELS say counts where they say it.
fn has_stereo(presentation: &Presentation, audio: &[(usize, &str)]) -> bool {
    if !audio.iter().any(|(_, codec)| is_aac(codec)) {
        return false;
    }
    let tracks: Vec<u32> = presentation
        .media()
        .flat_map(|document| document.descriptions())
        .filter(|one| one.codec.as_deref().is_some_and(is_aac))
        .filter_map(|one| Some(one.audio.as_ref()?.channel_count))
        .collect();
    if !tracks.is_empty() {
        return tracks.iter().any(|count| *count <= 2);
    }
    let said: Vec<u64> = presentation
        .multivariant()
        .into_iter()
        .flat_map(|(_, list)| &list.renditions)
        .filter(|rendition| rendition.kind == Some(RenditionType::Audio))
        .filter_map(|rendition| rendition.attributes.text("CHANNELS"))
        .filter_map(|text| decimal_integer(text.split('/').next()?))
        .collect();
    said.is_empty() || said.iter().any(|count| *count <= 2)
}

fn check_rates(presentation: &Presentation, url: &str, out: &mut Findings) {
    let Some((_, list)) = presentation.multivariant() else {
        return;
    };
    for rendition in &list.renditions {
        let Some(document) = rendition
            .uri
            .as_deref()
            .and_then(|uri| presentation.at(uri))
        else {
            continue;
        };
        let he = document
            .descriptions()
            .any(|one| matches!(one.codec.as_deref(), Some("mp4a.40.5" | "mp4a.40.29")));
        let bytes: Option<u64> = document
            .track
            .segments
            .iter()
            .map(|facts| facts.bytes)
            .sum();
        let seconds = document.media().duration();
        if let Some(bytes) = bytes
            && he
            && seconds > 0.0
        {
            #[expect(
                clippy::cast_precision_loss,
                reason = "compared with percents to spare"
            )]
            let rate = bytes as f64 * 8.0 / seconds / 1000.0;
            // A little more is the packaging.
            if rate > 64.0 * 1.1 {
                let message = format!("HE-AAC with {rate:.0} kbit/s");
                out.add(&HE_AAC_RATE, url, rendition.line, &rendition.name, message);
            }
        }
    }
}

fn check_description(url: &str, rendition: &Rendition, out: &mut Findings) {
    let described = rendition
        .attributes
        .text("CHARACTERISTICS")
        .is_some_and(|text| {
            text.split(',')
                .any(|part| part.trim() == "public.accessibility.describes-video")
        });
    if !described {
        return;
    }
    if !rendition.attributes.yes("AUTOSELECT") {
        let message = "an audio description is not chosen automatically";
        out.add(&DESCRIPTIONS, url, rendition.line, &rendition.name, message);
    }
    if !rendition.attributes.has("LANGUAGE") {
        let message = "an audio description without LANGUAGE";
        out.add(
            &DESCRIPTION_LANGUAGE,
            url,
            rendition.line,
            &rendition.name,
            message,
        );
    }
}

fn check_containers(presentation: &Presentation, out: &mut Findings) {
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    for variant in &list.variants {
        let lossless = variant
            .codecs()
            .into_iter()
            .find(|codec| matches!(*codec, "alac" | "fLaC" | "mp4a.40.42"));
        let (Some(codec), Some(document)) = (
            lossless,
            variant.uri.as_deref().and_then(|uri| presentation.at(uri)),
        ) else {
            continue;
        };
        let streams = document.track.segments.iter().any(|facts| {
            facts
                .transport
                .as_ref()
                .is_some_and(|stream| stream.audio_streams() > 0)
        });
        if streams {
            out.add(&CONTAINER, root.url(), variant.line, codec, "not in fMP4");
        }
    }
}
