//! Renditions and their groups (RFC 8216bis 4.4.6.1 and 4.4.6.1.1).

use std::collections::BTreeMap;

use crate::lint::finding::Findings;
use crate::lint::playlist::{Rendition, RenditionType, decimal_integer};
use crate::lint::presentation::Presentation;
use crate::lint::rule::rules;

rules! {
    CAPTIONS_URI: Must Packaging "rfc-4.4.6.1-captions-uri"
        "EXT-X-MEDIA of type CLOSED-CAPTIONS has no URI."
        "Closed captions are in the video segments; there is no playlist of them."
        "Remove the URI.";
    SUBTITLES_URI: Must Packaging "rfc-4.4.6.2.1-subtitles-uri"
        "EXT-X-MEDIA of type SUBTITLES has a URI."
        "Subtitles are in segments of their own; clients cannot find them."
        "Add the URI of the subtitle playlist.";
    AUTOSELECT: Must Packaging "rfc-4.4.6.1-autoselect"
        "AUTOSELECT, where it is there, is YES when DEFAULT is YES."
        "What is played without being asked for may be chosen without being asked for."
        "Write AUTOSELECT=YES.";
    FORCED: Must Packaging "rfc-4.4.6.1-forced"
        "FORCED stands only with TYPE=SUBTITLES."
        "It means nothing for other types."
        "Remove FORCED.";
    IN_STREAM: Must Packaging "rfc-4.4.6.1-instream-id"
        "EXT-X-MEDIA of type CLOSED-CAPTIONS has an INSTREAM-ID: CC1 to CC4, or SERVICE1 to SERVICE63."
        "Clients do not know which captions of the stream are meant."
        "Add INSTREAM-ID, as the captions are in the stream.";
    AUDIO_ONLY: Must Packaging "rfc-4.4.6.1-audio-attributes"
        "BIT-DEPTH, SAMPLE-RATE and CHANNELS stand only with TYPE=AUDIO."
        "They mean nothing for other types."
        "Remove the attribute.";
    CHANNELS_FORM: Must Packaging "rfc-4.4.6.1-channels-form"
        "CHANNELS is a number of channels, and after / lists of identifiers."
        "Clients choose audio by it; what they cannot read they do not choose."
        "Write a number, as in \"2\", \"6\" or \"16/JOC\".";
    CHANNELS: Should Packaging "rfc-4.4.6.1-channels"
        "EXT-X-MEDIA of type AUDIO has CHANNELS."
        "Clients cannot choose the audio that fits the loudspeakers."
        "Add CHANNELS with the number of channels.";
    CHANNELS_WRONG: Must Packaging "rfc-4.4.6.1-channels-count"
        "CHANNELS is the number of channels of the audio."
        "Clients choose audio for loudspeakers that it does not fit."
        "Write the number that the media have.";
    STABLE_ID: Must Packaging "rfc-4.4.6.1-stable-id"
        "STABLE-RENDITION-ID is made of a-z, A-Z, 0-9, +, /, =, ., - and _."
        "Steering manifests match it byte for byte."
        "Use other characters.";
    STABLE_ID_SAME: Should Packaging "rfc-4.4.6.1-stable-id-same"
        "EXT-X-MEDIA tags with the same URI have the same STABLE-RENDITION-ID."
        "A steering manifest that moves one moves the other too, or should."
        "Give them the same STABLE-RENDITION-ID.";
    LANGUAGE: Must Packaging "rfc-4.4.6.1-language"
        "LANGUAGE and ASSOC-LANGUAGE are language tags (RFC 5646)."
        "Clients match them with what the viewer prefers."
        "Write a tag such as en, pt-BR or zh-Hant.";
    NAMES: Must Packaging "rfc-4.4.6.1.1-names"
        "Renditions of a group have different names."
        "Viewers cannot tell them apart, and clients drop one."
        "Give each its own NAME.";
    ONE_DEFAULT: Must Packaging "rfc-4.4.6.1.1-default"
        "A group has one member with DEFAULT=YES at most."
        "Clients cannot tell what to play."
        "Keep one DEFAULT=YES.";
    DISTINCT: Should Packaging "rfc-4.4.6.1.1-autoselect"
        "Members of a group with AUTOSELECT=YES differ in LANGUAGE, ASSOC-LANGUAGE, FORCED or CHARACTERISTICS."
        "Clients choose among them at random."
        "Set AUTOSELECT=NO on all but one, or say how they differ.";
    SAME_MEMBERS: Must Packaging "rfc-4.4.6.1.1-members"
        "Groups of a type have the same members, whose attributes are the same but for URI, CHANNELS, BIT-DEPTH, SAMPLE-RATE, STABLE-RENDITION-ID and INSTREAM-ID."
        "A client that switches variants has to switch groups, and loses the rendition that the viewer chose."
        "Offer every rendition in every group, with the same NAME, LANGUAGE and flags.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let url = root.url();
    for rendition in &list.renditions {
        check_rendition(url, rendition, out);
        check_channels(presentation, url, rendition, out);
    }
    let mut by_uri: BTreeMap<&str, &Rendition> = BTreeMap::new();
    for rendition in &list.renditions {
        let Some(uri) = rendition.uri.as_deref() else {
            continue;
        };
        let first = by_uri.entry(uri).or_insert(rendition);
        let id = |rendition: &Rendition| {
            rendition
                .attributes
                .text("STABLE-RENDITION-ID")
                .map(str::to_owned)
        };
        if id(first) != id(rendition) {
            let message = format!("the identifier differs from line {}", first.line);
            out.add(&STABLE_ID_SAME, url, rendition.line, uri, message);
        }
    }
    for kind in RenditionType::ALL {
        check_groups(url, kind, &list.renditions, out);
    }
}

