//! The bytes of a cell.
//!
//! `W C 1`, then entries: digest of the key (16 bytes), kind (1 byte), expiry (u64, Unix nanoseconds), and what the kind needs. All
//! numbers little-endian. Bytes that do not begin like that are an empty cell: stores put a number there when a key is made.

use crate::fields::{byte, bytes, chunk, i64, push_bytes, push_u32, push_u64, u32, u64};
use crate::lease::{Holder, LeaseSet};

/// A key as a cell holds it.
pub(super) type Digest = [u8; 16];

const HEADER: &[u8; 3] = b"WC1";
/// Entries of one cell beyond which those that expire first are forgotten.
const MOST_ENTRIES: usize = 8_192;

/// What stands under a key. Each kind has a name space of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// A quota's theoretical arrival time, which is its expiry.
    Tat(u64),
    Number {
        value: i64,
        expires_ns: u64,
    },
    Value {
        bytes: Vec<u8>,
        expires_ns: u64,
    },
    Leases(LeaseSet),
}

/// The live entries of a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cell {
    entries: Vec<(Digest, State)>,
}

impl State {
    fn kind(&self) -> u8 {
        match self {
            Self::Tat(_) => 1,
            Self::Number { .. } => 2,
            Self::Value { .. } => 3,
            Self::Leases(_) => 4,
        }
    }

    fn expires_ns(&self) -> u64 {
        match self {
            Self::Tat(expires_ns)
            | Self::Number { expires_ns, .. }
            | Self::Value { expires_ns, .. } => *expires_ns,
            Self::Leases(set) => set.expires_ns(),
        }
    }
}

impl Cell {
    /// Reads a cell and leaves out what has expired.
    pub(super) fn decode(bytes: &[u8], now_ns: u64) -> Self {
        let mut entries = Vec::new();
        if let Some(mut rest) = bytes.strip_prefix(HEADER) {
            while let Some((digest, state)) = entry(&mut rest) {
                if state.expires_ns() > now_ns {
                    entries.push((digest, state));
                }
            }
        }
        Self { entries }
    }

    /// Writes the cell.
    pub(super) fn encode(mut self) -> Vec<u8> {
        if self.entries.len() > MOST_ENTRIES {
            self.entries
                .sort_by_key(|(_, state)| std::cmp::Reverse(state.expires_ns()));
            self.entries.truncate(MOST_ENTRIES);
        }
        let mut out = HEADER.to_vec();
        for (digest, state) in &self.entries {
            out.extend_from_slice(digest);
            out.push(state.kind());
            push_u64(&mut out, state.expires_ns());
            match state {
                State::Tat(_) => {}
                State::Number { value, .. } => out.extend_from_slice(&value.to_le_bytes()),
                State::Value { bytes, .. } => push_bytes(&mut out, bytes),
                State::Leases(set) => {
                    push_u32(
                        &mut out,
                        u32::try_from(set.holders().len()).unwrap_or(u32::MAX),
                    );
                    for holder in set.holders() {
                        push_bytes(&mut out, &holder.id);
                        push_u64(&mut out, holder.granted_ns);
                        push_u64(&mut out, holder.expires_ns);
                    }
                }
            }
        }
        out
    }

    pub(super) fn tat(&self, digest: Digest) -> u64 {
        self.find(digest, |state| {
            if let State::Tat(tat) = state {
                Some(*tat)
            } else {
                None
            }
        })
        .unwrap_or(0)
    }

    pub(super) fn number(&self, digest: Digest) -> Option<(i64, u64)> {
        self.find(digest, |state| match state {
            State::Number { value, expires_ns } => Some((*value, *expires_ns)),
            _ => None,
        })
    }

    pub(super) fn value(&self, digest: Digest) -> Option<&[u8]> {
        self.find(digest, |state| {
            if let State::Value { bytes, .. } = state {
                Some(bytes.as_slice())
            } else {
                None
            }
        })
    }

