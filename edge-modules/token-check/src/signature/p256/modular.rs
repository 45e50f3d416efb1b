//! Arithmetic modulo the field's prime and the group's order: 256 bits in eight 32-bit limbs, Montgomery multiplication.
//!
//! 32-bit limbs because WebAssembly multiplies 64 by 64 bits to the low 64 alone: a 32 by 32 bit product is what it has whole.

/// A number below 2^256, least limb first.
pub(super) type Limbs = [u32; 8];

/// A modulus with what Montgomery multiplication needs.
#[derive(Debug)]
pub(super) struct Modulus {
    /// The modulus, odd, above 2^255.
    pub(super) modulus: Limbs,
    /// `-modulus^-1 mod 2^32`.
    inverse: u32,
    /// `2^512 mod modulus`.
    square: Limbs,
    /// `2^256 mod modulus`: one, in Montgomery form.
    pub(super) one: Limbs,
}

/// The prime of the field: 2^256 - 2^224 + 2^192 + 2^96 - 1 (SP 800-186 section 3.2.1.3).
const P: Limbs = [
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0,
    0,
    0,
    1,
    0xffff_ffff,
];
/// The order of the group.
const N: Limbs = [
    0xfc63_2551,
    0xf3b9_cac2,
    0xa717_9e84,
    0xbce6_faad,
    0xffff_ffff,
    0xffff_ffff,
    0,
    0xffff_ffff,
];

pub(super) const FIELD: Modulus = Modulus::new(P);
pub(super) const ORDER: Modulus = Modulus::new(N);

impl Modulus {
    const fn new(modulus: Limbs) -> Self {
        // Newton's iteration: each round doubles the number of right bits, from 3.
        let mut inverse = modulus[0];
        let mut round = 0;
        while round < 4 {
            inverse = inverse.wrapping_mul(2_u32.wrapping_sub(modulus[0].wrapping_mul(inverse)));
            round += 1;
        }
        // 2^256 - m is below m, since m is above 2^255; doubling it 256 times gives 2^512.
        let (one, _) = subtract(&[0; 8], &modulus);
        let mut square = one;
        let mut bit = 0;
        while bit < 256 {
            square = add(&square, &square, &modulus);
            bit += 1;
        }
        Self {
            modulus,
            inverse: inverse.wrapping_neg(),
            square,
            one,
        }
    }

    /// `a b 2^-256 mod m`.
    #[inline]
    pub(super) const fn multiply(&self, a: &Limbs, b: &Limbs) -> Limbs {
        multiply(a, b, &self.modulus, self.inverse)
    }

    /// `a + b mod m`, both below m.
    #[inline]
    pub(super) const fn add(&self, a: &Limbs, b: &Limbs) -> Limbs {
        add(a, b, &self.modulus)
    }

    /// `a - b mod m`, both below m.
    #[inline]
    pub(super) const fn subtract(&self, a: &Limbs, b: &Limbs) -> Limbs {
        match subtract(a, b) {
            (difference, false) => difference,
            (difference, true) => add_carry(&difference, &self.modulus).0,
        }
    }

    /// Into Montgomery form.
    pub(super) const fn enter(&self, a: &Limbs) -> Limbs {
        self.multiply(a, &self.square)
    }

    /// A number below 2^256, made less than m.
    pub(super) const fn reduce_once(&self, a: Limbs) -> Limbs {
        if less(&a, &self.modulus) {
            a
        } else {
            subtract(&a, &self.modulus).0
        }
    }

    /// The inverse, both in Montgomery form, by Fermat's little theorem with a window of four bits. Zero stays zero.
    pub(super) const fn invert(&self, a: &Limbs) -> Limbs {
        let mut powers = [self.one; 16];
        let mut at = 1;
        while at < 16 {
            powers[at] = self.multiply(&powers[at - 1], a);
            at += 1;
        }
        let (exponent, _) = subtract(&self.modulus, &[2, 0, 0, 0, 0, 0, 0, 0]);
        let mut result = self.one;
        let mut window = 64;
        while window > 0 {
            window -= 1;
            let mut bit = 0;
            while bit < 4 {
                result = self.multiply(&result, &result);
                bit += 1;
            }
            let digit = exponent[window / 8] >> (window % 8 * 4) & 15;
            result = self.multiply(&result, &powers[digit as usize]);
        }
        result
    }
}

