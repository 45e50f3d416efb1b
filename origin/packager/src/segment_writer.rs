//! One media segment that is ready to be written once its samples have been read.

use std::sync::Arc;

use crate::cmaf::{Content, Fragments, write_segment};
use crate::files::{Address, segment_type};
use crate::import::Carriage;
use crate::plan::PlannedTrack;
use crate::protect::{Guard, Protection, free_box};
use crate::timeline::Timed;
use crate::ts::{self, TsStream};
use crate::window::{Window, want};
use crate::{ByteRange, Error, Layout, Output, OutputKind};

/// Everything about a segment but its media data.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    samples: Vec<Timed>,
    fragments: Fragments,
    sequence: u32,
    first_sample: u64,
    number: usize,
    stream: Option<Arc<TsStream>>,
    first_packet: u64,
    content_type: &'static str,
    protection: Option<Arc<Protection>>,
    key: Option<usize>,
    path: String,
    position: u64,
    complete: bool,
    carriage: Option<Arc<Carriage>>,
    /// Bytes that fill the segment up.
    filler: u64,
}

impl SegmentWriter {
    /// The writer of segment number `number` of a track, counted from 0.
    pub(crate) fn new(track: &PlannedTrack, number: usize) -> Result<Self, Error> {
        let segment = track
            .segments
            .get(number)
            .ok_or_else(|| Error::Protocol(format!("{} has no segment {number}", track.name)))?;
        let samples = track.samples(segment)?;
        let fragments = track.fragments(segment, &samples)?;
        Ok(Self {
            filler: track.segment_filler(segment.key, fragments.len),
            fragments,
            samples,
            sequence: segment.sequence,
            first_sample: segment.first_sample,
            number,
            stream: track.stream.clone(),
            first_packet: segment.first_packet,
            content_type: segment_type(track),
            protection: track.protection.clone(),
            key: segment.key,
            path: Address::segment_path(track, number),
            position: segment.offset,
            carriage: track.track.carriage.clone(),
            complete: track.layout == Layout::Segments || number + 1 == track.segments.len(),
        })
    }

    /// Adds what has to be read for the segment to `wanted`.
    pub(crate) fn want(&self, wanted: &mut Vec<ByteRange>) -> Result<(), Error> {
        match &self.carriage {
            Some(carriage) => carriage.want(&self.samples, wanted),
            None => {
                let samples = self.samples.iter();
                samples.for_each(|sample| want(wanted, sample.offset, sample.size));
                Ok(())
            }
        }
    }

    /// The segment. Media data in the clear stay slices of `window`, unless they had to be unwrapped.
    pub(crate) fn write(&self, window: &Window) -> Result<Output, Error> {
        let unwrapped = match &self.carriage {
            Some(carriage) => Some(carriage.unwrap(&self.samples, window)?),
            None => None,
        };
        let window = unwrapped.as_ref().unwrap_or(window);
        let protection = self.protection.as_deref();
        let content = Content {
            samples: &self.samples,
            fragments: &self.fragments,
            sequence: self.sequence,
            first_sample: self.first_sample,
            guard: Guard::new(protection, self.key),
        };
        let mut body = match &self.stream {
            Some(stream) => ts::write_segment(stream, &content, self.first_packet, window)?,
            None => write_segment(&content, window)?,
        };
        if let (Some(protection), Some(key)) = (protection, self.key)
            && let Some(sealed) = protection.encrypt_whole(key, self.number, &body)?
        {
            body = vec![sealed];
        }
        if self.filler > 0 {
            body.push(match &self.stream {
                Some(_) => ts::null_packets(self.filler),
                None => free_box(self.filler),
            });
        }
        Ok(Output {
            path: self.path.clone(),
            content_type: self.content_type,
            content_encoding: None,
            kind: OutputKind::MediaSegment,
            position: self.position,
            complete: self.complete,
            body,
        })
    }
}
