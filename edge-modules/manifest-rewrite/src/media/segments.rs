//! A media playlist in pieces: its opening, one media segment after the other, its end (RFC 8216bis sections 4.4.3 to 4.4.5).

use crate::error::RewriteError;
use crate::playlist::datetime;
use crate::playlist::lines::{BOM, content, lines};

/// The tags in front of one segment may take this many bytes, its parts among them.
pub const MAX_GROUP: usize = 256 * 1024;

/// What a line of a media playlist is, by its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag<'a> {
    /// Blank, a comment, or a tag that no stage knows.
    Other,
    /// The URI of a segment.
    Uri(&'a [u8]),
    /// A tag with its name without `#`, and what follows the colon.
    Known(&'a [u8], &'a [u8]),
}

/// Reads a line.
pub fn tag(line: &[u8]) -> Tag<'_> {
    let text = content(line.strip_prefix(BOM).unwrap_or(line));
    match text.first() {
        None => Tag::Other,
        Some(b'#') if text.starts_with(b"#EXT") => match memchr::memchr(b':', text) {
            Some(colon) => Tag::Known(&text[1..colon], &text[colon + 1..]),
            None => Tag::Known(&text[1..], b""),
        },
        Some(b'#') => Tag::Other,
        Some(_) => Tag::Uri(text),
    }
}

/// True for a tag about the whole playlist. Most of them may stand anywhere (section 4.4.3).
pub fn is_of_playlist(name: &[u8]) -> bool {
    matches!(
        name,
        b"EXTM3U"
            | b"EXT-X-VERSION"
            | b"EXT-X-TARGETDURATION"
            | b"EXT-X-MEDIA-SEQUENCE"
            | b"EXT-X-DISCONTINUITY-SEQUENCE"
            | b"EXT-X-PLAYLIST-TYPE"
            | b"EXT-X-I-FRAMES-ONLY"
            | b"EXT-X-INDEPENDENT-SEGMENTS"
            | b"EXT-X-SERVER-CONTROL"
            | b"EXT-X-PART-INF"
            | b"EXT-X-START"
            | b"EXT-X-DEFINE"
            | b"EXT-X-ALLOW-CACHE"
            | b"EXT-X-SKIP"
            | b"EXT-X-IMAGES-ONLY"
            | b"EXT-X-ENDLIST"
    )
}

/// True for a tag that says something about a segment, or about those from here on.
fn is_of_segment(name: &[u8]) -> bool {
    matches!(
        name,
        b"EXTINF"
            | b"EXT-X-BYTERANGE"
            | b"EXT-X-DISCONTINUITY"
            | b"EXT-X-KEY"
            | b"EXT-X-MAP"
            | b"EXT-X-PROGRAM-DATE-TIME"
            | b"EXT-X-GAP"
            | b"EXT-X-BITRATE"
            | b"EXT-X-PART"
            | b"EXT-X-DATERANGE"
    )
}

/// One media segment with the tags in front of it.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    /// Its lines, the URI line last.
    pub text: Vec<u8>,
    /// Seconds.
    pub duration: f64,
    /// Milliseconds of Unix time, when the segment says.
    pub date: Option<i64>,
    /// `EXT-X-DISCONTINUITY` tags in front of it.
    pub discontinuities: u64,
    /// The URI.
    pub uri: Vec<u8>,
    /// `EXT-X-BYTERANGE`: length and offset.
    pub byte_range: Option<(u64, Option<u64>)>,
    /// `EXT-X-PART` tags stand in front of it.
    pub has_parts: bool,
    /// It has begun: tags of its own have been read.
    has_tags: bool,
    /// Tags of the whole playlist stand in front of it (those before the first segment are in the opening).
    pub has_strays: bool,
}

/// Cuts lines into pieces.
#[derive(Debug, Default)]
pub struct SegmentReader {
    opening: Vec<u8>,
    segment: Segment,
    /// Lines that belong to no segment: what comes after the last one.
    pub rest: Vec<u8>,
    opened: bool,
}

