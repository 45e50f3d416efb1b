//! A band of coefficients of one block: its first bits, and their refinement (T.81 sections G.1.2.2 and G.1.2.3).

use super::bits::Bits;
use super::huffman::Huffman;
use super::scan_header::Header;
use super::{Result, broken};

/// A band of one block.
pub(super) struct Band<'a> {
    pub(super) header: &'a Header,
    pub(super) places: &'a [u8; 64],
    pub(super) kept: &'a mut [i16],
    pub(super) nonzero: &'a mut u64,
    /// Blocks that still end without further coefficients.
    pub(super) run: &'a mut u32,
}

impl Band<'_> {
    fn set(&mut self, k: usize, value: i32) {
        *self.nonzero |= 1 << k;
        if let Some(place) = self.kept.get_mut(usize::from(self.places[k])) {
            *place = value as i16;
        }
    }

    /// The first scan of a band (T.81 section G.1.2.2).
    pub(super) fn first(&mut self, bits: &mut Bits<'_>, table: &Huffman) -> Result<()> {
        if *self.run > 0 {
            *self.run -= 1;
            return Ok(());
        }
        let mut k = self.header.first;
        while k <= self.header.last {
            bits.refill();
            let symbol = table.symbol(bits)?;
            let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 {
                if zeros < 15 {
                    *self.run = (1 << zeros) + bits.take(zeros as u32) as u32 - 1;
                    return Ok(());
                }
                k += 16;
                continue;
            }
            k += zeros;
            if k > self.header.last {
                return broken("its coefficients run over a band");
            }
            let value = bits.take_signed(size);
            self.set(k, value.wrapping_shl(self.header.low));
            k += 1;
        }
        Ok(())
    }

    /// A later scan of a band: one more bit for what is known, and new coefficients of one bit (T.81 section G.1.2.3).
    pub(super) fn refine(&mut self, bits: &mut Bits<'_>, table: &Huffman) -> Result<()> {
        let last = self.header.last;
        let mut k = self.header.first;
        if *self.run == 0 {
            while k <= last {
                bits.refill();
                let symbol = table.symbol(bits)?;
                let (mut zeros, size) = (usize::from(symbol >> 4), symbol & 15);
                let mut value = 0;
                match size {
                    0 if zeros < 15 => {
                        *self.run = (1 << zeros) + bits.take(zeros as u32) as u32;
                        break;
                    }
                    0 => {}
                    1 => {
                        value = if bits.take(1) == 1 {
                            1 << self.header.low
                        } else {
                            -(1 << self.header.low)
                        }
                    }
                    _ => return broken("a refined coefficient has more than one bit"),
                }
                while k <= last {
                    if *self.nonzero >> k & 1 == 1 {
                        self.correct(bits, k);
                    } else if zeros == 0 {
                        break;
                    } else {
                        zeros -= 1;
                    }
                    k += 1;
                }
                if value != 0 {
                    if k > last {
                        return broken("its coefficients run over a band");
                    }
                    self.set(k, value);
                }
                k += 1;
            }
        }
        if *self.run > 0 {
            while k <= last {
                if *self.nonzero >> k & 1 == 1 {
                    self.correct(bits, k);
                }
                k += 1;
            }
            *self.run -= 1;
        }
        Ok(())
    }

    fn correct(&mut self, bits: &mut Bits<'_>, k: usize) {
        if !bits.take_bit() {
            return;
        }
        if let Some(place) = self.kept.get_mut(usize::from(self.places[k])) {
            let step = 1 << self.header.low;
            *place = if *place >= 0 {
                place.wrapping_add(step)
            } else {
                place.wrapping_sub(step)
            };
        }
    }
}
