//! The parts of a frame header of AV1 that set up its coding tools (AV1 specification, 5.9.12 to 5.9.30).

use super::BitReader;
use super::av1_references::GlobalMotion;
use super::av1_sequence::Sequence;

/// `ns(n)` (4.10.7): a number less than `n`.
pub(super) fn non_symmetric(n: u32, r: &mut BitReader<'_>) -> Option<u32> {
    let width = 32 - n.leading_zeros();
    let spare = (1_u64 << width) - u64::from(n);
    let value = r.bits(width.saturating_sub(1))?;
    if u64::from(value) < spare {
        return Some(value);
    }
    let more = u64::from(r.bits(1)?);
    u32::try_from((u64::from(value) << 1) - spare + more).ok()
}

/// `su(bits)` (4.10.6).
fn signed(bits: u32, r: &mut BitReader<'_>) -> Option<i32> {
    let value = r.bits(bits)?.cast_signed();
    let sign = 1 << (bits - 1);
    Some(if value & sign != 0 {
        value - 2 * sign
    } else {
        value
    })
}

/// What the quantizer does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantizer {
    pub(super) base: u32,
    /// No plane differs from the base.
    plain: bool,
}

impl Quantizer {
    /// True when every segment is coded without loss.
    pub(super) fn is_lossless(&self, segment_q: &[Option<i32>; 8]) -> bool {
        let base = self.base.cast_signed();
        self.plain
            && segment_q
                .iter()
                .all(|change| base + change.unwrap_or(0) <= 0)
    }
}

/// `quantization_params` (5.9.12).
pub(super) fn read_quantizer(s: &Sequence, r: &mut BitReader<'_>) -> Option<Quantizer> {
    let base = r.bits(8)?;
    let mut plain = true;
    let mut delta = |r: &mut BitReader<'_>| -> Option<()> {
        if r.flag()? {
            plain &= signed(7, r)? == 0;
        }
        Some(())
    };
    delta(r)?;
    if !s.monochrome {
        let apart = s.separate_uv_delta_q && r.flag()?;
        for _ in 0..if apart { 4 } else { 2 } {
            delta(r)?;
        }
    }
    // Quantizer matrices.
    if r.flag()? {
        r.skip(if s.separate_uv_delta_q { 12 } else { 8 })?;
    }
    Some(Quantizer { base, plain })
}

/// `segmentation_params` (5.9.14): the change of the quantizer in each segment. `earlier` is that of the frame which this one takes
/// over from, if it does.
pub(super) fn read_segmentation(
    earlier: Option<[Option<i32>; 8]>,
    r: &mut BitReader<'_>,
) -> Option<[Option<i32>; 8]> {
    if !r.flag()? {
        return Some([None; 8]);
    }
    let mut update = true;
    if earlier.is_some() {
        if r.flag()? {
            r.flag()?;
        }
        update = r.flag()?;
    }
    if !update {
        return Some(earlier.unwrap_or_default());
    }
    let mut found = [None; 8];
    for segment in &mut found {
        for (feature, bits) in [9, 7, 7, 7, 7, 3, 0, 0].into_iter().enumerate() {
            if r.flag()? {
                if feature == 0 {
                    *segment = Some(signed(bits, r)?);
                } else {
                    r.skip(bits as usize)?;
                }
            }
        }
    }
    Some(found)
}

/// `loop_filter_params` (5.9.11).
pub(super) fn skip_loop_filter(s: &Sequence, r: &mut BitReader<'_>) -> Option<()> {
    let levels = r.bits(12)?;
    if !s.monochrome && levels != 0 {
        r.skip(12)?;
    }
    r.skip(3)?;
    if r.flag()? && r.flag()? {
        for _ in 0..10 {
            if r.flag()? {
                r.skip(7)?;
            }
        }
    }
    Some(())
}

/// `cdef_params` (5.9.19).
pub(super) fn skip_cdef(s: &Sequence, r: &mut BitReader<'_>) -> Option<()> {
    r.skip(2)?;
    let count = 1_usize << r.bits(2)?;
    r.skip(count * if s.monochrome { 6 } else { 12 })
}

/// `lr_params` (5.9.20).
pub(super) fn skip_restoration(s: &Sequence, r: &mut BitReader<'_>) -> Option<()> {
    let (mut luma, mut chroma) = (false, false);
    for plane in 0..if s.monochrome { 1 } else { 3 } {
        let used = r.bits(2)? != 0;
        if plane == 0 {
            luma = used;
        } else {
            chroma |= used;
        }
    }
    if luma || chroma {
        if r.flag()? && !s.large_superblocks {
            r.flag()?;
        }
        if s.subsampled && chroma {
            r.flag()?;
        }
    }
    Some(())
}

