//! P-384 (SP 800-186 section 3.2.1.4) with SHA-384.

use sha2::{Digest, Sha384};

use super::PublicKey;
use super::curve::{Affine, Curve, Table};
use super::modular::{Limbs, Modulus, from_bytes, from_hex};

/// A P-384 public key with its table, which is made when the key is first used.
#[derive(Clone)]
pub struct P384PublicKey(pub(super) PublicKey<P384, 12>);

impl P384PublicKey {
    /// Takes a key that the crate has parsed: the point is on the curve and not at infinity.
    pub(crate) fn new(public: ::p384::ecdsa::VerifyingKey) -> Self {
        Self(PublicKey::new(public))
    }

    /// The key as the `p384` crate has it.
    pub fn public(&self) -> &::p384::ecdsa::VerifyingKey {
        self.0.public()
    }

    /// True when `r || s` is a signature of the message's SHA-384. A high `s` is taken: neither JOSE nor COSE forbids it.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(message, signature)
    }
}

pub(super) struct P384;

/// 2^384 - 2^128 - 2^96 + 2^32 - 1.
const PRIME: &str = concat!(
    "ffffffffffffffffffffffffffffffffffffffffffffffff",
    "fffffffffffffffeffffffff0000000000000000ffffffff",
);
const ORDER: &str = concat!(
    "ffffffffffffffffffffffffffffffffffffffffffffffff",
    "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
);

const GENERATOR: Affine<12> = Affine {
    x: P384::FIELD.enter(&from_hex(concat!(
        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b98",
        "59f741e082542a385502f25dbf55296c3a545e3872760ab7",
    ))),
    y: P384::FIELD.enter(&from_hex(concat!(
        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147c",
        "e9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
    ))),
};

#[allow(long_running_const_eval)] // About four thousand multiplications.
static TABLE: Table<12> = Table::of::<P384>(&GENERATOR);

impl Curve<12> for P384 {
    const FIELD: &'static Modulus<12> = &Modulus::new(PRIME);
    const ORDER: &'static Modulus<12> = &Modulus::new(ORDER);
    const SPACING: usize = 64;
    type Public = ::p384::ecdsa::VerifyingKey;

    fn generator() -> &'static Table<12> {
        &TABLE
    }

    fn point(public: &Self::Public) -> Affine<12> {
        let point = public.to_encoded_point(false);
        Affine::of(
            Self::FIELD,
            [point.x(), point.y()].map(|bytes| bytes.map(AsRef::as_ref)),
        )
    }

    fn digest(message: &[u8]) -> Limbs<12> {
        // A hash of SHA-384 has the length of the order.
        from_bytes(&Sha384::digest(message)).unwrap_or_default()
    }
}
