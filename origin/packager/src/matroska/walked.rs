//! What a walk over a file brought together, and the index that it becomes.

use super::tracks::Track;
use crate::chapters::Mark;
use crate::found::Found;
use crate::import::movie_box;
use crate::mp4::RawIndex;
use crate::timeline::{seconds, to_micros};
use crate::{Error, Note};

/// What a walk over a file brought together.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) input_len: u64,
    /// Ticks per second of the times of tracks.
    pub(super) timescale: u32,
    pub(super) tracks: Vec<Track>,
    pub(super) chapters: Vec<Mark>,
    pub(super) notes: Vec<Note>,
}

impl Walked {
    /// The index. Times count from the first sample of pictures or sound.
    pub(super) fn index(mut self) -> Result<RawIndex, Error> {
        let (mut found, mut texts) = (Vec::new(), Vec::new());
        for mut track in self.tracks {
            match track.text.take() {
                Some(text) => texts.push((text, track.entry)),
                None => found.extend(track.finish(self.timescale, &mut self.notes)?),
            }
        }
        let Some(base) = found.iter().map(|track| track.first).min() else {
            return Err(Error::Missing {
                input: 0,
                what: "track with pictures or sound",
                length: self.input_len,
                advice: "the recording was not finished or the upload was cut off; upload it again",
            });
        };
        if base != 0 {
            self.notes.push(Note {
                input: 0,
                track: None,
                message: format!(
                    "the first sample is presented at {:.3} s; times are counted from there",
                    seconds(base, self.timescale)
                ),
            });
        }
        let zero = to_micros(base, self.timescale);
        let texts = texts
            .into_iter()
            .map(|(text, entry)| text.finish(&entry, zero, &mut self.notes))
            .collect();
        for mark in &mut self.chapters {
            mark.start = mark.start.saturating_sub(zero).max(0);
            mark.end = mark.end.map(|end| end.saturating_sub(zero));
        }
        let (mut tracks, mut carriages, mut packed) = (Vec::new(), Vec::new(), Vec::new());
        for mut done in found {
            done.track.timing.start = done.first - base;
            carriages.extend(done.carriage.map(|carriage| (done.track.id, carriage)));
            packed.push((done.track.id, done.samples));
            tracks.push(done.track);
        }
        Ok(RawIndex {
            index_first: false,
            notes: self.notes,
            carriages,
            packed,
            found: Found {
                texts,
                chapters: self.chapters,
                ..Found::default()
            },
            ..RawIndex::of_boxes(movie_box(&tracks, self.timescale), Vec::new())
        })
    }
}