impl SegmentReader {
    /// Takes whole lines. `opening` gets the tags of the whole playlist that stand before the first segment, once; `segment` gets
    /// each segment. Tags of the whole playlist that come later are handed on as part of the next segment.
    ///
    /// # Errors
    /// Tags over [`MAX_GROUP`], and what the receivers return.
    pub fn lines(
        &mut self,
        block: &[u8],
        mut piece: impl FnMut(Piece<'_>) -> Result<(), RewriteError>,
    ) -> Result<(), RewriteError> {
        for line in lines(block) {
            let kind = tag(line);
            match kind {
                Tag::Known(name, _) if !self.opened && is_of_playlist(name) => {
                    // What came before it (comments, blank lines) stays before it, tags of the first segment do not.
                    if !self.segment.has_tags {
                        self.opening.append(&mut self.segment.text);
                    }
                    self.opening.extend_from_slice(line);
                    if self.opening.len() > MAX_GROUP {
                        return Err(RewriteError::TooLarge { limit: MAX_GROUP });
                    }
                    continue;
                }
                Tag::Known(name, value) => self.segment.read(name, value),
                Tag::Uri(uri) => self.segment.uri = uri.to_vec(),
                Tag::Other => {}
            }
            self.segment.text.extend_from_slice(line);
            if self.segment.text.len() > MAX_GROUP {
                return Err(RewriteError::TooLarge { limit: MAX_GROUP });
            }
            if matches!(kind, Tag::Uri(_)) {
                self.open(&mut piece)?;
                piece(Piece::Segment(&self.segment))?;
                self.segment = Segment {
                    text: std::mem::take(&mut self.segment.text),
                    ..Segment::default()
                };
                self.segment.text.clear();
            }
        }
        Ok(())
    }

    /// The playlist has ended: hands on the opening if that has not happened, and leaves what is left in `rest`.
    ///
    /// # Errors
    /// What the receiver returns.
    pub fn finish(
        &mut self,
        mut piece: impl FnMut(Piece<'_>) -> Result<(), RewriteError>,
    ) -> Result<(), RewriteError> {
        self.open(&mut piece)?;
        self.rest = std::mem::take(&mut self.segment.text);
        Ok(())
    }

    fn open(
        &mut self,
        piece: &mut impl FnMut(Piece<'_>) -> Result<(), RewriteError>,
    ) -> Result<(), RewriteError> {
        if std::mem::replace(&mut self.opened, true) {
            return Ok(());
        }
        piece(Piece::Opening(&self.opening))
    }
}

/// A piece of a media playlist.
#[derive(Debug)]
pub enum Piece<'a> {
    /// The tags of the whole playlist.
    Opening(&'a [u8]),
    /// A segment.
    Segment(&'a Segment),
}

impl Segment {
    fn read(&mut self, name: &[u8], value: &[u8]) {
        self.has_tags |= is_of_segment(name);
        let text = || std::str::from_utf8(value).unwrap_or_default();
        match name {
            b"EXTINF" => self.duration = duration(value),
            b"EXT-X-PROGRAM-DATE-TIME" => self.date = datetime::parse(text()),
            b"EXT-X-DISCONTINUITY" => self.discontinuities += 1,
            b"EXT-X-PART" => self.has_parts = true,
            b"EXT-X-BYTERANGE" => {
                let (length, offset) = text()
                    .split_once('@')
                    .map_or((text(), None), |(length, offset)| (length, Some(offset)));
                let length = length.trim().parse().ok();
                self.byte_range = length
                    .map(|length| (length, offset.and_then(|offset| offset.trim().parse().ok())));
            }
            _ => self.has_strays |= is_of_playlist(name),
        }
    }
}

/// The seconds of an `EXTINF` value; 0 when it has none.
pub fn duration(value: &[u8]) -> f64 {
    let number = value.split(|byte| *byte == b',').next().unwrap_or_default();
    let number = std::str::from_utf8(number)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    number
        .filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
        .unwrap_or(0.0)
}

/// The line end that a text uses.
pub fn newline(text: &[u8]) -> &'static [u8] {
    lines(text)
        .map(crate::playlist::lines::terminator)
        .find(|end| !end.is_empty())
        .unwrap_or(b"\n")
}

/// The number of a tag of the whole playlist, `EXT-X-MEDIA-SEQUENCE:5`.
pub fn number_of(opening: &[u8], name: &[u8]) -> Option<f64> {
    lines(opening).find_map(|line| match tag(line) {
        Tag::Known(known, value) if known == name => {
            std::str::from_utf8(value).ok()?.trim().parse().ok()
        }
        _ => None,
    })
}

/// Writes an opening with some tags replaced: `change` gets each tag's name and value and returns the line to write in its place,
/// `Some(None)` to leave it out, `None` to keep it. `add` are lines to put after the header.
pub fn write_opening(
    opening: &[u8],
    mut change: impl FnMut(&[u8], &[u8]) -> Option<Option<String>>,
    add: &[String],
    out: &mut Vec<u8>,
) {
    let end = newline(opening);
    let mut added = add.is_empty();
    for line in lines(opening) {
        let kind = tag(line);
        if !added
            && !matches!(
                kind,
                Tag::Other | Tag::Known(b"EXTM3U" | b"EXT-X-VERSION", _)
            )
        {
            write_lines(add, end, out);
            added = true;
        }
        match kind {
            Tag::Known(name, value) => match change(name, value) {
                None => out.extend_from_slice(line),
                Some(None) => {}
                Some(Some(text)) => write_lines(&[text], end, out),
            },
            _ => out.extend_from_slice(line),
        }
    }
    if !added {
        write_lines(add, end, out);
    }
}

fn write_lines(texts: &[String], end: &[u8], out: &mut Vec<u8>) {
    for text in texts {
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(end);
    }
}
