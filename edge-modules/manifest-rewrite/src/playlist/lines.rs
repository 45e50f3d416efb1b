//! Cuts a stream of chunks into blocks of whole lines.

use crate::error::RewriteError;

/// The longest line that is read, terminator included. RFC 8216bis sets no limit; nothing real comes near this one.
pub const MAX_LINE: usize = 64 * 1024;

/// Collects the unfinished line between chunks. Holds at most [`MAX_LINE`] bytes.
#[derive(Debug, Default)]
pub struct LineSplitter {
    carry: Vec<u8>,
}

impl LineSplitter {
    /// Takes a chunk and hands on every line that it completes, in blocks that end with a line feed.
    ///
    /// # Errors
    /// A line over [`MAX_LINE`], and whatever `block` returns.
    pub fn push(
        &mut self,
        chunk: &[u8],
        mut block: impl FnMut(&[u8]) -> Result<(), RewriteError>,
    ) -> Result<(), RewriteError> {
        let mut rest = chunk;
        if !self.carry.is_empty() {
            let end = memchr::memchr(b'\n', rest).map(|at| at + 1);
            let (head, tail) = rest.split_at(end.unwrap_or(rest.len()));
            if self.carry.len() + head.len() > MAX_LINE {
                return Err(RewriteError::LineTooLong);
            }
            self.carry.extend_from_slice(head);
            if end.is_none() {
                return Ok(());
            }
            block(&self.carry)?;
            self.carry.clear();
            rest = tail;
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |at| at + 1);
        let (lines, unfinished) = rest.split_at(whole);
        if unfinished.len() > MAX_LINE {
            return Err(RewriteError::LineTooLong);
        }
        if !lines.is_empty() {
            block(lines)?;
        }
        self.carry.extend_from_slice(unfinished);
        Ok(())
    }

    /// Hands on the last line when it has no terminator.
    ///
    /// # Errors
    /// Whatever `block` returns.
    pub fn finish(
        &mut self,
        mut block: impl FnMut(&[u8]) -> Result<(), RewriteError>,
    ) -> Result<(), RewriteError> {
        if self.carry.is_empty() {
            return Ok(());
        }
        let last = std::mem::take(&mut self.carry);
        block(&last)
    }
}

/// The lines of a block, each with its terminator.
pub fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, tail) = rest.split_at(end);
        rest = tail;
        Some(line)
    })
}

/// The part of a line that counts: no terminator, no white space at either end.
///
/// RFC 8216bis forbids white space there; players trim it, so a rewriter must see what they see.
pub fn content(line: &[u8]) -> &[u8] {
    line.trim_ascii()
}

/// The terminator of a line: `\r\n`, `\n` or nothing.
pub fn terminator(line: &[u8]) -> &'static [u8] {
    match line {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\n'] => b"\n",
        _ => b"",
    }
}

/// A UTF-8 byte order mark. RFC 8216bis section 4.1 forbids it; some packagers write it all the same.
pub const BOM: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Result<Vec<u8>, RewriteError> {
        let mut splitter = LineSplitter::default();
        let mut out = Vec::new();
        let mut take = |block: &[u8]| {
            out.push(b'[');
            out.extend_from_slice(block);
            out.push(b']');
            Ok(())
        };
        for chunk in chunks {
            splitter.push(chunk, &mut take)?;
        }
        splitter.finish(&mut take)?;
        Ok(out)
    }

    #[test]
    fn blocks_end_with_a_line_feed_wherever_the_chunks_are_cut() {
        assert_eq!(split(&[b"a\nb\nc"]).unwrap(), b"[a\nb\n][c]");
        assert_eq!(
            split(&[b"a", b"b\r", b"\nc\nd", b"", b"\n"]).unwrap(),
            b"[ab\r\n][c\n][d\n]"
        );
        assert_eq!(split(&[]).unwrap(), b"");
    }

    #[test]
    fn an_endless_line_is_refused() {
        let piece = vec![b'x'; MAX_LINE / 2];
        assert!(split(&[&piece, &piece]).is_ok());
        assert!(matches!(
            split(&[&piece, &piece, b"x"]),
            Err(RewriteError::LineTooLong)
        ));
        assert!(matches!(
            split(&[&[piece.clone(), piece, vec![b'x']].concat()]),
            Err(RewriteError::LineTooLong)
        ));
    }
}
