//! Pictures for scrubbing: JPEG pictures in fragmented MP4 as an I-frame rendition (Apple HLS Authoring Specification 6.17; sample
//! entry `mjpg` of ISO/IEC 23008-12, annex H).
//!
//! Decoders of film are expensive to start and few; a picture that every browser can show costs next to nothing. The pictures come
//! from elsewhere, one for every so many seconds; here they get their times, their boxes and their playlist.

use std::time::Duration;

use bytes::Bytes;

use crate::Error;
use crate::cmaf::{Shape, TrackHeader};
use crate::files::Address;
use crate::hls::{Bandwidth, picture_playlist, picture_stream_line};
use crate::isobmff::BoxWriter;
use crate::presentation::TrackKind;
use crate::protect::Auxiliary;
use crate::timeline::Timed;

/// Ticks of a second: times are exact to the microsecond that playlists state.
const TIMESCALE: u32 = 1_000_000;
/// Longest time that one picture stands for, in microseconds: an hour fits the 32 bits of a sample's duration.
const LONGEST: u64 = 3_600_000_000;
/// Name of the media file.
const NAME: &str = "media.mp4";

/// Pictures of a film, all of one size, at even distances.
///
/// ```
/// use std::time::Duration;
/// use weir_packager::ScrubPictures;
///
/// let pictures = ScrubPictures {
///     width: 320,
///     height: 180,
///     interval: Duration::from_secs(2),
///     start: Duration::ZERO,
///     end: Duration::from_millis(5_500),
///     beside_hdr: false,
/// };
/// assert_eq!(pictures.count(), 3);
/// # let jpeg = vec![bytes::Bytes::from_static(&[0xff, 0xd8, 0xff, 0xd9]); 3];
/// let rendition = pictures.package(&jpeg, "pictures")?;
/// assert!(rendition.playlist.contains("#EXTINF:1.500000,"));
/// assert!(rendition.stream.contains("CODECS=\"mjpg\",RESOLUTION=320x180,URI=\"pictures/iframes.m3u8\""));
/// # Ok::<(), weir_packager::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrubPictures {
    /// Width of every picture in pixels.
    pub width: u16,
    /// Height of every picture in pixels.
    pub height: u16,
    /// Media time from one picture to the next. The first shows what is seen at the start of the presentation.
    pub interval: Duration,
    /// Media time at which the film's pictures start. What is before is not listed.
    pub start: Duration,
    /// Media time at which they end.
    pub end: Duration,
    /// True where other streams are of high dynamic range: then it is said that these are not.
    pub beside_hdr: bool,
}

/// An I-frame rendition of pictures, to be stored in a folder of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureRendition {
    /// The file [`PictureRendition::MEDIA`]: an initialization segment, and every picture in a fragment.
    pub media: Vec<Bytes>,
    /// The file [`PictureRendition::PLAYLIST`].
    pub playlist: String,
    /// The line that names the rendition in the multivariant playlist.
    pub stream: String,
}

impl PictureRendition {
    /// Name of the media file.
    pub const MEDIA: &str = NAME;
    /// Name of the I-frame playlist.
    pub const PLAYLIST: &str = "iframes.m3u8";
}

