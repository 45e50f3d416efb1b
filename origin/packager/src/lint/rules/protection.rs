//! Content protection (Authoring Specification, chapter 13; AirPlay 1.41).

use std::collections::BTreeSet;

use crate::TrackKind;
use crate::lint::finding::Findings;
use crate::lint::media::{Format, Init, InitTrack};
use crate::lint::playlist::Key;
use crate::lint::presentation::{Document, Presentation, Role, Use};
use crate::lint::rule::rules;

rules! {
    FAIRPLAY_METHOD: Must Packaging "apple-13.2"
        "FairPlay content has METHOD=SAMPLE-AES."
        "Apple's players decrypt nothing else with FairPlay keys."
        "Encrypt with cbcs and write METHOD=SAMPLE-AES.";
    FAIRPLAY_FORMAT: Must Packaging "apple-13.3"
        "FairPlay keys have KEYFORMAT=\"com.apple.streamingkeydelivery\"."
        "Apple's players take an skd: key of another format for something that they do not know."
        "Write KEYFORMAT=\"com.apple.streamingkeydelivery\".";
    FAIRPLAY_IV: Should Packaging "apple-13.4"
        "FairPlay keys have no IV."
        "The key server gives it; a second one may contradict it."
        "Remove IV.";
    HDCP_HD: Should Packaging "apple-13.5"
        "Protected HD content has HDCP-LEVEL=TYPE-0."
        "A display without HDCP fails in the middle of the film."
        "Add HDCP-LEVEL=TYPE-0.";
    HDCP_UHD: Should Packaging "apple-13.6"
        "Protected content above HD has HDCP-LEVEL=TYPE-1."
        "A display without HDCP 2.2 fails in the middle of the film."
        "Add HDCP-LEVEL=TYPE-1.";
    PATTERN: Must Packaging "apple-13.7"
        "Video under Common Encryption has a pattern of 1:9."
        "Apple's players decrypt no other pattern."
        "Encrypt one block of ten.";
    COUNTER_MODE: Must Packaging "apple-13.11"
        "SAMPLE-AES-CTR is not used for Apple's devices."
        "They do not decrypt it."
        "Encrypt with cbcs and write METHOD=SAMPLE-AES.";
    SCHEME: Must Packaging "rfc-4.4.4.4-scheme"
        "fMP4 segments under SAMPLE-AES have the scheme cbcs, under SAMPLE-AES-CTR cenc."
        "The playlist says another cipher than the segments have."
        "Write the METHOD of the scheme that the segments have.";
    CLEAR: Must Packaging "rfc-4.4.4.4-clear"
        "Segments that are encrypted have EXT-X-KEY."
        "Clients play noise."
        "Add EXT-X-KEY.";
    SAMPLE_DATA: Must Packaging "apple-1.41"
        "Encrypted fragments have senc, or saiz and saio."
        "Players cannot tell which bytes are encrypted."
        "Write senc into every track fragment.";
}

const FAIRPLAY: &str = "com.apple.streamingkeydelivery";

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.media() {
        for key in &document.media().keys {
            check_key(document, key, out);
        }
        if presentation.role(document) != Role::Subtitles {
            check_media(document, out);
        }
    }
    check_hdcp(presentation, out);
}

fn check_key(document: &Document, key: &Key, out: &mut Findings) {
    let mut add = |rule, value: &str, message: &str| {
        out.add(rule, document.url(), key.line, value, message);
    };
    let fairplay = key.format == FAIRPLAY;
    if fairplay && key.method != "SAMPLE-AES" && key.method != "NONE" {
        add(
            &FAIRPLAY_METHOD,
            &key.method,
            "a FairPlay key with another method",
        );
    }
    if fairplay && key.has_iv {
        add(&FAIRPLAY_IV, "IV", "a FairPlay key with an IV");
    }
    if !fairplay
        && key
            .uri
            .as_deref()
            .is_some_and(|uri| uri.starts_with("skd:"))
    {
        add(
            &FAIRPLAY_FORMAT,
            &key.format,
            "an skd: key of another format",
        );
    }
    if key.method == "SAMPLE-AES-CTR" {
        add(
            &COUNTER_MODE,
            &key.method,
            "Apple's devices do not decrypt SAMPLE-AES-CTR",
        );
    }
}

