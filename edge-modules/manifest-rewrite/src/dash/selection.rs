//! Which adaptation sets and representations stay: the same rules as for HLS streams, period by period.

use crate::dash::document::{Document, Element};
use crate::dash::xml::attribute;
use crate::error::RewriteError;
use crate::multivariant::stream::{Rendition, Stream};
use crate::playlist::codec::{self, Medium};
use crate::select::filter::ManifestFilter;
use crate::select::rule::Rule;
use crate::select::selection::Wanted;
use crate::viewer::Viewer;

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

impl Document<'_> {
    /// Takes out representations and adaptation sets, period by period.
    pub(super) fn select(&mut self, selection: &Selection) -> Result<(), RewriteError> {
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
                        .map(|(_, s)| s.families(Medium::Audio))
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
                .map(|name| codec::family(name).1);
            match medium {
                Some(Medium::Video) => "video",
                Some(Medium::Audio) => "audio",
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
