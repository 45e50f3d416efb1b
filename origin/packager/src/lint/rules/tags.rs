//! Which tags may stand where, how often, and with which attributes (RFC 8216bis 4.2 and 4.4).

use crate::lint::finding::Findings;
use crate::lint::playlist::{Attribute, Kind, Playlist, Tag, ValueKind, decimal_integer};
use crate::lint::presentation::Presentation;
use crate::lint::rule::rules;
use crate::lint::rules::tag_table::{Form, Place, Spec, VALUES, spec};

rules! {
    ATTRIBUTE_TYPE: Must Packaging "rfc-4.2-type"
        "An attribute value has the type that its definition says."
        "Clients read a value by the type of its attribute: a number in quotation marks or a bare string is not understood, or makes them reject the playlist."
        "Write the value in the form that the message names.";
    ENUMERATED: Must Packaging "rfc-4.2-enumerated"
        "An enumerated value is one of those that its attribute defines."
        "Clients do not know other words, and ignore the tag or reject the playlist."
        "Use one of the values that the message lists, in capitals.";
    TAG_VALUE: Must Packaging "rfc-4.4-value"
        "The value of a tag has the form that its definition says."
        "A number or type that cannot be read makes clients reject the playlist."
        "Write the value in the form that the message names.";
    ONCE_EITHER: Must Packaging "rfc-4.4.2-once"
        "A tag of section 4.4.2 other than EXT-X-DEFINE appears once at most."
        "Clients must fail to parse a playlist that repeats it."
        "Keep one of the tags.";
    ONCE_MEDIA: Must Packaging "rfc-4.4.3-once"
        "A media playlist has each media playlist tag once at most."
        "It describes the whole playlist; two of them contradict each other."
        "Keep one of the tags.";
    ONCE_SKIP: Must Packaging "rfc-4.4.5-once"
        "EXT-X-SKIP appears once at most."
        "A delta update replaces one stretch of segments; a second tag cannot be applied."
        "Merge the tags into one.";
    MEDIA_TAG_PLACE: Must Packaging "rfc-4.4.3-place"
        "A media playlist tag does not appear in a multivariant playlist."
        "Clients cannot tell what kind of playlist it is and must reject it."
        "Move the tag to the media playlists.";
    SEGMENT_TAG_PLACE: Must Packaging "rfc-4.4.4-place"
        "A media segment tag does not appear in a multivariant playlist."
        "Clients must fail to parse playlists that hold both kinds of tags."
        "Move segments to a media playlist of their own.";
    START_REQUIRED: Must Packaging "rfc-4.4.2.2-required"
        "EXT-X-START has a TIME-OFFSET."
        "Without it the tag names no point to start at."
        "Add TIME-OFFSET, or remove the tag.";
    PART_INF_REQUIRED: Must Packaging "rfc-4.4.3.7-required"
        "EXT-X-PART-INF has a PART-TARGET."
        "Clients plan their requests by the part target duration."
        "Add PART-TARGET in seconds.";
    KEY_REQUIRED: Must Packaging "rfc-4.4.4.4-required"
        "EXT-X-KEY has a METHOD."
        "Without it clients do not know how to decrypt what follows."
        "Add METHOD.";
    MAP_REQUIRED: Must Packaging "rfc-4.4.4.5-required"
        "EXT-X-MAP has a URI."
        "Without it the initialization section cannot be found, and no segment be played."
        "Add URI.";
    PART_REQUIRED: Must Packaging "rfc-4.4.4.9-required"
        "EXT-X-PART has a URI and a DURATION."
        "Clients cannot load or place a part without them."
        "Add the attributes that the message names.";
    DATE_RANGE_REQUIRED: Must Packaging "rfc-4.4.5.1-required"
        "EXT-X-DATERANGE has an ID."
        "The ID is how tags about the same range of time are brought together."
        "Add an ID that is unique in the playlist.";
    SKIP_REQUIRED: Must Packaging "rfc-4.4.5.2-required"
        "EXT-X-SKIP has SKIPPED-SEGMENTS."
        "Clients need the number to know which of their segments stay."
        "Add SKIPPED-SEGMENTS.";
    HINT_REQUIRED: Must Packaging "rfc-4.4.5.3-required"
        "EXT-X-PRELOAD-HINT has a TYPE and a URI."
        "A hint without them names nothing to load."
        "Add the attributes that the message names.";
    REPORT_REQUIRED: Should Packaging "rfc-4.4.5.4-required"
        "EXT-X-RENDITION-REPORT has a URI and LAST-MSN."
        "Clients use it to switch renditions without an extra request. A server may leave an attribute out only when it is the same as in the report of this playlist itself."
        "Add the attributes that the message names.";
    MEDIA_REQUIRED: Must Packaging "rfc-4.4.6.1-required"
        "EXT-X-MEDIA has TYPE, GROUP-ID and NAME."
        "Variants find renditions by type and group, viewers choose them by name."
        "Add the attributes that the message names.";
    VARIANT_REQUIRED: Must Packaging "rfc-4.4.6.2-required"
        "EXT-X-STREAM-INF has a BANDWIDTH."
        "Clients choose the variant by it."
        "Add BANDWIDTH: the peak segment bit rate in bits per second.";
    I_FRAME_REQUIRED: Must Packaging "rfc-4.4.6.3-required"
        "EXT-X-I-FRAME-STREAM-INF has a BANDWIDTH and a URI."
        "Clients choose the I-frame playlist by its bit rate and load it from its address."
        "Add the attributes that the message names.";
    SESSION_DATA_REQUIRED: Must Packaging "rfc-4.4.6.4-required"
        "EXT-X-SESSION-DATA has a DATA-ID."
        "Applications look session data up by it."
        "Add DATA-ID.";
    SESSION_KEY_REQUIRED: Must Packaging "rfc-4.4.6.5-required"
        "EXT-X-SESSION-KEY has a METHOD."
        "Without it clients cannot prepare the key."
        "Add METHOD.";
    STEERING_REQUIRED: Must Packaging "rfc-4.4.6.6-required"
        "EXT-X-CONTENT-STEERING has a SERVER-URI."
        "Without it there is no steering manifest to load."
        "Add SERVER-URI.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in &presentation.documents {
        check_playlist(&document.playlist, out);
    }
}

