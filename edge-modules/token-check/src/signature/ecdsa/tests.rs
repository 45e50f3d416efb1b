//! Each curve against the crate that everybody uses, at its edges, and against published signatures.

use proptest::prelude::*;

use super::curve::{self, Curve, Table};
use super::modular::{Limbs, subtract_plain};
use crate::signature::VerifyingKey;

/// The limbs of a small number.
fn small<const N: usize>(number: u32) -> Limbs<N> {
    let mut limbs = [0; N];
    limbs[0] = number;
    limbs
}

/// Big endian bytes of a number.
fn bytes<const N: usize>(number: &Limbs<N>) -> Vec<u8> {
    number
        .iter()
        .rev()
        .flat_map(|limb| limb.to_be_bytes())
        .collect()
}

/// u1 G + u2 Q where the two halves are equal or opposite: the addition must notice.
fn sums_that_double_or_vanish<C: Curve<N>, const N: usize>(generator: &C::Public) {
    let table = Table::of::<C>(&C::point(generator));
    for scalar in [1_u32, 2, 3, 63, 1 << 20] {
        let u = small(scalar);
        let twice = curve::sum::<C, N>(&u, C::generator(), &u, &table);
        let expected = curve::sum::<C, N>(&small(scalar * 2), C::generator(), &[0; N], &table);
        assert_eq!(twice.to_affine::<C>(), expected.to_affine::<C>());
        let minus = subtract_plain(&C::ORDER.modulus, &u);
        assert!(curve::sum::<C, N>(&u, C::generator(), &minus, &table).is_infinity());
    }
    assert!(curve::sum::<C, N>(&[0; N], C::generator(), &[0; N], &table).is_infinity());
}

