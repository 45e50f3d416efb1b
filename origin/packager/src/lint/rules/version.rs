//! Protocol versions (RFC 8216bis 4.4.1.2 and section 8).

use crate::lint::finding::Findings;
use crate::lint::playlist::{Playlist, Tag, decimal_integer};
use crate::lint::presentation::Presentation;
use crate::lint::rule::rules;

rules! {
    MISSING: Must Packaging "rfc-4.4.1.2-missing"
        "A playlist that uses anything beyond protocol version 1 has EXT-X-VERSION."
        "An older client plays what it does not understand, instead of refusing it."
        "Add EXT-X-VERSION with the number that the message gives.";
    ONCE: Must Packaging "rfc-4.4.1.2-once"
        "EXT-X-VERSION appears once at most."
        "Clients must fail to parse a playlist with several."
        "Keep the highest of the numbers.";
    TOO_LOW: Must Packaging "rfc-8-version"
        "EXT-X-VERSION is at least what the tags and attributes of the playlist need."
        "A client of that version does not know them and plays the presentation wrongly."
        "Raise EXT-X-VERSION to the number that the message gives.";
}

/// What needs a version.
struct Need {
    version: u64,
    line: usize,
    what: String,
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in &presentation.documents {
        check_playlist(&document.playlist, out);
    }
}

fn check_playlist(playlist: &Playlist, out: &mut Findings) {
    let url = playlist.url.as_str();
    let mut tags = playlist.tags_named("EXT-X-VERSION");
    let first = tags.next();
    for tag in tags {
        out.add(
            &ONCE,
            url,
            tag.number,
            tag.shown(),
            "EXT-X-VERSION appears again",
        );
    }
    let i_frames = playlist.media.i_frames_only;
    let need = playlist
        .tags()
        .filter_map(|tag| need(tag, i_frames))
        .reduce(|most, next| {
            if next.version > most.version {
                next
            } else {
                most
            }
        });
    let Some(need) = need else {
        return;
    };
    match first {
        None => {
            let message = format!("{} needs EXT-X-VERSION:{}", need.what, need.version);
            out.add(&MISSING, url, need.line, "", message);
        }
        Some(tag) => {
            if let Some(version) = decimal_integer(tag.text())
                && version < need.version
            {
                let message = format!(
                    "{} in line {} needs version {}",
                    need.what, need.line, need.version
                );
                out.add(&TOO_LOW, url, tag.number, tag.shown(), message);
            }
        }
    }
}

fn need(tag: &Tag, i_frames: bool) -> Option<Need> {
    let has = |name: &str| tag.attributes.has(name);
    let (version, what) = match tag.name.as_str() {
        "EXTINF" if tag.text().split(',').next()?.contains('.') => {
            (3, "a duration that is no integer".to_owned())
        }
        "EXT-X-BYTERANGE" | "EXT-X-I-FRAMES-ONLY" => (4, tag.name.clone()),
        "EXT-X-KEY" | "EXT-X-SESSION-KEY" => {
            if has("KEYFORMAT") || has("KEYFORMATVERSIONS") {
                (5, "KEYFORMAT".to_owned())
            } else if tag.attributes.text("METHOD")?.starts_with("SAMPLE-AES") {
                (5, "SAMPLE-AES".to_owned())
            } else if has("IV") {
                (2, "IV".to_owned())
            } else {
                return None;
            }
        }
        "EXT-X-MAP" if i_frames => (5, "EXT-X-MAP in an I-frame playlist".to_owned()),
        "EXT-X-MAP" => (6, "EXT-X-MAP".to_owned()),
        "EXT-X-DEFINE" if has("QUERYPARAM") => (11, "QUERYPARAM".to_owned()),
        "EXT-X-DEFINE" => (8, "EXT-X-DEFINE".to_owned()),
        "EXT-X-SKIP" if has("RECENTLY-REMOVED-DATERANGES") => {
            (10, "RECENTLY-REMOVED-DATERANGES".to_owned())
        }
        "EXT-X-SKIP" => (9, "EXT-X-SKIP".to_owned()),
        "EXT-X-MEDIA" if has("INSTREAM-ID") => {
            let id = tag.attributes.text("INSTREAM-ID")?;
            if tag.attributes.text("TYPE") != Some("CLOSED-CAPTIONS") {
                (
                    13,
                    "INSTREAM-ID of other renditions than closed captions".to_owned(),
                )
            } else if id.starts_with("SERVICE") {
                (7, "SERVICE in INSTREAM-ID".to_owned())
            } else {
                return None;
            }
        }
        "EXT-X-STREAM-INF" | "EXT-X-I-FRAME-STREAM-INF" => {
            let required = tag
                .attributes
                .list
                .iter()
                .find(|attribute| attribute.name.starts_with("REQ-"))?;
            (12, required.name.clone())
        }
        _ => return None,
    };
    Some(Need {
        version,
        line: tag.number,
        what,
    })
}
