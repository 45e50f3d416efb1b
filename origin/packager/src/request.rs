//! One media segment on request: what to read for it, and its bytes once that is there.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::fetch::expect_read;
use crate::plan::PlannedTrack;
use crate::segment_writer::SegmentWriter;
use crate::window::{Window, plan_reads};
use crate::{ByteRange, Error, Output};

/// Makes one media segment. It asks for the ranges that the segment needs, and for nothing else.
#[derive(Debug)]
pub struct SegmentRequest {
    input: usize,
    writer: SegmentWriter,
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
        let writer = SegmentWriter::new(track, index)?;
        let mut wanted = Vec::new();
        writer.want(&mut wanted)?;
        Ok(Self {
            input: track.track.info.input,
            writer,
            window: Window::default(),
            reads: plan_reads(wanted)?.into(),
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
        self.writer.write(&self.window).map(SegmentStep::Done)
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
