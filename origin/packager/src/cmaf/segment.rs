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
use crate::timeline::Timed;
use crate::window::Window;

/// The `styp` box that opens a segment: a CMAF segment of a DASH media segment.
const STYP: &[u8; 24] = b"\0\0\0\x18stypmsdh\0\0\0\0msdhcmfs";

/// One fragment of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    /// Its samples, as indexes into the samples of the segment.
    pub(crate) samples: Range<usize>,
    shape: Shape,
    /// Where the fragment starts in the segment.
    pub(crate) offset: u64,
    /// Length of its media data in bytes.
    data_len: u32,
}

impl Fragment {
    /// Length of the fragment in bytes, `moof` and `mdat` with their headers.
    pub(crate) fn len(&self) -> u64 {
        self.shape.moof_len() as u64 + 8 + u64::from(self.data_len)
    }
}

/// The fragments of one segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragments {
    pub(crate) list: Vec<Fragment>,
    /// Length of the segment in bytes.
    pub(crate) len: u64,
}

impl Fragments {
    /// Divides the samples of a segment into fragments: at changes of the sample description, and before and after each
    /// sync sample when `split_keyframes` is set.
    pub(crate) fn new(samples: &[Timed], split_keyframes: bool) -> Result<Self, Error> {
        let mut fragments = Self {
            list: Vec::new(),
            len: STYP.len() as u64,
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
                fragments.push(samples, start..index)?;
                start = index;
            }
        }
        Ok(fragments)
    }

    fn push(&mut self, samples: &[Timed], range: Range<usize>) -> Result<(), Error> {
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
        let fragment = Fragment {
            samples: range,
            shape: Shape::of(inside),
            offset: self.len,
            data_len,
        };
        self.len += fragment.len();
        self.list.push(fragment);
        Ok(())
    }
}

/// Writes a segment. The media data stay slices of `window`.
pub(crate) fn write_segment(
    samples: &[Timed],
    fragments: &Fragments,
    first_sequence: u32,
    window: &Window,
) -> Result<Vec<Bytes>, Error> {
    let headers: usize = fragments
        .list
        .iter()
        .map(|fragment| fragment.shape.moof_len() + 8)
        .sum();
    let mut w = BoxWriter::with_capacity(STYP.len() + headers);
    w.bytes(STYP);
    let mut ends = Vec::with_capacity(fragments.list.len());
    for (sequence, fragment) in (first_sequence..).zip(&fragments.list) {
        fragment.shape.write(
            &mut w,
            sequence,
            &samples[fragment.samples.clone()],
            fragment.data_len,
        );
        ends.push(w.len());
    }
    let headers = w.finish();
    let mut body = Vec::with_capacity(fragments.list.len() * 2);
    let mut start = 0;
    for (fragment, end) in fragments.list.iter().zip(ends) {
        body.push(headers.slice(start..end));
        start = end;
        window.collect(
            samples[fragment.samples.clone()]
                .iter()
                .map(|s| (s.offset, s.size)),
            &mut body,
        )?;
    }
    Ok(body)
}
