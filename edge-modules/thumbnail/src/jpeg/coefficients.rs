//! Which coefficients a scale keeps, and how one block's coefficients are read (T.81 section F.2.2).

use super::bits::Bits;
use super::frame::Scale;
use super::huffman::Huffman;
use super::idct::Block;
use super::markers::ZIGZAG;
use super::{Result, broken};

/// The last zigzag index that a scale keeps: nothing after it changes a pixel.
pub(super) fn last_kept(scale: Scale) -> usize {
    match scale {
        Scale::One => 0,
        Scale::Two => 4,
        Scale::Four => 24,
        Scale::Eight => 63,
    }
}

/// The place of zigzag index `k` among the kept coefficients of a block, row by row, if it is kept.
pub(super) fn kept_place(k: usize, scale: Scale) -> Option<usize> {
    let natural = usize::from(*ZIGZAG.get(k)?);
    let side = scale.side() as usize;
    let (row, column) = (natural / 8, natural % 8);
    (row < side && column < side).then_some(row * side + column)
}

/// Reads a DC difference.
#[inline(always)]
pub(super) fn dc_difference(bits: &mut Bits<'_>, table: &Huffman) -> Result<i32> {
    bits.refill();
    let size = table.symbol(bits)?;
    if size > 15 {
        return broken("a DC difference is larger than there is room for");
    }
    Ok(bits.take_signed(u32::from(size)))
}

/// Reads the AC coefficients of a sequential block, dequantized, up to zigzag index `last`; the rest is stepped over.
/// `quantization` is in natural order. The block must be zero before.
#[inline]
pub(super) fn ac_coefficients(
    bits: &mut Bits<'_>,
    table: &Huffman,
    quantization: &[u16; 64],
    last: usize,
    block: &mut Block,
) -> Result<()> {
    let mut k = 1;
    while k < 64 {
        bits.refill();
        if let Some((run, value, length)) = table.short_coefficient(bits) {
            bits.skip(length);
            k += run as usize;
            if k <= last {
                let place = usize::from(ZIGZAG[k & 63] & 63);
                block[place] = value.wrapping_mul(i32::from(quantization[place]));
            } else if k > 63 {
                return broken("its coefficients run over a block");
            }
            k += 1;
            continue;
        }
        let symbol = table.symbol(bits)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            if run != 15 {
                return Ok(());
            }
            k += 16;
            continue;
        }
        k += run;
        if k > 63 {
            return broken("its coefficients run over a block");
        }
        let value = bits.take_signed(size);
        if k <= last {
            let place = usize::from(ZIGZAG[k & 63] & 63);
            block[place] = value.wrapping_mul(i32::from(quantization[place]));
        }
        k += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scale_keeps_its_square() {
        for scale in [Scale::One, Scale::Two, Scale::Four, Scale::Eight] {
            let kept: Vec<usize> = (0..64)
                .filter(|k| kept_place(*k, scale).is_some())
                .collect();
            assert_eq!(kept.len(), scale.side().pow(2) as usize);
            assert_eq!(kept.last(), Some(&last_kept(scale)));
        }
    }
}
