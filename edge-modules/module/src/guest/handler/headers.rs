//! A message's header fields, brought over once and sent back once: a call into the host for each of them costs more than all of
//! them in one list.

use std::cell::RefCell;

use wasip3::http::types::{Fields, HeaderError, Request, Response};

use crate::answer::HeaderList;
use crate::{Edit, Edits, HOP_BY_HOP};

/// The most names that are remembered as forbidden: no host forbids more.
const MAX_FORBIDDEN: usize = 32;

thread_local! {
    /// Names that this host lets no guest set, learnt from its refusals.
    static FORBIDDEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Header fields in the order of the message. Names compare without case.
#[derive(Debug, Clone, Default)]
pub(super) struct Headers(Vec<(String, Vec<u8>)>);

impl From<Vec<(String, Vec<u8>)>> for Headers {
    fn from(entries: Vec<(String, Vec<u8>)>) -> Self {
        Self(entries)
    }
}

impl From<HeaderList> for Headers {
    fn from(list: HeaderList) -> Self {
        let entries = list.into_iter();
        Self(
            entries
                .map(|(name, value)| (name.into_owned(), value))
                .collect(),
        )
    }
}

impl Headers {
    pub(super) fn of_request(request: &Request) -> Self {
        Self(request.get_headers().copy_all())
    }

    pub(super) fn of_response(response: &Response) -> Self {
        Self(response.get_headers().copy_all())
    }

    pub(super) fn into_entries(self) -> Vec<(String, Vec<u8>)> {
        self.0
    }

    pub(super) fn values<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.0
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    pub(super) fn first<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// `content-length`, when it is a number.
    pub(super) fn content_length(&self) -> Option<u64> {
        let value = std::str::from_utf8(self.first("content-length")?).ok()?;
        value.trim().parse().ok()
    }

    pub(super) fn append(&mut self, name: &str, value: &[u8]) {
        self.0.push((name.to_owned(), value.to_vec()));
    }

    /// Replaces every value.
    pub(super) fn set(&mut self, name: &str, value: &[u8]) {
        self.remove(name);
        self.append(name, value);
    }

    /// True when there was one.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.0.len() != before
    }

    /// Applies a request's edits. False when they change nothing.
    pub(super) fn edit_request(&mut self, edits: &Edits) -> bool {
        let mut changed = false;
        for edit in edits.iter() {
            match edit {
                Edit::SetRequest(name, value) => {
                    self.set(name, value);
                    changed = true;
                }
                Edit::RemoveRequest(name) => changed |= self.remove(name),
                _ => {}
            }
        }
        changed
    }

    /// Applies a response's edits.
    pub(super) fn edit_response(&mut self, edits: &Edits) {
        for edit in edits.iter() {
            match edit {
                Edit::AppendResponse(name, value) => self.append(name, value),
                Edit::SetResponse(name, value) => self.set(name, value),
                Edit::RemoveResponse(name) => drop(self.remove(name)),
                _ => {}
            }
        }
    }

    /// The fields for the next connection. One that the host does not take is left out.
    pub(super) fn into_fields(mut self) -> Fields {
        self.0.retain(|(name, _)| {
            !HOP_BY_HOP
                .iter()
                .any(|belongs| name.eq_ignore_ascii_case(belongs))
        });
        FORBIDDEN.with_borrow(|forbidden| {
            if !forbidden.is_empty() {
                self.0.retain(|(name, _)| !forbidden.contains(name));
            }
        });
        Fields::from_list(&self.0).unwrap_or_else(|_| one_by_one(&self.0))
    }
}

fn one_by_one(entries: &[(String, Vec<u8>)]) -> Fields {
    let fields = Fields::new();
    for (name, value) in entries {
        if matches!(fields.append(name, value), Err(HeaderError::Forbidden)) {
            FORBIDDEN.with_borrow_mut(|forbidden| {
                if forbidden.len() < MAX_FORBIDDEN && !forbidden.contains(name) {
                    forbidden.push(name.clone());
                }
            });
        }
    }
    fields
}
