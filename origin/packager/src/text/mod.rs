//! Timed text: subtitles beside the film (WebVTT, SRT, TTML) and inside it, and the WebVTT segments made of them.

mod ass;
mod block;
mod cue;
mod embedded;
mod fuzz;
mod markup;
mod renditions;
mod srt;
mod ttml;
mod ttml_style;
mod ttml_time;
mod tx3g;
mod webvtt;
mod wvtt;
mod xml;

pub(crate) use block::BlockSyntax;
pub(crate) use cue::{Cue, Document};
pub(crate) use embedded::{Embedded, Read, Syntax, TextScan};
pub(crate) use fuzz::fuzz_sample;
pub(crate) use renditions::{divide, renditions};
pub(crate) use webvtt::{segment, whole};

use crate::{Error, Subtitle};

/// Subtitles that have been read.
#[derive(Clone, Debug)]
pub(crate) struct TextTrack {
    pub(crate) name: String,
    pub(crate) about: Subtitle,
    pub(crate) document: Document,
    /// Which cues each segment shows; [`TextTrack::divide`] says so.
    shown: Vec<Vec<u32>>,
}

impl TextTrack {
    fn new(number: usize, about: Subtitle, document: Document) -> Self {
        Self {
            name: format!("subtitle-{number}"),
            about,
            document,
            shown: Vec::new(),
        }
    }

    /// Divides the cues among segments of these starts and ends. A cue that is on show in several segments is written into each of
    /// them, and what stands before the cues into all: false when that takes more than `most` bytes, which are counted down.
    pub(crate) fn divide(&mut self, stretches: &[(i64, i64)], most: &mut u64) -> bool {
        let head: usize = self.document.head.iter().map(String::len).sum();
        let mut left = most.checked_sub((head as u64).saturating_mul(stretches.len() as u64));
        self.shown = vec![Vec::new(); stretches.len()];
        for (cue, number) in self.document.cues.iter().zip(0..) {
            let first = stretches.partition_point(|(_, end)| *end <= cue.start);
            let len = (cue.text.len() + cue.settings.len()) as u64;
            let shown = self.shown.iter_mut().zip(stretches).skip(first);
            for (list, _) in shown.take_while(|(_, (start, _))| *start < cue.end) {
                left = left.and_then(|left| left.checked_sub(len + TIMES));
                if left.is_none() {
                    return false;
                }
                list.push(number);
            }
        }
        *most = left.unwrap_or(0);
        left.is_some()
    }

    /// The cues that segment number `number` shows, counted from 0.
    pub(crate) fn cues(&self, number: usize) -> impl Iterator<Item = &Cue> {
        let shown = self.shown.get(number).map_or(&[][..], Vec::as_slice);
        shown
            .iter()
            .filter_map(|cue| self.document.cues.get(*cue as usize))
    }
}

/// Bytes of the times of a cue and the signs around it.
const TIMES: u64 = 36;

/// Reads subtitle number `number`, counted from 1. WebVTT is told by its magic and TTML by its first sign; anything else is read as SRT.
pub(crate) fn read(number: usize, subtitle: &Subtitle) -> Result<TextTrack, Error> {
    let invalid = |reason: &str| {
        Err(Error::InvalidOption {
            option: "subtitles",
            reason: format!(
                "subtitle {number} ({}) {reason}; give it as WebVTT, SRT or TTML in UTF-8",
                subtitle.language
            ),
        })
    };
    let text = subtitle.text.trim_start_matches('\u{feff}');
    let document = if text.starts_with("WEBVTT") {
        webvtt::parse(text)
    } else if ttml::is_ttml(text) {
        match ttml::parse(text) {
            Ok(document) => document,
            Err(reason) => return invalid(&format!("is no TTML: {reason}")),
        }
    } else {
        srt::parse(text)
    };
    if document.cues.is_empty() {
        return invalid("holds no cue that can be read");
    }
    // The text itself is not needed twice.
    let about = Subtitle {
        text: String::new(),
        ..subtitle.clone()
    };
    Ok(TextTrack::new(number, about, document))
}
