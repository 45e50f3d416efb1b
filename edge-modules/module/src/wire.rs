//! The flat buffers that cross the fast door.
//!
//! All integers are little-endian. `short` is a `u8` length and that many bytes, `long` a `u16` length and that many bytes.
//!
//! ```text
//! head    = method:short target:long (index:u8 value:long)*
//! edits   = (op:u8 …)*
//!           1 set request header     name:short value:long     replaces every value
//!           2 remove request header  name:short
//!           3 set target             target:long               path and query
//!           4 append response header name:short value:long
//!           5 set response header    name:short value:long
//!           6 remove response header name:short
//!           7 watch                  note:long                 `ended` is called with this note
//! answer  = status:u16 count:u16 (name:short value:long){count} body
//! ```

/// The most header names that a module may ask for.
pub const MAX_HEADER_NAMES: usize = 200;

/// A flat buffer that cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The buffer ends inside a field.
    #[error("the buffer ends inside a field")]
    Short,
    /// A method, target or header name that is not UTF-8.
    #[error("a method, target or header name is not UTF-8")]
    NotText,
    /// An edit with an operation that this version does not know.
    #[error("unknown edit operation {0}")]
    UnknownEdit(u8),
    /// A header index beyond the names that the module asked for.
    #[error("header index {0} is beyond the names that the module asked for")]
    UnknownHeader(u8),
    /// A field longer than its length can say.
    #[error("a field of {0} bytes does not fit its length field")]
    TooLong(usize),
}

/// Reads fields off the front of a buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(buffer: &'a [u8]) -> Self {
        Self(buffer)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn byte(&mut self) -> Result<u8, WireError> {
        let (&first, rest) = self.0.split_first().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn word(&mut self) -> Result<u16, WireError> {
        let (bytes, rest) = self.0.split_first_chunk::<2>().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(u16::from_le_bytes(*bytes))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn long_bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.word()?;
        self.take(usize::from(length))
    }

    pub(crate) fn long_text(&mut self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.long_bytes()?).map_err(|_| WireError::NotText)
    }

    pub(crate) fn short_text(&mut self) -> Result<&'a str, WireError> {
        let length = self.byte()?;
        std::str::from_utf8(self.take(usize::from(length))?).map_err(|_| WireError::NotText)
    }
}

pub(crate) fn put_short(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), WireError> {
    let length = u8::try_from(bytes.len()).map_err(|_| WireError::TooLong(bytes.len()))?;
    out.push(length);
    out.extend_from_slice(bytes);
    Ok(())
}

pub(crate) fn put_long(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), WireError> {
    let length = u16::try_from(bytes.len()).map_err(|_| WireError::TooLong(bytes.len()))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}
