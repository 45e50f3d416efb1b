//! Fields of flat buffers: little-endian numbers, and bytes after their length (u32).

pub(crate) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    // Keys, values and sets are bounded far below 4 GiB.
    push_u32(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

pub(crate) fn push_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn push_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32(rest)?).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

pub(crate) fn u32(rest: &mut &[u8]) -> Option<u32> {
    chunk(rest).map(|bytes| u32::from_le_bytes(*bytes))
}

pub(crate) fn u64(rest: &mut &[u8]) -> Option<u64> {
    chunk(rest).map(|bytes| u64::from_le_bytes(*bytes))
}

pub(crate) fn i64(rest: &mut &[u8]) -> Option<i64> {
    chunk(rest).map(|bytes| i64::from_le_bytes(*bytes))
}

pub(crate) fn byte(rest: &mut &[u8]) -> Option<u8> {
    chunk(rest).map(|[byte]| *byte)
}

pub(crate) fn chunk<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (chunk, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(chunk)
}
