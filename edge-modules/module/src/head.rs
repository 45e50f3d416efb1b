//! The request head as a module sees it: method, target and the headers that it asked for.

use crate::wire::{self, WireError};

/// Request header names that reach a module, in lower case, in the order of [`crate::Module::headers`].
///
/// `:authority` and `:scheme` stand for those parts of the request, as in RFC 9113 section 8.3.1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderNames(Vec<String>);

impl HeaderNames {
    /// Takes a module's list, adds what the SDK itself reads, drops repetitions.
    ///
    /// # Panics
    /// Never; names after the 200th are dropped, since an index is one byte.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut list: Vec<String> = Vec::new();
        for name in names
            .into_iter()
            .map(Into::into)
            .chain([REQUEST_ID.to_owned()])
        {
            let name = name.to_ascii_lowercase();
            if !list.contains(&name) && list.len() < wire::MAX_HEADER_NAMES {
                list.push(name);
            }
        }
        Self(list)
    }

    /// The names; a header's index in a head points into this slice.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    fn index(&self, name: &str) -> Option<u8> {
        let at = self.0.iter().position(|known| known == name)?;
        u8::try_from(at).ok()
    }
}

/// The header that carries the request id through every hop.
pub const REQUEST_ID: &str = "x-request-id";

/// Headers that belong to one connection (RFC 9110 section 7.6.1) and must not be copied to the next. `content-length` is not among
/// them: a body that is passed on keeps its length.
pub const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A borrowed view of one request head. Looking a header up costs a scan over the few that the module asked for.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    names: &'a HeaderNames,
    method: &'a str,
    target: &'a str,
    /// Where the path ends in the target: modules ask for path and query many times.
    path_end: usize,
    headers: &'a [u8],
}

impl<'a> RequestHead<'a> {
    /// Reads the flat form (see [`crate::wire`]).
    ///
    /// # Errors
    /// A buffer that ends early, or a method or target that is not UTF-8.
    pub fn decode(names: &'a HeaderNames, buffer: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = wire::Reader::new(buffer);
        let method = reader.short_text()?;
        let target = reader.long_text()?;
        let headers = reader.rest();
        // One pass now, so that every later look-up may trust the shape.
        let mut check = wire::Reader::new(headers);
        while !check.is_empty() {
            let index = check.byte()?;
            if usize::from(index) >= names.0.len() {
                return Err(WireError::UnknownHeader(index));
            }
            check.long_bytes()?;
        }
        Ok(Self {
            names,
            method,
            target,
            path_end: target.find('?').unwrap_or(target.len()),
            headers,
        })
    }

    /// The method, in the case that the client sent.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// Path and query, as in the request line.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The target up to the first `?`.
    pub fn path(&self) -> &'a str {
        &self.target[..self.path_end]
    }

    /// What follows the first `?`, if there is one.
    pub fn query(&self) -> Option<&'a str> {
        self.target.get(self.path_end + 1..)
    }

    /// The first value of a header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.header_all(name).next()
    }

    /// The first value of a header as text; none when it is absent or not UTF-8.
    pub fn header_str(&self, name: &str) -> Option<&'a str> {
        self.header(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every value of a header, in the order received.
    pub fn header_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        debug_assert!(
            self.names.index(name).is_some(),
            "the module reads `{name}` without naming it in `headers()`"
        );
        let names = self.names;
        Headers(wire::Reader::new(self.headers))
            .filter(move |(index, _)| {
                names
                    .0
                    .get(usize::from(*index))
                    .is_some_and(|known| known == name)
            })
            .map(|(_, value)| value)
    }

    /// Every header that came, as name and value.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let names = self.names;
        Headers(wire::Reader::new(self.headers)).filter_map(move |(index, value)| {
            Some((names.0.get(usize::from(index))?.as_str(), value))
        })
    }

    /// The request id, when the host gave one.
    pub fn request_id(&self) -> Option<&'a str> {
        self.header_str(REQUEST_ID)
    }
}

