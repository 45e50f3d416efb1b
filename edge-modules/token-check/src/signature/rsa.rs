//! RSA signature verification (RFC 8017): PKCS #1 v1.5 and PSS over a small Montgomery multiplication.
//!
//! Verification handles public values alone, so nothing here needs constant time, and the public exponent is short. The general
//! big-number crates took 740 us for one 2048-bit check in wasm; this takes about a fifth of that. Signing is left to the `rsa` crate.

use sha2::Digest;

use super::{Algorithm, KeyError};

/// An RSA public key with what Montgomery multiplication needs, worked out once.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPublicKey {
    /// Little endian limbs; the top limb is not zero.
    modulus: Vec<u32>,
    exponent: u64,
    /// Length of a signature in bytes.
    bytes: usize,
    bits: usize,
    /// `-modulus^-1 mod 2^32`.
    inverse: u32,
    /// `2^(64 n) mod modulus` for n limbs: takes a number into Montgomery form.
    square: Vec<u32>,
}

const ALLOWED: &str = "2048 to 8192";

impl RsaPublicKey {
    /// A key from modulus and exponent, big endian; leading zeros are dropped.
    ///
    /// # Errors
    /// A size outside 2048 to 8192 bits, an even modulus, or an exponent that is even, below 3 or above 2^33 (the bound that
    /// keeps one check cheap; in practice it is 65537).
    pub(super) fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let modulus = strip(modulus);
        let first = *modulus
            .first()
            .ok_or(KeyError::Malformed("an empty modulus"))?;
        let bits = modulus.len() * 8 - first.leading_zeros() as usize;
        if !(2048..=8192).contains(&bits) {
            return Err(KeyError::Size {
                bits,
                allowed: ALLOWED,
            });
        }
        if modulus.last().is_none_or(|byte| byte % 2 == 0) {
            return Err(KeyError::Malformed("an even modulus"));
        }
        let exponent = strip(exponent);
        if exponent.len() > 5 {
            return Err(KeyError::Malformed("an exponent above 2^33"));
        }
        let exponent = exponent
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        if exponent < 3 || exponent % 2 == 0 || exponent > 1 << 33 {
            return Err(KeyError::Malformed(
                "an exponent that is even, below 3 or above 2^33",
            ));
        }
        let bytes = modulus.len();
        let modulus = limbs(modulus, bytes.div_ceil(4));
        let inverse = negated_inverse(modulus[0]);
        let square = montgomery_square(&modulus);
        Ok(Self {
            modulus,
            exponent,
            bytes,
            bits,
            inverse,
            square,
        })
    }

    /// The modulus, big endian without leading zeros.
    pub fn modulus(&self) -> Vec<u8> {
        to_bytes(&self.modulus, self.bytes)
    }

    /// The exponent, big endian without leading zeros.
    pub fn exponent(&self) -> Vec<u8> {
        strip(&self.exponent.to_be_bytes()).to_vec()
    }

    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some(encoded) = self.recover(signature) else {
            return false;
        };
        match algorithm {
            Algorithm::Rs1 => pkcs1v15(&encoded, SHA1_INFO, &sha1::Sha1::digest(message)),
            Algorithm::Rs256 => pkcs1v15(&encoded, SHA256_INFO, &sha2::Sha256::digest(message)),
            Algorithm::Rs384 => pkcs1v15(&encoded, SHA384_INFO, &sha2::Sha384::digest(message)),
            Algorithm::Rs512 => pkcs1v15(&encoded, SHA512_INFO, &sha2::Sha512::digest(message)),
            Algorithm::Ps256 => pss::<sha2::Sha256>(&encoded, self.bits, message),
            Algorithm::Ps384 => pss::<sha2::Sha384>(&encoded, self.bits, message),
            Algorithm::Ps512 => pss::<sha2::Sha512>(&encoded, self.bits, message),
            _ => false,
        }
    }

    /// RSAVP1 (RFC 8017 section 5.2.2) with the length checks of sections 8.1.2 and 8.2.2: exactly as many bytes as the modulus, below it.
    fn recover(&self, signature: &[u8]) -> Option<Vec<u8>> {
        if signature.len() != self.bytes {
            return None;
        }
        let base = limbs(signature, self.modulus.len());
        if !less(&base, &self.modulus) {
            return None;
        }
        let base = self.multiply(&base, &self.square);
        let mut power = base.clone();
        let top = 63 - self.exponent.leading_zeros();
        for bit in (0..top).rev() {
            power = self.multiply(&power, &power);
            if self.exponent >> bit & 1 == 1 {
                power = self.multiply(&power, &base);
            }
        }
        let mut one = vec![0; self.modulus.len()];
        one[0] = 1;
        Some(to_bytes(&self.multiply(&power, &one), self.bytes))
    }

    /// Montgomery product `a b 2^(-32 n) mod modulus`, both loops of a row run together so that each limb is loaded once.
    fn multiply(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let modulus = self.modulus.as_slice();
        let n = modulus.len();
        let (a, b) = (&a[..n], &b[..n]);
        let mut sum = vec![0_u32; n];
        let mut top = 0_u64;
        for &factor in b {
            let factor = u64::from(factor);
            let product = u64::from(a[0]) * factor + u64::from(sum[0]);
            let quotient = u64::from(low(product).wrapping_mul(self.inverse));
            let reduced = quotient * u64::from(modulus[0]) + u64::from(low(product));
            let (mut carry_a, mut carry_m) = (product >> 32, reduced >> 32);
            for at in 1..n {
                // Each line stays below 2^64: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
                let product = u64::from(a[at]) * factor + u64::from(sum[at]) + carry_a;
                carry_a = product >> 32;
                let reduced = quotient * u64::from(modulus[at]) + u64::from(low(product)) + carry_m;
                carry_m = reduced >> 32;
                sum[at - 1] = low(reduced);
            }
            let last = carry_a + carry_m + top;
            sum[n - 1] = low(last);
            top = last >> 32;
        }
        if top != 0 || !less(&sum, modulus) {
            subtract(&mut sum, modulus);
        }
        sum
    }
}

