//! Where a URL can stand in an MPD, and how one is written there.

use crate::dash::document::Document;
use crate::dash::xml::{PieceKind, attributes, escape, unescape};
use crate::playlist::places::Place;
use crate::uri::policy::UriPolicy;
use crate::uri::reference::UriReference;

/// Attributes that hold a URL, by element.
fn url_attributes(element: &str) -> &'static [(&'static str, Place)] {
    match element {
        "SegmentTemplate" => &[
            ("media", Place::Segment),
            ("initialization", Place::Map),
            ("index", Place::Segment),
            ("bitstreamSwitching", Place::Segment),
        ],
        "SegmentURL" => &[("media", Place::Segment), ("index", Place::Segment)],
        "Initialization" | "RepresentationIndex" | "BitstreamSwitching" => {
            &[("sourceURL", Place::Map)]
        }
        "Period" | "AdaptationSet" | "SegmentList" | "EventStream" | "InitializationSet" => {
            &[("xlink:href", Place::Asset)]
        }
        _ => &[],
    }
}

/// Elements whose content is a URL.
fn url_content(element: &str) -> Option<Place> {
    match element {
        "BaseURL" => Some(Place::Segment),
        "Location" | "PatchLocation" => Some(Place::Variant),
        "ContentSteering" => Some(Place::Steering),
        _ => None,
    }
}

impl Document<'_> {
    pub(super) fn write(&self, uris: &UriPolicy, out: &mut Vec<u8>) {
        let has_base = self.pieces.iter().any(|piece| {
            piece.depth == 1 && matches!(&piece.kind, PieceKind::Start(name) if name == "BaseURL")
        });
        let mut base = uris
            .moved_directory()
            .filter(|_| !has_base)
            .map(|url| format!("<BaseURL>{}</BaseURL>", escape(&url)));
        let mut element = String::new();
        for (index, piece) in self
            .pieces
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.dropped[*index])
        {
            let text = self.tag(index);
            match &piece.kind {
                PieceKind::Start(name) | PieceKind::Empty(name) => {
                    // `BaseURL` comes after `ProgramInformation` and before all else (the MPD's schema, section 5.3.1.3).
                    if piece.depth == 1 && name != "ProgramInformation" {
                        out.extend_from_slice(base.take().unwrap_or_default().as_bytes());
                    }
                    element.clone_from(name);
                    write_tag(text, name, uris, out);
                }
                PieceKind::Text => {
                    match url_content(&element).filter(|_| !text.trim().is_empty()) {
                        Some(place) => write_content(text, place, piece.depth == 2, uris, out),
                        None => out.extend_from_slice(text.as_bytes()),
                    }
                }
                PieceKind::End(_) => {
                    element.clear();
                    out.extend_from_slice(text.as_bytes());
                }
                PieceKind::Other => out.extend_from_slice(text.as_bytes()),
            }
        }
    }
}

fn write_tag(text: &str, element: &str, uris: &UriPolicy, out: &mut Vec<u8>) {
    let places = url_attributes(element);
    let mut copied = 0;
    if !places.is_empty() {
        for (name, range) in attributes(text) {
            let Some((_, place)) = places.iter().find(|(known, _)| *known == name) else {
                continue;
            };
            let url = unescape(&text[range.clone()]);
            let mut rewritten = Vec::new();
            // A relative URL moves with its `BaseURL`; `urn:` values of `xlink:href` are no URLs.
            let relative = UriReference::split(url.as_bytes()).authority.is_none();
            let changed = if relative && !url.starts_with('/') {
                uris.rewrite_query(url.as_bytes(), url.as_bytes(), *place, &mut rewritten)
            } else {
                uris.rewrite(url.as_bytes(), *place, &mut rewritten)
            };
            if changed {
                out.extend_from_slice(&text.as_bytes()[copied..range.start]);
                out.extend_from_slice(escape(&String::from_utf8_lossy(&rewritten)).as_bytes());
                copied = range.end;
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
}

/// `outermost` says that the URL is resolved against the MPD's own; others are resolved against a `BaseURL` around them and move
/// with it.
fn write_content(text: &str, place: Place, outermost: bool, uris: &UriPolicy, out: &mut Vec<u8>) {
    let url = unescape(text.trim());
    let url = url.as_bytes();
    let mut rewritten = Vec::new();
    let parts = UriReference::split(url);
    let relative = parts.authority.is_none() && !parts.path.starts_with(b"/");
    // A directory: what is resolved against it loses its query, so a token there would be shown for nothing.
    let directory = place == Place::Segment
        && (parts.path.ends_with(b"/") || (parts.path.is_empty() && parts.authority.is_some()));
    let changed = match (relative && !outermost, directory) {
        (true, true) => false,
        (true, false) => uris.rewrite_query(url, url, place, &mut rewritten),
        (false, true) => uris.rewrite_place(url, place, &mut rewritten),
        (false, false) => uris.rewrite(url, place, &mut rewritten),
    };
    if changed {
        let lead = text.len() - text.trim_start().len();
        out.extend_from_slice(&text.as_bytes()[..lead]);
        out.extend_from_slice(escape(&String::from_utf8_lossy(&rewritten)).as_bytes());
        out.extend_from_slice(&text.as_bytes()[lead + text.trim().len()..]);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}
