//! ECDSA verification on P-256 (FIPS 186-5 section 6.4.2, SEC 1 section 4.1.4), made for WebAssembly.
//!
//! The general crate takes 885 us for a check in wasm: its arithmetic is for 64-bit words and for secrets. A verifier handles public
//! values alone, so nothing here needs constant time, and a module checks many signatures under few keys, so a key is worth a
//! table. With it a check takes 43 doublings and 86 additions of points (see [`curve`]) and one inversion.
//!
//! Parsing keys, and everything that touches a private key, is left to the `p256` crate.

mod curve;
mod modular;

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use self::curve::{Affine, GENERATOR_TABLE, Table};
use self::modular::{FIELD, Limbs, ORDER, from_bytes, is_zero, less};

/// A P-256 public key with its table, which is made when the key is first used.
#[derive(Clone)]
pub struct P256PublicKey {
    public: ::p256::ecdsa::VerifyingKey,
    table: OnceLock<Box<Table>>,
}

impl P256PublicKey {
    /// Takes a key that the crate has parsed: the point is on the curve and not at infinity.
    pub(crate) fn new(public: ::p256::ecdsa::VerifyingKey) -> Self {
        Self {
            public,
            table: OnceLock::new(),
        }
    }

    /// The key as the `p256` crate has it.
    pub fn public(&self) -> &::p256::ecdsa::VerifyingKey {
        &self.public
    }

    /// True when `r || s` is a signature of the message's SHA-256. A high `s` is taken: neither JOSE nor COSE forbids it.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some((r, s)) = signature.split_at_checked(32) else {
            return false;
        };
        let (Ok(r), Ok(s)) = (<&[u8; 32]>::try_from(r), <&[u8; 32]>::try_from(s)) else {
            return false;
        };
        let (r, s) = (from_bytes(r), from_bytes(s));
        if is_zero(&r) || is_zero(&s) || !less(&r, &ORDER.modulus) || !less(&s, &ORDER.modulus) {
            return false;
        }
        let digest = ORDER.reduce_once(from_bytes(&Sha256::digest(message).into()));
        // With s' = s R mod n in Montgomery form, one plain product by its inverse leaves a plain number.
        let inverse = ORDER.invert(&ORDER.enter(&s));
        let (u1, u2) = (
            ORDER.multiply(&digest, &inverse),
            ORDER.multiply(&r, &inverse),
        );
        let table = self
            .table
            .get_or_init(|| Box::new(Table::of(&self.point())));
        let sum = curve::sum(&u1, &GENERATOR_TABLE, &u2, table);
        if sum.is_infinity() {
            return false;
        }
        // x = X / Z^2 mod p; x mod n = r means x = r or x = r + n. Held against X without dividing.
        let z2 = FIELD.multiply(&sum.z, &sum.z);
        let is = |x: &Limbs| FIELD.multiply(&FIELD.enter(x), &z2) == sum.x;
        is(&r)
            || modular::add_plain(&r, &ORDER.modulus)
                .is_some_and(|x| less(&x, &FIELD.modulus) && is(&x))
    }

    fn point(&self) -> Affine {
        let point = self.public.to_encoded_point(false);
        let coordinate = |bytes: Option<&::p256::FieldBytes>| {
            let bytes: [u8; 32] = bytes.copied().unwrap_or_default().into();
            FIELD.enter(&from_bytes(&bytes))
        };
        Affine {
            x: coordinate(point.x()),
            y: coordinate(point.y()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::p256::ecdsa::signature::{Signer, Verifier};
    use proptest::prelude::*;

    fn agree(key: &::p256::ecdsa::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
        let ours = P256PublicKey::new(*key).verify(message, signature);
        let theirs = ::p256::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify(message, &signature).is_ok());
        assert_eq!(ours, theirs, "{}", hex::encode(signature));
        ours
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn agrees_with_the_crate(seed in proptest::array::uniform32(1_u8..), message in proptest::collection::vec(any::<u8>(), 0..80), bit in 0_usize..512) {
            let signing = ::p256::ecdsa::SigningKey::from_slice(&seed);
            prop_assume!(signing.is_ok());
            let signing = signing.unwrap();
            let signature: ::p256::ecdsa::Signature = signing.sign(&message);
            let mut bytes = signature.to_bytes().to_vec();
            prop_assert!(agree(signing.verifying_key(), &message, &bytes));
            // The other s signs as well.
            let (r, s) = signature.split_scalars();
            let other = ::p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
            prop_assert!(agree(signing.verifying_key(), &message, &other.to_bytes()));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!agree(signing.verifying_key(), &message, &bytes));
        }
    }

    #[test]
    fn edges_agree_with_the_crate() {
        let one = {
            let mut one = [0_u8; 32];
            one[31] = 1;
            one
        };
        let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
            .unwrap();
        let below = {
            let mut below = order.clone();
            below[31] -= 1;
            below
        };
        let field = hex::decode("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
            .unwrap();
        // Private keys 1, 2 and n - 1: the key is the generator, its double, its negative, so the two sums meet.
        for secret in [
            one.to_vec(),
            {
                let mut two = one;
                two[31] = 2;
                two.to_vec()
            },
            below.clone(),
        ] {
            let signing = ::p256::ecdsa::SigningKey::from_slice(&secret).unwrap();
            let key = signing.verifying_key();
            for r in [
                vec![0; 32],
                one.to_vec(),
                order.clone(),
                below.clone(),
                field.clone(),
                vec![0xff; 32],
            ] {
                for s in [
                    vec![0; 32],
                    one.to_vec(),
                    order.clone(),
                    below.clone(),
                    vec![0xff; 32],
                ] {
                    for message in [&b""[..], b"a", b"sample"] {
                        agree(key, message, &[r.clone(), s.clone()].concat());
                    }
                }
            }
            for message in [&b""[..], b"test", b"sample"] {
                let signature: ::p256::ecdsa::Signature = signing.sign(message);
                assert!(agree(key, message, &signature.to_bytes()));
            }
            for length in [0, 63, 65, 72] {
                agree(key, b"a", &vec![1; length]);
            }
        }
    }

    /// u1 G + u2 Q where the two halves are equal or opposite: the addition must notice.
    #[test]
    fn sums_that_double_or_vanish_are_right() {
        let signing = ::p256::ecdsa::SigningKey::from_slice(&{
            let mut one = [0_u8; 32];
            one[31] = 1;
            one
        })
        .unwrap();
        let key = P256PublicKey::new(*signing.verifying_key());
        let table = Table::of(&key.point());
        for scalar in [1_u32, 2, 3, 63, 1 << 20] {
            let mut u = [0; 8];
            u[0] = scalar;
            let twice = curve::sum(&u, &GENERATOR_TABLE, &u, &table);
            let mut double = [0; 8];
            double[0] = scalar * 2;
            let expected = curve::sum(&double, &GENERATOR_TABLE, &[0; 8], &table);
            assert_eq!(twice.to_affine(), expected.to_affine());
            let minus = modular::subtract_plain(&ORDER.modulus, &u);
            assert!(curve::sum(&u, &GENERATOR_TABLE, &minus, &table).is_infinity());
        }
    }

    /// RFC 6979 appendix A.2.5, SHA-256, message "sample".
    #[test]
    fn the_published_signature_holds() {
        let point = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
        let key =
            ::p256::ecdsa::VerifyingKey::from_sec1_bytes(&hex::decode(point).unwrap()).unwrap();
        let signature = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
        assert!(agree(&key, b"sample", &hex::decode(signature).unwrap()));
    }
}
