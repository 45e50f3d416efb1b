//! The bytes of an input that the segments at hand need: which ranges to read, and where they are found afterwards.

use bytes::Bytes;

use crate::fetch::MAX_READ;
use crate::{ByteRange, Error};

/// Bytes between two wanted ranges that are read rather than skipped: one longer read is cheaper than two.
const MAX_GAP: u64 = 64 << 10;

/// Most bytes of an input in which the samples of a segment lie: sixteen times the longest segment, for what stands between them.
const MOST: u64 = 64 << 30;

/// Joins the ranges of samples into as few reads as possible, none longer than [`MAX_READ`].
///
/// # Errors
/// When they are longer than those of any segment: an index that was changed can say so.
pub(crate) fn plan_reads(mut wanted: Vec<ByteRange>) -> Result<Vec<ByteRange>, Error> {
    wanted.retain(|range| !range.is_empty());
    wanted.sort_unstable();
    let mut joined: Vec<ByteRange> = Vec::new();
    for range in wanted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(MAX_GAP) => {
                last.end = last.end.max(range.end)
            }
            _ => joined.push(range),
        }
    }
    let total = joined
        .iter()
        .fold(0_u64, |sum, range| sum.saturating_add(range.len()));
    if total > MOST {
        return Err(Error::malformed(
            "index",
            0,
            format!("the samples of a segment lie in {total} bytes"),
        ));
    }
    let reads = joined
        .into_iter()
        .flat_map(|range| {
            let reads = range.len().div_ceil(MAX_READ);
            (0..reads).map(move |number| ByteRange {
                start: range.start + number * MAX_READ,
                end: range.end.min(range.start + (number + 1) * MAX_READ),
            })
        })
        .collect();
    Ok(reads)
}

/// Adds the range of one sample to `wanted`, joined to the one before when it follows it.
pub(crate) fn want(wanted: &mut Vec<ByteRange>, offset: u64, size: u32) {
    let end = offset.saturating_add(u64::from(size));
    match wanted.last_mut() {
        Some(last) if last.end == offset => last.end = end,
        _ => wanted.push(ByteRange { start: offset, end }),
    }
}

/// Stretches of one input that have been read, in ascending order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    parts: Vec<(u64, Bytes)>,
}

impl Window {
    /// Adds a stretch that starts after all others.
    pub(crate) fn push(&mut self, offset: u64, data: Bytes) {
        debug_assert!(
            self.parts
                .last()
                .is_none_or(|(start, part)| start + part.len() as u64 <= offset)
        );
        self.parts.push((offset, data));
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.parts.clear();
    }

    /// Appends the data of samples to `body`, as few slices as possible.
    pub(crate) fn collect(
        &self,
        samples: impl Iterator<Item = (u64, u32)>,
        body: &mut Vec<Bytes>,
    ) -> Result<(), Error> {
        let mut run = ByteRange { start: 0, end: 0 };
        for (offset, size) in samples {
            if offset == run.end {
                run.end += u64::from(size);
                continue;
            }
            self.slices(run, body)?;
            run = ByteRange {
                start: offset,
                end: offset.saturating_add(u64::from(size)),
            };
        }
        self.slices(run, body)
    }

    /// Appends the slices that make up `range`.
    pub(crate) fn slices(&self, mut range: ByteRange, body: &mut Vec<Bytes>) -> Result<(), Error> {
        let mut at = self
            .parts
            .partition_point(|(start, _)| *start <= range.start)
            .saturating_sub(1);
        while !range.is_empty() {
            let part = self.parts.get(at).and_then(|(start, data)| {
                let from = usize::try_from(range.start.checked_sub(*start)?).ok()?;
                let left = data.len().checked_sub(from).filter(|left| *left > 0)?;
                let take = usize::try_from(range.len()).unwrap_or(usize::MAX).min(left);
                Some(data.slice(from..from + take))
            });
            let Some(part) = part else {
                return Err(Error::Protocol(format!(
                    "bytes {}..{} were not brought",
                    range.start, range.end
                )));
            };
            range.start += part.len() as u64;
            body.push(part);
            at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ranges_are_read_together_and_long_ones_in_parts() {
        let range = |start, end| ByteRange { start, end };
        assert_eq!(
            plan_reads(vec![
                range(100_000, 100_100),
                range(0, 10),
                range(20, 30),
                range(5, 5)
            ])
            .unwrap(),
            [range(0, 30), range(100_000, 100_100)]
        );
        let endless = plan_reads(vec![range(7, MOST), range(MOST * 2, MOST * 2 + 8)]);
        assert!(endless.is_err(), "nothing is allocated for it");
        let long = plan_reads(vec![range(7, 7 + MAX_READ * 2 + 1)]).unwrap();
        assert_eq!(long.len(), 3);
        assert_eq!(long[2].len(), 1);
        assert!(long.windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn samples_are_slices_of_what_was_read() {
        let mut window = Window::default();
        window.push(10, Bytes::from_static(b"abcd"));
        window.push(14, Bytes::from_static(b"efgh"));
        let mut body = Vec::new();
        window
            .collect([(10, 2), (12, 4), (17, 1)].into_iter(), &mut body)
            .unwrap();
        assert_eq!(
            body,
            [
                Bytes::from_static(b"abcd"),
                Bytes::from_static(b"ef"),
                Bytes::from_static(b"h")
            ]
        );
        assert!(window.collect([(17, 2)].into_iter(), &mut body).is_err());
        assert!(window.collect([(9, 1)].into_iter(), &mut body).is_err());
    }
}
