//! The best Huffman tables for what is to be coded (T.81 section K.2): from counts of symbols to codes of at most 16 bits.

/// An encoding table.
#[derive(Debug, Clone)]
pub(super) struct Codes {
    /// How many codes there are of 1 to 16 bits.
    counts: [u8; 16],
    /// The symbols in order of their codes.
    symbols: Vec<u8>,
    /// The code of each symbol, and its length; 0 for symbols that do not occur.
    codes: [(u16, u8); 256],
}

impl Codes {
    /// The table that codes symbols occurring this often in the fewest bits.
    pub(super) fn best(occurrences: &[u32; 256]) -> Self {
        // From the rarest to the most frequent. The code of ones alone is reserved (section C.2): a symbol that never occurs takes it.
        let mut symbols: Vec<(u32, Option<u8>)> = (0..=u8::MAX)
            .zip(occurrences)
            .filter(|(_, count)| **count > 0)
            .map(|(symbol, count)| (*count, Some(symbol)))
            .collect();
        symbols.push((0, None));
        symbols.sort_unstable();
        let mut counts = limited(counts_of_lengths(&symbols));
        // The reserved code is one of the longest, since its symbol is the rarest.
        if let Some(longest) = counts.iter_mut().rev().find(|count| **count > 0) {
            *longest -= 1;
        }
        let symbols: Vec<u8> = symbols
            .iter()
            .rev()
            .filter_map(|(_, symbol)| *symbol)
            .collect();
        let mut codes = [(0, 0); 256];
        let mut next = symbols.iter();
        let mut code = 0u16;
        for (length, count) in (1u8..).zip(counts) {
            for symbol in next.by_ref().take(usize::from(count)) {
                codes[usize::from(*symbol)] = (code, length);
                code += 1;
            }
            code = code.wrapping_shl(1);
        }
        Self {
            counts,
            symbols,
            codes,
        }
    }

    /// The code of a symbol and its length.
    #[inline(always)]
    pub(super) fn code(&self, symbol: u8) -> (u16, u8) {
        self.codes[usize::from(symbol)]
    }

    /// True when nothing is coded by it.
    pub(super) fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// The table as a DHT segment holds it (section B.2.4.2), behind its class and number.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.counts);
        out.extend_from_slice(&self.symbols);
    }
}

/// Huffman's tree over symbols in order of their counts: how many codes it has of each length. Nodes come out in order of their
/// counts too, so that two queues do for a heap.
fn counts_of_lengths(symbols: &[(u32, Option<u8>)]) -> [usize; 258] {
    let leaves = symbols.len();
    // Leaves, then nodes, each with the place of its parent.
    let mut weights: Vec<u64> = symbols.iter().map(|(count, _)| u64::from(*count)).collect();
    let mut parents = vec![0; 2 * leaves];
    let (mut leaf, mut node) = (0, leaves);
    for parent in leaves..2 * leaves - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            let next = if leaf < leaves && (node >= parent || weights[leaf] <= weights[node]) {
                &mut leaf
            } else {
                &mut node
            };
            sum += weights[*next];
            parents[*next] = parent;
            *next += 1;
        }
        weights.push(sum);
    }
    // From the root down.
    let mut depths = vec![0; 2 * leaves];
    let mut counts = [0; 258];
    for place in (0..2 * leaves - 2).rev() {
        depths[place] = depths[parents[place]] + 1;
        if place < leaves {
            counts[depths[place]] += 1;
        }
    }
    counts
}

/// Brings codes over 16 bits down to 16 (figure K.3): of two that are too long one takes the place of their prefix, the other
/// shares the place of a shorter code.
fn limited(mut counts: [usize; 258]) -> [u8; 16] {
    for length in (17..counts.len()).rev() {
        while counts[length] > 0 {
            let shorter = (1..length - 1).rev().find(|shorter| counts[*shorter] > 0);
            // A full tree that is this deep has a shorter code somewhere, since 257 symbols fit into codes of 9 bits.
            let Some(shorter) = shorter else { break };
            counts[length] -= 2;
            counts[length - 1] += 1;
            counts[shorter] -= 1;
            counts[shorter + 1] += 2;
        }
    }
    let mut out = [0; 16];
    for (out, count) in out.iter_mut().zip(&counts[1..]) {
        *out = *count as u8;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(occurrences: &[u32; 256]) -> u64 {
        let codes = Codes::best(occurrences);
        let bits = occurrences.iter().zip(codes.codes);
        bits.map(|(count, (_, length))| u64::from(*count) * u64::from(length))
            .sum()
    }

    fn of(counts: &[u32]) -> [u32; 256] {
        let mut occurrences = [0; 256];
        occurrences[..counts.len()].copy_from_slice(counts);
        occurrences
    }

    /// No code begins another, none is of ones alone, and every symbol that occurs has one.
    fn check(occurrences: &[u32; 256]) {
        let codes = Codes::best(occurrences);
        let mut taken = 0u32;
        let mut last = None;
        for symbol in &codes.symbols {
            let (code, length) = codes.code(*symbol);
            assert!((1..=16).contains(&length), "{symbol}: {length} bits");
            let first = u32::from(code) << (16 - length);
            assert_eq!(first, taken, "{symbol}");
            taken += 1 << (16 - length);
            assert!(last <= Some(length), "longer codes come later");
            last = Some(length);
        }
        assert!(taken < 1 << 16, "the code of ones alone is free");
        for (symbol, count) in (0..=u8::MAX).zip(occurrences) {
            assert_eq!(codes.code(symbol).1 > 0, *count > 0, "{symbol}");
        }
        let total: usize = codes.counts.iter().map(|count| usize::from(*count)).sum();
        assert_eq!(total, codes.symbols.len());
    }

    #[test]
    fn codes_are_as_short_as_huffmans() {
        // By hand: lengths 1, 2, 3, 4 and one of 4 reserved.
        assert_eq!(bits(&of(&[8, 4, 2, 1])), 8 + 8 + 6 + 4);
        assert_eq!(bits(&of(&[7])), 7);
        // Three equal ones and the reserved code: two bits each.
        assert_eq!(bits(&of(&[5, 5, 5])), 30);
    }

    #[test]
    fn every_count_gives_codes_that_fit() {
        check(&of(&[1]));
        check(&[1; 256]);
        check(&[u32::MAX; 256]);
        // Fibonacci's numbers make the deepest tree there is.
        let mut deep = [0; 256];
        let (mut a, mut b) = (1, 1);
        for count in deep.iter_mut().take(45) {
            *count = a;
            (a, b) = (b, a + b);
        }
        check(&deep);
        let mut state = 1u32;
        for round in 0..300 {
            let mut some = [0; 256];
            for count in some.iter_mut().take(1 + round % 256) {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *count = (state >> 8) >> (state % 24);
            }
            some[0] += 1;
            check(&some);
        }
    }
}
