//! The documented hash: from a salt and a unit to points on three lines.
//!
//! `d = SHA-256(salt LF unit)`. Read as big-endian numbers of 64 bits, `d[0..8]` says whether a unit takes part, `d[8..16]` which
//! variant it gets, and `d[16..24]` is its pseudonym in the log: each tells nothing of the others. A number `n` falls on the point
//! `floor(n * size / 2^64)` of a line of `size` points.

use sha2::{Digest, Sha256};

/// What a unit is, under one salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Points {
    share: u64,
    variant: u64,
    alias: u64,
}

impl Points {
    /// Hashes a unit under a salt.
    pub(crate) fn of(salt: &str, unit: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(salt.as_bytes());
        hash.update(b"\n");
        hash.update(unit.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let word = |at: usize| {
            digest[at..at + 8]
                .iter()
                .fold(0, |word, &byte| word << 8 | u64::from(byte))
        };
        Self {
            share: word(0),
            variant: word(8),
            alias: word(16),
        }
    }

    /// The point on a line of `size` that says whether the unit takes part.
    pub(crate) fn share(self, size: u32) -> u32 {
        point(self.share, size)
    }

    /// The point on a line of `size` that says which variant it gets.
    pub(crate) fn variant(self, size: u32) -> u32 {
        point(self.variant, size)
    }

    /// The unit's pseudonym in the log: of no use outside this salt.
    pub(crate) fn alias(self) -> u64 {
        self.alias
    }
}

fn point(number: u64, size: u32) -> u32 {
    let scaled = (u128::from(number) * u128::from(size)) >> 64;
    // Below `size`, since the number is below 2^64.
    u32::try_from(scaled).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `printf 'ladder\nada' | sha256sum` begins 763d699548cafe43 e94737bef54f3886 16a3ed1f7fed477e.
    #[test]
    fn the_documented_example() {
        let points = Points::of("ladder", "ada");
        assert_eq!(points.alias(), 0x16a3_ed1f_7fed_477e);
        assert_eq!((points.share(100_000), points.variant(2)), (46_187, 1));
    }

    #[test]
    fn a_line_is_covered_evenly() {
        let mut counts = [0_u32; 10];
        for unit in 0..20_000 {
            let points = Points::of("even", &unit.to_string());
            counts[usize::try_from(points.variant(10)).unwrap()] += 1;
        }
        // 2,000 each, standard deviation 42; the hash is fixed, so this holds always or never.
        assert!(
            counts.iter().all(|count| count.abs_diff(2_000) < 200),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn points_lie_on_their_line(number: u64, size in 1_u32..) {
            prop_assert!(point(number, size) < size);
        }
    }
}
