//! ECDSA verification on P-256 and P-384 (FIPS 186-5 section 6.4.2, SEC 1 section 4.1.4), made for WebAssembly.
//!
//! The general crates take 885 us and 9 ms for a check in wasm: their arithmetic is for 64-bit words and for secrets. A verifier handles
//! public values alone, so nothing here needs constant time, and a module checks many signatures under few keys, so a key is worth
//! a table. With it a check takes 43 doublings and 86 additions of points, or 64 and 128 (see [`curve`]), and one inversion.
//!
//! Parsing keys, and everything that touches a private key, is left to the crates `p256` and `p384`.

mod curve;
mod modular;
mod p256;
mod p384;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use self::curve::{Curve, Table};
use self::modular::{Limbs, add_plain, from_bytes, is_zero, less};
pub use self::p256::P256PublicKey;
pub use self::p384::P384PublicKey;

/// A public key with its table, which is made when the key is first used.
struct PublicKey<C: Curve<N>, const N: usize> {
    public: C::Public,
    table: OnceLock<Box<Table<N>>>,
}

impl<C: Curve<N>, const N: usize> Clone for PublicKey<C, N> {
    fn clone(&self) -> Self {
        Self {
            public: self.public.clone(),
            table: self.table.clone(),
        }
    }
}

impl<C: Curve<N>, const N: usize> PublicKey<C, N> {
    /// Takes a point that is on the curve and not at infinity.
    fn new(public: C::Public) -> Self {
        Self {
            public,
            table: OnceLock::new(),
        }
    }

    fn public(&self) -> &C::Public {
        &self.public
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify_digest(C::digest(message), signature)
    }

    /// True when `r || s` is a signature of a message with this digest.
    fn verify_digest(&self, digest: Limbs<N>, signature: &[u8]) -> bool {
        let (field, order) = (C::FIELD, C::ORDER);
        let halves = signature.split_at_checked(4 * N);
        let Some((Some(r), Some(s))) = halves.map(|(r, s)| (from_bytes(r), from_bytes(s))) else {
            return false;
        };
        if is_zero(&r) || is_zero(&s) || !less(&r, &order.modulus) || !less(&s, &order.modulus) {
            return false;
        }
        let digest = order.reduce_once(digest);
        // With s' = s R mod n in Montgomery form, one plain product by its inverse leaves a plain number.
        let inverse = order.invert(&order.enter(&s));
        let (u1, u2) = (
            order.multiply(&digest, &inverse),
            order.multiply(&r, &inverse),
        );
        let table = self
            .table
            .get_or_init(|| Box::new(Table::of::<C>(&C::point(&self.public))));
        let sum = curve::sum::<C, N>(&u1, C::generator(), &u2, table);
        if sum.is_infinity() {
            return false;
        }
        // x = X / Z^2 mod p; x mod n = r means x = r or x = r + n. Held against X without dividing.
        let z2 = field.multiply(&sum.z, &sum.z);
        let is = |x: &Limbs<N>| field.multiply(&field.enter(x), &z2) == sum.x;
        is(&r) || add_plain(&r, &order.modulus).is_some_and(|x| less(&x, &field.modulus) && is(&x))
    }
}