#[allow(clippy::cast_possible_truncation)] // The low half is what is wanted.
fn low(value: u64) -> u32 {
    value as u32
}

fn strip(mut bytes: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

fn limbs(bytes: &[u8], count: usize) -> Vec<u32> {
    let mut list: Vec<u32> = bytes
        .rchunks(4)
        .map(|chunk| {
            chunk
                .iter()
                .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
        })
        .collect();
    list.resize(count, 0);
    list
}

fn to_bytes(limbs: &[u32], length: usize) -> Vec<u8> {
    let all: Vec<u8> = limbs
        .iter()
        .rev()
        .flat_map(|limb| limb.to_be_bytes())
        .collect();
    // The number is below the modulus, which has `length` bytes, so only zeros are cut.
    all[all.len() - length..].to_vec()
}

fn less(a: &[u32], b: &[u32]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

fn subtract(a: &mut [u32], b: &[u32]) {
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b) {
        let (difference, first) = a.overflowing_sub(*b);
        let (difference, second) = difference.overflowing_sub(u32::from(borrow));
        *a = difference;
        borrow = first | second;
    }
}

/// `-odd^-1 mod 2^32` by Newton's iteration; each round doubles the number of right bits, from 3.
fn negated_inverse(odd: u32) -> u32 {
    let mut inverse = odd;
    for _ in 0..4 {
        inverse = inverse.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

/// `2^(64 n) mod modulus` by doubling: run once for each key.
fn montgomery_square(modulus: &[u32]) -> Vec<u32> {
    let n = modulus.len();
    let mut value = vec![0_u32; n];
    value[0] = 1;
    for _ in 0..64 * n {
        let mut carry = 0;
        for limb in &mut value {
            let out = *limb >> 31;
            *limb = *limb << 1 | carry;
            carry = out;
        }
        if carry == 1 || !less(&value, modulus) {
            subtract(&mut value, modulus);
        }
    }
    value
}

// DigestInfo up to the digest itself (RFC 8017 section 9.2, note 1).
pub(super) const SHA1_INFO: &[u8] = &[
    0x30, 0x21, 0x30, 0x09, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14,
];
const SHA256_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20,
];
const SHA384_INFO: &[u8] = &[
    0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30,
];
const SHA512_INFO: &[u8] = &[
    0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40,
];

/// EMSA-PKCS1-v1_5 by comparison of the whole encoding, never by parsing it (RFC 8017 section 8.2.2, and Bleichenbacher 2006).
fn pkcs1v15(encoded: &[u8], info: &[u8], digest: &[u8]) -> bool {
    let Some(padding) = encoded.len().checked_sub(info.len() + digest.len() + 3) else {
        return false;
    };
    let (head, tail) = encoded.split_at(padding + 2);
    let (zero, tail) = (tail.first(), &tail[1..]);
    head[..2] == [0, 1]
        && padding >= 8
        && head[2..].iter().all(|byte| *byte == 0xff)
        && zero == Some(&0)
        && &tail[..info.len()] == info
        && &tail[info.len()..] == digest
}

/// EMSA-PSS-VERIFY (RFC 8017 section 9.1.2), salt as long as the hash, MGF1 with the same hash (RFC 7518 section 3.5).
fn pss<H: Digest>(encoded: &[u8], modulus_bits: usize, message: &[u8]) -> bool {
    let hash_length = <H as Digest>::output_size();
    let encoded_bits = modulus_bits - 1;
    let length = encoded_bits.div_ceil(8);
    // When the encoding is one byte shorter than the modulus that byte must be zero.
    let Some(skip) = encoded.len().checked_sub(length) else {
        return false;
    };
    let (lead, encoded) = encoded.split_at(skip);
    if lead.iter().any(|byte| *byte != 0)
        || length < 2 * hash_length + 2
        || encoded.last() != Some(&0xbc)
    {
        return false;
    }
    let (masked, rest) = encoded.split_at(length - hash_length - 1);
    let hash = &rest[..hash_length];
    let unused = 8 * length - encoded_bits;
    let top_mask = 0xff_u8 >> unused;
    if masked[0] & !top_mask != 0 {
        return false;
    }
    let mut block = mgf1::<H>(hash, masked.len());
    for (byte, masked) in block.iter_mut().zip(masked) {
        *byte ^= masked;
    }
    block[0] &= top_mask;
    let (zeros, salt) = block.split_at(block.len() - hash_length);
    let Some((one, zeros)) = zeros.split_last() else {
        return false;
    };
    if *one != 1 || zeros.iter().any(|byte| *byte != 0) {
        return false;
    }
    let mut digest = H::new();
    digest.update([0_u8; 8]);
    digest.update(H::digest(message));
    digest.update(salt);
    digest.finalize()[..] == *hash
}

/// MGF1 (RFC 8017 appendix B.2.1).
fn mgf1<H: Digest>(seed: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + <H as Digest>::output_size());
    for counter in 0_u32.. {
        if out.len() >= length {
            break;
        }
        let mut digest = H::new();
        digest.update(seed);
        digest.update(counter.to_be_bytes());
        out.extend_from_slice(&digest.finalize());
    }
    out.truncate(length);
    out
}
