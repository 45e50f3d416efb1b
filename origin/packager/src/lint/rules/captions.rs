//! Captions and subtitles (Authoring Specification, chapters 4 and 5).

use crate::lint::finding::Findings;
use crate::lint::media::Format;
use crate::lint::playlist::{Rendition, RenditionType, is_text};
use crate::lint::presentation::{Presentation, Role};
use crate::lint::rule::rules;

rules! {
    OFFERED: Should Content "apple-4.1"
        "Captions are provided."
        "Viewers who do not hear are left out."
        "Add closed captions or subtitles.";
    ACCESSIBLE: Must Packaging "apple-4.6"
        "Subtitles for the deaf and hard of hearing have AUTOSELECT=YES."
        "Viewers who ask for them in their settings do not get them."
        "Write AUTOSELECT=YES.";
    CHARACTERISTICS: Must Packaging "apple-4.5"
        "Subtitles for the deaf and hard of hearing have both public.accessibility.transcribes-spoken-dialog and public.accessibility.describes-music-and-sound."
        "With one of them players do not treat them as captions."
        "Write both, with a comma between them.";
    FORMAT: Must Packaging "apple-5.2" ["apple-5.4"]
        "Subtitles are WebVTT text files, or IMSC1 in fMP4."
        "Players show nothing else."
        "Convert the subtitles to WebVTT.";
    WHOLE: Must Packaging "apple-5.5"
        "A subtitle playlist lasts as long as the content, even where there is no text."
        "Players stall where it ends."
        "Add empty segments up to the end.";
    CODECS: Should Packaging "apple-5.10"
        "CODECS names the kind of subtitles of the variant."
        "Players cannot tell whether they can show them."
        "Add wvtt or stpp.ttml.im1t to CODECS.";
    FORCED: Should Packaging "apple-5.11"
        "Forced subtitles have AUTOSELECT=YES."
        "They are essential to understand the film, and not shown."
        "Write AUTOSELECT=YES.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.of_role(Role::Subtitles) {
        let segments = document
            .media()
            .segments
            .iter()
            .zip(&document.track.segments);
        for (segment, facts) in segments {
            let wrong = matches!(facts.format, Format::Transport | Format::PackedAudio)
                || document
                    .descriptions()
                    .any(|one| one.entry == "wvtt" || one.entry == "tx3g");
            if wrong {
                let message = "neither a WebVTT text file nor IMSC1 in fMP4";
                out.add(&FORMAT, document.url(), segment.line, &segment.uri, message);
            }
        }
    }
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let url = root.url();
    let text = |rendition: &&Rendition| {
        matches!(
            rendition.kind,
            Some(RenditionType::Subtitles | RenditionType::ClosedCaptions)
        )
    };
    let video = list.variants.iter().any(|variant| variant.has_video());
    if video && !list.renditions.iter().any(|rendition| text(&rendition)) {
        out.add(
            &OFFERED,
            url,
            None,
            "",
            "there are neither captions nor subtitles",
        );
    }
    for rendition in list
        .renditions
        .iter()
        .filter(|rendition| rendition.kind == Some(RenditionType::Subtitles))
    {
        let autoselect = rendition.attributes.yes("AUTOSELECT");
        let characteristics = rendition
            .attributes
            .text("CHARACTERISTICS")
            .unwrap_or_default();
        let has = |name: &str| characteristics.split(',').any(|part| part.trim() == name);
        let spoken = has("public.accessibility.transcribes-spoken-dialog");
        let sounds = has("public.accessibility.describes-music-and-sound");
        if spoken != sounds {
            let message = "one of the two characteristics is missing";
            out.add(
                &CHARACTERISTICS,
                url,
                rendition.line,
                characteristics,
                message,
            );
        } else if spoken && !autoselect {
            let message = "captions are not chosen automatically";
            out.add(&ACCESSIBLE, url, rendition.line, &rendition.name, message);
        }
        if rendition.attributes.yes("FORCED") && !autoselect {
            let message = "forced subtitles are not chosen automatically";
            out.add(&FORCED, url, rendition.line, &rendition.name, message);
        }
    }
    for variant in &list.variants {
        if variant.attributes.has("SUBTITLES")
            && variant.attributes.has("CODECS")
            && !variant.codecs().iter().any(|codec| is_text(codec))
        {
            let value = variant.codecs().join(",");
            let message = "the kind of subtitles is not named";
            out.add(&CODECS, url, variant.line, value, message);
        }
    }
}
