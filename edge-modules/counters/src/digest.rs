//! Keys as the tables hold them: 128 bits under a secret of the process.
//!
//! A store of a million client addresses must not hold a million strings. 128 bits make an accidental meeting of two keys
//! impossible in practice (at 10^7 keys about 10^-25), and the secret makes a deliberate one so.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The digest of a key. Never all zero: zero marks a free slot.
pub(crate) type Digest = [u64; 2];

/// Makes digests with two independent secrets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digester {
    high: RandomState,
    low: RandomState,
}

impl Digester {
    pub(crate) fn digest(&self, key: &[u8]) -> Digest {
        let part = |state: &RandomState| {
            let mut hasher = state.build_hasher();
            hasher.write(key);
            hasher.finish()
        };
        match [part(&self.high), part(&self.low)] {
            [0, 0] => [0, 1],
            digest => digest,
        }
    }
}
