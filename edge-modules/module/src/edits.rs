//! What a module changes about a message that it lets pass.

use crate::wire::{self, Reader, WireError};

const SET_REQUEST: u8 = 1;
const REMOVE_REQUEST: u8 = 2;
const SET_TARGET: u8 = 3;
const APPEND_RESPONSE: u8 = 4;
const SET_RESPONSE: u8 = 5;
const REMOVE_RESPONSE: u8 = 6;
const WATCH: u8 = 7;

/// A list of changes, kept in the form in which it crosses the door. An empty list allocates nothing.
///
/// Later edits win over earlier ones. A name or value that is too long for its field is an error of the module, told when the
/// edit is made (names up to 255 bytes, values up to 65,535).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    bytes: Vec<u8>,
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit<'a> {
    /// Replaces every value of a request header.
    SetRequest(&'a str, &'a [u8]),
    /// Removes a request header.
    RemoveRequest(&'a str),
    /// A new path and query.
    SetTarget(&'a str),
    /// Adds a value to a response header.
    AppendResponse(&'a str, &'a [u8]),
    /// Replaces every value of a response header.
    SetResponse(&'a str, &'a [u8]),
    /// Removes a response header.
    RemoveResponse(&'a str),
    /// Asks for [`crate::Module::ended`] with this note when the response has ended.
    Watch(&'a [u8]),
}

impl Edits {
    /// No change.
    pub fn none() -> Self {
        Self::default()
    }

    /// True when nothing changes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds one change.
    ///
    /// # Errors
    /// A name or value that does not fit its length field; the list is left as it was.
    pub fn push(&mut self, edit: Edit<'_>) -> Result<(), WireError> {
        let before = self.bytes.len();
        let done = self.put(edit);
        if done.is_err() {
            self.bytes.truncate(before);
        }
        done
    }

    fn put(&mut self, edit: Edit<'_>) -> Result<(), WireError> {
        let out = &mut self.bytes;
        if out.is_empty() {
            // One allocation for the edits of nearly every request, where growing from nothing takes five.
            out.reserve(256);
        }
        let mut pair = |op, name: &str, value: &[u8]| {
            out.push(op);
            wire::put_short(out, name.as_bytes())?;
            wire::put_long(out, value)
        };
        match edit {
            Edit::SetRequest(name, value) => pair(SET_REQUEST, name, value),
            Edit::AppendResponse(name, value) => pair(APPEND_RESPONSE, name, value),
            Edit::SetResponse(name, value) => pair(SET_RESPONSE, name, value),
            Edit::RemoveRequest(name) => {
                out.push(REMOVE_REQUEST);
                wire::put_short(out, name.as_bytes())
            }
            Edit::RemoveResponse(name) => {
                out.push(REMOVE_RESPONSE);
                wire::put_short(out, name.as_bytes())
            }
            Edit::SetTarget(target) => {
                out.push(SET_TARGET);
                wire::put_long(out, target.as_bytes())
            }
            Edit::Watch(note) => {
                out.push(WATCH);
                wire::put_long(out, note)
            }
        }
    }

    /// Takes a buffer that came over the door.
    ///
    /// # Errors
    /// The first field that cannot be read.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, WireError> {
        let mut reader = Reader::new(&bytes);
        while !reader.is_empty() {
            next(&mut reader)?;
        }
        Ok(Self { bytes })
    }

    /// The changes, in order.
    pub fn iter(&self) -> impl Iterator<Item = Edit<'_>> {
        let mut reader = Reader::new(&self.bytes);
        std::iter::from_fn(move || next(&mut reader).ok())
    }

    /// True when the request changes in a way that `predicate` names.
    pub fn any(&self, predicate: impl FnMut(Edit<'_>) -> bool) -> bool {
        self.iter().any(predicate)
    }

    /// The flat form.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Edit<'_> {
    /// True for a change of the request's headers.
    pub fn is_request_header(&self) -> bool {
        matches!(self, Edit::SetRequest(..) | Edit::RemoveRequest(_))
    }

    /// True for a change of the response's headers.
    pub fn is_response_header(&self) -> bool {
        matches!(
            self,
            Edit::AppendResponse(..) | Edit::SetResponse(..) | Edit::RemoveResponse(_)
        )
    }
}

fn next<'a>(reader: &mut Reader<'a>) -> Result<Edit<'a>, WireError> {
    Ok(match reader.byte()? {
        SET_REQUEST => Edit::SetRequest(reader.short_text()?, reader.long_bytes()?),
        REMOVE_REQUEST => Edit::RemoveRequest(reader.short_text()?),
        SET_TARGET => Edit::SetTarget(reader.long_text()?),
        APPEND_RESPONSE => Edit::AppendResponse(reader.short_text()?, reader.long_bytes()?),
        SET_RESPONSE => Edit::SetResponse(reader.short_text()?, reader.long_bytes()?),
        REMOVE_RESPONSE => Edit::RemoveResponse(reader.short_text()?),
        WATCH => Edit::Watch(reader.long_bytes()?),
        op => return Err(WireError::UnknownEdit(op)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_edit_comes_back() {
        let all = [
            Edit::SetRequest("weir-subject", b"ada"),
            Edit::RemoveRequest("cookie"),
            Edit::SetTarget("/vod/x?y=1"),
            Edit::AppendResponse("set-cookie", b"a=1"),
            Edit::SetResponse("cache-control", b"no-store"),
            Edit::RemoveResponse("etag"),
            Edit::Watch(&[1, 2, 3]),
        ];
        let mut edits = Edits::none();
        for edit in all {
            edits.push(edit).unwrap();
        }
        let edits = Edits::decode(edits.into_bytes()).unwrap();
        assert_eq!(edits.iter().collect::<Vec<_>>(), all);
    }

    #[test]
    fn an_edit_that_does_not_fit_leaves_the_list_whole() {
        let mut edits = Edits::none();
        edits.push(Edit::RemoveRequest("a")).unwrap();
        assert!(edits.push(Edit::SetRequest("b", &vec![0; 70_000])).is_err());
        assert_eq!(edits.iter().collect::<Vec<_>>(), [Edit::RemoveRequest("a")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(edits) = Edits::decode(bytes.clone()) {
                let mut again = Edits::none();
                for edit in edits.iter() {
                    again.push(edit).unwrap();
                }
                prop_assert_eq!(again.into_bytes(), bytes);
            }
        }
    }
}
