//! Scan headers (T.81 sections B.2.3 and G.1.1).

use super::frame::Frame;
use super::{Result, broken};

/// A component of a scan: its index in the frame, its DC table, its AC table.
pub(super) type ScanPart = (usize, usize, usize);

/// Reads what every scan header begins with; answers the rest too.
pub(super) fn scan_parts<'p>(
    frame: &Frame,
    payload: &'p [u8],
) -> Result<(Vec<ScanPart>, &'p [u8])> {
    let [count, rest @ ..] = payload else {
        return broken("a scan header is short");
    };
    let count = usize::from(*count);
    let Some((entries, tail)) = rest
        .split_at_checked(count * 2)
        .filter(|_| (1..=4).contains(&count))
    else {
        return broken("a scan header has the wrong length");
    };
    let mut parts = Vec::with_capacity(count);
    for entry in entries.chunks_exact(2) {
        let index = frame
            .components
            .iter()
            .position(|component| component.id == entry[0]);
        let Some(index) = index else {
            return broken("a scan names an unknown component");
        };
        parts.push((
            index,
            usize::from(entry[1] >> 4),
            usize::from(entry[1] & 15),
        ));
    }
    Ok((parts, tail))
}

/// The header of a progressive scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) parts: Vec<ScanPart>,
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) high: u32,
    pub(super) low: u32,
}

impl Header {
    pub(super) fn parse(frame: &Frame, payload: &[u8]) -> Result<Self> {
        let (parts, tail) = scan_parts(frame, payload)?;
        let [first, last, approximation, ..] = tail else {
            return broken("a scan header is short");
        };
        let (first, last) = (usize::from(*first), usize::from(*last));
        let (high, low) = (u32::from(approximation >> 4), u32::from(approximation & 15));
        let band = if first == 0 {
            last == 0
        } else {
            first <= last && last < 64 && parts.len() == 1
        };
        if !band || low > 13 || (high != 0 && high != low + 1) {
            return broken("a scan header has an impossible band");
        }
        Ok(Self {
            parts,
            first,
            last,
            high,
            low,
        })
    }
}
