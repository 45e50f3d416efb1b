//! What a module does with a response. The logic does no input or output itself: it says what it needs, and the adapter of
//! each door brings it, so that all of it is tested natively.

use std::borrow::Cow;

use crate::answer::Answer;
use crate::edits::Edits;
use crate::host::Host;

/// The status and headers of a response that came from the rest of the chain.
#[derive(Debug, Clone, Default)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// Names in lower case, in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl ResponseHead {
    /// The first value of a header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }

    /// The first value as text; none when absent or not UTF-8.
    pub fn header_str(&self, name: &str) -> Option<&str> {
        self.header(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// `content-length` as a number of bytes.
    pub fn content_length(&self) -> Option<u64> {
        self.header_str("content-length")?.trim().parse().ok()
    }
}

/// The part of a module that waits for a response.
pub trait Exchange {
    /// Called once with the head, before any byte of the body is read.
    fn respond(self: Box<Self>, head: &ResponseHead, host: &mut dyn Host) -> Reply;
}

impl<F: FnOnce(&ResponseHead, &mut dyn Host) -> Reply> Exchange for F {
    fn respond(self: Box<Self>, head: &ResponseHead, host: &mut dyn Host) -> Reply {
        self(head, host)
    }
}

/// What becomes of a response.
pub enum Reply {
    /// It goes on; the body never enters the module. Only response edits count.
    Pass(Edits),
    /// It goes on with these edits, its body through a transform, chunk by chunk. The adapter removes `content-length`,
    /// `content-encoding`-dependent validators stay the module's business.
    Stream(Edits, Box<dyn BodyTransform>),
    /// The whole body is wanted, up to a limit in bytes.
    Collect {
        /// More than this and `then` gets [`Collected::TooLarge`].
        limit: usize,
        /// Called once with what came.
        then: Then,
    },
    /// The response is dropped and this one goes out.
    Answer(Answer),
}

/// What to do with a whole body.
pub type Then = Box<dyn FnOnce(Collected, &mut dyn Host) -> Step>;

/// A body that was asked for whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// All of it.
    Whole(Vec<u8>),
    /// It is longer than the limit; the rest was not read.
    TooLarge,
    /// The connection broke before its end.
    Broken,
}

/// What follows a whole body.
pub enum Step {
    /// This goes out.
    Answer(Answer),
    /// Another request goes down the chain; its response comes to the exchange.
    Forward(Forward, Box<dyn Exchange>),
}

/// A request of the module's own, a GET down the rest of the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forward {
    /// Path and query.
    pub target: String,
    /// Request headers besides those of the viewer's request that identify the connection (`host` is kept).
    pub headers: Vec<(Cow<'static, str>, Vec<u8>)>,
}

/// Changes a body as it flows. Memory stays bounded: a transform keeps only what it cannot yet decide about.
pub trait BodyTransform {
    /// Takes a chunk, appends what is ready.
    ///
    /// # Errors
    /// A text for the log. The response is broken off, so that no viewer takes half a body for a whole one.
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), String>;

    /// The body has ended; appends what is left.
    ///
    /// # Errors
    /// As [`BodyTransform::push`].
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String>;
}