impl ScrubPictures {
    /// How many pictures the film has at these distances, from the start of the presentation on.
    #[must_use]
    pub fn count(&self) -> usize {
        let interval = self.interval.as_micros().max(1);
        let count = self.end.as_micros().div_ceil(interval);
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Makes the rendition. `pictures` are JPEG files in the order of their times, [`ScrubPictures::count`] of them; `folder` is
    /// where the rendition lies as seen from the multivariant playlist.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] when there is a picture too few, when one is no JPEG file, or when the times mean nothing.
    pub fn package(&self, pictures: &[Bytes], folder: &str) -> Result<PictureRendition, Error> {
        let times = self.times(pictures.len())?;
        let header = TrackHeader {
            kind: TrackKind::Video,
            timescale: TIMESCALE,
            size: (self.width.into(), self.height.into()),
            matrix: [0x1_0000, 0, 0, 0x1_0000],
            trim: 0,
            language: None,
            entries: vec![self.sample_entry()],
            key_systems: Vec::new(),
        };
        let init = header.write();
        let init_len = init.len() as u64;
        let mut offset = init_len;
        let mut media = vec![init];
        let mut entries = Vec::new();
        for (sequence, (index, time, duration)) in (1..).zip(times) {
            let picture = pictures
                .get(index)
                .filter(|picture| picture.starts_with(&[0xff, 0xd8]))
                .ok_or_else(|| invalid(format!("picture {index} is no JPEG file; make it anew")))?;
            let head = fragment(sequence, time, duration, picture)?;
            let len = (head.len() + picture.len()) as u64;
            let address = Address {
                name: NAME.to_owned(),
                range: Some((len, offset)),
            };
            entries.push((duration, address));
            media.extend([head, picture.clone()]);
            offset += len;
        }
        // Times longer than a second are rounded to whole ones (RFC 8216bis 4.4.3.1).
        let longest = entries.iter().map(|(duration, _)| *duration).max();
        let target = longest.unwrap_or(0).saturating_add(500_000) / 1_000_000;
        let target = u64::from(target.max(1));
        let rates: Vec<(u64, u64)> = entries
            .iter()
            .map(|(duration, at)| (u64::from(*duration), at.range.map_or(0, |(len, _)| len)))
            .collect();
        let bandwidth = Bandwidth::of(&rates, target);
        let uri = format!("{folder}/{}", PictureRendition::PLAYLIST);
        Ok(PictureRendition {
            media,
            playlist: picture_playlist(target, init_len, &entries),
            stream: picture_stream_line(bandwidth, self, &uri),
        })
    }

    /// Number, time and duration in microseconds of the pictures that are listed. The first of them is the one that is seen when
    /// the film's pictures start.
    fn times(&self, pictures: usize) -> Result<Vec<(usize, i64, u32)>, Error> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (interval, start, end) = (micros(self.interval), micros(self.start), micros(self.end));
        if interval == 0 || interval > LONGEST {
            return Err(invalid(
                "the distance between two must be more than nothing and at most an hour",
            ));
        }
        if start >= end {
            return Err(invalid("they must end after they start"));
        }
        if pictures < self.count() {
            return Err(invalid(
                "there are fewer than the film has at this distance",
            ));
        }
        let mut found = Vec::new();
        for index in usize::try_from(start / interval).unwrap_or(usize::MAX)..self.count() {
            let at = (index as u64).saturating_mul(interval);
            let (from, to) = (at.max(start), at.saturating_add(interval).min(end));
            let duration = u32::try_from(to - from);
            let time = i64::try_from(from);
            let (Ok(duration), Ok(time)) = (duration, time) else {
                return Err(invalid("a time is out of range"));
            };
            found.push((index, time, duration));
        }
        Ok(found)
    }

    /// The sample entry (ISO/IEC 23008-12, H.2): pictures hold their tables themselves.
    fn sample_entry(&self) -> Bytes {
        let mut w = BoxWriter::with_capacity(128);
        w.nest(b"mjpg", |w| {
            w.zeros(6);
            w.u16(1);
            w.zeros(16);
            w.u16(self.width);
            w.u16(self.height);
            w.u32(0x0048_0000);
            w.u32(0x0048_0000);
            w.u32(0);
            w.u16(1);
            w.zeros(32);
            w.u16(0x0018);
            w.u16(u16::MAX);
        });
        w.finish()
    }
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidOption {
        option: "pictures for scrubbing",
        reason: reason.into(),
    }
}

/// The boxes before a picture.
fn fragment(sequence: u32, time: i64, duration: u32, picture: &Bytes) -> Result<Bytes, Error> {
    let size = u32::try_from(picture.len())
        .ok()
        .filter(|size| *size < u32::MAX - 8)
        .ok_or_else(|| invalid("a picture has over 4 GB"))?;
    let samples = [Timed {
        offset: 0,
        size,
        duration,
        decode_time: time,
        presentation_time: time,
        composition_offset: 0,
        sync: true,
        can_start: true,
        description: 1,
    }];
    let shape = Shape::of(&samples, None);
    let mut w = BoxWriter::with_capacity(shape.moof_len() + 8);
    shape.write(&mut w, sequence, &samples, size, &Auxiliary::default());
    Ok(w.finish())
}
