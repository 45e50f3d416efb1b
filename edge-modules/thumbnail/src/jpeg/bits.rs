//! The bits of an entropy-coded segment (T.81 section F.2.2.5), byte stuffing removed.

use super::{Result, broken};

/// Reads bits, the most significant first. Past the end zeros come, and [`Bits::check`] tells.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, left-aligned. Below `count` there may already be bits of the byte at `at`; they are the same when they
    /// come again.
    held: u64,
    count: u32,
    /// Zeros handed out or held because the data ended.
    padding: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            held: 0,
            count: 0,
            padding: 0,
        }
    }

    /// Makes sure that at least 48 bits are held.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if self.count < 48 {
            self.fill();
        }
    }

    #[inline]
    fn fill(&mut self) {
        if let Some(chunk) = self
            .data
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<8>())
        {
            let next = u64::from_be_bytes(*chunk);
            // No byte is 0xff: adding one to each byte of the complement never borrows to zero.
            let inverse = !next;
            if inverse.wrapping_sub(0x0101_0101_0101_0101) & !inverse & 0x8080_8080_8080_8080 == 0 {
                self.held |= next >> self.count;
                let bytes = (63 - self.count) >> 3;
                self.at += bytes as usize;
                self.count += bytes * 8;
                return;
            }
        }
        self.fill_slowly();
    }

    #[cold]
    #[inline(never)]
    fn fill_slowly(&mut self) {
        // Drop what the fast way may have left below `count`, since a marker may follow here.
        self.held &= !(u64::MAX.checked_shr(self.count).unwrap_or(0));
        while self.count <= 56 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xff), Some(0)) => {
                    self.at += 2;
                    0xff
                }
                // A marker or the end of the file.
                (Some(0xff), _) | (None, _) => {
                    self.padding += 8;
                    self.count += 8;
                    continue;
                }
                (Some(byte), _) => {
                    self.at += 1;
                    *byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `count` bits, 1 to 16. Call [`Bits::refill`] before.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.held >> (64 - count)) as usize
    }

    /// Drops bits that were peeked at.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.held <<= count;
        self.count -= count;
    }

    /// Takes `count` bits, 0 to 16, as an unsigned number.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> i32 {
        // Two shifts, since a shift by 64 has no meaning.
        let value = (self.held >> 1) >> (63 - count);
        self.skip(count);
        value as i32
    }

    /// Takes `count` bits, 0 to 16, as T.81's EXTEND gives them (figure F.12).
    #[inline(always)]
    pub(super) fn take_signed(&mut self, count: u32) -> i32 {
        let value = self.take(count);
        let negative = i32::from(count > 0 && value < (1 << count >> 1));
        value + negative * (1 - (1 << count))
    }

    /// Takes one bit, refilling first.
    #[inline(always)]
    pub(super) fn take_bit(&mut self) -> bool {
        self.refill();
        self.take(1) != 0
    }

    /// Fails when more bits were taken than there are.
    pub(super) fn check(&self) -> Result<()> {
        if self.padding > self.count {
            broken("it ends in the middle of its picture data")
        } else {
            Ok(())
        }
    }

    /// Goes past a restart marker (T.81 section E.2.4).
    pub(super) fn restart(&mut self, number: u8) -> Result<()> {
        self.check()?;
        let marker = next_marker(self.data, self.at);
        if self.data.get(marker + 1) != Some(&(0xd0 | (number & 7))) {
            return broken("a restart marker is missing");
        }
        *self = Self {
            at: marker + 2,
            held: 0,
            count: 0,
            padding: 0,
            data: self.data,
        };
        Ok(())
    }

    /// Where the next marker stands.
    pub(super) fn end(&self) -> usize {
        next_marker(self.data, self.at)
    }
}

/// The place of the next marker that is not a stuffed byte, from `at` on; the end when there is none.
pub(super) fn next_marker(data: &[u8], at: usize) -> usize {
    let mut at = at;
    while let Some(found) = data
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == 0xff))
    {
        at += found;
        match data.get(at + 1) {
            Some(0) => at += 2,
            Some(0xff) => at += 1,
            Some(_) => return at,
            None => break,
        }
    }
    data.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_is_removed_wherever_it_stands() {
        for before in 0..20 {
            let mut data = vec![0x5a; before];
            data.extend([0xff, 0, 0xff, 0, 0x12, 0xff, 0xd9]);
            let mut bits = Bits::new(&data);
            let mut found = Vec::new();
            for _ in 0..before + 3 {
                bits.refill();
                found.push(u8::try_from(bits.take(8)).unwrap());
            }
            bits.check().unwrap();
            assert_eq!(found[before..], [0xff, 0xff, 0x12], "{before}");
            assert_eq!(bits.end(), before + 5);
            bits.refill();
            bits.take(1);
            assert!(bits.check().is_err());
        }
    }

    #[test]
    fn any_split_reads_the_same() {
        let data: Vec<u8> = (0..200u32)
            .flat_map(|i| {
                let byte = (i * 37 + i / 7) as u8;
                if byte == 0xff {
                    vec![0xff, 0]
                } else {
                    vec![byte]
                }
            })
            .collect();
        let read = |widths: &[u32]| {
            let mut bits = Bits::new(&data);
            let mut out = String::new();
            for width in widths.iter().cycle() {
                if out.len() + *width as usize > 1500 {
                    break;
                }
                bits.refill();
                out.push_str(&format!(
                    "{:0width$b}",
                    bits.take(*width),
                    width = *width as usize
                ));
            }
            out[..1400].to_owned()
        };
        let plain = read(&[1]);
        for widths in [&[8][..], &[3, 5, 16], &[16], &[7, 1, 13]] {
            assert_eq!(read(widths), plain, "{widths:?}");
        }
    }

    #[test]
    fn extend_follows_the_standard() {
        let value = |bits: u8, count: u32| {
            let data = [bits << (8 - count), 0, 0, 0, 0, 0, 0, 0];
            let mut bits = Bits::new(&data);
            bits.refill();
            bits.take_signed(count)
        };
        assert_eq!((value(0, 1), value(1, 1)), (-1, 1));
        assert_eq!(
            (value(0, 3), value(3, 3), value(4, 3), value(7, 3)),
            (-7, -4, 4, 7)
        );
    }
}
