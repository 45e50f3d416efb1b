//! What becomes of a response's body once its head has left the instance.
//!
//! An instance that traps or is ended while it still writes a body just lets go of it, and `wasmtime-wasi-http` 48 takes that for the
//! body's end. So the instance tells the bodies that it still owes, and they end with an error: half a body must not be taken for
//! a whole one, by a viewer or by the cache.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::WasiBody;

use crate::message::BodyError;

/// One response's body, as the instance and the connection both see it.
#[derive(Debug)]
pub(super) struct Delivery {
    start: Instant,
    /// Milliseconds after `start` at which something of it was last taken.
    moved: AtomicU64,
    broken: AtomicBool,
}

impl Delivery {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            moved: AtomicU64::new(0),
            broken: AtomicBool::new(false),
        })
    }

    fn moves(&self) {
        let after = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(after, Ordering::Relaxed);
    }

    fn last_moved(&self) -> Instant {
        self.start + Duration::from_millis(self.moved.load(Ordering::Relaxed))
    }
}

/// The bodies that one instance still owes.
#[derive(Debug, Clone, Default)]
pub(super) struct Owed(Arc<Mutex<Vec<Weak<Delivery>>>>);

impl Owed {
    pub(super) fn add(&self, delivery: &Arc<Delivery>) {
        let mut owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owed.retain(|known| known.strong_count() > 0);
        owed.push(Arc::downgrade(delivery));
    }

    /// When something of any of them was last taken.
    pub(super) fn last_moved(&self) -> Option<Instant> {
        let owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owed.iter()
            .filter_map(Weak::upgrade)
            .map(|delivery| delivery.last_moved())
            .max()
    }

    /// The instance is gone. To be called before its store goes: afterwards a body could see its end first.
    pub(super) fn broken(&self) {
        let owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for delivery in owed.iter().filter_map(Weak::upgrade) {
            delivery.broken.store(true, Ordering::Release);
        }
    }
}

/// A body on its way out. It keeps its module's place until it has gone.
pub(super) struct Outgoing {
    pub(super) body: WasiBody,
    pub(super) delivery: Arc<Delivery>,
    pub(super) _place: OwnedSemaphorePermit,
}

impl Outgoing {
    fn is_broken(&self) -> bool {
        self.delivery.broken.load(Ordering::Acquire)
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.delivery.moves();
        Poll::Ready(match frame {
            Some(frame) => Some(frame.map_err(|error| BodyError::Module(error.to_string()))),
            None if self.is_broken() => {
                let why = "its instance ended before the body did";
                Some(Err(BodyError::Module(why.to_owned())))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && !self.is_broken()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