struct Headers<'a>(wire::Reader<'a>);

impl<'a> Iterator for Headers<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.0.byte().ok()?;
        Some((index, self.0.long_bytes().ok()?))
    }
}

/// Builds the flat form of a head. A host keeps one and clears it for each request.
#[derive(Debug, Clone, Default)]
pub struct HeadBuffer {
    bytes: Vec<u8>,
}

impl HeadBuffer {
    /// Starts over with a method and a target (path and query).
    ///
    /// # Errors
    /// A method over 255 bytes or a target over 65,535.
    pub fn start(&mut self, method: &str, target: &str) -> Result<(), WireError> {
        self.bytes.clear();
        wire::put_short(&mut self.bytes, method.as_bytes())?;
        wire::put_long(&mut self.bytes, target.as_bytes())
    }

    /// Adds a header by its index in [`HeaderNames`].
    ///
    /// # Errors
    /// A value over 65,535 bytes.
    pub fn header(&mut self, index: u8, value: &[u8]) -> Result<(), WireError> {
        self.bytes.push(index);
        wire::put_long(&mut self.bytes, value)
    }

    /// Adds a header by name when the module asked for it; all others are left out.
    ///
    /// # Errors
    /// A value over 65,535 bytes.
    pub fn named(
        &mut self,
        names: &HeaderNames,
        name: &str,
        value: &[u8],
    ) -> Result<(), WireError> {
        match names.index(name) {
            Some(index) => self.header(index, value),
            None => Ok(()),
        }
    }

    /// The flat form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(names: &HeaderNames, headers: &[(&str, &[u8])]) -> HeadBuffer {
        let mut buffer = HeadBuffer::default();
        buffer.start("GET", "/a/b.m3u8?x=1&y").unwrap();
        for (name, value) in headers {
            buffer.named(names, name, value).unwrap();
        }
        buffer
    }

    #[test]
    fn reads_back_what_was_asked_for() {
        let names = HeaderNames::new(["Cookie", "accept"]);
        let buffer = encode(
            &names,
            &[("cookie", b"a=1"), ("secret", b"no"), ("cookie", b"\xff")],
        );
        let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
        assert_eq!(
            (head.method(), head.path(), head.query()),
            ("GET", "/a/b.m3u8", Some("x=1&y"))
        );
        assert_eq!(
            head.header_all("cookie").collect::<Vec<_>>(),
            [b"a=1".as_slice(), b"\xff"]
        );
        assert_eq!(head.header("accept"), None);
        assert_eq!(head.headers().count(), 2);
    }

    #[test]
    fn the_sdk_always_asks_for_the_request_id() {
        assert_eq!(HeaderNames::new(["a", "A"]).as_slice(), ["a", REQUEST_ID]);
    }

    #[test]
    fn refuses_a_buffer_that_ends_early_or_points_nowhere() {
        let names = HeaderNames::new(["cookie"]);
        let buffer = encode(&names, &[("cookie", b"abc")]);
        for end in 0..buffer.as_bytes().len() {
            // Cuts at a header's border are whole heads; all others must be refused without a panic.
            let _ = RequestHead::decode(&names, &buffer.as_bytes()[..end]);
        }
        let cut = &buffer.as_bytes()[..buffer.as_bytes().len() - 1];
        assert_eq!(
            RequestHead::decode(&names, cut).unwrap_err(),
            WireError::Short
        );
        let none = HeaderNames::default();
        assert!(matches!(
            RequestHead::decode(&none, buffer.as_bytes()),
            Err(WireError::UnknownHeader(0))
        ));
    }

    #[test]
    fn refuses_what_does_not_fit_its_length_field() {
        let mut buffer = HeadBuffer::default();
        assert_eq!(
            buffer.start("GET", &"a".repeat(65_536)),
            Err(WireError::TooLong(65_536))
        );
        assert_eq!(
            buffer.start(&"G".repeat(256), "/"),
            Err(WireError::TooLong(256))
        );
    }
}
