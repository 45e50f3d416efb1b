//! Reads the data of single samples, whether they lie in the input as they are or have to be unwrapped.

use std::sync::Arc;

use bytes::Bytes;

use crate::Error;
use crate::fetch::{Fetch, Fetched, MAX_READ};
use crate::import::Carriage;
use crate::mp4::{Sample, Trak};
use crate::timeline::Timed;
use crate::window::Window;

/// Reads samples of one track.
#[derive(Debug)]
pub(crate) struct SampleFetch {
    fetch: Fetch,
    carriage: Option<Arc<Carriage>>,
}

impl SampleFetch {
    /// Samples of `trak`, of an input of `input_len` bytes.
    pub(crate) fn new(trak: &Trak, input_len: u64) -> Self {
        Self {
            fetch: Fetch::new(input_len),
            carriage: trak.carriage.clone(),
        }
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.fetch.supply(offset, data)
    }

    /// The first `most` bytes of a sample, or more of it, or what to read next to get them. What lies outside the input, and what
    /// takes more than one read to unwrap, is empty.
    pub(crate) fn want(
        &mut self,
        sample: &Sample,
        most: u64,
        read_ahead: u64,
    ) -> Result<Fetched, Error> {
        if let Some(carriage) = self.carriage.clone() {
            return self.unwrap(&carriage, sample, read_ahead);
        }
        let len = u64::from(sample.size).min(most).min(MAX_READ);
        let end = sample.offset.saturating_add(len);
        if len == 0 || end > self.fetch.input_len() {
            return Ok(Fetched::Ready(Bytes::new()));
        }
        let range = crate::ByteRange {
            start: sample.offset,
            end,
        };
        Ok(self.fetch.want(range, read_ahead))
    }

    fn unwrap(
        &mut self,
        carriage: &Carriage,
        sample: &Sample,
        read_ahead: u64,
    ) -> Result<Fetched, Error> {
        let timed = [Timed::at(sample.offset, sample.size)];
        let mut wanted = Vec::new();
        carriage.want(&timed, &mut wanted)?;
        let [range] = wanted[..] else {
            return Ok(Fetched::Ready(Bytes::new()));
        };
        if range.is_empty() || range.len() > MAX_READ || range.end > self.fetch.input_len() {
            return Ok(Fetched::Ready(Bytes::new()));
        }
        match self.fetch.want(range, read_ahead) {
            Fetched::Need(range) => Ok(Fetched::Need(range)),
            Fetched::Ready(data) => {
                let mut window = Window::default();
                window.push(range.start, data);
                let mut parts = Vec::new();
                carriage
                    .unwrap(&timed, &window)?
                    .collect([(sample.offset, sample.size)].into_iter(), &mut parts)?;
                Ok(Fetched::Ready(parts.pop().unwrap_or_default()))
            }
        }
    }
}
