//! Message bodies, and the limits under which they flow.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use crate::cache::Reader;

/// A body of any make.
#[derive(Debug, Default)]
pub(crate) enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// All of it, in memory.
    Bytes(Bytes),
    /// From a connection, under limits.
    Connection(Box<Limited>),
    /// From the cache, perhaps while it is still being filled.
    Stored(Box<Reader>),
    /// From a module.
    Module(UnsyncBoxBody<Bytes, BodyError>),
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection that it came from broke.
    #[error("the sender broke off: {0}")]
    Connection(#[from] hyper::Error),
    /// Nothing came for too long.
    #[error("the sender stood still for {0:?}")]
    Idle(Duration),
    /// It is larger than allowed.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// A stored response was broken off while it was being filled.
    #[error("the origin broke off: {0}")]
    Fill(String),
    /// A module broke it off.
    #[error("a module broke the body off: {0}")]
    Module(String),
}

impl Body {
    /// A body that comes from a connection.
    pub(crate) fn limited(inner: Incoming, limits: BodyLimits) -> Self {
        if inner.is_end_stream() {
            return Self::Empty;
        }
        Self::Connection(Box::new(Limited {
            inner,
            left: limits.max_bytes,
            limits,
            idle: None,
        }))
    }

    /// True when nothing will come.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_end_stream()
    }

    /// Collects up to `limit` bytes.
    ///
    /// # Errors
    /// [`BodyError`], [`BodyError::TooLarge`] when there is more.
    pub(crate) async fn collect_up_to(mut self, limit: usize) -> Result<Bytes, BodyError> {
        if let Self::Bytes(bytes) = self {
            return Ok(bytes);
        }
        let mut all = bytes::BytesMut::new();
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data() {
                if all.len() + data.remaining() > limit {
                    return Err(BodyError::TooLarge(
                        u64::try_from(limit).unwrap_or(u64::MAX),
                    ));
                }
                all.extend_from_slice(&data);
            }
        }
        Ok(all.freeze())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            Self::Empty
        } else {
            Self::Bytes(bytes)
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Connection(limited) => limited.poll_frame(cx),
            Self::Stored(reader) => reader.poll_frame(cx),
            Self::Module(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Connection(limited) => limited.inner.is_end_stream(),
            Self::Stored(reader) => reader.is_end(),
            Self::Module(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Bytes(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Self::Connection(limited) => limited.inner.size_hint(),
            Self::Stored(reader) => reader.size_hint(),
            Self::Module(body) => body.size_hint(),
        }
    }
}

/// What a body from a connection may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// The most bytes.
    pub(crate) max_bytes: u64,
    /// How long it may stand still.
    pub(crate) idle: Duration,
}

/// A body from a connection, under limits.
#[derive(Debug)]
pub(crate) struct Limited {
    inner: Incoming,
    left: u64,
    limits: BodyLimits,
    /// Armed only while nothing comes.
    idle: Option<Pin<Box<Sleep>>>,
}

impl Limited {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            let limits = self.limits;
            let idle = self
                .idle
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(limits.idle)));
            ready!(idle.as_mut().poll(cx));
            return Poll::Ready(Some(Err(BodyError::Idle(limits.idle))));
        };
        if let Some(idle) = &mut self.idle {
            idle.as_mut().reset(Instant::now() + self.limits.idle);
        }
        let Some(frame) = frame.transpose()? else {
            return Poll::Ready(None);
        };
        if let Some(data) = frame.data_ref() {
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            match self.left.checked_sub(length) {
                Some(left) => self.left = left,
                None => {
                    return Poll::Ready(Some(Err(BodyError::TooLarge(self.limits.max_bytes))));
                }
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }
}