fn check_rendition(url: &str, rendition: &Rendition, out: &mut Findings) {
    let list = &rendition.attributes;
    let mut add = |rule, value: &str, message: &str| {
        out.add(rule, url, rendition.line, value, message);
    };
    let kind = rendition.kind;
    match kind {
        Some(RenditionType::ClosedCaptions) => {
            if let Some(uri) = &rendition.uri {
                add(&CAPTIONS_URI, uri, "closed captions have a URI");
            }
            match list.text("INSTREAM-ID") {
                None => add(&IN_STREAM, &rendition.name, "there is no INSTREAM-ID"),
                Some(id) if !is_caption_id(id) => {
                    add(
                        &IN_STREAM,
                        id,
                        "INSTREAM-ID is neither CC1 to CC4 nor SERVICE1 to SERVICE63",
                    );
                }
                Some(_) => {}
            }
        }
        Some(RenditionType::Subtitles) if rendition.uri.is_none() => {
            add(&SUBTITLES_URI, &rendition.name, "the subtitles have no URI");
        }
        _ => {}
    }
    if list.yes("DEFAULT") && list.text("AUTOSELECT") == Some("NO") {
        add(
            &AUTOSELECT,
            "AUTOSELECT=NO",
            "DEFAULT is YES and AUTOSELECT is NO",
        );
    }
    if list.has("FORCED") && kind != Some(RenditionType::Subtitles) {
        add(
            &FORCED,
            "FORCED",
            "FORCED stands with another type than SUBTITLES",
        );
    }
    if kind.is_some() && kind != Some(RenditionType::Audio) {
        let names = ["BIT-DEPTH", "SAMPLE-RATE", "CHANNELS"];
        if let Some(name) = names.into_iter().find(|name| list.has(name)) {
            add(&AUDIO_ONLY, name, "the type is not AUDIO");
        }
    } else if kind == Some(RenditionType::Audio) {
        match list.text("CHANNELS") {
            None => add(
                &CHANNELS,
                &rendition.name,
                "the audio rendition has no CHANNELS",
            ),
            Some(channels) if !is_channels(channels) => {
                add(&CHANNELS_FORM, channels, "CHANNELS cannot be read");
            }
            Some(_) => {}
        }
    }
    if let Some(id) = list.text("STABLE-RENDITION-ID")
        && !is_stable_id(id)
    {
        add(&STABLE_ID, id, "the identifier has other characters");
    }
    for name in ["LANGUAGE", "ASSOC-LANGUAGE"] {
        if let Some(tag) = list.text(name)
            && !is_language(tag)
        {
            add(&LANGUAGE, tag, "the value is no language tag");
        }
    }
}

fn check_channels(
    presentation: &Presentation,
    url: &str,
    rendition: &Rendition,
    out: &mut Findings,
) {
    let said = rendition
        .attributes
        .text("CHANNELS")
        .and_then(|text| decimal_integer(text.split('/').next()?));
    let document = rendition
        .uri
        .as_deref()
        .and_then(|uri| presentation.at(uri));
    let (Some(said), Some(document)) = (said, document) else {
        return;
    };
    let media = document
        .descriptions()
        .filter_map(|one| one.audio.as_ref())
        .map(|audio| (u64::from(audio.channel_count), audio.channels.as_str()))
        .max();
    if let Some((count, text)) = media {
        let listed = text.split('/').next().and_then(decimal_integer);
        if count != said && listed != Some(said) {
            let message = format!("the audio has {text} channels");
            out.add(
                &CHANNELS_WRONG,
                url,
                rendition.line,
                said.to_string(),
                message,
            );
        }
    }
}