/// `global_motion_params` (5.9.24), from those of the frame that this one takes over from.
pub(super) fn read_global_motion(
    earlier: &GlobalMotion,
    precise: bool,
    r: &mut BitReader<'_>,
) -> Option<GlobalMotion> {
    let mut found = super::av1_references::STILL;
    for (motion, earlier) in found.iter_mut().zip(earlier) {
        if !r.flag()? {
            continue;
        }
        let rotation = r.flag()?;
        let translation = !rotation && r.flag()?;
        let mut read = |index: usize, r: &mut BitReader<'_>| -> Option<()> {
            motion[index] = read_motion(earlier[index], index, translation, precise, r)?;
            Some(())
        };
        if !translation {
            read(2, r)?;
            read(3, r)?;
            if !rotation {
                read(4, r)?;
                read(5, r)?;
            }
        }
        read(0, r)?;
        read(1, r)?;
        if rotation {
            motion[4] = -motion[3];
            motion[5] = motion[2];
        }
    }
    Some(found)
}

/// `read_global_param` (5.9.25).
fn read_motion(
    earlier: i64,
    index: usize,
    translation: bool,
    precise: bool,
    r: &mut BitReader<'_>,
) -> Option<i64> {
    let (bits, precision) = match (index < 2, translation) {
        (true, true) => (9 - u32::from(!precise), 3 - u32::from(!precise)),
        (true, false) => (12, 6),
        (false, _) => (12, 15),
    };
    let shift = 16 - precision;
    let (round, subtracted) = if index % 3 == 2 {
        (1_i64 << 16, 1_i64 << precision)
    } else {
        (0, 0)
    };
    let most = 1_i64 << bits;
    let reference = (earlier >> shift) - subtracted;
    let value = near(2 * most + 1, reference + most, r)? - most;
    Some((value << shift) + round)
}

/// `decode_unsigned_subexp_with_ref` (5.9.27): a number less than `count`, coded by its distance from `reference`.
fn near(count: i64, reference: i64, r: &mut BitReader<'_>) -> Option<i64> {
    let coded = sub_exponential(count, r)?;
    let recenter = |reference: i64| {
        if coded > 2 * reference {
            coded
        } else if coded & 1 == 1 {
            reference - ((coded + 1) >> 1)
        } else {
            reference + (coded >> 1)
        }
    };
    Some(if reference << 1 <= count {
        recenter(reference)
    } else {
        count - 1 - recenter(count - 1 - reference)
    })
}

/// `decode_subexp` (5.9.28).
fn sub_exponential(count: i64, r: &mut BitReader<'_>) -> Option<i64> {
    let (mut step, mut start) = (0, 0_i64);
    loop {
        let bits = if step > 0 { 2 + step } else { 3 };
        let size = 1_i64 << bits;
        if count <= start + 3 * size {
            let rest = u32::try_from(count - start).ok()?;
            return Some(i64::from(non_symmetric(rest, r)?) + start);
        }
        if !r.flag()? {
            return Some(i64::from(r.bits(bits)?) + start);
        }
        step += 1;
        start += size;
    }
}

/// `film_grain_params` (5.9.30) of a frame that is shown, now or later.
pub(super) fn skip_film_grain(s: &Sequence, is_inter: bool, r: &mut BitReader<'_>) -> Option<()> {
    if !r.flag()? {
        return Some(());
    }
    r.skip(16)?;
    if is_inter && !r.flag()? {
        return r.skip(3);
    }
    let luma = r.bits(4)? as usize;
    r.skip(luma * 16)?;
    let from_luma = !s.monochrome && r.flag()?;
    let (mut blue, mut red) = (0, 0);
    let without_chroma = s.monochrome || from_luma || (s.subsampled && luma == 0);
    if !without_chroma {
        blue = r.bits(4)? as usize;
        r.skip(blue * 16)?;
        red = r.bits(4)? as usize;
        r.skip(red * 16)?;
    }
    r.skip(2)?;
    let lag = r.bits(2)? as usize;
    let coefficients = 2 * lag * (lag + 1);
    let mut chroma = coefficients;
    if luma > 0 {
        chroma += 1;
        r.skip(coefficients * 8)?;
    }
    for points in [blue, red] {
        if from_luma || points > 0 {
            r.skip(chroma * 8)?;
        }
    }
    r.skip(4)?;
    for points in [blue, red] {
        if points > 0 {
            r.skip(25)?;
        }
    }
    r.skip(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_a_bound() {
        // n = 5: three values of two bits, two of three (4.10.7).
        let read = |data: u8| {
            let data = [data];
            let mut r = BitReader::new(&data);
            (non_symmetric(5, &mut r).unwrap(), r.position())
        };
        assert_eq!(read(0b0000_0000), (0, 2));
        assert_eq!(read(0b1000_0000), (2, 2));
        assert_eq!(read(0b1100_0000), (3, 3));
        assert_eq!(read(0b1110_0000), (4, 3));
        let data = [0];
        assert_eq!(non_symmetric(1, &mut BitReader::new(&data)), Some(0));
    }

    #[test]
    fn signed_numbers() {
        assert_eq!(signed(7, &mut BitReader::new(&[0b1111_1110])), Some(-1));
        assert_eq!(signed(7, &mut BitReader::new(&[0b0000_0110])), Some(3));
    }
}
