//! Huffman tables (T.81 annex C), with look-ups for short codes.

use super::bits::Bits;
use super::{Result, broken};

/// Bits of the look-up: longer codes are rare.
const LOOKUP: u32 = 10;

/// A decoding table.
#[derive(Debug, Clone)]
pub(super) struct Huffman {
    /// For the next ten bits: code length, and the symbol above it; 0 when the code is longer.
    short: Box<[u16; 1 << LOOKUP]>,
    /// For the next ten bits, where they hold a whole AC coefficient: value << 16, run << 8, bits in all; 0 otherwise.
    coefficient: Box<[i32; 1 << LOOKUP]>,
    /// The first code of each length beyond its last, left-aligned to 16 bits.
    beyond: [u32; 17],
    /// What to add to a code of each length to get the symbol's index.
    offset: [i32; 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// Makes a table from the counts of codes of each length and the symbols in order of codes.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self> {
        let mut table = Self {
            short: Box::new([0; 1 << LOOKUP]),
            coefficient: Box::new([0; 1 << LOOKUP]),
            beyond: [0; 17],
            offset: [0; 17],
            symbols: symbols.to_vec(),
        };
        let mut code = 0u32;
        let mut index = 0usize;
        for (length, count) in (1u32..).zip(counts) {
            table.offset[length as usize] = i32::try_from(index).unwrap_or(0) - code as i32;
            for _ in 0..*count {
                let Some(symbol) = symbols.get(index) else {
                    return broken("a Huffman table ends early");
                };
                if code >> length != 0 {
                    return broken("a Huffman table has more codes than fit");
                }
                if length <= LOOKUP {
                    let first = (code << (LOOKUP - length)) as usize;
                    let entry = u16::from(*symbol) << 8 | length as u16;
                    table.short[first..first + (1 << (LOOKUP - length))].fill(entry);
                }
                code += 1;
                index += 1;
            }
            table.beyond[length as usize] = code << (16 - length);
            code <<= 1;
        }
        table.find_coefficients();
        Ok(table)
    }

    /// Fills the look-up of whole AC coefficients.
    fn find_coefficients(&mut self) {
        for (next, entry) in self.coefficient.iter_mut().enumerate() {
            let [length, symbol] = self.short[next].to_le_bytes();
            let (length, size) = (u32::from(length), u32::from(symbol & 15));
            if length == 0 || size == 0 || length + size > LOOKUP {
                continue;
            }
            let bits = (next as u32 >> (LOOKUP - length - size)) & ((1 << size) - 1);
            let value = bits as i32
                - if bits < 1 << (size - 1) {
                    (1 << size) - 1
                } else {
                    0
                };
            *entry = value << 16 | i32::from(symbol >> 4) << 8 | (length + size) as i32;
        }
    }

    /// The next symbol. Refill before; 16 bits are used at most.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8> {
        let [length, symbol] = self.short[bits.peek(LOOKUP)].to_le_bytes();
        if length != 0 {
            bits.skip(u32::from(length));
            return Ok(symbol);
        }
        self.long_symbol(bits)
    }

    #[cold]
    fn long_symbol(&self, bits: &mut Bits<'_>) -> Result<u8> {
        let next = bits.peek(16) as u32;
        for length in LOOKUP as usize + 1..=16 {
            if next < self.beyond[length] {
                let code = (next >> (16 - length)) as i32;
                let index = usize::try_from(code + self.offset[length]).ok();
                if let Some(symbol) = index.and_then(|index| self.symbols.get(index)) {
                    bits.skip(length as u32);
                    return Ok(*symbol);
                }
            }
        }
        broken("its picture data has a code that is in no table")
    }

    /// A whole AC coefficient where the next bits hold one: its run, value and length in bits.
    #[inline(always)]
    pub(super) fn short_coefficient(&self, bits: &Bits<'_>) -> Option<(u32, i32, u32)> {
        let entry = self.coefficient[bits.peek(LOOKUP)];
        (entry != 0).then_some(((entry >> 8 & 15) as u32, entry >> 16, (entry & 255) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_length() {
        // One code of each length 1 to 16: 0, 10, 110, ...
        let symbols: Vec<u8> = (1..=16).collect();
        let table = Huffman::new(&[1; 16], &symbols).unwrap();
        for length in 1..=16u32 {
            let code: u32 = (1 << length) - 2;
            let mut data = (code << (32 - length)).to_be_bytes().to_vec();
            data.extend([0; 8]);
            // A code of ones would hold a marker byte: stuff it.
            let stuffed: Vec<u8> = data
                .iter()
                .flat_map(|byte| {
                    if *byte == 0xff {
                        vec![0xff, 0]
                    } else {
                        vec![*byte]
                    }
                })
                .collect();
            let mut bits = Bits::new(&stuffed);
            bits.refill();
            assert_eq!(u32::from(table.symbol(&mut bits).unwrap()), length);
        }
        let mut bits = Bits::new(&[0xff, 0, 0xff, 0, 0xff, 0]);
        bits.refill();
        assert!(table.symbol(&mut bits).is_err());
    }

    #[test]
    fn impossible_tables_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Huffman::new(&counts, &[1, 2, 3]).is_err());
        counts[0] = 2;
        assert!(Huffman::new(&counts, &[1]).is_err());
    }
}
