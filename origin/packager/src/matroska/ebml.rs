//! EBML elements (RFC 8794, 4 to 7): variable-size integers, headers, and the values of elements that are held in memory.

/// The header of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Element id, marker bits included as tables of ids have them.
    pub(super) id: u32,
    /// Length of the header in bytes.
    pub(super) len: usize,
    /// Length of the content in bytes; `None` when it is not known.
    pub(super) size: Option<u64>,
}

impl Header {
    /// Most bytes of a header.
    pub(super) const MOST: u64 = 12;

    /// Reads a header; `None` when it is broken or cut off.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let id_len = data.first()?.leading_zeros() as usize + 1;
        if id_len > 4 {
            return None;
        }
        let id = data.get(..id_len)?;
        let id = id
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte));
        let (size, size_len) = number(data.get(id_len..)?)?;
        Some(Self {
            id,
            len: id_len + size_len,
            // All ones stand for a size that is not known.
            size: (size != (1 << (7 * size_len)) - 1).then_some(size),
        })
    }
}

/// A variable-size integer without its marker, and how many bytes it takes.
pub(super) fn number(data: &[u8]) -> Option<(u64, usize)> {
    let first = *data.first()?;
    let len = first.leading_zeros() as usize + 1;
    if len > 8 {
        return None;
    }
    let bytes = data.get(..len)?;
    let value = bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some((value & ((1 << (7 * len)) - 1), len))
}

/// The elements in `data`, as ids and contents. What is broken ends the walk.
pub(super) fn elements(mut data: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let header = Header::parse(data)?;
        let size = usize::try_from(header.size?).ok()?;
        let end = header.len.checked_add(size)?;
        let content = data.get(header.len..end)?;
        data = &data[end..];
        Some((header.id, content))
    })
}

/// An unsigned integer of up to eight bytes.
pub(super) fn unsigned(content: &[u8]) -> u64 {
    let content = content.get(..content.len().min(8)).unwrap_or_default();
    content
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// A signed integer of up to eight bytes.
pub(super) fn signed(content: &[u8]) -> i64 {
    let value = unsigned(content).cast_signed();
    match content.len().min(8) {
        0 => 0,
        len => {
            let spare = 64 - len * 8;
            value << spare >> spare
        }
    }
}

/// A floating point number of four or eight bytes.
pub(super) fn float(content: &[u8]) -> f64 {
    match content.len() {
        4 => f64::from(f32::from_bits(
            u32::try_from(unsigned(content)).unwrap_or(0),
        )),
        8 => f64::from_bits(unsigned(content)),
        _ => 0.0,
    }
}

/// A string, up to its first zero byte; `None` when it is empty or holds control characters.
pub(super) fn text(content: &[u8]) -> Option<String> {
    let end = content
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(content.len());
    let text = String::from_utf8_lossy(&content[..end]);
    let text = text.trim();
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_headers() {
        assert_eq!(number(&[0x81]), Some((1, 1)));
        assert_eq!(number(&[0x40, 0x02]), Some((2, 2)));
        assert_eq!(number(&[0x40]), None);
        let header = Header::parse(&[0x1a, 0x45, 0xdf, 0xa3, 0x9f]).unwrap();
        assert_eq!(
            (header.id, header.len, header.size),
            (0x1a45_dfa3, 5, Some(31))
        );
        assert_eq!(Header::parse(&[0xa3, 0xff]).unwrap().size, None);
        assert_eq!(signed(&[0xff, 0xfe]), -2);
        assert_eq!(unsigned(&[1, 0]), 256);
        assert!((float(&48_000.0_f64.to_be_bytes()) - 48_000.0).abs() < 1e-9);
        let inside: Vec<_> = elements(&[0xd7, 0x81, 5, 0x83, 0x81, 1, 0x83, 0x85, 1]).collect();
        assert_eq!(inside, [(0xd7, &[5][..]), (0x83, &[1][..])]);
    }
}
