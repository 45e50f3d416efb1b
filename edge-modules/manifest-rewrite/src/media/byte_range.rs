//! Byte ranges that leave their offset open (`EXT-X-BYTERANGE:50`): they begin where the range of the segment before ended (RFC
//! 8216bis section 4.4.4.2). Whoever takes that segment away, or names another file, must write the offset out. The same holds for
//! partial segments (`EXT-X-PART:BYTERANGE="50"`, section 4.4.4.9).

use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::terminator;

/// Follows the ranges of a playlist.
#[derive(Debug, Default)]
pub struct OpenRanges {
    /// Where the byte range of the segment before ends.
    end: Option<u64>,
    /// The segment at hand has a range.
    has_range: bool,
}

impl OpenRanges {
    /// Takes the value of a segment's `EXT-X-BYTERANGE`. The offset when it is open and known.
    pub fn range(&mut self, value: &[u8]) -> Option<u64> {
        let (open, end) = range_after(self.end, value);
        self.end = end;
        self.has_range = true;
        open
    }

    /// The segment has ended with its URI. One without a range leaves nothing to go on from.
    pub fn segment_ends(&mut self) {
        if !std::mem::take(&mut self.has_range) {
            self.end = None;
        }
    }
}

/// Follows the ranges of a playlist's partial segments.
#[derive(Debug, Default)]
pub struct OpenParts {
    /// The resource of the part before, and where its range ends.
    before: Option<(Vec<u8>, u64)>,
}

impl OpenParts {
    /// Takes the attributes of an `EXT-X-PART`. The offset of its range when that is open and known.
    pub fn part(&mut self, attributes: &[u8]) -> Option<u64> {
        let uri = AttributeList::find(attributes, "URI").unwrap_or_default();
        let before = self.before.take().filter(|(of, _)| of == uri);
        let range = AttributeList::find(attributes, "BYTERANGE")?;
        let (open, end) = range_after(before.map(|(_, end)| end), range);
        self.before = end.map(|end| (uri.to_vec(), end));
        open
    }
}

/// The offset of a range when it is open and follows one that ends at `before`, and where it ends itself.
fn range_after(before: Option<u64>, value: &[u8]) -> (Option<u64>, Option<u64>) {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let text = std::str::from_utf8(value).unwrap_or_default();
    let (length, offset) = match text.split_once('@') {
        Some((length, offset)) => (length, Some(offset)),
        None => (text, None),
    };
    let open = before.filter(|_| offset.is_none());
    let start = open.or(offset.and_then(number));
    let end = start
        .zip(number(length))
        .and_then(|(start, length)| start.checked_add(length));
    (open, end)
}

/// Writes an `EXT-X-PART` line whose range is open, with its offset.
pub fn write_closed_part(line: &[u8], offset: u64, out: &mut Vec<u8>) {
    let list = memchr::memchr(b':', line).map_or(line.len(), |colon| colon + 1);
    let range = AttributeList::new(&line[list..]).find(|attribute| attribute.name == b"BYTERANGE");
    let at = range.map_or(line.len(), |attribute| list + attribute.range.end);
    out.extend_from_slice(&line[..at]);
    out.extend_from_slice(format!("@{offset}").as_bytes());
    out.extend_from_slice(&line[at..]);
}

/// Writes a line with an open range and its offset.
pub fn write_closed(line: &[u8], offset: u64, out: &mut Vec<u8>) {
    let end = terminator(line);
    out.extend_from_slice(line[..line.len() - end.len()].trim_ascii_end());
    out.extend_from_slice(format!("@{offset}").as_bytes());
    out.extend_from_slice(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_ranges_go_on() {
        let mut ranges = OpenRanges::default();
        assert_eq!(ranges.range(b"10"), None);
        ranges.segment_ends();
        for (value, open) in [
            ("10@5", None),
            ("20", Some(15)),
            ("7@100", None),
            ("1", Some(107)),
        ] {
            assert_eq!(ranges.range(value.as_bytes()), open, "{value}");
            ranges.segment_ends();
        }
        ranges.segment_ends();
        assert_eq!(ranges.range(b"1"), None, "a whole file lies between");
        assert_eq!(ranges.range(b"18446744073709551615@9"), None);
        assert_eq!(ranges.range(b"1"), None, "past the end of all numbers");
    }

    #[test]
    fn parts_go_on_within_one_resource() {
        let mut parts = OpenParts::default();
        for (attributes, open) in [
            (r#"URI="a",BYTERANGE="10""#, None),
            (r#"URI="a",BYTERANGE="10@5""#, None),
            (r#"BYTERANGE="10",URI="a""#, Some(15)),
            (r#"URI="b",BYTERANGE="1""#, None),
            (r#"URI="a",BYTERANGE="1@0""#, None),
            (r#"URI="a""#, None),
            (r#"URI="a",BYTERANGE="1""#, None),
        ] {
            assert_eq!(parts.part(attributes.as_bytes()), open, "{attributes}");
        }
        let mut out = Vec::new();
        write_closed_part(b"#EXT-X-PART:BYTERANGE=\"10\",URI=\"a\"\r\n", 15, &mut out);
        assert_eq!(out, b"#EXT-X-PART:BYTERANGE=\"10@15\",URI=\"a\"\r\n");
    }

    #[test]
    fn the_line_end_stays() {
        let mut out = Vec::new();
        write_closed(b"#EXT-X-BYTERANGE:50 \r\n", 7, &mut out);
        assert_eq!(out, b"#EXT-X-BYTERANGE:50@7\r\n");
    }
}
