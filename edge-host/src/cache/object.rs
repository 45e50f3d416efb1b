//! A stored response.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::fill::{Fill, Reader};
use super::freshness::Freshness;
use super::{conditional, range};
use crate::message::{Body, Response, fields};

/// A response that is stored, or being stored.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) status: StatusCode,
    /// Without those of a connection, without `age`.
    pub(crate) headers: HeaderMap,
    pub(crate) freshness: Freshness,
    pub(crate) body: Stored,
}

/// The body of an object.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    /// In one piece.
    Whole(Bytes),
    /// In several.
    Pieces(Arc<[Bytes]>, u64),
    /// Still arriving.
    Growing(Arc<Fill>, Option<u64>),
}

impl Stored {
    pub(crate) fn from_pieces(pieces: Arc<[Bytes]>) -> Self {
        match &*pieces {
            [] => Self::Whole(Bytes::new()),
            [one] => Self::Whole(one.clone()),
            several => {
                let length = several
                    .iter()
                    .map(|piece| u64::try_from(piece.len()).unwrap_or(u64::MAX))
                    .sum();
                Self::Pieces(pieces, length)
            }
        }
    }

    /// None while a body without announced length is arriving.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => u64::try_from(bytes.len()).ok(),
            Self::Pieces(_, length) => Some(*length),
            Self::Growing(_, expected) => *expected,
        }
    }

    fn read(&self, part: Option<std::ops::Range<u64>>) -> Body {
        match self {
            Self::Whole(bytes) => Body::from(match part {
                Some(part) => {
                    let place =
                        |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                    bytes.slice(place(part.start)..place(part.end))
                }
                None => bytes.clone(),
            }),
            Self::Pieces(pieces, length) => {
                Body::Stored(Box::new(Reader::whole(Arc::clone(pieces), *length, part)))
            }
            Self::Growing(fill, _) => {
                Body::Stored(Box::new(Reader::growing(Arc::clone(fill), part)))
            }
        }
    }
}

impl Object {
    /// The bytes that it takes in the cache, about.
    pub(crate) fn weight(&self) -> u64 {
        let fields: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        self.body.length().unwrap_or(0) + u64::try_from(fields + 512).unwrap_or(u64::MAX)
    }

    /// The response to a request: whole, a part, 304 or 416; for HEAD without its body.
    pub(crate) fn respond(
        &self,
        method: &Method,
        request: &HeaderMap,
        now: SystemTime,
    ) -> Response {
        let mut response = self.respond_without_age(method, request);
        let age = self.freshness.age(now).as_secs();
        response
            .headers_mut()
            .insert(header::AGE, fields::number(age));
        response
    }

    /// The same for a response that comes straight from the origin.
    pub(crate) fn respond_without_age(&self, method: &Method, request: &HeaderMap) -> Response {
        if self.status == StatusCode::OK && conditional::not_modified(request, &self.headers) {
            return self.not_modified();
        }
        let length = self.body.length();
        let wanted = match length {
            Some(length) if self.status == StatusCode::OK && *method == Method::GET => {
                let value = request
                    .get(header::RANGE)
                    .filter(|_| conditional::range_applies(request, &self.headers));
                range::wanted(value, length)
            }
            _ => range::Wanted::Whole,
        };
        let mut response = match (wanted, length) {
            (range::Wanted::Part { start, end }, Some(length)) => {
                let mut response = self.bare(StatusCode::PARTIAL_CONTENT);
                let headers = response.headers_mut();
                set_content_range(headers, range::content_range(start, end, length));
                headers.insert(header::CONTENT_LENGTH, fields::number(end - start));
                *response.body_mut() = self.body.read(Some(start..end));
                response
            }
            (range::Wanted::Unsatisfiable, Some(length)) => {
                let mut response = Response::new(Body::Empty);
                *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                let headers = response.headers_mut();
                set_content_range(headers, range::unsatisfied_range(length));
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
                response
            }
            _ => {
                let mut response = self.bare(self.status);
                if let Some(length) = length
                    && self.status != StatusCode::NO_CONTENT
                {
                    response
                        .headers_mut()
                        .insert(header::CONTENT_LENGTH, fields::number(length));
                }
                *response.body_mut() = self.body.read(None);
                response
            }
        };
        if *method == Method::HEAD {
            *response.body_mut() = Body::Empty;
        }
        response
    }

    fn bare(&self, status: StatusCode) -> Response {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = status;
        *response.headers_mut() = self.headers.clone();
        response
    }

    fn not_modified(&self) -> Response {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.headers_mut() = conditional::not_modified_headers(&self.headers);
        response
    }
}

fn set_content_range(headers: &mut HeaderMap, text: String) {
    // Digits and ASCII letters.
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(header::CONTENT_RANGE, value);
    }
}
