//! Bytes of one input: asked for, brought, and kept until they are used.

use bytes::{Bytes, BytesMut};

use crate::{ByteRange, Error};

/// Longest range that a caller is asked for at once.
pub(crate) const MAX_READ: u64 = 4 << 20;

/// What came of asking for a range.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// The bytes are here.
    Ready(Bytes),
    /// The caller has to bring this range first.
    Need(ByteRange),
}

/// Holds the last window that was read, and gathers ranges that are longer than one read.
#[derive(Debug)]
pub(crate) struct Fetch {
    input_len: u64,
    window: (u64, Bytes),
    gather: Option<(ByteRange, BytesMut)>,
    pending: Option<ByteRange>,
}

impl Fetch {
    /// Nothing read yet of an input of `input_len` bytes.
    pub(crate) fn new(input_len: u64) -> Self {
        Self {
            input_len,
            window: (0, Bytes::new()),
            gather: None,
            pending: None,
        }
    }

    /// Length of the input in bytes.
    pub(crate) const fn input_len(&self) -> u64 {
        self.input_len
    }

    /// The bytes of `range`, which lies within the input, or what to read next to get them. At least `read_ahead` bytes
    /// are read where the input has them: small structures close together then cost one read.
    pub(crate) fn want(&mut self, range: ByteRange, read_ahead: u64) -> Fetched {
        debug_assert!(
            range.end <= self.input_len,
            "ranges are cut to the input by the caller"
        );
        if let Some(found) = slice_of(&self.window, range) {
            return Fetched::Ready(found);
        }
        if range.len() <= MAX_READ {
            let end = range
                .end
                .max(range.start.saturating_add(read_ahead.min(MAX_READ)))
                .min(self.input_len);
            return self.need(ByteRange {
                start: range.start,
                end,
            });
        }
        match self.gather.take() {
            Some((wanted, buffer)) if wanted == range && buffer.len() as u64 == range.len() => {
                let whole = buffer.freeze();
                self.window = (range.start, whole.clone());
                Fetched::Ready(whole)
            }
            Some((wanted, buffer)) if wanted == range => {
                let start = range.start + buffer.len() as u64;
                self.gather = Some((wanted, buffer));
                self.need(ByteRange {
                    start,
                    end: range.end.min(start + MAX_READ),
                })
            }
            _ => {
                let capacity = usize::try_from(range.len()).unwrap_or(0);
                self.gather = Some((range, BytesMut::with_capacity(capacity)));
                self.need(ByteRange {
                    start: range.start,
                    end: range.start + MAX_READ,
                })
            }
        }
    }

    fn need(&mut self, range: ByteRange) -> Fetched {
        self.pending = Some(range);
        Fetched::Need(range)
    }

    /// Takes what the caller brings for the range that was asked for last.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        let range = expect_read(self.pending.take(), offset, &data)?;
        match &mut self.gather {
            Some((wanted, buffer)) if wanted.start + buffer.len() as u64 == range.start => {
                buffer.extend_from_slice(&data);
            }
            _ => self.window = (offset, data),
        }
        Ok(())
    }

    /// Gives up the bytes that are held.
    pub(crate) fn clear(&mut self) {
        self.window = (0, Bytes::new());
        self.gather = None;
    }
}

/// Checks that `data` at `offset` is what was asked for.
pub(crate) fn expect_read(
    pending: Option<ByteRange>,
    offset: u64,
    data: &Bytes,
) -> Result<ByteRange, Error> {
    let Some(range) = pending else {
        return Err(Error::Protocol(format!(
            "{} bytes at {offset} were not asked for",
            data.len()
        )));
    };
    if range.start != offset || range.len() != data.len() as u64 {
        return Err(Error::Protocol(format!(
            "bytes {}..{} were asked for, {} bytes at {offset} were brought",
            range.start,
            range.end,
            data.len()
        )));
    }
    Ok(range)
}

/// The part of a window that covers `range`.
fn slice_of(window: &(u64, Bytes), range: ByteRange) -> Option<Bytes> {
    let start = usize::try_from(range.start.checked_sub(window.0)?).ok()?;
    let end = start.checked_add(usize::try_from(range.len()).ok()?)?;
    (end <= window.1.len()).then(|| window.1.slice(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ahead_and_serves_from_the_window() {
        let mut fetch = Fetch::new(100);
        let Fetched::Need(range) = fetch.want(ByteRange { start: 10, end: 20 }, 50) else {
            panic!("nothing is there yet")
        };
        assert_eq!(range, ByteRange { start: 10, end: 60 });
        fetch.supply(10, Bytes::from(vec![7; 50])).unwrap();
        assert!(
            matches!(fetch.want(ByteRange { start: 50, end: 60 }, 50), Fetched::Ready(data) if data.len() == 10)
        );
        assert!(
            fetch.supply(10, Bytes::from(vec![7; 50])).is_err(),
            "nothing was asked for"
        );
    }

    #[test]
    fn gathers_what_is_longer_than_one_read() {
        let len = MAX_READ * 2 + 5;
        let mut fetch = Fetch::new(len);
        let whole = ByteRange { start: 0, end: len };
        let mut reads = 0;
        let data = loop {
            match fetch.want(whole, 0) {
                Fetched::Ready(data) => break data,
                Fetched::Need(range) => {
                    assert!(range.len() <= MAX_READ);
                    reads += 1;
                    fetch
                        .supply(
                            range.start,
                            Bytes::from(vec![reads; usize::try_from(range.len()).unwrap()]),
                        )
                        .unwrap();
                }
            }
        };
        assert_eq!(
            (data.len() as u64, reads, data[data.len() - 1]),
            (len, 3, 3)
        );
    }
}
