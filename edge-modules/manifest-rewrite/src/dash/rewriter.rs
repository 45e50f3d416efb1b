//! DASH: the MPD (ISO/IEC 23009-1). The token goes into every URL, media may move to another host, representations are selected
//! by the same rules as HLS streams. The document is held whole, up to a limit, since a rule may empty an adaptation set.

use std::ops::Range;

use crate::body::Rewriter;
use crate::dash::xml::{Piece, PieceKind, attribute, attributes, escape, pieces, unescape};
use crate::error::RewriteError;
use crate::multivariant::list::{Rendition, Stream};
use crate::playlist::lines::BOM;
use crate::playlist::places::Place;
use crate::select::filter::ManifestFilter;
use crate::select::rule::Rule;
use crate::select::selection::Wanted;
use crate::uri::policy::UriPolicy;
use crate::uri::reference::UriReference;
use crate::viewer::Viewer;

/// The largest MPD that is held.
pub const MAX_MPD: usize = 2 * 1024 * 1024;

/// Rewrites one MPD.
pub struct DashRewriter {
    held: Vec<u8>,
    uris: UriPolicy,
    selection: Selection,
}

/// What is selected by.
#[derive(Debug, Default)]
pub struct Selection {
    /// Rules that hold.
    pub rules: Vec<Rule>,
    /// The viewer's own filters.
    pub filters: Vec<ManifestFilter>,
    /// Who asks.
    pub viewer: Viewer,
}

impl DashRewriter {
    /// A rewriter for one MPD.
    pub fn new(uris: UriPolicy, selection: Selection) -> Self {
        Self {
            held: Vec::new(),
            uris,
            selection,
        }
    }
}

impl Rewriter for DashRewriter {
    fn push(&mut self, chunk: &[u8], _out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.held.len() + chunk.len() > MAX_MPD {
            return Err(RewriteError::TooLarge { limit: MAX_MPD });
        }
        self.held.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let held = std::mem::take(&mut self.held);
        let bare = held.strip_prefix(BOM).unwrap_or(&held);
        out.extend_from_slice(&held[..held.len() - bare.len()]);
        if bare.trim_ascii().is_empty() {
            out.extend_from_slice(bare);
            return Ok(());
        }
        let text = std::str::from_utf8(bare)
            .map_err(|_| RewriteError::Xml("it is not UTF-8".to_owned()))?;
        let pieces = pieces(text)?;
        let is_mpd = |piece: &Piece| matches!(&piece.kind, PieceKind::Start(name) | PieceKind::Empty(name) if name == "MPD");
        if !pieces.iter().any(is_mpd) {
            out.extend_from_slice(bare);
            return Ok(());
        }
        let mut document = Document {
            text,
            dropped: vec![false; pieces.len()],
            pieces,
        };
        document.select(&self.selection)?;
        document.write(&self.uris, out);
        Ok(())
    }
}

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

struct Document<'a> {
    text: &'a str,
    pieces: Vec<Piece>,
    dropped: Vec<bool>,
}

/// An element from its start to its end.
struct Element {
    /// Its pieces.
    range: Range<usize>,
}