fn check_media(document: &Document, out: &mut Findings) {
    for (map, init) in document.media().maps.iter().zip(&document.track.inits) {
        for track in init.iter().flat_map(|init| &init.tracks) {
            let video = track.kind == Some(TrackKind::Video);
            let mut patterns: Vec<_> = track
                .descriptions
                .iter()
                .filter_map(|one| one.protection.as_ref())
                .filter(|one| video && one.scheme == "cbcs" && one.pattern != Some((1, 9)))
                .map(|one| one.pattern)
                .collect();
            patterns.dedup();
            for pattern in patterns {
                let found = match pattern {
                    Some((crypt, skip)) => format!("{crypt}:{skip}"),
                    None => "no pattern".to_owned(),
                };
                let message = format!("track {} has {found}", track.id);
                out.add(&PATTERN, document.url(), map.line, found, message);
            }
        }
    }
    check_methods(document, out);
}

/// Compares what the playlist says of every segment's encryption with what the segment says itself.
fn check_methods(document: &Document, out: &mut Findings) {
    let media = document.media();
    let mut contradicted = BTreeSet::new();
    for (index, segment) in media.segments.iter().enumerate() {
        let Some(init) = document.init_of(index) else {
            continue;
        };
        let methods: Vec<&str> = segment
            .keys
            .iter()
            .filter_map(|key| media.keys.get(*key))
            .map(|key| key.method.as_str())
            .filter(|method| *method != "NONE")
            .collect();
        for (track, scheme) in encrypted_tracks(document, index, init) {
            if methods.is_empty() {
                let message = format!("track {track} is encrypted");
                out.add(&CLEAR, document.url(), segment.line, scheme, message);
                continue;
            }
            let expected = match scheme {
                "cbcs" => "SAMPLE-AES",
                "cenc" => "SAMPLE-AES-CTR",
                _ => "",
            };
            let other = methods
                .iter()
                .find(|method| method.starts_with("SAMPLE-AES") && **method != expected);
            // The initialization section says it once for all.
            let map = segment.map.and_then(|map| media.maps.get(map));
            if let (Some(other), Some(map)) = (other, map)
                && contradicted.insert((map.line, track))
            {
                let message = format!("the scheme is {scheme}, METHOD is {other}");
                out.add(&SCHEME, document.url(), map.line, scheme, message);
            }
        }
    }
}

/// Tracks of a segment that have encrypted samples, and the scheme. Where segments are not read, a track whose samples are all
/// encrypted by its sample descriptions.
fn encrypted_tracks<'a>(
    document: &Document,
    segment: usize,
    init: &'a Init,
) -> Vec<(u32, &'a str)> {
    let scheme = |track: &'a InitTrack, number: u32| {
        let protection = track.description(number)?.protection.as_ref()?;
        Some((track.id, protection.scheme.as_str()))
    };
    let read = document
        .track
        .segments
        .get(segment)
        .filter(|facts| facts.format != Format::Unread);
    if let Some(facts) = read {
        let described = facts.spans.iter().flat_map(|span| {
            let encrypted = span
                .described
                .iter()
                .filter(|one| one.encrypted == Some(true));
            encrypted.map(|one| (span.track, one.description))
        });
        return described
            .filter_map(|(track, number)| scheme(init.track(track)?, number))
            .collect();
    }
    let wholly = init.tracks.iter().filter(|track| {
        let mut all = track.descriptions.iter();
        all.all(|one| one.protection.as_ref().is_some_and(|one| one.by_default))
    });
    wholly.filter_map(|track| scheme(track, 1)).collect()
}

fn check_hdcp(presentation: &Presentation, out: &mut Findings) {
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    for document in presentation.of_role(Role::Video) {
        // Keys that anybody may fetch protect nothing.
        let protected = document
            .media()
            .keys
            .iter()
            .any(|key| key.method != "NONE" && key.format != "identity");
        if !protected {
            continue;
        }
        for place in &document.uses {
            let Use::Variant(index) = place else {
                continue;
            };
            let Some(variant) = list.variants.get(*index) else {
                continue;
            };
            let level = variant.attributes.text("HDCP-LEVEL").unwrap_or("");
            let height = variant
                .resolution()
                .map_or(0, |(width, height)| width.min(height));
            if height > 1080 && level != "TYPE-1" {
                let message = "protected content above HD without TYPE-1";
                out.add(&HDCP_UHD, root.url(), variant.line, level, message);
            } else if (720..=1080).contains(&height) && level.is_empty() {
                let message = "protected HD content without HDCP-LEVEL";
                out.add(&HDCP_HD, root.url(), variant.line, level, message);
            }
        }
    }
}
