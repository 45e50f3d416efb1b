//! Initialization segments: `ftyp` and `moov` of one track (ISO/IEC 23000-19, 7.3.1).

use bytes::Bytes;

use crate::isobmff::BoxWriter;
use crate::language;
use crate::presentation::TrackKind;
use crate::protect::{self, Protection};
use crate::track::Track;

/// What the initialization segment of a track says.
#[derive(Debug)]
pub(crate) struct TrackHeader<'a> {
    pub(crate) kind: TrackKind,
    pub(crate) timescale: u32,
    /// The size of the picture before rotation, which `matrix` applies; 0 without pictures.
    pub(crate) size: (u32, u32),
    pub(crate) matrix: [i32; 4],
    /// Media time at which the presentation starts, in ticks.
    pub(crate) trim: i64,
    pub(crate) language: Option<&'a str>,
    /// The sample entries, as they are written.
    pub(crate) entries: Vec<Bytes>,
    /// Headers of key systems (`pssh` boxes).
    pub(crate) key_systems: Vec<Bytes>,
}

/// Writes the initialization segment of a track.
pub(crate) fn init_segment(track: &Track, protection: Option<&Protection>) -> Bytes {
    let size = track.info.video.as_ref().map_or((0, 0), |video| {
        let (width, height) = (video.display_width, video.display_height);
        if video.rotation % 180 == 90 {
            (height, width)
        } else {
            (width, height)
        }
    });
    let entries = match protection {
        Some(protection) => protection.sample_entries(track),
        None => track
            .entries
            .iter()
            .map(|entry| entry.entry.clone())
            .collect(),
    };
    let mut key_systems = Vec::new();
    if let Some(protection) = protection.filter(|found| found.method.scheme().is_some()) {
        let keys: Vec<_> = protection.keys().collect();
        for system in &protection.systems {
            let headers = protect::headers(system, protection.method, &keys);
            key_systems.extend(headers.into_iter().map(|header| header.pssh));
        }
    }
    TrackHeader {
        kind: track.info.kind,
        timescale: track.timeline.timescale,
        size,
        matrix: track.matrix,
        trim: track.timeline.trim,
        language: track.info.language.as_deref(),
        entries,
        key_systems,
    }
    .write()
}

impl TrackHeader<'_> {
    /// The initialization segment.
    pub(crate) fn write(&self) -> Bytes {
        let mut w = BoxWriter::with_capacity(1024);
        w.nest(b"ftyp", |w| {
            w.bytes(b"iso6\0\0\0\0iso6cmfcdash");
        });
        w.nest(b"moov", |w| {
            w.nest_full(b"mvhd", 0, 0, |w| {
                w.zeros(8);
                w.u32(self.timescale);
                w.u32(0);
                w.u32(0x0001_0000);
                w.u16(0x0100);
                w.zeros(10);
                write_matrix(w, [0x1_0000, 0, 0, 0x1_0000], 0, 0);
                w.zeros(24);
                w.u32(2);
            });
            w.nest(b"trak", |w| self.write_track(w));
            w.nest(b"mvex", |w| {
                w.nest_full(b"trex", 0, 0, |w| {
                    w.u32(1);
                    w.u32(1);
                    w.zeros(12);
                });
            });
            self.key_systems.iter().for_each(|header| w.bytes(header));
        });
        w.finish()
    }

    fn write_track(&self, w: &mut BoxWriter) {
        let (width, height) = self.size;
        let sound = self.kind == TrackKind::Audio;
        w.nest_full(b"tkhd", 0, 7, |w| {
            w.zeros(8);
            w.u32(1);
            w.zeros(4 + 4 + 8);
            w.u16(0);
            w.u16(u16::from(sound));
            w.u16(if sound { 0x0100 } else { 0 });
            w.u16(0);
            write_matrix(w, self.matrix, width, height);
            for side in [width, height] {
                w.u32(u32::from(u16::try_from(side).unwrap_or(u16::MAX)) << 16);
            }
        });
        if self.trim > 0 {
            w.nest(b"edts", |w| {
                w.nest_full(b"elst", 1, 0, |w| {
                    w.u32(1);
                    w.u64(0);
                    w.i64(self.trim);
                    w.u32(0x0001_0000);
                });
            });
        }
        w.nest(b"mdia", |w| {
            w.nest_full(b"mdhd", 0, 0, |w| {
                w.zeros(8);
                w.u32(self.timescale);
                w.u32(0);
                w.u16(language::to_packed(self.language));
                w.u16(0);
            });
            let (handler, name): (&[u8; 4], &[u8]) = match self.kind {
                TrackKind::Video => (b"vide", b"Video\0"),
                TrackKind::Audio => (b"soun", b"Audio\0"),
                TrackKind::Subtitle => (b"text", b"Subtitles\0"),
            };
            w.nest_full(b"hdlr", 0, 0, |w| {
                w.u32(0);
                w.bytes(handler);
                w.zeros(12);
                w.bytes(name);
            });
            if let Some(tag) = self.language.filter(|tag| tag.contains('-')) {
                w.nest_full(b"elng", 0, 0, |w| {
                    w.bytes(tag.as_bytes());
                    w.u8(0);
                });
            }
            w.nest(b"minf", |w| self.write_media_information(w));
        });
    }

    fn write_media_information(&self, w: &mut BoxWriter) {
        match self.kind {
            TrackKind::Video => w.nest_full(b"vmhd", 0, 1, |w| w.zeros(8)),
            TrackKind::Audio => w.nest_full(b"smhd", 0, 0, |w| w.zeros(4)),
            TrackKind::Subtitle => w.nest_full(b"nmhd", 0, 0, |_| {}),
        }
        w.nest(b"dinf", |w| {
            w.nest_full(b"dref", 0, 0, |w| {
                w.u32(1);
                w.nest_full(b"url ", 0, 1, |_| {});
            });
        });
        w.nest(b"stbl", |w| {
            w.nest_full(b"stsd", 0, 0, |w| {
                w.u32(u32::try_from(self.entries.len()).unwrap_or(1));
                self.entries.iter().for_each(|entry| w.bytes(entry));
            });
            w.nest_full(b"stts", 0, 0, |w| w.u32(0));
            w.nest_full(b"stsc", 0, 0, |w| w.u32(0));
            w.nest_full(b"stsz", 0, 0, |w| w.zeros(8));
            w.nest_full(b"stco", 0, 0, |w| w.u32(0));
        });
    }
}

/// Writes a transformation matrix with the translation that brings the picture back to the origin.
fn write_matrix(w: &mut BoxWriter, [a, b, c, d]: [i32; 4], width: u32, height: u32) {
    let shift = |x: i32, y: i32| {
        let (x, y) = (
            i64::from(x) * i64::from(width),
            i64::from(y) * i64::from(height),
        );
        i32::try_from(-(x.min(0) + y.min(0))).unwrap_or(0)
    };
    let (tx, ty) = (shift(a, c), shift(b, d));
    for value in [a, b, 0, c, d, 0, tx, ty, 0x4000_0000] {
        w.i32(value);
    }
}