impl<'a> Document<'a> {
    fn tag(&self, piece: usize) -> &'a str {
        &self.text[self.pieces[piece].range.clone()]
    }

    /// The elements of a name within a range of pieces.
    fn elements(&self, within: Range<usize>, name: &str) -> Vec<Element> {
        let mut found = Vec::new();
        for index in within.clone() {
            match &self.pieces[index].kind {
                PieceKind::Empty(known) if known == name => found.push(Element {
                    range: index..index + 1,
                }),
                PieceKind::Start(known) if known == name => {
                    let depth = self.pieces[index].depth;
                    let is_end = |piece: &Piece| {
                        piece.depth == depth
                            && matches!(&piece.kind, PieceKind::End(end) if end == name)
                    };
                    let end = (index + 1..within.end)
                        .find(|at| is_end(&self.pieces[*at]))
                        .unwrap_or(within.end - 1);
                    found.push(Element {
                        range: index..end + 1,
                    });
                }
                _ => {}
            }
        }
        found
    }

    /// Takes out representations and adaptation sets, period by period.
    fn select(&mut self, selection: &Selection) -> Result<(), RewriteError> {
        for rule in &selection.rules {
            let asked = rule.asked(&selection.viewer);
            for period in self.elements(0..self.pieces.len(), "Period") {
                if self.select_in(&period, &asked, rule.refuses())? == 0 {
                    self.keep_lowest(&period, rule.keeps_all());
                }
            }
        }
        for filter in &selection.filters {
            for period in self.elements(0..self.pieces.len(), "Period") {
                if self.select_in(&period, filter, false)? == 0 {
                    return Err(RewriteError::FilterEmpty);
                }
            }
        }
        Ok(())
    }

    /// Applies a selection to a period; returns how many video representations are left, or 1 when there were none.
    fn select_in(
        &mut self,
        period: &Element,
        wanted: &dyn Wanted,
        refuses: bool,
    ) -> Result<usize, RewriteError> {
        let sets: Vec<Element> = self
            .elements(period.range.clone(), "AdaptationSet")
            .into_iter()
            .filter(|set| !self.dropped[set.range.start])
            .collect();
        let mut videos = Vec::new();
        let mut sounds = Vec::new();
        for set in &sets {
            let tag = self.tag(set.range.start);
            let representations: Vec<Element> = self
                .elements(set.range.clone(), "Representation")
                .into_iter()
                .filter(|representation| !self.dropped[representation.range.start])
                .collect();
            let streams: Vec<(usize, Stream)> = representations
                .iter()
                .enumerate()
                .map(|(index, r)| (index, stream(tag, self.tag(r.range.start))))
                .collect();
            match kind_of(tag, &streams) {
                "video" => {
                    let kept: Vec<bool> = streams
                        .iter()
                        .map(|(_, stream)| wanted.variant(stream))
                        .collect();
                    videos.push((set.range.clone(), representations, kept));
                }
                "audio" => {
                    let families = streams
                        .first()
                        .map(|(_, s)| s.families(crate::playlist::codec::Medium::Audio))
                        .unwrap_or_default();
                    let rendition = self.rendition(set);
                    sounds.push((set.range.clone(), wanted.audio(&rendition, &families)));
                }
                "text" if !wanted.subtitles(&self.rendition(set)) => self.drop(set.range.clone()),
                "image" => {
                    for (representation, (_, stream)) in representations.iter().zip(&streams) {
                        if !wanted.images(stream) {
                            self.drop(representation.range.clone());
                        }
                    }
                    self.drop_if_empty(set);
                }
                _ => {}
            }
        }
        // Sound that nobody asked for beats silence.
        if sounds.iter().any(|(_, keep)| *keep) {
            sounds
                .into_iter()
                .filter(|(_, keep)| !keep)
                .for_each(|(range, _)| self.drop(range));
        }
        let left: usize = videos
            .iter()
            .flat_map(|(_, _, kept)| kept)
            .filter(|keep| **keep)
            .count();
        let any: usize = videos.iter().map(|(_, _, kept)| kept.len()).sum();
        if left == 0 {
            return if any == 0 {
                Ok(1)
            } else if refuses {
                Err(RewriteError::Refused)
            } else {
                Ok(0)
            };
        }
        for (range, representations, kept) in videos {
            if kept.iter().any(|keep| *keep) {
                let gone = representations
                    .into_iter()
                    .zip(kept)
                    .filter(|(_, keep)| !keep);
                gone.for_each(|(representation, _)| self.drop(representation.range));
            } else {
                self.drop(range);
            }
        }
        Ok(left)
    }

    fn keep_lowest(&mut self, period: &Element, all: bool) {
        if all {
            return;
        }
        let mut lowest: Option<(f64, usize)> = None;
        let mut video = Vec::new();
        for set in self.elements(period.range.clone(), "AdaptationSet") {
            let tag = self.tag(set.range.start);
            let representations = self.elements(set.range.clone(), "Representation");
            let streams: Vec<(usize, Stream)> = representations
                .iter()
                .map(|r| (r.range.start, stream(tag, self.tag(r.range.start))))
                .collect();
            if kind_of(tag, &streams) == "video" && !self.dropped[set.range.start] {
                for (at, stream) in &streams {
                    let bandwidth = stream.bandwidth.unwrap_or(f64::MAX);
                    if !self.dropped[*at] && lowest.is_none_or(|(least, _)| bandwidth < least) {
                        lowest = Some((bandwidth, *at));
                    }
                }
                video.push((set, representations));
            }
        }
        let Some((_, keep)) = lowest else { return };
        for (set, representations) in video {
            if !set.range.contains(&keep) {
                self.drop(set.range);
                continue;
            }
            representations
                .into_iter()
                .filter(|r| r.range.start != keep)
                .for_each(|r| self.drop(r.range));
        }
    }

    fn drop_if_empty(&mut self, set: &Element) {
        let left = self
            .elements(set.range.clone(), "Representation")
            .iter()
            .any(|r| !self.dropped[r.range.start]);
        if !left {
            self.drop(set.range.clone());
        }
    }

    fn drop(&mut self, range: Range<usize>) {
        // With the white space in front, so that no blank line is left.
        let start = range.start;
        if start > 0
            && self.pieces[start - 1].kind == PieceKind::Text
            && self.tag(start - 1).trim().is_empty()
        {
            self.dropped[start - 1] = true;
        }
        self.dropped[range].fill(true);
    }

    fn rendition(&self, set: &Element) -> Rendition {
        let tag = self.tag(set.range.start);
        let channels = self.elements(set.range.clone(), "AudioChannelConfiguration");
        let channels = channels
            .first()
            .and_then(|element| attribute(self.tag(element.range.start), "value"));
        Rendition {
            language: attribute(tag, "lang"),
            name: attribute(tag, "label")
                .or_else(|| attribute(tag, "id"))
                .unwrap_or_default(),
            group: attribute(tag, "id").unwrap_or_default(),
            channels: channels.and_then(|text| text.parse().ok()),
            sample_rate: attribute(tag, "audioSamplingRate").and_then(|text| text.parse().ok()),
            ..Rendition::default()
        }
    }

    fn write(&self, uris: &UriPolicy, out: &mut Vec<u8>) {
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

/// What an adaptation set carries.
fn kind_of(tag: &str, streams: &[(usize, Stream)]) -> &'static str {
    let declared = attribute(tag, "contentType")
        .or_else(|| attribute(tag, "mimeType"))
        .unwrap_or_default();
    let family = declared.split('/').next().unwrap_or_default();
    match family {
        "video" => "video",
        "audio" => "audio",
        "text" | "application" => "text",
        "image" => "image",
        _ => {
            let medium = streams
                .first()
                .and_then(|(_, stream)| stream.codecs.first())
                .map(|codec| crate::playlist::codec::family(codec).1);
            match medium {
                Some(crate::playlist::codec::Medium::Video) => "video",
                Some(crate::playlist::codec::Medium::Audio) => "audio",
                _ if streams.iter().any(|(_, stream)| stream.height.is_some()) => "video",
                _ => "",
            }
        }
    }
}