#[allow(clippy::cast_possible_truncation)] // The low half is what is wanted.
const fn low(value: u64) -> u32 {
    value as u32
}

/// Both loops of a row run together; with the modulus known at compile time its products with 0, 1 and 2^32 - 1 become shifts.
#[inline(always)]
const fn multiply(a: &Limbs, b: &Limbs, modulus: &Limbs, inverse: u32) -> Limbs {
    let mut sum = [0_u32; 8];
    let mut top = 0_u64;
    let mut row = 0;
    while row < 8 {
        let factor = b[row] as u64;
        let product = a[0] as u64 * factor + sum[0] as u64;
        let quotient = low(product).wrapping_mul(inverse) as u64;
        let mut carry_a = product >> 32;
        let mut carry_m = (quotient * modulus[0] as u64 + low(product) as u64) >> 32;
        let mut at = 1;
        while at < 8 {
            // Each line stays below 2^64: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
            let product = a[at] as u64 * factor + sum[at] as u64 + carry_a;
            carry_a = product >> 32;
            let reduced = quotient * modulus[at] as u64 + low(product) as u64 + carry_m;
            carry_m = reduced >> 32;
            sum[at - 1] = low(reduced);
            at += 1;
        }
        let last = carry_a + carry_m + top;
        sum[7] = low(last);
        top = last >> 32;
        row += 1;
    }
    if top != 0 || !less(&sum, modulus) {
        subtract(&sum, modulus).0
    } else {
        sum
    }
}

#[inline(always)]
const fn add(a: &Limbs, b: &Limbs, modulus: &Limbs) -> Limbs {
    let (sum, carry) = add_carry(a, b);
    if carry || !less(&sum, modulus) {
        subtract(&sum, modulus).0
    } else {
        sum
    }
}

#[inline(always)]
const fn add_carry(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
    let mut sum = [0; 8];
    let mut carry = 0_u64;
    let mut at = 0;
    while at < 8 {
        let limb = a[at] as u64 + b[at] as u64 + carry;
        sum[at] = low(limb);
        carry = limb >> 32;
        at += 1;
    }
    (sum, carry != 0)
}

#[inline(always)]
const fn subtract(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
    let mut difference = [0; 8];
    let mut borrow = 0_u64;
    let mut at = 0;
    while at < 8 {
        let limb = (a[at] as u64)
            .wrapping_sub(b[at] as u64)
            .wrapping_sub(borrow);
        difference[at] = low(limb);
        borrow = limb >> 63;
        at += 1;
    }
    (difference, borrow != 0)
}

/// True when `a` is below `b`.
#[inline(always)]
pub(super) const fn less(a: &Limbs, b: &Limbs) -> bool {
    let mut at = 8;
    while at > 0 {
        at -= 1;
        if a[at] != b[at] {
            return a[at] < b[at];
        }
    }
    false
}

/// True for zero.
pub(super) const fn is_zero(a: &Limbs) -> bool {
    let mut at = 0;
    while at < 8 {
        if a[at] != 0 {
            return false;
        }
        at += 1;
    }
    true
}

/// `a + b` when it is below 2^256.
pub(super) fn add_plain(a: &Limbs, b: &Limbs) -> Option<Limbs> {
    match add_carry(a, b) {
        (sum, false) => Some(sum),
        (_, true) => None,
    }
}

/// `a - b`, for `b` not above `a`.
#[cfg(test)]
pub(super) fn subtract_plain(a: &Limbs, b: &Limbs) -> Limbs {
    subtract(a, b).0
}

/// Reads 32 bytes, big endian.
pub(super) fn from_bytes(bytes: &[u8; 32]) -> Limbs {
    let mut limbs = [0; 8];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(4)) {
        *limb = chunk
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    }
    limbs
}
