//! Session data, session keys and content steering (RFC 8216bis 4.4.6.4 to 4.4.6.6).

use std::collections::BTreeSet;

use crate::lint::finding::Findings;
use crate::lint::playlist::Key;
use crate::lint::presentation::{Document, Presentation};
use crate::lint::rule::rules;

rules! {
    DATA_FORM: Must Packaging "rfc-4.4.6.4-value"
        "EXT-X-SESSION-DATA has VALUE or URI, and not both."
        "There is no data otherwise, or two that contradict each other."
        "Keep one of the two.";
    DATA_ONCE: Must Packaging "rfc-4.4.6.4-once"
        "A DATA-ID appears once with each LANGUAGE."
        "Applications cannot tell which of them to use."
        "Remove one of the tags.";
    DATA_ID: Should Packaging "rfc-4.4.6.4-data-id"
        "DATA-ID is a name in reverse DNS form."
        "Other names collide with those of somebody else."
        "Write it as com.example.title.";
    KEY_NONE: Must Packaging "rfc-4.4.6.5-none"
        "EXT-X-SESSION-KEY has another METHOD than NONE."
        "There is no key to prepare."
        "Remove the tag.";
    KEY_ONCE: Must Packaging "rfc-4.4.6.5-once"
        "No two EXT-X-SESSION-KEY tags have the same METHOD, URI, IV, KEYFORMAT and KEYFORMATVERSIONS."
        "The key would be fetched twice."
        "Remove one of the tags.";
    KEY_MATCHES: Must Packaging "rfc-4.4.6.5-match"
        "METHOD, KEYFORMAT and KEYFORMATVERSIONS of EXT-X-SESSION-KEY are those of EXT-X-KEY tags with the same URI."
        "The client prepares a key that it cannot use."
        "Copy the attributes from the media playlist.";
    STEERING_ONCE: Must Packaging "rfc-4.4.6.6-once"
        "EXT-X-CONTENT-STEERING appears once at most."
        "Two steering servers contradict each other."
        "Keep one of the tags.";
    PATHWAY: Must Packaging "rfc-4.4.6.6-pathway"
        "PATHWAY-ID of EXT-X-CONTENT-STEERING is the pathway of a variant."
        "Clients start with a pathway on which there is nothing."
        "Write the PATHWAY-ID of a variant.";
    PATHWAY_MISSING: Should Packaging "apple-9.18"
        "EXT-X-CONTENT-STEERING has a PATHWAY-ID."
        "Until the steering manifest is there, clients do not know where to start."
        "Add PATHWAY-ID.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let Some((root, _)) = presentation.multivariant() else {
        return;
    };
    check_data(root, out);
    check_keys(presentation, root, out);
    check_steering(presentation, root, out);
}

fn check_data(root: &Document, out: &mut Findings) {
    let url = root.url();
    let mut seen = BTreeSet::new();
    for tag in root.playlist.tags_named("EXT-X-SESSION-DATA") {
        let list = &tag.attributes;
        let mut add = |rule, message: &str| out.add(rule, url, tag.number, tag.shown(), message);
        match (list.has("VALUE"), list.has("URI")) {
            (true, true) => add(&DATA_FORM, "there are both VALUE and URI"),
            (false, false) => add(&DATA_FORM, "there is neither VALUE nor URI"),
            _ => {}
        }
        let Some(id) = list.text("DATA-ID") else {
            continue;
        };
        if !id.contains('.') {
            add(&DATA_ID, "DATA-ID has no dots");
        }
        if !seen.insert((id, list.text("LANGUAGE"))) {
            add(
                &DATA_ONCE,
                "there is another tag with that DATA-ID and LANGUAGE",
            );
        }
    }
}

fn check_keys(presentation: &Presentation, root: &Document, out: &mut Findings) {
    let url = root.url();
    let mut seen = BTreeSet::new();
    for tag in root.playlist.tags_named("EXT-X-SESSION-KEY") {
        let key = Key::read(tag);
        let mut add = |rule, message: String| out.add(rule, url, tag.number, tag.shown(), message);
        if key.method == "NONE" {
            add(&KEY_NONE, "METHOD is NONE".to_owned());
        }
        let same = [
            Some(key.method.clone()),
            key.uri.clone(),
            tag.attributes.text("IV").map(str::to_owned),
            Some(key.format.clone()),
            Some(key.format_versions.clone()),
        ];
        if !seen.insert(same) {
            add(
                &KEY_ONCE,
                "there is another tag with the same values".to_owned(),
            );
        }
        for document in presentation.media() {
            let other = document.media().keys.iter().find(|other| {
                other.uri.is_some()
                    && other.uri == key.uri
                    && (&other.method, &other.format, &other.format_versions)
                        != (&key.method, &key.format, &key.format_versions)
            });
            if let Some(other) = other {
                let message = format!("line {} of {} differs", other.line, document.url());
                add(&KEY_MATCHES, message);
            }
        }
    }
}

fn check_steering(presentation: &Presentation, root: &Document, out: &mut Findings) {
    let url = root.url();
    let pathways: Vec<&str> = presentation
        .multivariant()
        .into_iter()
        .flat_map(|(_, list)| &list.variants)
        .map(|variant| variant.attributes.text("PATHWAY-ID").unwrap_or("."))
        .collect();
    for (index, tag) in root
        .playlist
        .tags_named("EXT-X-CONTENT-STEERING")
        .enumerate()
    {
        if index > 0 {
            let message = "EXT-X-CONTENT-STEERING appears again";
            out.add(&STEERING_ONCE, url, tag.number, tag.shown(), message);
        }
        match tag.attributes.text("PATHWAY-ID") {
            None => {
                let message = "there is no PATHWAY-ID";
                out.add(&PATHWAY_MISSING, url, tag.number, tag.shown(), message);
            }
            Some(id) if !pathways.contains(&id) => {
                let message = "no variant has that PATHWAY-ID";
                out.add(&PATHWAY, url, tag.number, id, message);
            }
            Some(_) => {}
        }
    }
}
