//! What passes between a packager and the code that drives it.

use bytes::Bytes;
use std::time::Duration;

use crate::Report;

/// A half-open range of bytes of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl ByteRange {
    /// Number of bytes in the range.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// True when the range holds no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

/// What a [`Packager`](crate::Packager) wants from its caller next.
#[derive(Debug)]
pub enum Step {
    /// Read these bytes and call `supply(input, range.start, bytes)` with exactly them. Fewer bytes are allowed only
    /// when the input really ends there. A range is never longer than 4 MiB.
    Read {
        /// Index of the input, counted from 0.
        input: usize,
        /// The bytes wanted.
        range: ByteRange,
    },
    /// Store this file. Files come in publish order: a playlist comes after everything it names.
    Write(Output),
    /// The run is complete.
    Done(Box<Report>),
}

/// One finished file, or with [`Layout::SingleFile`](crate::Layout::SingleFile) the next part of one.
#[derive(Clone, Debug)]
pub struct Output {
    /// Path relative to the root of the presentation, with `/` between parts; never absolute, never with `..`.
    pub path: String,
    /// Media type to serve the file with (Apple HLS Authoring Specification, section 10).
    pub content_type: &'static str,
    /// `Content-Encoding` to serve the file with: `Some("gzip")` for the compressed twin of a playlist, else `None`.
    pub content_encoding: Option<&'static str>,
    /// What the file is.
    pub kind: OutputKind,
    /// Where in the file the body goes, in bytes. Always 0 with [`Layout::Segments`](crate::Layout::Segments); a file that holds a
    /// whole track comes in parts that follow each other.
    pub position: u64,
    /// True when the file is complete with this part.
    pub complete: bool,
    /// The content: slices to be written one after the other. Media data are slices of what the caller supplied.
    pub body: Vec<Bytes>,
}

impl Output {
    /// A whole file.
    pub(crate) fn whole(
        path: String,
        content_type: &'static str,
        kind: OutputKind,
        body: Bytes,
    ) -> Self {
        Self {
            path,
            content_type,
            content_encoding: None,
            kind,
            position: 0,
            complete: true,
            body: vec![body],
        }
    }

    /// Length of the body in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.body.iter().map(|part| part.len() as u64).sum()
    }

    /// True when the body is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.iter().all(Bytes::is_empty)
    }
}

/// The role of an [`Output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputKind {
    /// Initialization segment (RFC 8216bis, section 3.1).
    Init,
    /// Media segment.
    MediaSegment,
    /// Segment of a subtitle rendition.
    Subtitle,
    /// Media playlist, with or without I-frames only.
    MediaPlaylist,
    /// Multivariant playlist.
    MultivariantPlaylist,
    /// MPEG-DASH media presentation description.
    DashManifest,
    /// A JSON document that the multivariant playlist names, such as the chapters.
    SessionData,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Media time packaged so far.
    pub media_time: Duration,
    /// Media time in all; zero until the input's index has been read.
    pub total: Duration,
    /// Bytes supplied by the caller.
    pub bytes_read: u64,
    /// Bytes handed out.
    pub bytes_written: u64,
}
