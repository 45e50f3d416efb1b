//! Media segments: where fragments begin, how long they are, and their bytes.
//!
//! A keyframe stands in a fragment of its own, the pictures that follow it in the next. The byte range of a keyframe in an
//! I-frame playlist is then a whole fragment, `moof` and `mdat`, that parses on its own (Apple HLS Authoring Specification 6.10);
//! it costs about 110 bytes for every keyframe.

use bytes::Bytes;
use std::ops::Range;

use super::fragment::Shape;
use crate::Error;
use crate::isobmff::BoxWriter;
use crate::protect::{Auxiliary, Guard};
use crate::timeline::Timed;
use crate::ts::{self, TsStream};
use crate::window::Window;

/// The `styp` box that opens a segment: a CMAF segment of a DASH media segment.
const STYP: &[u8; 24] = b"\0\0\0\x18stypmsdh\0\0\0\0msdhcmfs";

/// One fragment of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    /// Its samples, as indexes into the samples of the segment.
    pub(crate) samples: Range<usize>,
    /// Where the fragment starts in the segment.
    pub(crate) offset: u64,
    /// Length of the fragment in bytes, headers included.
    pub(crate) len: u64,
    /// How its `moof` box is written; `None` in a transport stream.
    shape: Option<Shape>,
    /// Length of its media data in bytes.
    data_len: u32,
}

/// What fragments are made for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Container<'a> {
    /// CMAF, with what encrypts its samples.
    Cmaf(Option<Guard<'a>>),
    /// MPEG-TS.
    Ts(&'a TsStream),
}

/// The fragments of one segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragments {
    pub(crate) list: Vec<Fragment>,
    /// Length of the segment in bytes.
    pub(crate) len: u64,
    /// Packets of a transport stream that carry media data.
    pub(crate) packets: u64,
}

impl Fragments {
    /// Divides the samples of a segment into fragments: at changes of the sample description, and before and after each
    /// sync sample when `split_keyframes` is set.
    pub(crate) fn new(
        samples: &[Timed],
        split_keyframes: bool,
        container: Container<'_>,
    ) -> Result<Self, Error> {
        let mut fragments = Self {
            list: Vec::new(),
            len: match container {
                Container::Cmaf(_) => STYP.len() as u64,
                Container::Ts(_) => 0,
            },
            packets: 0,
        };
        let mut start = 0;
        for index in 1..=samples.len() {
            let cut = match (samples.get(index - 1), samples.get(index)) {
                (Some(before), Some(here)) => {
                    before.description != here.description
                        || (split_keyframes && (before.sync || here.sync))
                }
                _ => true,
            };
            if cut {
                fragments.push(samples, start..index, container)?;
                start = index;
            }
        }
        Ok(fragments)
    }

    fn push(
        &mut self,
        samples: &[Timed],
        range: Range<usize>,
        container: Container<'_>,
    ) -> Result<(), Error> {
        let Some(inside) = samples
            .get(range.clone())
            .filter(|inside| !inside.is_empty())
        else {
            return Ok(());
        };
        let bytes: u64 = inside.iter().map(|sample| u64::from(sample.size)).sum();
        let data_len = u32::try_from(bytes)
            .ok()
            .filter(|len| *len < u32::MAX - 8)
            .ok_or_else(|| Error::UnsupportedFeature {
                input: 0,
                feature: format!("a segment of {bytes} bytes"),
                advice: "encode the film with keyframes every few seconds",
            })?;
        let (shape, len) = match container {
            Container::Cmaf(guard) => {
                let shape = Shape::of(inside, guard);
                (Some(shape), shape.moof_len() as u64 + 8 + bytes)
            }
            Container::Ts(stream) => {
                let (len, packets) = ts::plan_fragment(stream, inside)?;
                self.packets += packets;
                (None, len)
            }
        };
        self.list.push(Fragment {
            samples: range,
            offset: self.len,
            len,
            shape,
            data_len,
        });
        self.len += len;
        Ok(())
    }
}

/// What a segment is written from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content<'a> {
    pub(crate) samples: &'a [Timed],
    pub(crate) fragments: &'a Fragments,
    /// Sequence number of the first fragment.
    pub(crate) sequence: u32,
    /// Number of the first sample in its track, counted from 0.
    pub(crate) first_sample: u64,
    pub(crate) guard: Option<Guard<'a>>,
}

/// Writes a segment. Media data in the clear stay slices of `window`; those that are encrypted are copies.
pub(crate) fn write_segment(content: &Content<'_>, window: &Window) -> Result<Vec<Bytes>, Error> {
    let list = &content.fragments.list;
    let headers: usize = list
        .iter()
        .filter_map(|fragment| Some(fragment.shape?.moof_len() + 8))
        .sum();
    let mut w = BoxWriter::with_capacity(STYP.len() + headers);
    w.bytes(STYP);
    let mut readers = content.guard.map(Guard::readers).unwrap_or_default();
    let mut ends = Vec::with_capacity(list.len());
    let mut sealed = Vec::new();
    for (sequence, fragment) in (content.sequence..).zip(list) {
        let samples = &content.samples[fragment.samples.clone()];
        let number = content.first_sample + fragment.samples.start as u64;
        let mut auxiliary = Auxiliary::default();
        if let Some(guard) = content.guard {
            let data;
            (data, auxiliary) = guard.encrypt(samples, number, window, &mut readers)?;
            sealed.push(data);
        }
        if let Some(shape) = fragment.shape {
            shape.write(&mut w, sequence, samples, fragment.data_len, &auxiliary);
        }
        ends.push(w.len());
    }
    let headers = w.finish();
    let mut body = Vec::with_capacity(list.len() * 2);
    let mut sealed = sealed.into_iter();
    let mut start = 0;
    for (fragment, end) in list.iter().zip(ends) {
        body.push(headers.slice(start..end));
        start = end;
        match sealed.next() {
            Some(data) => body.push(data),
            None => window.collect(
                content.samples[fragment.samples.clone()]
                    .iter()
                    .map(|s| (s.offset, s.size)),
                &mut body,
            )?,
        }
    }
    Ok(body)
}
