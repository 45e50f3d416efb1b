//! Keys (RFC 8216bis 4.4.4.4 and 6.2.3).

use crate::lint::finding::Findings;
use crate::lint::playlist::{Playlist, Tag};
use crate::lint::presentation::Presentation;
use crate::lint::rule::rules;

rules! {
    NONE_ALONE: Must Packaging "rfc-4.4.4.4-none"
        "EXT-X-KEY with METHOD=NONE has no other attributes."
        "There is no key that they could be about."
        "Remove the other attributes.";
    URI_REQUIRED: Must Packaging "rfc-4.4.4.4-uri"
        "EXT-X-KEY with another METHOD than NONE has a URI."
        "Clients cannot get the key."
        "Add the URI of the key.";
    IV_LENGTH: Must Packaging "rfc-4.4.4.4-iv-length"
        "IV is a 128-bit number: 0x and at most 32 hexadecimal digits."
        "A longer one is no initialization vector for AES."
        "Write 0x and 32 digits.";
    IV_FORBIDDEN: Must Packaging "rfc-4.4.4.4-iv"
        "EXT-X-KEY with AES-256-GCM or SAMPLE-AES-CTR has no IV."
        "The segments carry their own."
        "Remove IV.";
    VERSIONS: Must Packaging "rfc-4.4.4.4-versions"
        "KEYFORMATVERSIONS is positive integers with / between them."
        "Clients cannot tell whether they know the version."
        "Write versions as 1/2/5.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in &presentation.documents {
        let playlist = &document.playlist;
        for name in ["EXT-X-KEY", "EXT-X-SESSION-KEY"] {
            for tag in playlist.tags_named(name) {
                check_key(playlist, tag, out);
            }
        }
    }
}

fn check_key(playlist: &Playlist, tag: &Tag, out: &mut Findings) {
    let url = playlist.url.as_str();
    let list = &tag.attributes;
    let Some(method) = list.text("METHOD") else {
        return;
    };
    let mut add = |rule, message: String| out.add(rule, url, tag.number, tag.shown(), message);
    if method == "NONE" {
        let others = ["URI", "IV", "KEYFORMAT", "KEYFORMATVERSIONS"];
        if let Some(other) = others.into_iter().find(|name| list.has(name)) {
            add(&NONE_ALONE, format!("{other} stands beside METHOD=NONE"));
        }
        return;
    }
    if !list.has("URI") {
        add(&URI_REQUIRED, format!("METHOD={method} has no URI"));
    }
    if let Some(iv) = list.text("IV") {
        if matches!(method, "AES-256-GCM" | "SAMPLE-AES-CTR") {
            add(&IV_FORBIDDEN, format!("METHOD={method} has an IV"));
        }
        if iv.len() > 34 {
            add(&IV_LENGTH, format!("IV has {} digits", iv.len() - 2));
        }
    }
    if let Some(versions) = list.text("KEYFORMATVERSIONS") {
        let sound = versions.split('/').all(|version| {
            crate::lint::playlist::decimal_integer(version).is_some_and(|version| version > 0)
        });
        if !sound {
            add(&VERSIONS, "KEYFORMATVERSIONS cannot be read".to_owned());
        }
    }
}
