//! Text tracks: their blocks are cues, which are read at once.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::track_entry::TrackEntry;
use super::tracks::{Clock, Found};
use crate::text::{BlockSyntax, Cue, Document, Embedded};
use crate::timeline::MICROS;
use crate::{Note, Subtitle};

/// Most bytes of a block, compressed or not.
pub(super) const BLOCK: u64 = 256 << 10;
/// Most bytes of text of one track.
const MOST: usize = 32 << 20;

/// The cues of a track so far.
#[derive(Debug)]
pub(super) struct Text {
    syntax: BlockSyntax,
    /// The end is open where the file does not say how long a cue lasts.
    cues: Vec<(Cue, bool)>,
    size: usize,
    left_out: u64,
}

impl Text {
    /// The text of a track; `None` when it is none.
    pub(super) fn new(entry: &TrackEntry) -> Option<Self> {
        if entry.kind != 17 || entry.sealed.is_some() {
            return None;
        }
        Some(Self {
            syntax: BlockSyntax::of(&entry.codec)?,
            cues: Vec::new(),
            size: 0,
            left_out: 0,
        })
    }

    /// Adds the frames of a block, all of which has been read unless it is too long.
    pub(super) fn add(&mut self, entry: &TrackEntry, found: &Found, clock: Clock, block: &[u8]) {
        let ticks = found
            .cluster_time
            .saturating_add(i64::from(found.block.time));
        let start = clock.micros(ticks);
        let lasts = found
            .duration
            .map(|ticks| clock.micros(i64::try_from(ticks).unwrap_or(i64::MAX)));
        for (at, len) in &found.block.frames {
            let range = usize::try_from(*at).ok().zip(usize::try_from(*len).ok());
            let data = range.and_then(|(at, len)| block.get(at..at.checked_add(len)?));
            let Some(data) = data.filter(|data| self.size + data.len() <= MOST) else {
                self.left_out += 1;
                continue;
            };
            let mut whole = entry.stripped.clone();
            if entry.deflated {
                let mut decoder = ZlibDecoder::new(data).take(BLOCK);
                if decoder.read_to_end(&mut whole).is_err() {
                    self.left_out += 1;
                    continue;
                }
            } else {
                whole.extend_from_slice(data);
            }
            self.size += whole.len();
            let (text, settings) = self.syntax.cue(&whole, &found.addition);
            let cue = Cue {
                start,
                end: start.saturating_add(lasts.unwrap_or(0)),
                settings,
                text,
            };
            self.cues.push((cue, lasts.is_none()));
        }
    }

    /// What the track says, counted from `base`, in microseconds. A cue of unknown length is shown until the next one, an empty one
    /// perhaps, and not longer than ten seconds.
    pub(super) fn finish(
        mut self,
        entry: &TrackEntry,
        base: i64,
        notes: &mut Vec<Note>,
    ) -> Embedded {
        let track = u32::try_from(entry.number).unwrap_or(u32::MAX);
        if self.left_out > 0 {
            notes.push(Note {
                input: 0,
                track: Some(track),
                message: format!("{} blocks of text cannot be read; left out", self.left_out),
            });
        }
        self.cues.sort_by_key(|(cue, _)| cue.start);
        let next: Vec<i64> = self.cues.iter().skip(1).map(|(cue, _)| cue.start).collect();
        let ends = next.into_iter().map(Some).chain([None]);
        let cues = self.cues.into_iter().zip(ends).map(|((cue, open), next)| {
            let longest = cue.start.saturating_add(10 * MICROS);
            let end = if open {
                next.unwrap_or(longest).min(longest)
            } else {
                cue.end
            };
            Cue {
                start: cue.start.saturating_sub(base).max(0),
                end: end.saturating_sub(base),
                ..cue
            }
        });
        let document = Document {
            head: self.syntax.head(&entry.private),
            cues: cues
                .filter(|cue| cue.end > cue.start && !cue.text.is_empty())
                .collect(),
        };
        Embedded {
            track,
            codec: entry.codec.clone(),
            about: Subtitle {
                language: entry.language.clone().unwrap_or_else(|| "und".to_owned()),
                name: entry.name.clone().unwrap_or_default(),
                default: entry.default,
                forced: entry.forced,
                hearing_impaired: entry.hearing_impaired,
                text: String::new(),
            },
            document,
        }
    }
}
