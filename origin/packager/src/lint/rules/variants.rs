//! Variants (RFC 8216bis 4.4.6.2 and 4.4.6.3).

use std::collections::BTreeMap;

use crate::lint::finding::Findings;
use crate::lint::playlist::{Multivariant, RenditionType, Variant};
use crate::lint::presentation::{Presentation, Use};
use crate::lint::rule::rules;
use crate::lint::rules::renditions::is_stable_id;

rules! {
    URI: Must Packaging "rfc-4.4.6.2-uri"
        "EXT-X-STREAM-INF is followed by a URI."
        "The variant has no playlist to play."
        "Add the URI line after the tag.";
    STRAY_URI: Must Packaging "rfc-4.4.6.2-tag"
        "A URI in a multivariant playlist follows an EXT-X-STREAM-INF."
        "Clients know nothing about what it leads to, and ignore it."
        "Add EXT-X-STREAM-INF before the URI, or remove it.";
    GROUP: Must Packaging "rfc-4.4.6.2-group"
        "AUDIO, VIDEO, SUBTITLES and CLOSED-CAPTIONS name a group of EXT-X-MEDIA tags of that type."
        "The variant has no sound, pictures or text that a client could load."
        "Correct the name, or add the EXT-X-MEDIA tags.";
    CAPTIONS_NONE: Must Packaging "rfc-4.4.6.2-captions-none"
        "CLOSED-CAPTIONS=NONE stands on every variant or on none."
        "Captions come and go when a client switches variants."
        "Write CLOSED-CAPTIONS=NONE on all variants, or name a group.";
    SCORE: Must Packaging "apple-9.19" ["rfc-4.4.6.2-score"]
        "SCORE stands on every variant or on none."
        "Clients ignore it otherwise."
        "Add SCORE to all variants, or remove it.";
    SUPPLEMENTAL: Must Packaging "rfc-4.4.6.2-supplemental"
        "Each member of SUPPLEMENTAL-CODECS is a codec, with brands after /, whose base layer is in CODECS."
        "Clients that know only the base layer do not find it."
        "Add the base layer to CODECS, as hvc1 for dvh1.";
    CPC: Must Packaging "rfc-4.4.6.2-allowed-cpc"
        "ALLOWED-CPC is KEYFORMAT:LABEL/LABEL, entries with commas between them."
        "Clients that cannot read it may not play the variant."
        "Write labels of A-Z, 0-9 and - after the KEYFORMAT and a colon.";
    LAYOUT_EMPTY: Must Packaging "rfc-4.4.6.2-layout"
        "REQ-VIDEO-LAYOUT and its entries are not empty."
        "Clients must ignore a variant whose layout they cannot read."
        "Name the layout, or remove the attribute.";
    LAYOUT_PLAIN: Should Packaging "rfc-4.4.6.2-layout-plain"
        "REQ-VIDEO-LAYOUT is left out where all is monoscopic and rectilinear."
        "Clients that do not know the attribute skip a variant that they could play."
        "Remove REQ-VIDEO-LAYOUT.";
    STABLE_ID: Must Packaging "rfc-4.4.6.2-stable-id"
        "STABLE-VARIANT-ID is made of a-z, A-Z, 0-9, +, /, =, ., - and _."
        "Steering manifests match it byte for byte."
        "Use other characters.";
    STABLE_ID_SAME: Should Packaging "rfc-4.4.6.2-stable-id-same"
        "EXT-X-STREAM-INF tags with the same URI have the same STABLE-VARIANT-ID."
        "A steering manifest that moves one moves the other too, or should."
        "Give them the same STABLE-VARIANT-ID.";
    I_FRAME_ATTRIBUTES: Should Packaging "rfc-4.4.6.3-attributes"
        "EXT-X-I-FRAME-STREAM-INF has no FRAME-RATE, AUDIO, SUBTITLES or CLOSED-CAPTIONS."
        "They are not defined for it."
        "Remove the attribute.";
    I_FRAMES_ONLY: Must Packaging "rfc-4.4.6.3-i-frames-only" ["apple-6.8"]
        "A playlist that EXT-X-I-FRAME-STREAM-INF names has EXT-X-I-FRAMES-ONLY."
        "Clients take its segments for whole ones and cannot scrub."
        "Add EXT-X-I-FRAMES-ONLY to the playlist.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let url = root.url();
    for (line, uri) in &list.stray_uris {
        out.add(
            &STRAY_URI,
            url,
            *line,
            uri,
            "no EXT-X-STREAM-INF comes before it",
        );
    }
    for variant in &list.variants {
        if variant.uri.is_none() {
            out.add(&URI, url, variant.line, "", "no URI follows the tag");
        }
        check_groups(url, list, variant, out);
    }
    for variant in list.variants.iter().chain(&list.i_frames) {
        check_attributes(url, variant, out);
    }
    check_sets(url, list, out);
    for variant in &list.i_frames {
        let names = ["FRAME-RATE", "AUDIO", "SUBTITLES", "CLOSED-CAPTIONS"];
        for name in names {
            if variant.attributes.has(name) {
                let message = format!("{name} is not defined here");
                out.add(&I_FRAME_ATTRIBUTES, url, variant.line, name, message);
            }
        }
    }
    for document in presentation.media() {
        let i_frames = document
            .uses
            .iter()
            .any(|place| matches!(place, Use::IFrames(_)));
        if i_frames && !document.media().i_frames_only {
            let message = "there is no EXT-X-I-FRAMES-ONLY";
            out.add(&I_FRAMES_ONLY, document.url(), None, "", message);
        }
    }
}

