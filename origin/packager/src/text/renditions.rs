//! The subtitle renditions of a presentation: those that were brought, then those inside the inputs.

use super::{Embedded, TextTrack, read};
use crate::{Error, Note, Subtitle};

/// The subtitle renditions. At most one is the default: what was brought counts for more than what the inputs say. Inputs that are
/// rungs of one film may hold the same text, which is taken once.
pub(crate) fn renditions<'a>(
    brought: &[Subtitle],
    embedded: impl Iterator<Item = &'a Embedded>,
) -> Result<Vec<TextTrack>, Error> {
    let mut tracks = brought
        .iter()
        .enumerate()
        .map(|(number, subtitle)| read(number + 1, subtitle))
        .collect::<Result<Vec<_>, _>>()?;
    let mut taken: Vec<&Embedded> = Vec::new();
    for found in embedded {
        let is_same = |other: &&Embedded| {
            other.about.language == found.about.language && other.document == found.document
        };
        if found.document.cues.is_empty() || taken.iter().any(is_same) {
            continue;
        }
        taken.push(found);
        let has_default = tracks.iter().any(|track| track.about.default);
        let about = Subtitle {
            default: found.about.default && !has_default,
            ..found.about.clone()
        };
        tracks.push(TextTrack::new(
            tracks.len() + 1,
            about,
            found.document.clone(),
        ));
    }
    Ok(tracks)
}

/// Divides texts among segments of these starts and ends, of inputs of `size` bytes. One that would take much more than all inputs is
/// left out with a note: long texts that are shown for ever, in a film that is one segment after the other, are an attack.
pub(crate) fn divide(texts: &mut Vec<TextTrack>, stretches: &[(i64, i64)], size: u64) -> Vec<Note> {
    let mut most = size.saturating_mul(100).saturating_add(500_000);
    let mut notes = Vec::new();
    texts.retain_mut(|text| {
        let fits = text.divide(stretches, &mut most);
        if !fits {
            notes.push(Note {
                input: 0,
                track: None,
                message: format!(
                    "{} is left out: its cues are shown so long that their segments would take more than the film",
                    text.name
                ),
            });
        }
        fits
    });
    notes
}

#[cfg(test)]
mod tests {
    use super::super::{Cue, Document};
    use super::*;

    fn embedded(track: u32, text: &str) -> Embedded {
        let cue = Cue {
            start: 0,
            end: 1,
            settings: String::new(),
            text: text.to_owned(),
        };
        Embedded {
            track,
            codec: "tx3g".to_owned(),
            about: Subtitle {
                language: "en".to_owned(),
                default: true,
                ..Subtitle::default()
            },
            document: Document {
                head: Vec::new(),
                cues: vec![cue],
            },
        }
    }

    #[test]
    fn one_default_and_nothing_twice() {
        let found = [embedded(3, "a"), embedded(3, "a"), embedded(4, "b")];
        let made = renditions(&[], found.iter()).unwrap();
        let names: Vec<_> = made
            .iter()
            .map(|track| (track.name.as_str(), track.about.default))
            .collect();
        assert_eq!(names, [("subtitle-1", true), ("subtitle-2", false)]);
    }
}
