//! Encryption at rest: AES-256-GCM (NIST SP 800-38D) over what the vault stores.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::random;

/// Seals and opens with one key. Random nonces are safe for 2^32 messages, far more than there are versions.
#[derive(Clone)]
pub(super) struct Sealer {
    key: LessSafeKey,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    /// A sealer over 32 bytes, written as 64 hexadecimal digits.
    pub(super) fn new(digits: &str) -> Option<Self> {
        let bytes = hex::decode(digits).ok()?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).ok()?;
        Some(Self {
            key: LessSafeKey::new(key),
        })
    }

    /// Base64 of nonce, ciphertext and tag. `place` is authenticated too: what was sealed for one object opens nowhere else.
    pub(super) fn seal(&self, place: &str, mut plain: Vec<u8>) -> String {
        let mut nonce = [0; NONCE_LEN];
        random::fill(&mut nonce);
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place),
                &mut plain,
            )
            .expect("AES-GCM seals up to 64 GiB, and a key set has a few kilobytes");
        STANDARD.encode([&nonce[..], &plain].concat())
    }

    /// What was sealed; `None` when the key is another one or the text was changed.
    pub(super) fn open(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = STANDARD.decode(sealed).ok()?;
        let nonce: [u8; NONCE_LEN] = bytes.get(..NONCE_LEN)?.try_into().ok()?;
        let plain = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place),
                bytes.get_mut(NONCE_LEN..)?,
            )
            .ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_place_open_it() {
        let sealer = Sealer::new(&"5a".repeat(32)).expect("a key");
        let sealed = sealer.seal("a/v1", b"secret".to_vec());
        assert!(
            !STANDARD
                .decode(&sealed)
                .expect("base64")
                .windows(6)
                .any(|part| part == b"secret")
        );
        assert_ne!(
            sealed,
            sealer.seal("a/v1", b"secret".to_vec()),
            "a nonce of its own"
        );
        assert_eq!(
            sealer.open("a/v1", &sealed).as_deref(),
            Some(&b"secret"[..])
        );
        assert_eq!(sealer.open("a/v2", &sealed), None);
        let other = Sealer::new(&"5b".repeat(32)).expect("a key");
        assert_eq!(other.open("a/v1", &sealed), None);
        for broken in ["", "AAAA", "not base64"] {
            assert_eq!(sealer.open("a/v1", broken), None);
        }
        assert!(Sealer::new("5a").is_none() && Sealer::new(&"zz".repeat(32)).is_none());
    }
}
