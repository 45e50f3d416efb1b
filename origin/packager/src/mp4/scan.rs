//! Finds the index of a file: the `moov` box wherever it stands, and every `moof` box when the movie is fragmented.

use bytes::Bytes;

use super::packed::Packed;
use crate::fetch::{Fetch, Fetched};
use crate::found::Found;
use crate::isobmff::{FourCc, Header, Mp4Box};
use crate::{ByteRange, Error, Note};

/// Bytes read at once while looking for boxes: one read covers a small index, or a header and its neighbours.
const READ_AHEAD: u64 = 64 << 10;

/// Boxes that may open a file.
const FIRST: [&[u8; 4]; 13] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid", b"moof",
    b"sidx", b"emsg", b"meta",
];

/// The index of a file as it stands there.
#[derive(Debug)]
pub(crate) struct RawIndex {
    /// The movie box.
    pub(crate) moov: Mp4Box,
    /// The movie fragment boxes in file order, and where each one's data may end.
    pub(crate) moofs: Vec<Mp4Box>,
    /// True when the movie box comes before the first media data.
    pub(crate) index_first: bool,
    /// Oddities met.
    pub(crate) notes: Vec<Note>,
    /// How the samples of tracks are unwrapped that do not lie in the input as they are, by track.
    pub(crate) carriages: Vec<(u32, Bytes)>,
    /// The samples of tracks that have no table in the movie box, by track.
    pub(crate) packed: Vec<(u32, Packed)>,
    /// What stands outside the boxes: texts and chapters of other containers.
    pub(crate) found: Found,
}

impl RawIndex {
    /// An index that consists of these boxes alone.
    pub(crate) fn of_boxes(moov: Mp4Box, moofs: Vec<Mp4Box>) -> Self {
        Self {
            moov,
            moofs,
            index_first: true,
            notes: Vec::new(),
            carriages: Vec::new(),
            packed: Vec::new(),
            found: Found::default(),
        }
    }
}

/// Walks the top level of a file.
#[derive(Debug)]
pub(crate) struct Scan {
    fetch: Fetch,
    at: u64,
    limit: u64,
    index_bytes: u64,
    moov: Option<Mp4Box>,
    moofs: Vec<Mp4Box>,
    fragmented: bool,
    media_seen: bool,
    index_first: bool,
    notes: Vec<Note>,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Scanned {
    /// Bytes are wanted.
    Need(ByteRange),
    /// The index is complete.
    Done(Box<RawIndex>),
}

impl Scan {
    /// A walk over a file of `input_len` bytes that holds at most `limit` bytes of index.
    pub(crate) fn new(input_len: u64, limit: u64) -> Self {
        Self {
            fetch: Fetch::new(input_len),
            at: 0,
            limit,
            index_bytes: 0,
            moov: None,
            moofs: Vec::new(),
            fragmented: false,
            media_seen: false,
            index_first: false,
            notes: Vec::new(),
        }
    }

    /// Takes the bytes that were asked for.
    pub(crate) fn supply(&mut self, offset: u64, data: Bytes) -> Result<(), Error> {
        self.fetch.supply(offset, data)
    }

    /// Goes on until bytes are missing or the index is complete.
    pub(crate) fn step(&mut self) -> Result<Scanned, Error> {
        let len = self.fetch.input_len();
        loop {
            let remaining = len.saturating_sub(self.at);
            if remaining < 8 || (self.moov.is_some() && !self.fragmented) {
                return self.finish();
            }
            let header_end = self.at + remaining.min(Header::MAX_LEN);
            let head = match self.fetch.want(
                ByteRange {
                    start: self.at,
                    end: header_end,
                },
                READ_AHEAD,
            ) {
                Fetched::Ready(head) => head,
                Fetched::Need(range) => return Ok(Scanned::Need(range)),
            };
            if self.at == 0 {
                check_first(&head, len)?;
            }
            let Some(header) = Header::parse(&head) else {
                return self.finish();
            };
            let size = header.size.unwrap_or(remaining);
            match &header.kind.bytes() {
                b"moov" if self.moov.is_none() => {
                    let Some(moov) = self.index_box(header, size)? else {
                        continue;
                    };
                    let moov = match moov {
                        Ok(found) => found,
                        Err(range) => return Ok(Scanned::Need(range)),
                    };
                    self.fragmented = moov.children().find(b"mvex")?.is_some();
                    self.index_first = !self.media_seen;
                    self.moov = Some(moov);
                }
                b"moof" => {
                    let Some(moof) = self.index_box(header, size)? else {
                        continue;
                    };
                    match moof {
                        // The copy lets go of the read-ahead window that the box is a slice of.
                        Ok(found) => self.moofs.push(Mp4Box {
                            payload: Bytes::copy_from_slice(&found.payload),
                            ..found
                        }),
                        Err(range) => return Ok(Scanned::Need(range)),
                    }
                }
                b"mdat" => {
                    self.media_seen = true;
                    if size > remaining {
                        self.note(format!(
                            "the `mdat` box at byte {} claims {size} bytes but the file has only {remaining} more; read to its end",
                            self.at
                        ));
                    }
                }
                _ => {}
            }
            self.at = self.at.saturating_add(size);
        }
    }

