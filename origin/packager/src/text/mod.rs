//! Timed text: subtitles given as WebVTT or SRT, and the WebVTT segments made of them.

mod cue;
mod srt;
mod webvtt;

pub(crate) use webvtt::{segment, whole};

use cue::Document;

use crate::{Error, Subtitle};

/// Subtitles that have been read.
#[derive(Clone, Debug)]
pub(crate) struct TextTrack {
    pub(crate) name: String,
    pub(crate) about: Subtitle,
    pub(crate) document: Document,
}

/// Reads subtitle number `number`, counted from 1. WebVTT is told by its magic, anything else is read as SRT.
pub(crate) fn read(number: usize, subtitle: &Subtitle) -> Result<TextTrack, Error> {
    let text = subtitle.text.trim_start_matches('\u{feff}');
    let document = if text.starts_with("WEBVTT") {
        webvtt::parse(text)
    } else {
        srt::parse(text)
    };
    if document.cues.is_empty() {
        return Err(Error::InvalidOption {
            option: "subtitles",
            reason: format!(
                "subtitle {number} ({}) holds no cue that can be read; give it as WebVTT or SRT in UTF-8",
                subtitle.language
            ),
        });
    }
    // The text itself is not needed twice.
    let about = Subtitle {
        text: String::new(),
        ..subtitle.clone()
    };
    Ok(TextTrack {
        name: format!("subtitle-{number}"),
        about,
        document,
    })
}
