//! The start of a NAL unit, read without its emulation prevention bytes but measured with them.

use super::{BitReader, unescape};

/// The first bytes of a NAL unit.
#[derive(Clone, Debug)]
pub(crate) struct NalPrefix<'a> {
    nal: &'a [u8],
    header: usize,
    payload: Vec<u8>,
}

impl<'a> NalPrefix<'a> {
    /// The first `most` bytes of a NAL unit whose header takes `header` bytes.
    pub(crate) fn new(nal: &'a [u8], header: usize, most: usize) -> Self {
        let end = nal.len().min(most);
        let payload = unescape(nal.get(header..end).unwrap_or_default());
        Self {
            nal,
            header,
            payload,
        }
    }

    /// What `read` makes of the payload.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut BitReader<'_>) -> Option<T>) -> Option<T> {
        read(&mut BitReader::new(&self.payload))
    }

    /// Length in bytes of what `read` walks over, NAL header and emulation prevention bytes counted; a byte begun counts whole.
    pub(crate) fn measure(
        &self,
        read: impl FnOnce(&mut BitReader<'_>) -> Option<()>,
    ) -> Option<usize> {
        let mut reader = BitReader::new(&self.payload);
        read(&mut reader)?;
        let mut left = reader.position().div_ceil(8);
        let mut zeros = 0;
        let mut len = self.header;
        while left > 0 {
            let byte = *self.nal.get(len)?;
            len += 1;
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            left -= 1;
        }
        Some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulation_prevention_bytes_are_counted() {
        let nal = [0x41, 0, 0, 3, 1, 0xff, 0xff];
        let prefix = NalPrefix::new(&nal, 1, nal.len());
        let measure = |bits: usize| prefix.measure(|r| r.skip(bits));
        assert_eq!(measure(0), Some(1));
        assert_eq!(measure(8), Some(2));
        assert_eq!(measure(9), Some(3));
        assert_eq!(measure(17), Some(5));
        assert_eq!(measure(100), None);
    }
}
