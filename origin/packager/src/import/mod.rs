//! Inputs that are not MP4, brought to the form of an MP4 index: a movie box that says where their samples lie and how they are
//! timed. Everything after that is the same for all inputs: edit lists, sample tables, the sidecar.

mod audio_clock;
mod carriage;
mod carriage_writer;
mod entry_box;
mod movie_box;
mod video_clock;

pub(crate) use audio_clock::place_sound;
pub(crate) use carriage::{Carriage, Form};
pub(crate) use carriage_writer::CarriageWriter;
pub(crate) use entry_box::{audio_entry, mpeg4_entry, video_entry};
pub(crate) use movie_box::movie_box;
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
    pub(crate) places: Places,
    pub(crate) timing: Timing,
}

/// Where samples lie, in decode order.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// First byte of each sample in the input. Empty: samples have addresses of their own, one after the other from 0, and a
    /// [`Carriage`] says where they lie.
    pub(crate) offsets: Vec<u64>,
    pub(crate) sizes: Vec<u32>,
    /// Numbers of sync samples, counted from 1.
    pub(crate) sync: Vec<u32>,
}

impl Places {
    /// Bytes that the sample table will take.
    pub(crate) fn table_len(&self) -> u64 {
        // A size, an offset, and at most two times eight bytes for times.
        self.sizes.len() as u64 * 28
    }
}

/// When samples are decoded and presented, in ticks of the track from its first sample on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Time from each sample to the next in decode order, run-length coded as (count, ticks).
    pub(crate) durations: Vec<(u32, u32)>,
    /// Presentation time less decode time, run-length coded; empty when all are 0.
    pub(crate) offsets: Vec<(u32, i32)>,
    /// Presentation starts at this time of the media: what comes before is decoded only.
    pub(crate) media_start: i64,
    /// Presentation time of `media_start`, in ticks of the movie.
    pub(crate) start: i64,
    /// Ticks of sound at the end that are not presented.
    pub(crate) cut: i64,
}

impl Timing {
    /// Adds a value to a run-length coded list.
    pub(crate) fn push<T: PartialEq>(list: &mut Vec<(u32, T)>, value: T) {
        match list.last_mut() {
            Some((count, last)) if *last == value && *count < u32::MAX => *count += 1,
            _ => list.push((1, value)),
        }
    }

    /// Duration of the media in ticks.
    pub(crate) fn total(&self) -> i64 {
        self.durations
            .iter()
            .map(|(count, ticks)| i64::from(*count).saturating_mul(i64::from(*ticks)))
            .fold(0, i64::saturating_add)
    }
}