fn check_groups(url: &str, list: &Multivariant, variant: &Variant, out: &mut Findings) {
    for kind in RenditionType::ALL {
        let Some(attribute) = variant.attributes.get(kind.as_str()) else {
            continue;
        };
        let none = kind == RenditionType::ClosedCaptions && attribute.value == "NONE";
        if !none && list.group(kind, &attribute.value).next().is_none() {
            let message = format!("there is no {} group of that name", kind.as_str());
            out.add(&GROUP, url, variant.line, &attribute.value, message);
        }
    }
}

fn check_sets(url: &str, list: &Multivariant, out: &mut Findings) {
    let none = |variant: &&Variant| variant.attributes.text("CLOSED-CAPTIONS") == Some("NONE");
    if list.variants.iter().any(|variant| none(&variant))
        && let Some(other) = list.variants.iter().find(|variant| !none(variant))
    {
        let message = "other variants have CLOSED-CAPTIONS=NONE, this one has not";
        out.add(&CAPTIONS_NONE, url, other.line, "", message);
    }
    let score = |variant: &&Variant| variant.attributes.has("SCORE");
    if list.variants.iter().any(|variant| score(&variant))
        && let Some(other) = list.variants.iter().find(|variant| !score(variant))
    {
        out.add(
            &SCORE,
            url,
            other.line,
            "",
            "other variants have a SCORE, this one has not",
        );
    }
    let mut by_uri: BTreeMap<&str, &Variant> = BTreeMap::new();
    for variant in &list.variants {
        let Some(uri) = variant.uri.as_deref() else {
            continue;
        };
        let first = by_uri.entry(uri).or_insert(variant);
        let id = |variant: &Variant| {
            variant
                .attributes
                .text("STABLE-VARIANT-ID")
                .map(str::to_owned)
        };
        if id(first) != id(variant) {
            let message = format!("the identifier differs from line {}", first.line);
            out.add(&STABLE_ID_SAME, url, variant.line, uri, message);
        }
    }
}

fn check_attributes(url: &str, variant: &Variant, out: &mut Findings) {
    let list = &variant.attributes;
    let mut add = |rule, value: &str, message: &str| {
        out.add(rule, url, variant.line, value, message);
    };
    if let Some(id) = list.text("STABLE-VARIANT-ID")
        && !is_stable_id(id)
    {
        add(&STABLE_ID, id, "the identifier has other characters");
    }
    for member in list
        .text("SUPPLEMENTAL-CODECS")
        .into_iter()
        .flat_map(|text| text.split(','))
    {
        let codec = member.trim().split('/').next().unwrap_or_default();
        let kind = codec.split('.').next().unwrap_or_default();
        let bases: &[&str] = match kind {
            "dvh1" | "dvhe" => &["hvc1", "hev1"],
            "dav1" => &["av01"],
            "dva1" | "dvav" => &["avc1", "avc3"],
            "lhv1" | "lhe1" => &["hvc1", "hev1"],
            _ => &[],
        };
        let declared = bases.is_empty()
            || variant
                .codecs()
                .iter()
                .any(|codec| bases.contains(&codec.split('.').next().unwrap_or_default()));
        if codec.is_empty() || !declared {
            add(&SUPPLEMENTAL, member, "its base layer is not in CODECS");
        }
    }
    for entry in list
        .text("ALLOWED-CPC")
        .into_iter()
        .flat_map(|text| text.split(','))
    {
        let sound = entry.rsplit_once(':').is_some_and(|(format, labels)| {
            !format.trim().is_empty()
                && labels.split('/').all(|label| {
                    !label.is_empty()
                        && label
                            .bytes()
                            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
                })
        });
        if !sound {
            add(&CPC, entry, "the entry cannot be read");
        }
    }
    if let Some(layout) = list.text("REQ-VIDEO-LAYOUT") {
        let specifiers: Vec<&str> = layout.split([',', '/']).map(str::trim).collect();
        if specifiers.iter().any(|specifier| specifier.is_empty()) {
            add(&LAYOUT_EMPTY, layout, "an entry is empty");
        } else if specifiers
            .iter()
            .all(|specifier| matches!(*specifier, "CH-MONO" | "PROJ-RECT"))
        {
            add(
                &LAYOUT_PLAIN,
                layout,
                "all of it is monoscopic and rectilinear",
            );
        }
    }
}
