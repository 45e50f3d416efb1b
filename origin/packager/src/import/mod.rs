//! Inputs that are not MP4, brought to the form of an MP4 index: a movie box that says where their samples lie and how they are
//! timed. Everything after that is the same for all inputs: edit lists, sample tables, the sidecar.

mod ascending;
mod audio_clock;
mod carriage;
mod carriage_writer;
mod entry_box;
mod movie_box;
mod places;
mod runs;
mod sample_log;
mod video_clock;

pub(crate) use ascending::Ascending;
pub(crate) use audio_clock::place_sound;
pub(crate) use carriage::{Carriage, Form};
pub(crate) use carriage_writer::CarriageWriter;
pub(crate) use entry_box::{audio_entry, mpeg4_entry, video_entry};
pub(crate) use movie_box::movie_box;
pub(crate) use runs::{Runs, RunsCursor};
pub(crate) use sample_log::{Log, LogCursor, Logged, SampleLog};
pub(crate) use video_clock::place_pictures;

use bytes::Bytes;

/// One track as it is brought over.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) id: u32,
    /// `vide`, `soun` or `text`.
    pub(crate) handler: [u8; 4],
    /// Ticks per second of `timing`.
    pub(crate) timescale: u32,
    /// Language tag (BCP 47).
    pub(crate) language: Option<String>,
    pub(crate) name: Option<String>,
    /// The sample entry, a box.
    pub(crate) entry: Bytes,
    /// Clockwise rotation in degrees: 0, 90, 180 or 270.
    pub(crate) rotation: u16,
    pub(crate) timing: Timing,
}

/// When samples are decoded and presented, in ticks of the track from its first sample on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Time from each sample to the next in decode order.
    pub(crate) durations: Runs,
    /// Presentation time less decode time.
    pub(crate) offsets: Runs,
    /// Duration of the media in ticks.
    pub(crate) total: i64,
    /// Presentation starts at this time of the media: what comes before is decoded only.
    pub(crate) media_start: i64,
    /// Presentation time of `media_start`, in ticks of the movie.
    pub(crate) start: i64,
    /// Ticks of sound at the end that are not presented.
    pub(crate) cut: i64,
}

impl Timing {
    /// Adds a sample that lasts so many ticks.
    fn push(&mut self, ticks: i64) {
        let ticks = ticks.clamp(0, i64::from(u32::MAX));
        self.durations.push(ticks);
        self.total = self.total.saturating_add(ticks);
    }
}

/// Adds a value to a run-length coded list.
pub(crate) fn push_run<T: PartialEq>(list: &mut Vec<(u32, T)>, value: T) {
    match list.last_mut() {
        Some((count, last)) if *last == value && *count < u32::MAX => *count += 1,
        _ => list.push((1, value)),
    }
}