/// A representation as the rules see it; what it does not say, its adaptation set does.
fn stream(set: &str, representation: &str) -> Stream {
    let text = |name: &str| attribute(representation, name).or_else(|| attribute(set, name));
    let number = |name: &str| text(name).and_then(|text| text.trim().parse().ok());
    let frame_rate = text("frameRate").and_then(|text| match text.split_once('/') {
        Some((a, b)) => Some(a.parse::<f64>().ok()? / b.parse::<f64>().ok().filter(|b| *b > 0.0)?),
        None => text.parse().ok(),
    });
    let codecs = text("codecs").unwrap_or_default();
    Stream {
        bandwidth: number("bandwidth"),
        width: number("width"),
        height: number("height"),
        frame_rate,
        codecs: codecs
            .split(',')
            .map(|codec| codec.trim().to_owned())
            .filter(|codec| !codec.is_empty())
            .collect(),
        pathway: ".".to_owned(),
        name: text("id"),
        ..Stream::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::places::Places;
    use crate::uri::carrier::Carrier;
    use crate::uri::policy::HostSwitch;
    use proptest::prelude::*;

    const MPD: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">
  <ProgramInformation><Title>A &amp; B</Title></ProgramInformation>
  <Location>live.mpd?a=1&amp;b=2</Location>
  <Period id="1">
    <AdaptationSet contentType="video" mimeType="video/mp4">
      <SegmentTemplate media="v/$RepresentationID$/$Number$.m4s?x=1&amp;y=2" initialization='v/$RepresentationID$/i.mp4'/>
      <Representation id="360" bandwidth="500000" width="640" height="360" codecs="avc1.4d401e"/>
      <Representation id="1080" bandwidth="5000000" width="1920" height="1080" codecs="avc1.640028"/>
    </AdaptationSet>
    <AdaptationSet contentType="video" codecs="hvc1.2.4.L123.B0"><BaseURL>hevc/</BaseURL>
      <Representation id="2160" bandwidth="9000000" height="2160"><BaseURL>u.mp4</BaseURL><SegmentBase><Initialization sourceURL="https://other.example/i"/></SegmentBase></Representation>
    </AdaptationSet>
    <AdaptationSet contentType="audio" lang="en" codecs="mp4a.40.2"><Representation id="en" bandwidth="1"/></AdaptationSet>
    <AdaptationSet contentType="audio" lang="de" codecs="mp4a.40.2"><Representation id="de" bandwidth="1"/></AdaptationSet>
    <AdaptationSet contentType="text" lang="de"><Representation id="sub" bandwidth="1"><BaseURL>s.vtt</BaseURL></Representation></AdaptationSet>
  </Period>
</MPD>
"#;

    fn policy(carrier: &[u8]) -> UriPolicy {
        let mut policy = UriPolicy::new("/v/a.mpd", "edge.example");
        policy.carry_token(&Carrier::parse(carrier, "/t/").unwrap(), Places::ALL);
        policy
    }

    fn run(uris: UriPolicy, rules: &[&str], text: &str) -> Result<String, RewriteError> {
        let rules = rules
            .iter()
            .map(|rule| Rule::compile(0, &toml::from_str(rule).unwrap()).unwrap())
            .collect();
        let mut rewriter = DashRewriter::new(
            uris,
            Selection {
                rules,
                ..Selection::default()
            },
        );
        let mut out = Vec::new();
        text.as_bytes()
            .chunks(7)
            .try_for_each(|chunk| rewriter.push(chunk, &mut out))?;
        rewriter.finish(&mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_token_goes_into_every_url() {
        let expected = MPD
            .replace("b=2<", "b=2&amp;t=X<")
            .replace("y=2\"", "y=2&amp;t=X\"")
            .replace("i.mp4'", "i.mp4?t=X'")
            .replace("u.mp4<", "u.mp4?t=X<")
            .replace("example/i\"", "example/i?t=X\"")
            .replace("s.vtt<", "s.vtt?t=X<");
        assert_eq!(run(policy(b"query:t=X"), &[], MPD).unwrap(), expected);
    }

    #[test]
    fn nothing_to_do_changes_nothing() {
        let bom = format!("\u{feff}{MPD}");
        assert_eq!(
            run(UriPolicy::default(), &["variants='true'"], &bom).unwrap(),
            bom
        );
        assert_eq!(
            run(
                policy(b"query:t=X"),
                &[],
                "<html><BaseURL>x</BaseURL></html>"
            )
            .unwrap(),
            "<html><BaseURL>x</BaseURL></html>"
        );
        assert!(matches!(
            run(policy(b"query:t=X"), &[], "<MPD><Period></MPD>"),
            Err(RewriteError::Xml(_))
        ));
    }

    #[test]
    fn media_moves_by_one_base_url() {
        let mut uris = policy(b"query:t=X");
        uris.switch_host(HostSwitch {
            base: b"https://c.example".to_vec(),
            places: Places::of(Place::is_media),
            from: vec![],
        });
        let text = run(uris, &[], MPD).unwrap();
        assert!(text.contains("</ProgramInformation>\n  <BaseURL>https://c.example/v/</BaseURL><Location>live.mpd?a=1"), "{text}");
        assert!(
            text.contains("media=\"v/$RepresentationID$/$Number$.m4s?x=1&amp;y=2&amp;t=X\"")
                && text.contains("<BaseURL>hevc/</BaseURL>")
        );
    }

    fn ids(text: &str) -> Vec<&str> {
        text.split("<Representation id=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect()
    }

    #[test]
    fn representations_are_selected() {
        for (rule, expected) in [
            (
                "variants='height <= 1080'",
                vec!["360", "1080", "en", "de", "sub"],
            ),
            (
                "variants='video-codec == \"h265\"'\naudio='language == \"de\"'",
                vec!["2160", "de", "sub"],
            ),
            (
                "audio='language == \"fr\"'\nsubtitles='language == \"fr\"'",
                vec!["360", "1080", "2160", "en", "de"],
            ),
            ("variants='height < 100'", vec!["360", "en", "de", "sub"]),
            (
                "variants='height < 100'\non-empty='all'",
                vec!["360", "1080", "2160", "en", "de", "sub"],
            ),
        ] {
            let text = run(UriPolicy::default(), &[rule], MPD).unwrap();
            assert_eq!(ids(&text), expected, "{rule}");
            assert!(
                pieces(&text).is_ok() && !text.contains("\n    \n"),
                "{text}"
            );
        }
        assert_eq!(
            run(
                UriPolicy::default(),
                &["variants='height < 100'\non-empty='refuse'"],
                MPD
            ),
            Err(RewriteError::Refused)
        );
    }

    proptest! {
        #[test]
        fn no_document_panics(parts in prop::collection::vec(prop::sample::select(MPD.split_inclusive('>').collect::<Vec<_>>()), 0..30)) {
            let text = parts.concat();
            if let Ok(out) = run(policy(b"query:t=X"), &["variants='height <= 360'"], &text) {
                prop_assert!(pieces(&out).is_ok());
            }
        }
    }
}
