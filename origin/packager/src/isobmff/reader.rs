//! Reading boxes and the fields inside them, with every length checked.

use bytes::Bytes;

use super::FourCc;
use crate::Error;

/// The header of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Type of the box.
    pub(crate) kind: FourCc,
    /// Length of the header in bytes: 8, or 16 with a 64-bit size.
    pub(crate) header_len: u64,
    /// Length of the whole box in bytes, header included; `None` when it extends to the end of what holds it.
    pub(crate) size: Option<u64>,
}

impl Header {
    /// Longest header in bytes.
    pub(crate) const MAX_LEN: u64 = 16;

    /// Reads a header from the start of `data`.
    ///
    /// Returns `None` when `data` is too short to hold it. A size smaller than the header is reported as the size of the
    /// header, so that a reader always moves forward.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let size = u32::from_be_bytes(data.get(..4)?.try_into().ok()?);
        let kind = FourCc(data.get(4..8)?.try_into().ok()?);
        let (header_len, size) = match size {
            0 => (8, None),
            1 => {
                let large = u64::from_be_bytes(data.get(8..16)?.try_into().ok()?);
                (16, Some(large.max(16)))
            }
            small => (8, Some(u64::from(small).max(8))),
        };
        Some(Self {
            kind,
            header_len,
            size,
        })
    }
}

/// One box with its content.
#[derive(Clone, Debug)]
pub(crate) struct Mp4Box {
    /// Type of the box.
    pub(crate) kind: FourCc,
    /// Where the box starts in the input.
    pub(crate) offset: u64,
    /// What follows the header.
    pub(crate) payload: Bytes,
    /// Where the payload starts in the input.
    pub(crate) payload_offset: u64,
}

impl Mp4Box {
    /// The boxes inside this one.
    pub(crate) fn children(&self) -> Boxes {
        Boxes::new(self.payload.clone(), self.payload_offset)
    }

    /// The boxes inside this one, after `skip` bytes of fields.
    pub(crate) fn children_after(&self, skip: usize) -> Boxes {
        let skip = skip.min(self.payload.len());
        Boxes::new(
            self.payload.slice(skip..),
            self.payload_offset + skip as u64,
        )
    }

    /// The fields of this box.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields {
            data: &self.payload,
            at: 0,
            what: self.kind,
            offset: self.offset,
        }
    }

    /// Version and flags of a full box, and its remaining fields.
    pub(crate) fn full(&self) -> Result<(u8, u32, Fields<'_>), Error> {
        let mut fields = self.fields();
        let word = fields.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff, fields))
    }

    /// An error about this box.
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::malformed(self.kind, self.offset, reason)
    }
}

/// Iterates over the boxes in a stretch of bytes.
///
/// Fewer than eight bytes at the end are ignored: QuickTime ends some lists with a 32-bit zero. A box that claims to
/// reach past the end is an error.
#[derive(Clone, Debug)]
pub(crate) struct Boxes {
    data: Bytes,
    at: usize,
    base: u64,
}

impl Boxes {
    /// The boxes in `data`, which starts at `base` in the input.
    pub(crate) const fn new(data: Bytes, base: u64) -> Self {
        Self { data, at: 0, base }
    }

    /// The first box of type `kind`.
    pub(crate) fn find(self, kind: &[u8; 4]) -> Result<Option<Mp4Box>, Error> {
        for child in self {
            let child = child?;
            if child.kind == kind {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }
}

impl Iterator for Boxes {
    type Item = Result<Mp4Box, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.data.get(self.at..)?;
        let header = Header::parse(rest)?;
        let offset = self.base + self.at as u64;
        let available = rest.len() as u64;
        let size = header.size.unwrap_or(available);
        if size > available {
            self.at = self.data.len();
            return Some(Err(Error::malformed(
                header.kind,
                offset,
                format!("it claims {size} bytes but only {available} remain in the box around it"),
            )));
        }
        let (Ok(header_len), Ok(size)) =
            (usize::try_from(header.header_len), usize::try_from(size))
        else {
            return None;
        };
        let payload = self.data.slice(self.at + header_len..self.at + size);
        self.at += size;
        Some(Ok(Mp4Box {
            kind: header.kind,
            offset,
            payload,
            payload_offset: offset + header.header_len,
        }))
    }
}

/// Reads big-endian fields one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    data: &'a [u8],
    at: usize,
    what: FourCc,
    offset: u64,
}

impl<'a> Fields<'a> {
    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.data.len());
        let Some(end) = end else {
            return Err(Error::malformed(
                self.what,
                self.offset,
                format!(
                    "{count} bytes wanted at byte {} of its content, which has only {}",
                    self.at,
                    self.data.len()
                ),
            ));
        };
        let found = &self.data[self.at..end];
        self.at = end;
        Ok(found)
    }

    /// Skips `count` bytes.
    pub(crate) fn skip(&mut self, count: usize) -> Result<(), Error> {
        self.bytes(count).map(|_| ())
    }

    /// Bytes not read yet.
    pub(crate) fn remaining(&self) -> usize {
        self.data.len() - self.at
    }

    /// How many bytes have been read.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut value = [0; N];
        value.copy_from_slice(self.bytes(N)?);
        Ok(value)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Error> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Error> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub(crate) fn four_cc(&mut self) -> Result<FourCc, Error> {
        Ok(FourCc(self.array()?))
    }

    /// A 64-bit value in version 1 boxes, a 32-bit value in version 0.
    pub(crate) fn by_version(&mut self, version: u8) -> Result<u64, Error> {
        if version == 1 {
            self.u64()
        } else {
            self.u32().map(u64::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_forms_of_size() {
        let small = Header::parse(b"\0\0\0\x10free").unwrap();
        assert_eq!((small.header_len, small.size), (8, Some(16)));
        let large = Header::parse(b"\0\0\0\x01mdat\0\0\0\x02\0\0\0\0").unwrap();
        assert_eq!((large.header_len, large.size), (16, Some(0x2_0000_0000)));
        assert_eq!(Header::parse(b"\0\0\0\0mdat").unwrap().size, None);
        assert_eq!(Header::parse(b"\0\0\0\0mda"), None);
    }

    #[test]
    fn a_box_that_reaches_past_its_parent_is_an_error() {
        let mut boxes = Boxes::new(Bytes::from_static(b"\0\0\0\x08free\0\0\0\xffskip"), 100);
        assert_eq!(boxes.next().unwrap().unwrap().offset, 100);
        let error = boxes.next().unwrap().unwrap_err();
        assert!(
            error.to_string().contains("`skip` box at byte 108"),
            "{error}"
        );
        assert!(boxes.next().is_none());
    }

    #[test]
    fn a_size_smaller_than_the_header_moves_forward() {
        let boxes = Boxes::new(Bytes::from_static(b"\0\0\0\x02free\0\0\0\x08free"), 0);
        assert_eq!(boxes.count(), 2);
    }
}