    /// Fetches a whole index box. `None`: the box is cut off and was skipped; `Err`: bytes are wanted.
    fn index_box(
        &mut self,
        header: Header,
        size: u64,
    ) -> Result<Option<Result<Mp4Box, ByteRange>>, Error> {
        let remaining = self.fetch.input_len() - self.at;
        if size > remaining {
            if header.kind == b"moov" || self.moofs.is_empty() {
                return Err(Error::malformed(
                    header.kind,
                    self.at,
                    format!("it claims {size} bytes but the file has only {remaining} more"),
                ));
            }
            // A recording that was cut off inside its last fragment index: what came before it is whole.
            self.note(format!(
                "the last `moof` box at byte {} is cut off; packaged without it",
                self.at
            ));
            self.at = self.fetch.input_len();
            return Ok(None);
        }
        if self.index_bytes.saturating_add(size) > self.limit {
            return Err(Error::IndexTooLarge {
                input: 0,
                size: self.index_bytes.saturating_add(size),
                limit: self.limit,
            });
        }
        let range = ByteRange {
            start: self.at,
            end: self.at + size,
        };
        match self.fetch.want(range, READ_AHEAD) {
            Fetched::Need(range) => Ok(Some(Err(range))),
            Fetched::Ready(data) => {
                self.index_bytes += size;
                let header_len = usize::try_from(header.header_len)
                    .unwrap_or(usize::MAX)
                    .min(data.len());
                Ok(Some(Ok(Mp4Box {
                    kind: header.kind,
                    offset: self.at,
                    payload: data.slice(header_len..),
                    payload_offset: self.at + header.header_len,
                })))
            }
        }
    }

    fn note(&mut self, message: String) {
        self.notes.push(Note {
            input: 0,
            track: None,
            message,
        });
    }

    fn finish(&mut self) -> Result<Scanned, Error> {
        self.fetch.clear();
        let Some(moov) = self.moov.take() else {
            return Err(Error::Missing {
                input: 0,
                what: "`moov` box (the index of an MP4 file)",
                length: self.fetch.input_len(),
                advice: "the recording was not finished or the upload was cut off; repair it or upload it again",
            });
        };
        Ok(Scanned::Done(Box::new(RawIndex {
            index_first: self.index_first,
            notes: std::mem::take(&mut self.notes),
            ..RawIndex::of_boxes(moov, std::mem::take(&mut self.moofs))
        })))
    }
}

/// Refuses what is plainly another format, with its name where it is known.
fn check_first(head: &[u8], length: u64) -> Result<(), Error> {
    let kind = head.get(4..8).unwrap_or_default();
    if FIRST.iter().any(|known| kind == *known) {
        return Ok(());
    }
    let found = match head {
        [0x47, ..] if length >= 188 => "MPEG-2 transport stream",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "Matroska or WebM",
        [b'R', b'I', b'F', b'F', ..] => "RIFF (AVI or WAV)",
        [b'F', b'L', b'V', 1, ..] => "Flash video",
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => "MP3 or AAC elementary stream",
        [b'O', b'g', b'g', b'S', ..] => "Ogg",
        [b'f', b'L', b'a', b'C', ..] => "FLAC",
        [0, 0, 1, 0xba, ..] => "MPEG program stream",
        [0, 0, 0, 1, ..] | [0, 0, 1, ..] => "video elementary stream",
        _ => {
            let code = FourCc([
                kind.first().copied().unwrap_or(0),
                kind.get(1).copied().unwrap_or(0),
                kind.get(2).copied().unwrap_or(0),
                kind.get(3).copied().unwrap_or(0),
            ]);
            return Err(Error::UnknownContainer {
                input: 0,
                found: format!("`{code}`"),
            });
        }
    };
    Err(Error::UnknownContainer {
        input: 0,
        found: found.to_owned(),
    })
}
