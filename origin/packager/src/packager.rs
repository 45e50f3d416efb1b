//! Drives one packaging run: opens the inputs, plans, writes segments slot by slot, then the playlists.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::fetch::expect_read;
use crate::index::headers;
use crate::segment_writer::SegmentWriter;
use crate::timeline::to_micros;
use crate::window::{Window, plan_reads};
use crate::{ByteRange, Error, Index, IndexStep, Indexer, Options, Output, Progress, Report, Step};

/// Drives one packaging run: the caller brings bytes and stores what comes out.
///
/// Memory use follows the size of the index and of one segment of every track, not the length of the input.
#[derive(Debug)]
pub struct Packager {
    progress: Progress,
    state: State,
}

#[derive(Debug)]
enum State {
    Indexing(Box<Indexer>),
    Writing(Box<Writing>),
    Finished,
}

impl Packager {
    /// A run over one input of `input_len` bytes.
    ///
    /// # Errors
    /// When an option has a value that cannot be used.
    pub fn new(input_len: u64, options: Options) -> Result<Self, Error> {
        Self::with_inputs(&[input_len], options)
    }

    /// A run over several inputs, given by their lengths in bytes: renditions of one film, say, or a film and more languages.
    /// Video tracks need keyframes at the same times.
    ///
    /// # Errors
    /// When there is no input, or an option has a value that cannot be used.
    pub fn with_inputs(input_lens: &[u64], options: Options) -> Result<Self, Error> {
        let indexer = Box::new(Indexer::new(input_lens, options)?);
        Ok(Self {
            progress: Progress::default(),
            state: State::Indexing(indexer),
        })
    }

    /// What to do next. Call it again after each `supply` and after each file is stored.
    ///
    /// # Errors
    /// When an input is broken, or holds a track that cannot be packaged. The run is over then.
    pub fn step(&mut self) -> Result<Step, Error> {
        loop {
            match &mut self.state {
                State::Indexing(indexer) => match indexer.step()? {
                    IndexStep::Read { input, range } => return Ok(Step::Read { input, range }),
                    IndexStep::Done(index) => {
                        self.progress.total = duration(index.plan.end());
                        self.state = State::Writing(Box::new(Writing::new(*index)));
                    }
                },
                State::Writing(writing) => {
                    let step = writing.step()?;
                    self.progress.media_time = duration(writing.done_until);
                    match &step {
                        Step::Write(output) => self.progress.bytes_written += output.len(),
                        Step::Done(_) => {
                            self.progress.media_time = self.progress.total;
                            self.state = State::Finished;
                        }
                        Step::Read { .. } => {}
                    }
                    return Ok(step);
                }
                State::Finished => return Err(Error::Protocol("the run is over".to_owned())),
            }
        }
    }

    /// Brings the bytes that the last [`Step::Read`] asked for.
    ///
    /// # Errors
    /// When the bytes are not those asked for.
    pub fn supply(&mut self, input: usize, offset: u64, data: Bytes) -> Result<(), Error> {
        let len = data.len() as u64;
        match &mut self.state {
            State::Indexing(indexer) => indexer.supply(input, offset, data)?,
            State::Writing(writing) => writing.supply(input, offset, data)?,
            State::Finished => return Err(Error::Protocol("the run is over".to_owned())),
        }
        self.progress.bytes_read += len;
        Ok(())
    }

    /// How far the run has come.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }
}

fn duration(micros: i64) -> std::time::Duration {
    std::time::Duration::from_micros(micros.max(0).unsigned_abs())
}

/// A segment of the slot at hand.
#[derive(Debug)]
struct Pending {
    input: usize,
    writer: SegmentWriter,
}

/// The writing part of a run.
#[derive(Debug)]
struct Writing {
    index: Index,
    done_until: i64,
    /// The slot whose segments are written next.
    slot: usize,
    /// For each track the segment written next.
    next: Vec<usize>,
    pending: VecDeque<Pending>,
    /// One window for each input.
    windows: Vec<Window>,
    reads: VecDeque<(usize, ByteRange)>,
    asked: Option<(usize, ByteRange)>,
    /// Finished files that wait to be handed out.
    ready: VecDeque<Output>,
    report: Option<Report>,
}

impl Writing {
    fn new(index: Index) -> Self {
        let inputs = index
            .plan
            .tracks
            .iter()
            .map(|track| track.track.info.input + 1)
            .max()
            .unwrap_or(0);
        Self {
            next: vec![0; index.plan.tracks.len()],
            ready: index.plan.tracks.iter().flat_map(headers).collect(),
            index,
            done_until: 0,
            slot: 0,
            pending: VecDeque::new(),
            windows: vec![Window::default(); inputs],
            reads: VecDeque::new(),
            asked: None,
            report: None,
        }
    }

    fn step(&mut self) -> Result<Step, Error> {
        loop {
            if let Some(output) = self.ready.pop_front() {
                return Ok(Step::Write(output));
            }
            if let Some(report) = self.report.take() {
                return Ok(Step::Done(Box::new(report)));
            }
            if let Some((input, range)) = self.asked.or_else(|| self.reads.pop_front()) {
                self.asked = Some((input, range));
                return Ok(Step::Read { input, range });
            }
            if let Some(pending) = self.pending.pop_front() {
                return pending
                    .writer
                    .write(&self.windows[pending.input])
                    .map(Step::Write);
            }
            self.windows.iter_mut().for_each(Window::clear);
            if self.slot < self.index.plan.slots() {
                self.prepare()?;
            } else {
                // The multivariant playlist comes last: it names everything else.
                let (outputs, report) = self.index.manifests()?;
                self.ready.extend(self.index.text_files());
                self.ready.extend(outputs);
                self.report = Some(report);
            }
        }
    }

    /// Plans the reads of the next slot.
    fn prepare(&mut self) -> Result<(), Error> {
        let mut wanted: Vec<Vec<ByteRange>> = vec![Vec::new(); self.windows.len()];
        for (number, track) in self.index.plan.tracks.iter().enumerate() {
            let segment = self.next[number];
            let Some(found) = track
                .segments
                .get(segment)
                .filter(|found| found.slot == self.slot)
            else {
                continue;
            };
            self.next[number] += 1;
            let writer = SegmentWriter::new(track, segment)?;
            writer.want(&mut wanted[track.track.info.input])?;
            let end = to_micros(found.end, track.track.timeline.timescale);
            self.done_until = self.done_until.max(end);
            self.pending.push_back(Pending {
                input: track.track.info.input,
                writer,
            });
        }
        for (input, wanted) in wanted.into_iter().enumerate() {
            self.reads
                .extend(plan_reads(wanted)?.into_iter().map(|range| (input, range)));
        }
        self.slot += 1;
        Ok(())
    }

    fn supply(&mut self, input: usize, offset: u64, data: Bytes) -> Result<(), Error> {
        let asked = self
            .asked
            .filter(|(asked, _)| *asked == input)
            .map(|(_, range)| range);
        expect_read(asked, offset, &data)?;
        self.asked = None;
        self.windows[input].push(offset, data);
        Ok(())
    }
}
