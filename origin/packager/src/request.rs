//! One media segment on request: what to read for it, and its bytes once that is there.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::cmaf::{Fragments, write_segment};
use crate::fetch::expect_read;
use crate::files::{Address, SEGMENT_TYPE};
use crate::plan::PlannedTrack;
use crate::timeline::Timed;
use crate::window::{Window, plan_reads, want};
use crate::{ByteRange, Error, Output, OutputKind};

/// Makes one media segment. It asks for the ranges that the segment needs, and for nothing else.
#[derive(Debug)]
pub struct SegmentRequest {
    input: usize,
    path: String,
    samples: Vec<Timed>,
    fragments: Fragments,
    sequence: u32,
    window: Window,
    reads: VecDeque<ByteRange>,
    asked: Option<ByteRange>,
}

/// What a [`SegmentRequest`] wants from its caller next.
#[derive(Debug)]
pub enum SegmentStep {
    /// Read these bytes of an input and call `supply(range.start, bytes)` with exactly them.
    Read {
        /// Index of the input.
        input: usize,
        /// The bytes wanted.
        range: ByteRange,
    },
    /// The segment.
    Done(Output),
}

impl SegmentRequest {
    pub(crate) fn new(track: &PlannedTrack, index: usize) -> Result<Self, Error> {
        let segment = track
            .segments
            .get(index)
            .ok_or_else(|| Error::Protocol(format!("{} has no segment {index}", track.name)))?;
        let samples = track.samples(segment)?;
        let fragments = track.fragments(&samples)?;
        let mut wanted = Vec::new();
        samples
            .iter()
            .for_each(|sample| want(&mut wanted, sample.offset, sample.size));
        Ok(Self {
            input: track.track.info.input,
            path: Address::segment_path(track, index),
            samples,
            fragments,
            sequence: segment.sequence,
            window: Window::default(),
            reads: plan_reads(wanted).into(),
            asked: None,
        })
    }

    /// The ranges that are still to be read, in order. A caller may fetch them all at once and supply them in this order.
    pub fn reads(&self) -> impl Iterator<Item = ByteRange> + '_ {
        self.asked.iter().chain(&self.reads).copied()
    }

    /// What to do next. After [`SegmentStep::Done`] the request is used up.
    ///
    /// # Errors
    /// When bytes are missing that the caller should have brought.
    pub fn step(&mut self) -> Result<SegmentStep, Error> {
        if let Some(range) = self.asked.or_else(|| self.reads.pop_front()) {
            self.asked = Some(range);
            return Ok(SegmentStep::Read {
                input: self.input,
                range,
            });
        }
        let body = write_segment(&self.samples, &self.fragments, self.sequence, &self.window)?;
        Ok(SegmentStep::Done(Output {
            path: self.path.clone(),
            content_type: SEGMENT_TYPE,
            content_encoding: None,
            kind: OutputKind::MediaSegment,
            position: 0,
            complete: true,
            body,
        }))
    }

    /// Brings the bytes that the last [`SegmentStep::Read`] asked for.
    ///
    /// # Errors
    /// When the bytes are not those asked for.
    pub fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        expect_read(self.asked, offset, &data)?;
        self.asked = None;
        self.window.push(offset, data);
        Ok(())
    }
}
