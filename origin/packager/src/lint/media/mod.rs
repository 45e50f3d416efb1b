//! What media segments and initialization sections say about themselves.

mod described;
mod description;
mod fragment;
mod init;
mod picture;
mod reader;
mod transport;
mod webvtt;

pub(super) use description::Description;
pub(super) use fragment::Span;
pub(super) use init::{Init, InitTrack};
pub(super) use reader::{SegmentReader, Want};
pub(super) use transport::TransportFacts;
pub(super) use webvtt::TextFacts;

/// The format of a media segment (RFC 8216bis 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// Not read.
    #[default]
    Unread,
    /// Fragmented MPEG-4.
    Mp4,
    /// MPEG-2 transport stream.
    Transport,
    /// An elementary stream of sound.
    PackedAudio,
    /// WebVTT.
    WebVtt,
    /// Encrypted as a whole, so that it cannot be read.
    Encrypted,
    /// None of them.
    Unknown,
}

/// Something wrong with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaProblem {
    /// A box is broken.
    Malformed,
    /// Boxes or sample data end before they should.
    Truncated,
    /// An fMP4 segment without a movie fragment.
    NoFragment,
    /// A track fragment without a decode time.
    NoDecodeTime,
    /// Sample data addressed from the start of the file.
    AbsoluteOffsets,
    /// A range of an I-frame playlist that does not start with its movie fragment.
    NotAtFragment,
    /// A range that holds an initialization section.
    HoldsInit,
    /// An encrypted fragment without what decrypts its samples.
    NoSampleEncryption,
    /// Packed audio without a timestamp.
    NoTimestamp,
}

/// What was read of a media segment.
#[derive(Clone, Debug, Default)]
pub(super) struct SegmentFacts {
    pub(super) format: Format,
    /// Length in bytes; `None` when it could not be had.
    pub(super) bytes: Option<u64>,
    /// One entry for each track of an fMP4 segment.
    pub(super) spans: Vec<Span>,
    /// Movie fragments.
    pub(super) fragments: usize,
    /// What the first picture is.
    pub(super) first_picture: Option<Picture>,
    /// Set for transport streams.
    pub(super) transport: Option<TransportFacts>,
    /// Set for WebVTT.
    pub(super) text: Option<TextFacts>,
    pub(super) problems: Vec<(MediaProblem, String)>,
}

impl SegmentFacts {
    pub(super) fn problem(&mut self, kind: MediaProblem, message: impl Into<String>) {
        if self.problems.len() < 8 {
            self.problems.push((kind, message.into()));
        }
    }
}

/// What a picture is, as its bitstream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    /// Decoding starts here and nothing after refers to anything before.
    Idr,
    /// Decoding can start here, though leading pictures may be there that cannot be decoded (HEVC CRA and BLA).
    OpenGop,
    /// It refers to other pictures.
    Dependent,
}

/// What was read of the media of one playlist.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    /// Initialization sections, one for each `EXT-X-MAP`; `None` where it could not be read.
    pub(super) inits: Vec<Option<Init>>,
    /// One for each segment of the playlist; empty when media are not read.
    pub(super) segments: Vec<SegmentFacts>,
}
