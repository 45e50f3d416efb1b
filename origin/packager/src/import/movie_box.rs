//! Writes the index of an input that is not MP4 as a movie box (ISO/IEC 14496-12, 8.2).

use super::Import;
use crate::isobmff::{BoxWriter, FourCc, Mp4Box};
use crate::language;
use crate::timeline::rescale;

/// The movie box of `tracks`. `timescale` is that of [`Timing::start`](super::Timing::start).
pub(crate) fn movie_box(tracks: &[Import], timescale: u32) -> Mp4Box {
    let tables: u64 = tracks.iter().map(|track| track.places.table_len()).sum();
    let mut w = BoxWriter::with_capacity(usize::try_from(tables).unwrap_or(0) + 1024);
    w.nest_full(b"mvhd", 0, 0, |w| {
        w.zeros(8);
        w.u32(timescale);
        w.zeros(80);
    });
    for track in tracks {
        w.nest(b"trak", |w| write_track(w, track, timescale));
    }
    Mp4Box {
        kind: FourCc(*b"moov"),
        offset: 0,
        payload: w.finish(),
        payload_offset: 0,
    }
}

fn write_track(w: &mut BoxWriter, track: &Import, movie: u32) {
    w.nest_full(b"tkhd", 0, 7, |w| {
        w.zeros(8);
        w.u32(track.id);
        w.zeros(4 + 4 + 8 + 8);
        let (one, none) = (0x1_0000, 0);
        let [a, b, c, d] = match track.rotation {
            90 => [none, one, -one, none],
            180 => [-one, none, none, -one],
            270 => [none, -one, one, none],
            _ => [one, none, none, one],
        };
        for value in [a, b, 0, c, d, 0, 0, 0, 0x4000_0000] {
            w.i32(value);
        }
        w.zeros(8);
    });
    w.nest(b"edts", |w| {
        w.nest_full(b"elst", 1, 0, |w| write_edits(w, track, movie));
    });
    if let Some(name) = &track.name {
        w.nest(b"udta", |w| w.nest(b"name", |w| w.bytes(name.as_bytes())));
    }
    w.nest(b"mdia", |w| {
        w.nest_full(b"mdhd", 0, 0, |w| {
            w.zeros(8);
            w.u32(track.timescale);
            w.zeros(4);
            w.u16(language::to_packed(None));
            w.u16(0);
        });
        w.nest_full(b"hdlr", 0, 0, |w| {
            w.u32(0);
            w.bytes(&track.handler);
            w.zeros(13);
        });
        if let Some(tag) = &track.language {
            w.nest_full(b"elng", 0, 0, |w| {
                w.bytes(tag.as_bytes());
                w.u8(0);
            });
        }
        w.nest(b"minf", |w| w.nest(b"stbl", |w| write_tables(w, track)));
    });
}

/// An empty edit up to the start, then the media.
fn write_edits(w: &mut BoxWriter, track: &Import, movie: u32) {
    let timing = &track.timing;
    let starts_late = timing.start > 0;
    w.u32(1 + u32::from(starts_late));
    let mut edit = |duration: i64, media_time: i64| {
        w.u64(duration.max(0).unsigned_abs());
        w.i64(media_time);
        w.u32(0x1_0000);
    };
    if starts_late {
        edit(timing.start, -1);
    }
    // A duration of 0 stands for the rest of the media.
    let duration = if timing.cut > 0 {
        let ticks = timing.total() - timing.media_start - timing.cut;
        rescale(ticks, track.timescale, movie).max(1)
    } else {
        0
    };
    edit(duration, timing.media_start);
}

fn write_tables(w: &mut BoxWriter, track: &Import) {
    let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    let places = &track.places;
    w.nest_full(b"stsd", 0, 0, |w| {
        w.u32(1);
        w.bytes(&track.entry);
    });
    w.nest_full(b"stts", 0, 0, |w| {
        w.u32(count(track.timing.durations.len()));
        for (samples, ticks) in &track.timing.durations {
            w.u32(*samples);
            w.u32(*ticks);
        }
    });
    if !track.timing.offsets.is_empty() {
        w.nest_full(b"ctts", 1, 0, |w| {
            w.u32(count(track.timing.offsets.len()));
            for (samples, ticks) in &track.timing.offsets {
                w.u32(*samples);
                w.i32(*ticks);
            }
        });
    }
    if places.sync.len() < places.sizes.len() {
        w.nest_full(b"stss", 0, 0, |w| {
            w.u32(count(places.sync.len()));
            places.sync.iter().for_each(|number| w.u32(*number));
        });
    }
    w.nest_full(b"stsz", 0, 0, |w| {
        w.u32(0);
        w.u32(count(places.sizes.len()));
        places.sizes.iter().for_each(|size| w.u32(*size));
    });
    let together = places.offsets.is_empty();
    w.nest_full(b"stsc", 0, 0, |w| {
        w.u32(1);
        w.u32(1);
        w.u32(if together {
            count(places.sizes.len())
        } else {
            1
        });
        w.u32(1);
    });
    w.nest_full(b"co64", 0, 0, |w| {
        if together {
            w.u32(1);
            w.u64(0);
        } else {
            w.u32(count(places.offsets.len()));
            places.offsets.iter().for_each(|offset| w.u64(*offset));
        }
    });
}
