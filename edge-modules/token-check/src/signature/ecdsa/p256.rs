//! P-256 (SP 800-186 section 3.2.1.3) with SHA-256.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::PublicKey;
use super::curve::{Affine, Curve, Table};
use super::modular::{Limbs, Modulus, from_bytes, from_hex};

/// A P-256 public key with its table, which is made when the key is first used.
#[derive(Clone)]
pub struct P256PublicKey(pub(super) PublicKey<P256, 8>);

impl P256PublicKey {
    /// Takes a key that the crate has parsed: the point is on the curve and not at infinity.
    pub(crate) fn new(public: ::p256::ecdsa::VerifyingKey) -> Self {
        Self(PublicKey::new(public))
    }

    /// The key as the `p256` crate has it.
    pub fn public(&self) -> &::p256::ecdsa::VerifyingKey {
        self.0.public()
    }

    /// True when `r || s` is a signature of the message's SHA-256. A high `s` is taken: neither JOSE nor COSE forbids it.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(message, signature)
    }

    /// The same over the message's SHA-1, which is shorter than the order and taken as the number that it is (FIPS 186-5 section 6.4.2).
    pub(crate) fn verify_sha1(&self, message: &[u8], signature: &[u8]) -> bool {
        let mut padded = [0; 32];
        padded[12..].copy_from_slice(&Sha1::digest(message));
        from_bytes(&padded).is_some_and(|digest| self.0.verify_digest(digest, signature))
    }
}

pub(super) struct P256;

/// 2^256 - 2^224 + 2^192 + 2^96 - 1.
const PRIME: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

const GENERATOR: Affine<8> = Affine {
    x: P256::FIELD.enter(&from_hex(
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    )),
    y: P256::FIELD.enter(&from_hex(
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    )),
};

#[allow(long_running_const_eval)] // About three thousand multiplications, in well under a second.
static TABLE: Table<8> = Table::of::<P256>(&GENERATOR);

impl Curve<8> for P256 {
    const FIELD: &'static Modulus<8> = &Modulus::new(PRIME);
    const ORDER: &'static Modulus<8> = &Modulus::new(ORDER);
    const SPACING: usize = 43;
    type Public = ::p256::ecdsa::VerifyingKey;

    fn generator() -> &'static Table<8> {
        &TABLE
    }

    fn point(public: &Self::Public) -> Affine<8> {
        let point = public.to_encoded_point(false);
        Affine::of(
            Self::FIELD,
            [point.x(), point.y()].map(|bytes| bytes.map(AsRef::as_ref)),
        )
    }

    fn digest(message: &[u8]) -> Limbs<8> {
        // A hash of SHA-256 has the length of the order.
        from_bytes(&Sha256::digest(message)).unwrap_or_default()
    }
}