macro_rules! curve_tests {
    ($name:ident, $krate:ident, $key:ident, $curve:ident, $limbs:literal, $parse:path, $published:expr) => {
        mod $name {
            use ::$krate::ecdsa::signature::hazmat::PrehashVerifier;
            use ::$krate::ecdsa::signature::{Signer, Verifier};
            use ::$krate::ecdsa::{Signature, SigningKey, VerifyingKey as Theirs};

            use super::super::$key;
            use super::super::$krate::$curve;
            use super::*;

            const SIZE: usize = $limbs * 4;

            fn agree(key: &$key, message: &[u8], signature: &[u8]) -> bool {
                let ours = key.verify(message, signature);
                let theirs = Signature::from_slice(signature)
                    .is_ok_and(|signature| key.public().verify(message, &signature).is_ok());
                assert_eq!(ours, theirs, "{}", hex::encode(signature));
                ours
            }

            fn number(value: u32) -> Vec<u8> {
                bytes::<$limbs>(&small(value))
            }

            /// A modulus and a small number added to or taken from it.
            fn near(modulus: &Limbs<$limbs>, by: i32) -> Vec<u8> {
                let by_limbs = small(by.unsigned_abs());
                bytes(&if by < 0 {
                    subtract_plain(modulus, &by_limbs)
                } else {
                    super::super::add_plain(modulus, &by_limbs).unwrap()
                })
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(32))]

                #[test]
                fn agrees_with_the_crate(seed in proptest::collection::vec(any::<u8>(), SIZE), message in proptest::collection::vec(any::<u8>(), 0..80), bit in 0..SIZE * 16) {
                    let signing = SigningKey::from_slice(&seed);
                    prop_assume!(signing.is_ok());
                    let signing = signing.unwrap();
                    let key = $key::new(*signing.verifying_key());
                    let signature: Signature = signing.sign(&message);
                    let mut raw = signature.to_bytes().to_vec();
                    prop_assert!(agree(&key, &message, &raw));
                    // The other s signs as well.
                    let (r, s) = signature.split_scalars();
                    let other = Signature::from_scalars(r, -s).unwrap();
                    prop_assert!(agree(&key, &message, &other.to_bytes()));
                    raw[bit / 8] ^= 1 << (bit % 8);
                    prop_assert!(!agree(&key, &message, &raw));
                }
            }

            #[test]
            fn edges_agree_with_the_crate() {
                let (order, field) = (&$curve::ORDER.modulus, &$curve::FIELD.modulus);
                let edges = [
                    number(0),
                    number(1),
                    number(2),
                    near(order, -1),
                    near(order, 0),
                    near(order, 1),
                    near(field, -1),
                    near(field, 0),
                    vec![0xff; SIZE],
                ];
                // Private keys 1, 2 and n - 1: the key is the generator, its double, its negative, so the two sums meet.
                for secret in [number(1), number(2), near(order, -1)] {
                    let signing = SigningKey::from_slice(&secret).unwrap();
                    let key = &$key::new(*signing.verifying_key());
                    for (r, s) in edges.iter().flat_map(|r| edges.iter().map(move |s| (r, s))) {
                        for message in [&b""[..], b"a"] {
                            agree(key, message, &[r.clone(), s.clone()].concat());
                        }
                    }
                    for message in [&b""[..], b"test", b"sample"] {
                        let signature: Signature = signing.sign(message);
                        assert!(agree(key, message, &signature.to_bytes()));
                    }
                    for length in [0, SIZE, SIZE * 2 - 1, SIZE * 2 + 1, SIZE * 2 + 8] {
                        assert!(!agree(key, b"a", &vec![1; length]));
                    }
                }
            }

            #[test]
            fn sums_that_double_or_vanish_are_right() {
                let signing = SigningKey::from_slice(&number(1)).unwrap();
                sums_that_double_or_vanish::<$curve, $limbs>(signing.verifying_key());
            }

            /// The x of the point is at least n, so that r is what is left of it: one signature in 2^128 or fewer, and it must hold.
            /// With a digest of zero and s = r the point is the key itself, so a key with such an x makes one.
            #[test]
            fn an_x_beyond_the_order_is_reduced() {
                let mut found = 0;
                for r in 1..40 {
                    let x = near(&$curve::ORDER.modulus, i32::try_from(r).unwrap());
                    let raw = [number(r), number(r)].concat();
                    let signature = Signature::from_slice(&raw).unwrap();
                    for form in [2, 3] {
                        if let Ok(key) = Theirs::from_sec1_bytes(&[&[form], &x[..]].concat()) {
                            assert!(key.verify_prehash(&[0; SIZE], &signature).is_ok());
                            let ours = $key::new(key);
                            assert!(ours.0.verify_digest([0; $limbs], &raw), "{r} {form}");
                            assert!(!ours.0.verify_digest(small(1), &raw), "{r} {form}");
                            found += 1;
                        }
                    }
                }
                assert!(found > 8, "half of all x are on the curve: {found}");
            }

            #[test]
            fn keys_that_are_no_points_are_refused() {
                let generator = SigningKey::from_slice(&number(1)).unwrap();
                let point = generator.verifying_key().to_encoded_point(false);
                let point = point.as_bytes();
                assert!($parse(point).is_ok());
                assert!($parse(&point[..point.len() - 1]).is_err());
                assert!($parse(&[point, &[0]].concat()).is_err());
                assert!($parse(&[0]).is_err(), "the point at infinity");
                assert!($parse(&[]).is_err());
                for (at, bit) in [(SIZE, 1_u8), (2 * SIZE, 1), (1, 0x80)] {
                    let mut off = point.to_vec();
                    off[at] ^= bit;
                    assert!($parse(&off).is_err(), "off the curve at {at}");
                }
                for form in [0, 1, 6, 7, 0xff] {
                    assert!($parse(&[&[form], &point[1..]].concat()).is_err(), "form {form}");
                }
                assert!($parse(&[&[4][..], &[0; 2 * SIZE]].concat()).is_err(), "(0, 0)");
                // A small x is on the curve, and the same x with the prime added is another spelling of it.
                let (mut small, mut spelled) = (0, 0);
                for x in 0..20 {
                    let sound = $parse(&[&[2], &number(x)[..]].concat()).is_ok();
                    let long = near(&$curve::FIELD.modulus, i32::try_from(x).unwrap());
                    let other = $parse(&[&[2], &long[..]].concat()).is_ok();
                    small += u32::from(sound);
                    spelled += u32::from(other);
                }
                assert!(small > 2 && spelled == 0, "{small} {spelled}");
            }

            /// RFC 6979 appendix A.2, this curve's hash.
            #[test]
            fn the_published_signatures_hold() {
                let (x, y, signatures) = $published;
                let point = hex::decode(format!("04{x}{y}").to_lowercase()).unwrap();
                let key = $key::new(Theirs::from_sec1_bytes(&point).unwrap());
                for (message, r, s) in signatures {
                    let signature = hex::decode(format!("{r}{s}").to_lowercase()).unwrap();
                    assert!(agree(&key, message, &signature));
                    assert!(!agree(&key, b"other", &signature));
                }
            }
        }
    };
}

curve_tests!(
    on_p256,
    p256,
    P256PublicKey,
    P256,
    8,
    VerifyingKey::p256,
    (
        "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
        "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
        [
            (
                &b"sample"[..],
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
            (
                &b"test"[..],
                "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
                "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
            ),
        ],
    )
);

curve_tests!(
    on_p384,
    p384,
    P384PublicKey,
    P384,
    12,
    VerifyingKey::p384,
    (
        "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13",
        "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720",
        [
            (
                &b"sample"[..],
                "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
                "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
            ),
            (
                &b"test"[..],
                "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB",
                "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5",
            ),
        ],
    )
);