fn check_playlist(playlist: &Playlist, out: &mut Findings) {
    let mut seen: Vec<&str> = Vec::new();
    for tag in playlist.tags() {
        let Some(spec) = spec(&tag.name) else {
            continue;
        };
        check_place(playlist, tag, spec, out);
        if seen.contains(&spec.name) {
            let rule = match spec.place {
                Place::Either
                    if !matches!(spec.name, "EXT-X-DEFINE" | "EXTM3U" | "EXT-X-VERSION") =>
                {
                    Some(&ONCE_EITHER)
                }
                Place::Media => Some(&ONCE_MEDIA),
                Place::Metadata if spec.name == "EXT-X-SKIP" => Some(&ONCE_SKIP),
                _ => None,
            };
            if let Some(rule) = rule {
                let message = format!("{} appears again", spec.name);
                out.add(rule, &playlist.url, tag.number, tag.shown(), message);
            }
        } else {
            seen.push(spec.name);
        }
        check_value(playlist, tag, spec, out);
    }
}

fn check_place(playlist: &Playlist, tag: &Tag, spec: &Spec, out: &mut Findings) {
    // A playlist with a multivariant tag is taken for a multivariant one, so that only the others can be out of place.
    let rule = match spec.place {
        Place::Media | Place::Metadata => &MEDIA_TAG_PLACE,
        Place::Segment => &SEGMENT_TAG_PLACE,
        Place::Either | Place::Multivariant => return,
    };
    if playlist.kind == Kind::Multivariant {
        let message = format!("{} stands in a multivariant playlist", spec.name);
        out.add(rule, &playlist.url, tag.number, tag.shown(), message);
    }
}

fn check_value(playlist: &Playlist, tag: &Tag, spec: &Spec, out: &mut Findings) {
    let url = playlist.url.as_str();
    match spec.form {
        Form::Empty if tag.value.is_some() => {
            let message = format!("{} takes no value", spec.name);
            out.add(&TAG_VALUE, url, tag.number, tag.shown(), message);
        }
        Form::Integer if decimal_integer(tag.text()).is_none() => {
            let message = format!("{} takes a decimal-integer", spec.name);
            out.add(&TAG_VALUE, url, tag.number, tag.shown(), message);
        }
        Form::Attributes(kinds) => {
            let missing: Vec<&str> = spec
                .required
                .iter()
                .copied()
                .filter(|name| !tag.attributes.has(name))
                .collect();
            if let Some(rule) = spec.required_rule
                && !missing.is_empty()
            {
                let message = format!("{} lacks {}", spec.name, missing.join(" and "));
                out.add(rule, url, tag.number, tag.shown(), message);
            }
            for attribute in &tag.attributes.list {
                check_attribute(url, tag, attribute, kinds, out);
            }
        }
        _ => {}
    }
}

fn check_attribute(
    url: &str,
    tag: &Tag,
    attribute: &Attribute,
    kinds: &[(&str, ValueKind)],
    out: &mut Findings,
) {
    let known = kinds.iter().find(|(name, _)| *name == attribute.name);
    let kind = match known {
        Some((_, kind)) => *kind,
        None if tag.name == "EXT-X-DATERANGE" && attribute.name.starts_with("X-") => {
            ValueKind::Extension
        }
        None => return,
    };
    let value = format!("{}={}", attribute.name, attribute.value);
    if !attribute.is(kind) {
        let message = format!("{} of {} is no {}", attribute.name, tag.name, kind.as_str());
        out.add(&ATTRIBUTE_TYPE, url, tag.number, value, message);
        return;
    }
    let values = VALUES
        .iter()
        .find(|(name, of, _)| *name == tag.name && *of == attribute.name);
    if let Some((_, _, values)) = values
        && !values.contains(&attribute.value.as_str())
    {
        let message = format!(
            "{} of {} is none of {}",
            attribute.name,
            tag.name,
            values.join(", ")
        );
        out.add(&ENUMERATED, url, tag.number, value, message);
    }
}