    pub(super) fn leases(&self, digest: Digest) -> LeaseSet {
        self.find(digest, |state| {
            if let State::Leases(set) = state {
                Some(set.clone())
            } else {
                None
            }
        })
        .unwrap_or_default()
    }

    /// Writes an entry in place of the one of its kind. An empty lease set leaves none.
    pub(super) fn put(&mut self, digest: Digest, state: State) {
        self.entries
            .retain(|(known, old)| *known != digest || old.kind() != state.kind());
        if !matches!(&state, State::Leases(set) if set.holders().is_empty()) {
            self.entries.push((digest, state));
        }
    }

    /// Removes every kind under a key. True when there was something.
    pub(super) fn remove(&mut self, digest: Digest) -> bool {
        let before = self.entries.len();
        self.entries.retain(|(known, _)| *known != digest);
        self.entries.len() < before
    }

    fn find<'c, T>(&'c self, digest: Digest, read: impl Fn(&'c State) -> Option<T>) -> Option<T> {
        self.entries
            .iter()
            .filter(|(known, _)| *known == digest)
            .find_map(|(_, state)| read(state))
    }
}

fn entry(rest: &mut &[u8]) -> Option<(Digest, State)> {
    let digest = *chunk(rest)?;
    let kind = byte(rest)?;
    let expires_ns = u64(rest)?;
    let state = match kind {
        1 => State::Tat(expires_ns),
        2 => State::Number {
            value: i64(rest)?,
            expires_ns,
        },
        3 => State::Value {
            bytes: bytes(rest)?.to_vec(),
            expires_ns,
        },
        4 => {
            let count = u32(rest)?;
            let mut holders = Vec::new();
            for _ in 0..count {
                let id = bytes(rest)?.to_vec();
                holders.push(Holder {
                    id,
                    granted_ns: u64(rest)?,
                    expires_ns: u64(rest)?,
                });
            }
            State::Leases(LeaseSet::from_holders(holders))
        }
        _ => return None,
    };
    Some((digest, state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state() -> impl Strategy<Value = State> {
        let holder = (
            prop::collection::vec(any::<u8>(), 0..9),
            any::<u64>(),
            1u64..,
        )
            .prop_map(|(id, granted_ns, expires_ns)| Holder {
                id,
                granted_ns,
                expires_ns,
            });
        prop_oneof![
            (1u64..).prop_map(State::Tat),
            (any::<i64>(), 1u64..)
                .prop_map(|(value, expires_ns)| State::Number { value, expires_ns }),
            (any::<Vec<u8>>(), 1u64..)
                .prop_map(|(bytes, expires_ns)| State::Value { bytes, expires_ns }),
            prop::collection::vec(holder, 1..5)
                .prop_map(|holders| State::Leases(LeaseSet::from_holders(holders))),
        ]
    }

    proptest! {
        #[test]
        fn cells_come_back(states in prop::collection::vec((any::<Digest>(), state()), 0..20)) {
            let mut cell = Cell::default();
            for (digest, state) in states {
                cell.put(digest, state);
            }
            prop_assert_eq!(Cell::decode(&cell.clone().encode(), 0), cell);
        }

        #[test]
        fn any_bytes_are_some_cell(bytes: Vec<u8>, headed: bool) {
            let bytes = if headed { [HEADER.as_slice(), &bytes].concat() } else { bytes };
            let cell = Cell::decode(&bytes, 0);
            prop_assert_eq!(Cell::decode(&cell.clone().encode(), 0), cell);
        }
    }

    #[test]
    fn a_number_that_a_store_made_is_an_empty_cell() {
        assert_eq!(Cell::decode(&0_i64.to_le_bytes(), 0), Cell::default());
        assert_eq!(Cell::decode(b"0", 0), Cell::default());
        assert_eq!(Cell::decode(b"", 0), Cell::default());
    }
}
