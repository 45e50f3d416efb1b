//! What passes between a linter and the code that drives it.

use bytes::Bytes;

use super::report::Report;
use crate::ByteRange;

/// What a [`Linter`](super::Linter) wants from its caller next.
#[derive(Debug)]
pub enum Step {
    /// Read this and call `supply` with what came, or `fail` with the reason why nothing did.
    Read(Request),
    /// The run is complete.
    Done(Box<Report>),
}

/// A resource, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Address: absolute, in the scheme of the address that the linter was given unless a playlist says otherwise.
    pub url: String,
    /// The bytes wanted; `None` for all of them. Fewer are allowed only when the resource ends there.
    pub range: Option<ByteRange>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The bytes asked for, any content coding undone. More than asked for are allowed when they start at byte 0 of
    /// the resource: a server may ignore ranges.
    pub body: Bytes,
    /// Where the body starts in the resource.
    pub start: u64,
    /// Length of the whole resource in bytes, when known.
    pub total: Option<u64>,
    /// How a server delivered it; `None` when no server did.
    pub delivery: Option<Delivery>,
}

impl Response {
    /// A resource read whole.
    pub fn whole(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            total: Some(body.len() as u64),
            body,
            ..Self::default()
        }
    }

    /// A part of a resource of `total` bytes.
    pub fn part(body: impl Into<Bytes>, start: u64, total: u64) -> Self {
        Self {
            body: body.into(),
            start,
            total: Some(total),
            delivery: None,
        }
    }
}

/// How a server delivered a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding` of an answer to a request that accepts gzip.
    pub content_encoding: Option<String>,
    /// Where redirects led; `None` when there were none.
    pub redirected_to: Option<String>,
}

/// Why a resource could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such resource.
    Missing,
    /// It could not be had now: a network error, a refusal, a time-out. The text says which.
    Unreachable(String),
}
