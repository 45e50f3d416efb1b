//! Divides an elementary stream of sound into frames.

use super::tables::Coding;
use crate::codec::dolby_frame::DolbyFrame;
use crate::codec::mpeg_audio::AudioFrame;

/// Bytes that a header takes at most.
const HEADER: usize = 16;
/// Bytes of the first access unit that are kept for its configuration.
const FIRST: usize = 16 << 10;

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Where it starts in the elementary stream, header included.
    pub(super) start: u64,
    /// Bytes of its header that samples of MP4 do not hold.
    pub(super) header: u32,
    /// Its length without that header.
    pub(super) len: u32,
    pub(super) samples: u32,
    pub(super) rate: u32,
    /// It goes with the frame before it: a substream that depends on it.
    pub(super) dependent: bool,
}

/// Divides a stream as it comes in.
#[derive(Debug)]
pub(super) struct Sound {
    coding: Coding,
    data: Vec<u8>,
    /// Where `data` starts in the elementary stream.
    start: u64,
    /// Bytes that were no frame.
    pub(super) skipped: u64,
    /// The start of the stream's first access unit.
    pub(super) first: Vec<u8>,
    frames: u64,
}

impl Sound {
    pub(super) const fn new(coding: Coding) -> Self {
        Self {
            coding,
            data: Vec::new(),
            start: 0,
            skipped: 0,
            first: Vec::new(),
            frames: 0,
        }
    }

    /// Takes the next bytes of the stream; calls `visit` with every frame that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], mut visit: impl FnMut(Frame)) {
        let mut data = std::mem::take(&mut self.data);
        data.extend_from_slice(bytes);
        let mut at = 0;
        while data.len() - at >= HEADER {
            let rest = &data[at..];
            let Some((len, frame)) = self.read(rest, self.start + at as u64) else {
                at += 1;
                self.skipped += 1;
                continue;
            };
            // A frame is believed when another one follows it, or when it follows one.
            let Some(next) = rest.get(len..).filter(|next| next.len() >= HEADER) else {
                break;
            };
            if self.frames == 0 && self.read(next, 0).is_none() {
                at += 1;
                self.skipped += 1;
                continue;
            }
            self.keep(&data[at..at + len], frame, &mut visit);
            at += len;
        }
        data.drain(..at);
        self.data = data;
        self.start += at as u64;
    }

    /// The last frame, where it is whole.
    pub(super) fn finish(&mut self, mut visit: impl FnMut(Frame)) {
        while let Some((len, frame)) = self.read(&self.data, self.start) {
            if self.data.len() < len {
                return;
            }
            let data: Vec<u8> = self.data.drain(..len).collect();
            self.start += len as u64;
            self.keep(&data, frame, &mut visit);
        }
    }

    fn keep(&mut self, data: &[u8], frame: Frame, visit: &mut impl FnMut(Frame)) {
        let belongs = self.frames == 0 || (self.frames == 1 && frame.dependent);
        if belongs && self.first.len() + data.len() <= FIRST {
            self.first.extend_from_slice(data);
        }
        self.frames += u64::from(!frame.dependent);
        visit(frame);
    }

    /// The frame at the start of `data`, with its whole length.
    fn read(&self, data: &[u8], start: u64) -> Option<(usize, Frame)> {
        let fits = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        match self.coding {
            Coding::Dolby => {
                let found = DolbyFrame::parse(data)?;
                let frame = Frame {
                    start,
                    header: 0,
                    len: fits(found.len),
                    samples: found.samples,
                    rate: found.sample_rate,
                    dependent: !found.independent,
                };
                Some((found.len, frame))
            }
            Coding::Adts | Coding::Mpeg => {
                let (found, header) = if self.coding == Coding::Adts {
                    let found = AudioFrame::parse_adts(data)?;
                    (found, found.header)
                } else {
                    (AudioFrame::parse_mpeg(data)?, 0)
                };
                let frame = Frame {
                    start,
                    header: fits(header),
                    len: fits(found.len - header),
                    samples: found.samples,
                    rate: found.sample_rate,
                    dependent: false,
                };
                Some((found.len, frame))
            }
            _ => None,
        }
    }
}
