//! Reads the inputs of a presentation as far as its index needs.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::found::Wanted;
use crate::input::{Input, Opening, OpeningStep};
use crate::{ByteRange, Captions, Encryption, Error, Index, Options};

/// Reads the inputs of a presentation as far as its index needs, for just-in-time packaging.
#[derive(Debug)]
pub struct Indexer {
    options: Options,
    done: Vec<Input>,
    waiting: VecDeque<Opening>,
}

/// What an [`Indexer`] wants from its caller next.
#[derive(Debug)]
pub enum IndexStep {
    /// Read these bytes of an input and call `supply(input, range.start, bytes)` with exactly them.
    Read {
        /// Index of the input.
        input: usize,
        /// The bytes wanted.
        range: ByteRange,
    },
    /// The index is complete.
    Done(Box<Index>),
}

impl Indexer {
    /// An index of the inputs with these lengths in bytes.
    ///
    /// # Errors
    /// When there is no input, or an option has a value that cannot be used.
    pub fn new(input_lens: &[u64], options: Options) -> Result<Self, Error> {
        options.validate()?;
        if input_lens.is_empty() {
            return Err(Error::Protocol("there is no input".to_owned()));
        }
        let is_common = |encryption: &Encryption| encryption.method.scheme().is_some();
        let wanted = Wanted {
            slices: options.encryption.as_ref().is_some_and(is_common),
            open: true,
            captions: options.captions == Captions::Detect,
            texts: options.embedded_subtitles,
            chapters: options.chapters,
        };
        let waiting = input_lens
            .iter()
            .enumerate()
            .map(|(number, len)| Opening::new(number, *len, options.max_index_bytes, wanted))
            .collect();
        Ok(Self {
            options,
            done: Vec::new(),
            waiting,
        })
    }

    /// What to do next. After [`IndexStep::Done`] the indexer is used up.
    ///
    /// # Errors
    /// When an input is broken, or holds a track that cannot be packaged.
    pub fn step(&mut self) -> Result<IndexStep, Error> {
        while let Some(next) = self.waiting.front_mut() {
            match next.step()? {
                OpeningStep::Need(range) => {
                    return Ok(IndexStep::Read {
                        input: self.done.len(),
                        range,
                    });
                }
                OpeningStep::Done(input) => {
                    self.done.push(*input);
                    self.waiting.pop_front();
                }
            }
        }
        let index = Index::new(std::mem::take(&mut self.done), None, &self.options)?;
        Ok(IndexStep::Done(Box::new(index)))
    }

    /// Brings the bytes that the last [`IndexStep::Read`] asked for.
    ///
    /// # Errors
    /// When the bytes are not those asked for.
    pub fn supply(&mut self, input: usize, offset: u64, data: Bytes) -> Result<(), Error> {
        match self.waiting.front_mut() {
            Some(opening) if self.done.len() == input => opening.supply(offset, data),
            _ => Err(Error::Protocol(format!(
                "no bytes of input {input} were asked for"
            ))),
        }
    }
}
