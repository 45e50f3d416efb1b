//! Reads the index of an input, and its chapters, and says what it holds.

use bytes::Bytes;

use crate::found::Wanted;
use crate::input::{Opening, OpeningStep};
use crate::{ByteRange, Error, Note, Options, Presentation};

/// Reads the index of one input: which tracks it has and how they are timed.
#[derive(Debug)]
pub struct Probe {
    opening: Opening,
    notes: Vec<Note>,
}

/// What a [`Probe`] wants from its caller next.
#[derive(Debug)]
pub enum ProbeStep {
    /// Read these bytes and call `supply(range.start, bytes)` with exactly them.
    Read(ByteRange),
    /// The index has been read.
    Done(Box<Presentation>),
}

impl Probe {
    /// A probe of an input of `input_len` bytes.
    ///
    /// # Errors
    /// None today; the signature leaves room for limits.
    pub fn new(input_len: u64) -> Result<Self, Error> {
        let limit = Options::default().max_index_bytes;
        let wanted = Wanted {
            chapters: true,
            ..Wanted::default()
        };
        Ok(Self {
            opening: Opening::new(0, input_len, limit, wanted),
            notes: Vec::new(),
        })
    }

    /// What to do next. After [`ProbeStep::Done`] the probe is used up.
    ///
    /// # Errors
    /// When the input is broken or of an unknown kind. A track whose codec cannot be packaged is no error here; it is
    /// listed with the reason in [`TrackInfo::unsupported`](crate::TrackInfo::unsupported).
    pub fn step(&mut self) -> Result<ProbeStep, Error> {
        match self.opening.step()? {
            OpeningStep::Need(range) => Ok(ProbeStep::Read(range)),
            OpeningStep::Done(input) => {
                self.notes = input.notes;
                Ok(ProbeStep::Done(Box::new(input.presentation)))
            }
        }
    }

    /// Brings bytes that a [`ProbeStep::Read`] asked for.
    ///
    /// # Errors
    /// When the bytes are not those asked for.
    pub fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.opening.supply(offset, data)
    }

    /// Oddities found: tracks left out, damage worked around. Complete after [`ProbeStep::Done`].
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}
