//! One reader of a body, whole or growing, or of a part of it.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::Fill;
use crate::message::BodyError;

/// Where a reader takes its bytes from.
#[derive(Debug)]
enum Source {
    Growing(Place),
    Whole(Arc<[Bytes]>),
}

/// A reader's place in a growing body; given back when it is dropped.
#[derive(Debug)]
struct Place {
    fill: Arc<Fill>,
    reader: u64,
}

impl Place {
    fn take(fill: Arc<Fill>, at: u64) -> Self {
        let mut state = fill.lock();
        let reader = state.next_reader;
        state.next_reader += 1;
        state.readers.push((reader, at));
        drop(state);
        Self { fill, reader }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.fill.lock();
        state.readers.retain(|(reader, _)| *reader != self.reader);
        let filler = state.filler.take();
        drop(state);
        if let Some(filler) = filler {
            filler.wake();
        }
    }
}

/// One reader of a stored or growing body.
#[derive(Debug)]
pub(crate) struct Reader {
    source: Source,
    position: Position,
    /// Where it stops; none: at the end, wherever that is.
    until: Option<u64>,
    finished: bool,
}

#[derive(Debug)]
struct Position {
    /// The piece, counted from the first of all.
    piece: usize,
    /// Bytes of the pieces before it.
    before: u64,
    at: u64,
}

impl Reader {
    /// Reads a growing body, all of it or a part.
    pub(crate) fn growing(fill: Arc<Fill>, part: Option<Range<u64>>) -> Self {
        let until = part.as_ref().map(|part| part.end).or(fill.expected);
        let place = Place::take(fill, part.as_ref().map_or(0, |part| part.start));
        Self::new(Source::Growing(place), part, until)
    }

    /// Reads a whole body, all of it or a part.
    pub(crate) fn whole(pieces: Arc<[Bytes]>, length: u64, part: Option<Range<u64>>) -> Self {
        let until = part.as_ref().map_or(length, |part| part.end);
        Self::new(Source::Whole(pieces), part, Some(until))
    }

    fn new(source: Source, part: Option<Range<u64>>, until: Option<u64>) -> Self {
        Self {
            source,
            position: Position {
                piece: 0,
                before: 0,
                at: part.map_or(0, |part| part.start),
            },
            until,
            finished: false,
        }
    }

    /// True when all was read.
    pub(crate) fn is_end(&self) -> bool {
        // A growing body may still end in an error, even with all its bytes here.
        self.finished
            || (matches!(self.source, Source::Whole(_))
                && self.until.is_some_and(|end| self.position.at >= end))
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.finished {
            return Poll::Ready(None);
        }
        match &self.source {
            Source::Whole(pieces) => {
                let data = self.position.take(self.until, |index| pieces.get(index));
                self.finished = data.is_none();
                Poll::Ready(data.map(|data| Ok(Frame::data(data))))
            }
            Source::Growing(place) => {
                let mut state = place.fill.lock();
                if self.position.at < state.gone_bytes {
                    self.finished = true;
                    let late = "it came too late for a body that is not stored".to_owned();
                    return Poll::Ready(Some(Err(BodyError::Fill(late))));
                }
                self.position.skip(state.gone, state.gone_bytes);
                let gone = state.gone;
                let taken = self
                    .position
                    .take(self.until, |index| state.pieces.get(index - gone));
                if let Some(data) = taken {
                    let at = self.position.at;
                    let own = state
                        .readers
                        .iter_mut()
                        .find(|(reader, _)| *reader == place.reader);
                    if let Some((_, seen)) = own {
                        *seen = at;
                    }
                    let filler = state.filler.take();
                    drop(state);
                    if let Some(filler) = filler {
                        filler.wake();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                let all_read = self.until.is_some_and(|end| self.position.at >= end);
                match &state.end {
                    Some(Err(why)) => {
                        self.finished = true;
                        return Poll::Ready(Some(Err(BodyError::Fill(why.clone()))));
                    }
                    Some(Ok(())) => {}
                    // A part is whole as soon as its bytes are; the last bytes of all are no success before the fill is.
                    None if all_read && self.until != place.fill.expected => {}
                    None => {
                        let known = |other: &Waker| other.will_wake(cx.waker());
                        if !state.waiting.iter().any(known) {
                            state.waiting.push(cx.waker().clone());
                        }
                        return Poll::Pending;
                    }
                }
                self.finished = true;
                Poll::Ready(None)
            }
        }
    }
}

impl Position {
    /// Passes over pieces that are gone.
    fn skip(&mut self, gone: usize, gone_bytes: u64) {
        if self.piece < gone {
            (self.piece, self.before) = (gone, gone_bytes);
        }
    }

    /// The next bytes that are here, at most a piece.
    fn take<'a>(
        &mut self,
        until: Option<u64>,
        piece_at: impl Fn(usize) -> Option<&'a Bytes>,
    ) -> Option<Bytes> {
        loop {
            if until.is_some_and(|end| self.at >= end) {
                return None;
            }
            let piece = piece_at(self.piece)?;
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if self.at >= self.before + length {
                self.before += length;
                self.piece += 1;
                continue;
            }
            let start = usize::try_from(self.at - self.before).unwrap_or(piece.len());
            let end = until
                .and_then(|end| usize::try_from(end - self.before).ok())
                .map_or(piece.len(), |end| end.min(piece.len()));
            let data = piece.slice(start..end);
            self.at += u64::try_from(data.len()).unwrap_or(u64::MAX);
            return Some(data);
        }
    }
}

impl http_body::Body for Reader {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Reader::poll_frame(&mut self, cx)
    }

    fn is_end_stream(&self) -> bool {
        self.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        match self.until {
            Some(end) => SizeHint::with_exact(end.saturating_sub(self.position.at)),
            None => SizeHint::default(),
        }
    }
}
