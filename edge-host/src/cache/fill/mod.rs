//! A body that is read by many while it is still arriving.

mod reader;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use bytes::{Bytes, BytesMut};

pub(crate) use reader::Reader;

/// A whole body at or under this size is kept as one piece.
const ONE_PIECE: usize = 8 << 20;
/// Small pieces are gathered up to this size: a piece may be a slice of a much larger read buffer and would keep it alive.
const GATHER: usize = 64 << 10;

/// One body, growing.
#[derive(Debug)]
pub(crate) struct Fill {
    /// What `content-length` promised.
    expected: Option<u64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Bytes>,
    /// Pieces, and their bytes, that were forgotten because all have read them.
    gone: usize,
    gone_bytes: u64,
    bytes: u64,
    end: Option<Result<(), String>>,
    waiting: Vec<Waker>,
    /// Who reads, and how far.
    readers: Vec<(u64, u64)>,
    next_reader: u64,
    /// Waits for the slowest reader.
    filler: Option<Waker>,
}

impl Fill {
    /// An empty body; `expected` is its announced length.
    pub(crate) fn new(expected: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            expected,
            state: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what arrived and wakes the readers. Returns the bytes so far.
    pub(crate) fn push(&self, data: &Bytes) -> u64 {
        if data.is_empty() {
            return self.lock().bytes;
        }
        let mut state = self.lock();
        // Copied into memory of its own: exact, and independent of the connection's buffers.
        state.pieces.push_back(Bytes::copy_from_slice(data));
        state.bytes += u64::try_from(data.len()).unwrap_or(u64::MAX);
        let (bytes, waiting) = (state.bytes, std::mem::take(&mut state.waiting));
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        bytes
    }

    /// Waits until the slowest reader is at most `window` bytes behind, and forgets what all have read. False when nobody reads.
    /// Only for a body that nobody new will read.
    pub(crate) async fn room(&self, window: u64) -> bool {
        poll_fn(|cx| {
            let mut state = self.lock();
            let Some(slowest) = state.readers.iter().map(|(_, at)| *at).min() else {
                return Poll::Ready(false);
            };
            while let Some(piece) = state.pieces.front() {
                let end = state.gone_bytes + u64::try_from(piece.len()).unwrap_or(u64::MAX);
                if end > slowest {
                    break;
                }
                state.gone_bytes = end;
                state.gone += 1;
                state.pieces.pop_front();
            }
            if state.bytes.saturating_sub(slowest) <= window {
                return Poll::Ready(true);
            }
            state.filler = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// How the body ends: a length other than the announced one is an error.
    pub(crate) fn checked(&self, result: Result<(), String>) -> Result<(), String> {
        result?;
        let bytes = self.lock().bytes;
        match self.expected {
            Some(expected) if expected != bytes => {
                Err(format!("{bytes} bytes came, {expected} were announced"))
            }
            _ => Ok(()),
        }
    }

    /// The body has ended, as [`Self::checked`] has it. Tells the readers.
    pub(crate) fn end(&self, result: Result<(), String>) {
        let mut state = self.lock();
        state.end = Some(result);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The whole body once it has ended well, in few pieces.
    pub(crate) fn whole(&self) -> Option<Arc<[Bytes]>> {
        let mut state = self.lock();
        (matches!(state.end, Some(Ok(()))) && state.gone == 0).then(|| {
            let bytes = state.bytes;
            gather(state.pieces.make_contiguous(), bytes)
        })
    }
}

fn gather(pieces: &[Bytes], bytes: u64) -> Arc<[Bytes]> {
    if let [one] = pieces {
        return Arc::from([one.clone()]);
    }
    let target = match usize::try_from(bytes) {
        Ok(bytes) if bytes <= ONE_PIECE => bytes,
        _ => GATHER,
    };
    let mut out = Vec::new();
    let mut open = BytesMut::new();
    for piece in pieces {
        if open.is_empty() && piece.len() >= GATHER && target == GATHER {
            out.push(piece.clone());
            continue;
        }
        if open.is_empty() {
            open.reserve(target);
        }
        open.extend_from_slice(piece);
        if open.len() >= target {
            out.push(std::mem::take(&mut open).freeze());
        }
    }
    if !open.is_empty() {
        out.push(open.freeze());
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::BodyError;
    use http_body_util::BodyExt as _;

    async fn all(reader: Reader) -> Result<Vec<u8>, BodyError> {
        Ok(reader.collect().await?.to_bytes().to_vec())
    }

    #[tokio::test]
    async fn readers_follow_a_growing_body() {
        let fill = Fill::new(Some(10));
        let early = tokio::spawn(all(Reader::growing(Arc::clone(&fill), None)));
        let part = tokio::spawn(all(Reader::growing(Arc::clone(&fill), Some(3..7))));
        for piece in ["0123", "45", "6789"] {
            tokio::task::yield_now().await;
            fill.push(&Bytes::from_static(piece.as_bytes()));
        }
        assert_eq!(part.await.unwrap().unwrap(), b"3456");
        fill.end(fill.checked(Ok(())));
        assert_eq!(early.await.unwrap().unwrap(), b"0123456789");
        let whole = fill.whole().unwrap();
        assert_eq!(whole.len(), 1);
        assert_eq!(
            all(Reader::whole(whole, 10, Some(8..10))).await.unwrap(),
            b"89"
        );
    }

    #[tokio::test]
    async fn half_a_body_is_an_error_for_everyone() {
        let fill = Fill::new(Some(10));
        fill.push(&Bytes::from_static(b"0123"));
        let reader = tokio::spawn(all(Reader::growing(Arc::clone(&fill), None)));
        tokio::task::yield_now().await;
        let result = fill.checked(Ok(()));
        assert!(result.is_err());
        fill.end(result);
        assert!(matches!(reader.await.unwrap(), Err(BodyError::Fill(_))));
        assert!(fill.whole().is_none());
    }

    #[tokio::test]
    async fn a_body_that_outgrows_the_cache_waits_for_its_slowest_reader() {
        let fill = Fill::new(None);
        let mut reader = Reader::growing(Arc::clone(&fill), None);
        for _ in 0..8 {
            fill.push(&Bytes::from(vec![1; 10]));
        }
        let filling = Arc::clone(&fill);
        let waits = tokio::spawn(async move { filling.room(50).await });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        for _ in 0..4 {
            assert!(http_body_util::BodyExt::frame(&mut reader).await.is_some());
        }
        assert!(waits.await.unwrap());
        assert!(fill.lock().gone >= 3);
        let late = all(Reader::growing(Arc::clone(&fill), None)).await;
        assert!(matches!(late, Err(BodyError::Fill(_))));
        fill.end(fill.checked(Ok(())));
        assert_eq!(all(reader).await.unwrap().len(), 40);
        assert!(fill.whole().is_none());
        assert!(!fill.room(50).await);
    }

    #[test]
    fn many_small_pieces_become_few() {
        let pieces: Vec<Bytes> = (0..1_000).map(|_| Bytes::from(vec![7; 10_000])).collect();
        let gathered = gather(&pieces, 10_000_000);
        assert!(gathered.len() < 160, "{}", gathered.len());
        assert_eq!(gathered.iter().map(Bytes::len).sum::<usize>(), 10_000_000);
        assert_eq!(gather(&pieces[..100], 1_000_000).len(), 1);
        assert_eq!(gather(&[], 0).len(), 0);
    }
}
