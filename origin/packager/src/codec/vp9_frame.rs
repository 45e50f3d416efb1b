//! Frames of VP9 (VP9 Bitstream & Decoding Process Specification 0.6): how a sample divides into them, and how long their
//! uncompressed headers are.

use super::BitReader;

/// `frame_sync_code` (6.2).
const SYNC_CODE: u32 = 0x49_8342;

/// The frames of a sample, as (start, end) in bytes: one, or those that the index of a superframe lists (annex B). What is
/// broken counts as one frame.
pub(crate) fn frames(sample: &[u8]) -> Vec<(usize, usize)> {
    read_index(sample).unwrap_or_else(|| vec![(0, sample.len())])
}

fn read_index(sample: &[u8]) -> Option<Vec<(usize, usize)>> {
    let marker = *sample.last()?;
    if marker & 0xe0 != 0xc0 {
        return None;
    }
    let (count, width) = (
        usize::from(marker & 7) + 1,
        usize::from(marker >> 3 & 3) + 1,
    );
    let start = sample.len().checked_sub(2 + count * width)?;
    if sample[start] != marker {
        return None;
    }
    let mut at = 0;
    let sizes = sample[start + 1..sample.len() - 1].chunks_exact(width);
    let mut found = Vec::with_capacity(count);
    for size in sizes {
        let size = size
            .iter()
            .rev()
            .fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        let end = at + size;
        if end > start {
            return None;
        }
        if size > 0 {
            found.push((at, end));
        }
        at = end;
    }
    Some(found)
}

/// What headers depend on: the sizes of the pictures that may be referred to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vp9Parameters {
    widths: [u32; 8],
}

impl Vp9Parameters {
    /// Reads the uncompressed header of a frame (6.2). Returns its length in bytes; the whole frame where nothing else follows.
    pub(crate) fn read_frame(&mut self, frame: &[u8]) -> Option<usize> {
        let mut r = BitReader::new(frame);
        if r.bits(2)? != 2 {
            return None;
        }
        let profile = r.bits(1)? | r.bits(1)? << 1;
        if profile == 3 {
            r.flag()?;
        }
        if r.flag()? {
            // An earlier picture is shown again; there is no more of the frame.
            return Some(frame.len());
        }
        let is_key = !r.flag()?;
        let show = r.flag()?;
        let resilient = r.flag()?;
        let (width, refresh);
        if is_key {
            read_sync(&mut r)?;
            read_colour(&mut r, profile)?;
            width = read_size(&mut r)?;
            skip_render_size(&mut r)?;
            refresh = 0xff;
        } else {
            let intra_only = !show && r.flag()?;
            if !resilient {
                r.skip(2)?;
            }
            if intra_only {
                read_sync(&mut r)?;
                if profile > 0 {
                    read_colour(&mut r, profile)?;
                }
                refresh = r.bits(8)?;
                width = read_size(&mut r)?;
                skip_render_size(&mut r)?;
            } else {
                refresh = r.bits(8)?;
                width = self.read_inter(&mut r)?;
            }
        }
        if !resilient {
            r.skip(2)?;
        }
        r.skip(2)?;
        skip_loop_filter(&mut r)?;
        r.skip(8)?;
        for _ in 0..3 {
            if r.flag()? {
                r.skip(5)?;
            }
        }
        skip_segmentation(&mut r)?;
        skip_tiles(&mut r, width)?;
        r.skip(16)?;
        for (index, known) in self.widths.iter_mut().enumerate() {
            if refresh >> index & 1 == 1 {
                *known = width;
            }
        }
        Some(r.position().div_ceil(8))
    }

    /// The part of the header of a frame that refers to others, up to its interpolation filter. Returns the frame's width.
    fn read_inter(&self, r: &mut BitReader<'_>) -> Option<u32> {
        let mut references = [0_u32; 3];
        for reference in &mut references {
            *reference = r.bits(3)?;
            r.flag()?;
        }
        let mut width = None;
        for reference in references {
            if r.flag()? {
                let known = self.widths[reference as usize & 7];
                width = Some(known).filter(|known| *known > 0);
                width?;
                break;
            }
        }
        let width = match width {
            Some(width) => width,
            None => read_size(r)?,
        };
        skip_render_size(r)?;
        // allow_high_precision_mv, then the interpolation filter.
        r.flag()?;
        if !r.flag()? {
            r.skip(2)?;
        }
        Some(width)
    }
}

pub(super) fn read_sync(r: &mut BitReader<'_>) -> Option<()> {
    (r.bits(24)? == SYNC_CODE).then_some(())
}

fn read_colour(r: &mut BitReader<'_>, profile: u32) -> Option<()> {
    if profile >= 2 {
        r.flag()?;
    }
    let has_subsampling = profile == 1 || profile == 3;
    // Colour space 7 is RGB.
    if r.bits(3)? == 7 {
        r.skip(usize::from(has_subsampling))
    } else {
        r.skip(if has_subsampling { 4 } else { 1 })
    }
}

/// Width of the frame.
fn read_size(r: &mut BitReader<'_>) -> Option<u32> {
    let width = r.bits(16)? + 1;
    r.skip(16)?;
    Some(width)
}

fn skip_render_size(r: &mut BitReader<'_>) -> Option<()> {
    if r.flag()? { r.skip(32) } else { Some(()) }
}

fn skip_loop_filter(r: &mut BitReader<'_>) -> Option<()> {
    r.skip(9)?;
    if r.flag()? && r.flag()? {
        for _ in 0..6 {
            if r.flag()? {
                r.skip(7)?;
            }
        }
    }
    Some(())
}

fn skip_segmentation(r: &mut BitReader<'_>) -> Option<()> {
    if !r.flag()? {
        return Some(());
    }
    let skip_probability = |r: &mut BitReader<'_>| {
        if r.flag()? { r.skip(8) } else { Some(()) }
    };
    if r.flag()? {
        for _ in 0..7 {
            skip_probability(r)?;
        }
        if r.flag()? {
            for _ in 0..3 {
                skip_probability(r)?;
            }
        }
    }
    if r.flag()? {
        r.flag()?;
        for _ in 0..8 {
            // Bits of each feature's value, its sign among them.
            for bits in [9, 7, 2, 0] {
                if r.flag()? {
                    r.skip(bits)?;
                }
            }
        }
    }
    Some(())
}

fn skip_tiles(r: &mut BitReader<'_>, width: u32) -> Option<()> {
    let columns = width.div_ceil(8).div_ceil(8);
    let least = (0..).find(|log2| 64 << log2 >= columns).unwrap_or(6);
    // The largest that leaves every tile four superblocks wide.
    let most = (0..6).rfind(|log2| columns >> log2 >= 4).unwrap_or(0);
    let mut log2 = least;
    while log2 < most && r.flag()? {
        log2 += 1;
    }
    if r.flag()? {
        r.flag()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn superframes_divide_by_their_index() {
        let mut sample = vec![1; 10];
        // Two frames of 7 and 3 bytes, sizes of one byte.
        sample.extend_from_slice(&[0xc1, 7, 3, 0xc1]);
        assert_eq!(frames(&sample), [(0, 7), (7, 10)]);
        // Sizes that the sample does not have.
        sample[11] = 8;
        assert_eq!(frames(&sample), [(0, 14)]);
        assert_eq!(frames(&[]), [(0, 0)]);
    }
}
