//! What a passed request leaves behind for the end of its response.

use weir_counters::Limit;

use crate::abuse::Suspect;
use crate::quota::Draw;

/// A charge to make when the response has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge<'a> {
    key: &'a [u8],
    interval_ns: u64,
    burst: u64,
    scale: u64,
}

impl<'a> Charge<'a> {
    /// The charge of so many bytes.
    pub(crate) fn limit(&self, bytes: u64) -> Limit<'a> {
        let cost = bytes.div_ceil(self.scale);
        // A response larger than the whole overdraft takes all of it.
        Limit {
            key: self.key,
            interval_ns: self.interval_ns,
            burst: self.burst,
            cost: cost.min(self.burst),
        }
    }
}

/// One thing that a note asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// Charge the bytes of the body.
    Charge(Charge<'a>),
    /// Hold a bad status against a client.
    Watched(Suspect),
}

const CHARGE: u8 = 1;
const WATCHED: u8 = 2;

/// Appends a charge: tag, key, interval, burst and scale.
pub(crate) fn push_charge(note: &mut Vec<u8>, draw: &Draw<'_>) {
    let limit = draw.charge(0);
    note.push(CHARGE);
    push_bytes(note, limit.key);
    for number in [limit.interval_ns, limit.burst, draw.scale()] {
        note.extend_from_slice(&number.to_le_bytes());
    }
}

/// Appends a suspect: tag, client, network (empty: none) and factor.
pub(crate) fn push_suspect(note: &mut Vec<u8>, suspect: &Suspect) {
    note.push(WATCHED);
    push_bytes(note, &suspect.client);
    push_bytes(note, suspect.network.as_deref().unwrap_or(b""));
    note.extend_from_slice(&suspect.factor.to_le_bytes());
}

/// Length (u16, little-endian) and bytes. Keys are at most 512 bytes long.
fn push_bytes(note: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    note.extend_from_slice(&length.to_le_bytes());
    note.extend_from_slice(&bytes[..usize::from(length)]);
}

/// What a note asks for. Stops at what it cannot read.
pub(crate) fn entries(note: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = note;
    std::iter::from_fn(move || entry(&mut rest))
}

fn entry<'a>(rest: &mut &'a [u8]) -> Option<Entry<'a>> {
    let (&tag, after) = rest.split_first()?;
    *rest = after;
    match tag {
        CHARGE => {
            let key = bytes(rest)?;
            let (interval_ns, burst, scale) = (number(rest)?, number(rest)?, number(rest)?.max(1));
            Some(Entry::Charge(Charge {
                key,
                interval_ns,
                burst,
                scale,
            }))
        }
        WATCHED => {
            let client = bytes(rest)?.to_vec();
            let network = Some(bytes(rest)?)
                .filter(|network| !network.is_empty())
                .map(<[u8]>::to_vec);
            Some(Entry::Watched(Suspect {
                client,
                network,
                factor: number(rest)?.max(1),
            }))
        }
        _ => None,
    }
}

fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (bytes, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    *rest = after;
    Some(bytes)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn suspects_come_back_and_any_bytes_end(client: Vec<u8>, network: Option<Vec<u8>>, factor in 1u64.., junk: Vec<u8>) {
            let network = network.filter(|network| !network.is_empty());
            let suspect = Suspect { client, network, factor };
            let mut note = Vec::new();
            push_suspect(&mut note, &suspect);
            prop_assert_eq!(entries(&note).collect::<Vec<_>>(), [Entry::Watched(suspect)]);
            let _ = entries(&junk).count();
        }
    }
}
