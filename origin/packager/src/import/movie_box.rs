//! Writes the index of an input that is not MP4 as a movie box (ISO/IEC 14496-12, 8.2).

use super::Import;
use crate::isobmff::{BoxWriter, FourCc, Mp4Box};
use crate::language;
use crate::timeline::rescale;

/// The movie box of `tracks`. `timescale` is that of [`Timing::start`](super::Timing::start).
pub(crate) fn movie_box(tracks: &[Import], timescale: u32) -> Mp4Box {
    let mut w = BoxWriter::with_capacity(4096);
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
        w.nest(b"minf", |w| {
            w.nest(b"stbl", |w| {
                // The samples themselves stand beside the movie box.
                w.nest_full(b"stsd", 0, 0, |w| {
                    w.u32(1);
                    w.bytes(&track.entry);
                });
            });
        });
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
        let ticks = timing.total - timing.media_start - timing.cut;
        rescale(ticks, track.timescale, movie).max(1)
    } else {
        0
    };
    edit(duration, timing.media_start);
}