fn check_groups(url: &str, kind: RenditionType, all: &[Rendition], out: &mut Findings) {
    let mut groups: BTreeMap<&str, Vec<&Rendition>> = BTreeMap::new();
    for rendition in all.iter().filter(|rendition| rendition.kind == Some(kind)) {
        groups
            .entry(rendition.group.as_str())
            .or_default()
            .push(rendition);
    }
    for members in groups.values() {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut default: Option<usize> = None;
        let mut chosen: BTreeMap<[Option<&str>; 4], usize> = BTreeMap::new();
        for member in members {
            if let Some(line) = names.insert(&member.name, member.line) {
                let message = format!("line {line} of the same group has that name");
                out.add(&NAMES, url, member.line, &member.name, message);
            }
            if member.attributes.yes("DEFAULT") {
                if let Some(line) = default {
                    let message = format!("line {line} of the same group is the default");
                    out.add(&ONE_DEFAULT, url, member.line, &member.name, message);
                }
                default = Some(member.line);
            }
            if member.attributes.yes("AUTOSELECT") {
                // A missing FORCED is NO.
                let key = ["LANGUAGE", "ASSOC-LANGUAGE", "CHARACTERISTICS", "FORCED"].map(|name| {
                    let value = member.attributes.text(name);
                    value.filter(|value| name != "FORCED" || *value == "YES")
                });
                if let Some(line) = chosen.insert(key, member.line) {
                    let message = format!("nothing tells it from line {line}");
                    out.add(&DISTINCT, url, member.line, &member.name, message);
                }
            }
        }
    }
    let mut groups = groups.into_iter();
    let Some((first, reference)) = groups.next() else {
        return;
    };
    for (group, members) in groups {
        check_members(url, (first, &reference), (group, &members), out);
    }
}

/// Compares a group with the first of its type.
fn check_members(
    url: &str,
    (first, reference): (&str, &[&Rendition]),
    (group, members): (&str, &[&Rendition]),
    out: &mut Findings,
) {
    const FREE: [&str; 7] = [
        "URI",
        "CHANNELS",
        "BIT-DEPTH",
        "STABLE-RENDITION-ID",
        "INSTREAM-ID",
        "SAMPLE-RATE",
        "GROUP-ID",
    ];
    for member in reference {
        let Some(twin) = members.iter().find(|other| other.name == member.name) else {
            let message = format!("group {group} has no rendition of that name, {first} has");
            out.add(&SAME_MEMBERS, url, member.line, &member.name, message);
            continue;
        };
        let differs = |a: &Rendition, b: &Rendition| {
            a.attributes
                .list
                .iter()
                .filter(|attribute| !FREE.contains(&attribute.name.as_str()))
                .find(|attribute| {
                    b.attributes.text(&attribute.name) != Some(attribute.value.as_str())
                })
                .map(|attribute| attribute.name.clone())
        };
        if let Some(name) = differs(member, twin).or_else(|| differs(twin, member)) {
            let message = format!("{name} differs from its twin in line {}", member.line);
            out.add(&SAME_MEMBERS, url, twin.line, &twin.name, message);
        }
    }
    for member in members {
        if !reference.iter().any(|other| other.name == member.name) {
            let message = format!("group {first} has no rendition of that name");
            out.add(&SAME_MEMBERS, url, member.line, &member.name, message);
        }
    }
}

fn is_caption_id(id: &str) -> bool {
    matches!(id, "CC1" | "CC2" | "CC3" | "CC4")
        || id
            .strip_prefix("SERVICE")
            .and_then(decimal_integer)
            .is_some_and(|number| (1..=63).contains(&number))
}

fn is_channels(text: &str) -> bool {
    let mut parts = text.split('/');
    let count = parts.next().and_then(decimal_integer);
    let identifiers: Vec<&str> = parts.collect();
    let sound = identifiers.iter().all(|part| {
        part.split(',').all(|id| {
            !id.is_empty()
                && id
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
        })
    });
    count.is_some() && sound
}

/// True for an identifier of STABLE-RENDITION-ID and STABLE-VARIANT-ID.
pub(super) fn is_stable_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/=.-_".contains(&b))
}

/// The form of a language tag (RFC 5646 2.1): subtags of up to eight letters and digits, the first of letters.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    let letters = primary.bytes().all(|b| b.is_ascii_alphabetic());
    let private = primary.eq_ignore_ascii_case("x") || primary.eq_ignore_ascii_case("i");
    letters
        && (private && tag.len() > 2 || (2..=8).contains(&primary.len()))
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}
