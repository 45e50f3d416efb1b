//! Bodies that can be sent again, their checksums, and the mark of who sent them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use md5::{Digest, Md5};

use super::settings::ChecksumMode;
use crate::storage::crc32c;

/// A request body over chunks, without copying them; the client may take it again for every attempt.
pub(super) fn body_of(chunks: Vec<Bytes>) -> ByteStream {
    ByteStream::new(SdkBody::retryable(move || {
        SdkBody::from_body_1_x(ChunkBody::new(chunks.clone()))
    }))
}

/// Chunks as an HTTP body of known length, so that `Content-Length` is always sent.
struct ChunkBody {
    chunks: VecDeque<Bytes>,
    remaining: u64,
}

impl ChunkBody {
    fn new(chunks: Vec<Bytes>) -> Self {
        let remaining = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Self {
            chunks: chunks.into(),
            remaining,
        }
    }
}

impl Body for ChunkBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.chunks.pop_front();
        if let Some(chunk) = &next {
            self.remaining -= chunk.len() as u64;
        }
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

/// The checksum headers of one body, base64 as S3 wants them.
#[derive(Debug, Clone, Default)]
pub(super) struct Integrity {
    pub(super) crc32c: Option<String>,
    pub(super) md5: Option<String>,
}

impl Integrity {
    pub(super) fn of(chunks: &[Bytes], mode: ChecksumMode) -> Self {
        match mode {
            ChecksumMode::Crc32c => Self {
                crc32c: Some(STANDARD.encode(crc32c(chunks).to_be_bytes())),
                md5: None,
            },
            ChecksumMode::Md5 => {
                let mut digest = Md5::new();
                chunks.iter().for_each(|chunk| digest.update(chunk));
                Self {
                    crc32c: None,
                    md5: Some(STANDARD.encode(digest.finalize())),
                }
            }
            ChecksumMode::None => Self::default(),
        }
    }
}

/// A random mark that tells our own write from another's.
#[derive(Debug, Clone)]
pub(super) struct WriteId(String);

impl WriteId {
    pub(super) fn random() -> Self {
        Self(crate::random::hex_string(16))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
