//! Bytes on their way into or out of a store.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use sha2::{Digest, Sha256};

use super::error::StorageError;

/// A stream of bytes; its errors may carry a [`StorageError`].
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// What a writer promises about the bytes, checked before the object becomes visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256, as in RFC 9530 `Content-Digest: sha-256=:…:`.
    Sha256([u8; 32]),
    /// CRC-32C (Castagnoli), as in `x-amz-checksum-crc32c`.
    Crc32c(u32),
}

/// The content of a write.
pub enum PutBody {
    /// Everything is at hand: a store may send it again after a failure.
    Chunks(Vec<Bytes>),
    /// The bytes come once, in order.
    Stream {
        /// The length in bytes, when the sender said it.
        length: Option<u64>,
        /// The bytes.
        stream: ByteStream,
    },
}

impl PutBody {
    /// The length in bytes, when known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Chunks(chunks) => Some(chunks.iter().map(|chunk| chunk.len() as u64).sum()),
            Self::Stream { length, .. } => *length,
        }
    }

    /// The bytes as a stream that ends in an error unless length and checksum are as promised.
    ///
    /// A store that makes the object visible only after the stream's clean end needs no check of its own.
    #[must_use]
    pub fn into_checked_stream(self, checksum: Option<Checksum>) -> ByteStream {
        let length = self.length();
        let inner: ByteStream = match self {
            Self::Chunks(chunks) => futures_util::stream::iter(chunks.into_iter().map(Ok)).boxed(),
            Self::Stream { stream, .. } => stream,
        };
        Checked {
            inner,
            expected_length: length,
            seen: 0,
            digest: checksum.map(Running::new),
            done: false,
        }
        .boxed()
    }
}

impl From<Bytes> for PutBody {
    fn from(bytes: Bytes) -> Self {
        Self::Chunks(vec![bytes])
    }
}

impl From<Vec<u8>> for PutBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Chunks(vec![bytes.into()])
    }
}

impl From<Vec<Bytes>> for PutBody {
    fn from(chunks: Vec<Bytes>) -> Self {
        Self::Chunks(chunks)
    }
}

/// A checksum being computed, beside the value it must reach.
enum Running {
    Sha256(Box<Sha256>, [u8; 32]),
    Crc32c(Box<crc_fast::Digest>, u32),
}

impl Running {
    fn new(expected: Checksum) -> Self {
        match expected {
            Checksum::Sha256(value) => Self::Sha256(Box::default(), value),
            Checksum::Crc32c(value) => Self::Crc32c(Box::new(crc32c_digest()), value),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(digest, _) => digest.update(bytes),
            Self::Crc32c(digest, _) => digest.update(bytes),
        }
    }

    fn verify(self) -> Result<(), StorageError> {
        let (what, expected, actual) = match self {
            Self::Sha256(digest, expected) => (
                "sha-256",
                hex::encode(expected),
                hex::encode(digest.finalize()),
            ),
            Self::Crc32c(digest, expected) => (
                "crc32c",
                format!("{expected:08x}"),
                format!("{:08x}", digest.finalize()),
            ),
        };
        if expected == actual {
            Ok(())
        } else {
            Err(StorageError::BodyMismatch {
                what,
                expected,
                actual,
            })
        }
    }
}

fn crc32c_digest() -> crc_fast::Digest {
    crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi)
}

/// CRC-32C of a body that is at hand.
#[must_use]
pub fn crc32c(chunks: &[Bytes]) -> u32 {
    let mut digest = crc32c_digest();
    for chunk in chunks {
        digest.update(chunk);
    }
    u32::try_from(digest.finalize()).unwrap_or(u32::MAX)
}

struct Checked {
    inner: ByteStream,
    expected_length: Option<u64>,
    seen: u64,
    digest: Option<Running>,
    done: bool,
}

impl Checked {
    fn length_error(&self) -> io::Error {
        let expected = self
            .expected_length
            .map_or_else(|| "any".to_owned(), |n| n.to_string());
        StorageError::BodyMismatch {
            what: "length",
            expected,
            actual: self.seen.to_string(),
        }
        .into()
    }
}

impl Stream for Checked {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        let item = ready!(self.inner.poll_next_unpin(cx));
        match item {
            Some(Ok(bytes)) => {
                self.seen += bytes.len() as u64;
                if self
                    .expected_length
                    .is_some_and(|expected| self.seen > expected)
                {
                    self.done = true;
                    return Poll::Ready(Some(Err(self.length_error())));
                }
                if let Some(digest) = &mut self.digest {
                    digest.update(&bytes);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Some(Err(error)) => {
                self.done = true;
                Poll::Ready(Some(Err(error)))
            }
            None => {
                self.done = true;
                if self
                    .expected_length
                    .is_some_and(|expected| self.seen != expected)
                {
                    return Poll::Ready(Some(Err(self.length_error())));
                }
                match self.digest.take().map(Running::verify) {
                    Some(Err(error)) => Poll::Ready(Some(Err(error.into()))),
                    _ => Poll::Ready(None),
                }
            }
        }
    }
}

/// Reads a stream to its end.
///
/// # Errors
/// The stream's error, and [`StorageError::BodyMismatch`] when it holds more than `limit` bytes.
pub async fn collect(mut stream: ByteStream, limit: u64) -> Result<Vec<Bytes>, StorageError> {
    let mut chunks = Vec::new();
    let mut total = 0_u64;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        total += chunk.len() as u64;
        if total > limit {
            return Err(StorageError::BodyMismatch {
                what: "size limit",
                expected: limit.to_string(),
                actual: format!("over {total}"),
            });
        }
        if !chunk.is_empty() {
            chunks.push(chunk);
        }
    }
    Ok(chunks)
}

/// Joins chunks, without a copy when there is only one.
#[must_use]
pub fn concat(mut chunks: Vec<Bytes>) -> Bytes {
    if chunks.len() == 1 {
        return chunks.remove(0);
    }
    let mut all = Vec::with_capacity(chunks.iter().map(Bytes::len).sum());
    for chunk in chunks {
        all.extend_from_slice(&chunk);
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn drain(body: PutBody, checksum: Option<Checksum>) -> Result<Bytes, StorageError> {
        collect(body.into_checked_stream(checksum), 1 << 20)
            .await
            .map(concat)
    }

    fn stream(length: u64, text: &'static str) -> PutBody {
        let stream = futures_util::stream::iter([Ok(Bytes::from_static(text.as_bytes()))]).boxed();
        PutBody::Stream {
            length: Some(length),
            stream,
        }
    }

    #[tokio::test]
    async fn promises_kept_pass() {
        // The check value of CRC-32C over "123456789" (RFC 3720 B.4 uses the same polynomial).
        let crc = Checksum::Crc32c(0xE306_9283);
        assert_eq!(
            drain(stream(9, "123456789"), Some(crc))
                .await
                .expect("matches"),
            "123456789"
        );
        assert_eq!(
            crc32c(&[Bytes::from_static(b"1234"), Bytes::from_static(b"56789")]),
            0xE306_9283
        );
    }

    #[tokio::test]
    async fn short_long_and_changed_bodies_are_refused() {
        for (length, what) in [(8, "length"), (10, "length"), (9, "crc32c")] {
            let error = drain(stream(length, "123456789"), Some(Checksum::Crc32c(1)))
                .await
                .expect_err("a broken promise");
            assert!(
                matches!(error, StorageError::BodyMismatch { what: w, .. } if w == what),
                "{error}"
            );
        }
    }
}
