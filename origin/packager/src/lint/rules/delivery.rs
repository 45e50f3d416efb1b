//! How a server delivers (Authoring Specification 8.18 and chapters 10 to 12). Nothing is asked of files.

use crate::lint::finding::Findings;
use crate::lint::presentation::Presentation;
use crate::lint::request::Delivery;
use crate::lint::rule::rules;

rules! {
    REDIRECT: Must Delivery "apple-8.18"
        "Requests for media are not redirected."
        "Every segment costs a round trip more."
        "Write the final address into the playlist.";
    GZIP: Must Delivery "apple-10.1"
        "Playlists are delivered with gzip content coding."
        "A long playlist takes ten times as long to load, at every reload."
        "Compress playlists, or serve the compressed twins that the packager writes.";
    TYPE: Should Delivery "apple-10.4" ["rfc-4-type"]
        "Content has the recommended media type."
        "Players and caches take it for something else."
        "Configure the media type that the message gives.";
    TLS: Should Delivery "apple-11.1" ["apple-11.2", "apple-11.3"]
        "Playlists and segments are delivered over TLS."
        "Everybody on the way sees what is watched, and may change it."
        "Serve over https.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in &presentation.documents {
        let Some(delivery) = &document.delivery else {
            continue;
        };
        let url = document.url();
        let coding = delivery.content_encoding.as_deref().unwrap_or("");
        if !coding.eq_ignore_ascii_case("gzip") {
            let message =
                "the playlist was asked for with Accept-Encoding: gzip and came otherwise";
            out.add(&GZIP, url, None, coding, message);
        }
        let kind = media_type(delivery);
        if !matches!(
            kind.as_str(),
            "application/vnd.apple.mpegurl" | "audio/mpegurl" | "application/x-mpegurl"
        ) {
            let message = "a playlist is application/vnd.apple.mpegurl";
            out.add(&TYPE, url, None, &kind, message);
        }
        if url.starts_with("http:") && !is_local(url) {
            out.add(&TLS, url, None, "", "the playlist came without TLS");
        }
    }
    for (document, line, url, delivery) in &presentation.deliveries {
        let Some(document) = presentation.documents.get(*document) else {
            continue;
        };
        if let Some(to) = &delivery.redirected_to {
            let message = format!("the request for {url} was redirected");
            out.add(&REDIRECT, document.url(), *line, to, message);
        }
        let kind = media_type(delivery);
        if let Some(expected) = expected_type(url)
            && !expected.contains(&kind.as_str())
        {
            let message = format!("{url} should be {}", expected.join(" or "));
            out.add(&TYPE, document.url(), *line, kind, message);
        }
        if url.starts_with("http:") && !is_local(url) {
            let message = format!("{url} came without TLS");
            out.add(&TLS, document.url(), *line, "", message);
        }
    }
}

/// `Content-Type` without parameters, in small letters.
fn media_type(delivery: &Delivery) -> String {
    let text = delivery.content_type.as_deref().unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

fn is_local(url: &str) -> bool {
    url::Url::parse(url)
        .is_ok_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")))
}

/// The media types of a file by its extension.
fn expected_type(url: &str) -> Option<&'static [&'static str]> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let extension = path.rsplit('/').next()?.rsplit_once('.')?.1;
    Some(match extension.to_ascii_lowercase().as_str() {
        "ts" => &["video/mp2t"],
        "m4s" | "cmfv" | "cmfa" => &["video/iso.segment", "video/mp4", "audio/mp4"],
        "mp4" | "m4v" | "m4a" => &[
            "video/mp4",
            "audio/mp4",
            "application/mp4",
            "video/iso.segment",
        ],
        "aac" => &["audio/aac"],
        "ac3" => &["audio/ac3"],
        "ec3" => &["audio/eac3"],
        "mp3" => &["audio/mpeg"],
        "vtt" | "webvtt" => &["text/vtt", "text/plain"],
        _ => return None,
    })
}
