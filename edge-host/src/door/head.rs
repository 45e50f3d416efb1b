//! The flat head that a door reads: only the headers that its module asked for.

use std::collections::HashMap;

use http::HeaderName;
use http::request::Parts;
use weir_module::HeadBuffer;
use weir_module::wire::{MAX_HEADER_NAMES, WireError};

/// The headers that a module reads, and the index of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct WantedHeaders {
    authority: Option<u8>,
    scheme: Option<u8>,
    /// A module asks for more names than most requests have headers, so each header of a request is looked up here.
    headers: HashMap<HeaderName, u8, foldhash::fast::RandomState>,
}

impl WantedHeaders {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// # Errors
    /// A name that is no header name, or more names than an index can count.
    pub(crate) fn new(names: &[String]) -> Result<Self, String> {
        if names.len() > MAX_HEADER_NAMES {
            return Err(format!(
                "asks for {} headers, at most {MAX_HEADER_NAMES} are allowed",
                names.len()
            ));
        }
        let mut wanted = Self::default();
        for (index, name) in (0_u8..).zip(names) {
            match name.as_str() {
                ":authority" => wanted.authority = Some(index),
                ":scheme" => wanted.scheme = Some(index),
                name => {
                    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                        format!("asks for a header `{name}`, which is no header name")
                    })?;
                    wanted.headers.insert(name, index);
                }
            }
        }
        Ok(wanted)
    }

    /// Writes the head of a request. Its URI is absolute inside the node.
    ///
    /// # Errors
    /// A target or value that does not fit its field.
    pub(crate) fn write(&self, request: &Parts, buffer: &mut HeadBuffer) -> Result<(), WireError> {
        let target = request
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        buffer.start(request.method.as_str(), target)?;
        if let (Some(index), Some(authority)) = (self.authority, request.uri.authority()) {
            buffer.header(index, authority.as_str().as_bytes())?;
        }
        if let (Some(index), Some(scheme)) = (self.scheme, request.uri.scheme_str()) {
            buffer.header(index, scheme.as_bytes())?;
        }
        for (name, value) in &request.headers {
            if let Some(&index) = self.headers.get(name) {
                buffer.header(index, value.as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_module::{HeaderNames, RequestHead};

    #[test]
    fn a_module_sees_what_it_asked_for() {
        let names = HeaderNames::new([":authority", ":scheme", "cookie", "accept"]);
        let wanted = WantedHeaders::new(names.as_slice()).unwrap();
        let (parts, ()) = http::Request::get("https://h:1/a?b")
            .header("cookie", "x=1")
            .header("secret", "no")
            .header("cookie", "y=2")
            .body(())
            .unwrap()
            .into_parts();
        let mut buffer = HeadBuffer::default();
        wanted.write(&parts, &mut buffer).unwrap();
        let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
        assert_eq!((head.method(), head.target()), ("GET", "/a?b"));
        assert_eq!(head.header_str(":authority"), Some("h:1"));
        assert_eq!(head.header_str(":scheme"), Some("https"));
        assert_eq!(head.header_all("cookie").count(), 2);
        assert_eq!(head.headers().count(), 4);
    }
}
