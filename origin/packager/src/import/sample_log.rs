//! The samples of a track as they are found: where they lie, how long they are, when they are presented. A film of ten hours has
//! millions, so each takes a few bytes: differences to the sample before it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::varint;

/// One sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Logged {
    /// First byte in the input; not kept where samples have addresses of their own.
    pub(crate) offset: u64,
    /// Length in bytes.
    pub(crate) size: u32,
    /// When it is presented, in ticks of the source; `None` where that is not said.
    pub(crate) time: Option<i64>,
    /// Decoding can start here.
    pub(crate) sync: bool,
    /// Pictures can be shown from here on (recovery point).
    pub(crate) recovery: bool,
}

/// The samples of a track in the making.
#[derive(Debug)]
pub(crate) struct SampleLog {
    data: Vec<u8>,
    placed: bool,
    count: u64,
    sync: u64,
    recovery: u64,
    /// The sample that is not written yet: it may grow.
    last: Option<Logged>,
    before: Before,
}

/// What differences are taken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    end: u64,
    time: i64,
}

impl SampleLog {
    /// A log of samples that lie in the input as they are (`placed`, in ascending order), or have addresses of their own.
    pub(crate) const fn new(placed: bool) -> Self {
        Self {
            data: Vec::new(),
            placed,
            count: 0,
            sync: 0,
            recovery: 0,
            last: None,
            before: Before { end: 0, time: 0 },
        }
    }

    /// Number of samples.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Bytes that the log takes.
    pub(crate) fn len(&self) -> u64 {
        self.data.len() as u64
    }

    /// Adds a sample.
    pub(crate) fn push(&mut self, sample: Logged) {
        self.flush();
        self.count += 1;
        self.sync += u64::from(sample.sync);
        self.recovery += u64::from(sample.recovery);
        self.last = Some(sample);
    }

    /// Adds bytes to the last sample; false when there is none.
    pub(crate) fn extend(&mut self, size: u32) -> bool {
        match &mut self.last {
            Some(last) => {
                last.size = last.size.saturating_add(size);
                true
            }
            None => false,
        }
    }

    fn flush(&mut self) {
        let Some(sample) = self.last.take() else {
            return;
        };
        let flags = u64::from(sample.sync) | u64::from(sample.recovery) << 1;
        varint::put(&mut self.data, u64::from(sample.size) << 2 | flags);
        if self.placed {
            varint::put(&mut self.data, sample.offset.wrapping_sub(self.before.end));
            self.before.end = sample.offset + u64::from(sample.size);
        }
        match sample.time {
            None => varint::put(&mut self.data, 0),
            Some(time) => {
                let since = time.saturating_sub(self.before.time).clamp(-MOST, MOST);
                // 0 stands for no time.
                let code = (since << 1 ^ since >> 63).cast_unsigned();
                varint::put(&mut self.data, code + 1);
                self.before.time += since;
            }
        }
    }

    /// The whole log.
    pub(crate) fn finish(mut self) -> Log {
        self.flush();
        Log {
            data: Bytes::from(self.data),
            placed: self.placed,
            count: self.count,
            sync: self.sync,
            recovery: self.recovery,
        }
    }
}

/// Most ticks between two samples that follow each other; more is broken.
const MOST: i64 = 1 << 60;

/// The samples of a track.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) data: Bytes,
    pub(crate) placed: bool,
    pub(crate) count: u64,
    /// Number of sync samples, and of recovery points.
    pub(crate) sync: u64,
    pub(crate) recovery: u64,
}

impl Log {
    /// The samples in decode order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Logged> + Clone + '_ {
        let mut cursor = LogCursor::default();
        std::iter::from_fn(move || cursor.next(&self.data, self.placed))
    }

    /// Their times.
    pub(crate) fn times(&self) -> impl Iterator<Item = Option<i64>> + Clone + '_ {
        self.iter().map(|sample| sample.time)
    }
}

/// A place in a log. Copy it to come back later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogCursor {
    at: usize,
    before: Before,
}

impl LogCursor {
    /// The next sample; `None` after the last.
    pub(crate) fn next(&mut self, data: &[u8], placed: bool) -> Option<Logged> {
        let word = varint::take(data, &mut self.at)?;
        let size = u32::try_from(word >> 2).ok()?;
        let mut offset = 0;
        if placed {
            offset = self
                .before
                .end
                .wrapping_add(varint::take(data, &mut self.at)?);
            self.before.end = offset.wrapping_add(u64::from(size));
        }
        let time = match varint::take(data, &mut self.at)? {
            0 => None,
            code => {
                let code = code - 1;
                let since = (code >> 1).cast_signed() ^ -(code & 1).cast_signed();
                self.before.time = self.before.time.saturating_add(since);
                Some(self.before.time)
            }
        };
        Some(Logged {
            offset,
            size,
            time,
            sync: word & 1 != 0,
            recovery: word & 2 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn samples_come_back(
            samples in proptest::collection::vec((0_u64..1 << 40, 0_u32.., -1_i64 << 50..1 << 50, 0_u8..8), 0..50),
            placed: bool,
        ) {
            let samples: Vec<Logged> = samples
                .into_iter()
                .map(|(offset, size, time, flags)| Logged {
                    offset: if placed { offset } else { 0 },
                    size,
                    time: (flags & 4 != 0).then_some(time),
                    sync: flags & 1 != 0,
                    recovery: flags & 2 != 0,
                })
                .collect();
            let mut log = SampleLog::new(placed);
            samples.iter().for_each(|sample| log.push(*sample));
            let log = log.finish();
            proptest::prop_assert_eq!(log.iter().collect::<Vec<_>>(), samples);
        }
    }

    /// Ten hours of pictures and sound, close to four million samples, are to fit into 48 MiB with everything around them.
    #[test]
    fn a_sample_takes_six_bytes() {
        let mut log = SampleLog::new(true);
        for number in 0..10_000_u32 {
            log.push(Logged {
                offset: u64::from(number) * 20_000,
                size: 8_000 + number % 8_000,
                // 60 pictures a second in milliseconds, reordered.
                time: Some(i64::from(number ^ 3) * 1000 / 60),
                sync: number.is_multiple_of(120),
                recovery: false,
            });
        }
        assert!(log.len() <= 60_000 + 2_500, "{}", log.len());
    }

    #[test]
    fn the_last_sample_grows() {
        let mut log = SampleLog::new(false);
        assert!(!log.extend(1));
        for size in [5, 6] {
            log.push(Logged {
                size,
                ..Logged::default()
            });
            assert!(log.extend(10));
        }
        let sizes: Vec<_> = log.finish().iter().map(|sample| sample.size).collect();
        assert_eq!(sizes, [15, 16]);
    }
}
