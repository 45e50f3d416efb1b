//! Arithmetic modulo a field's prime and a group's order: `N` limbs of 32 bits, Montgomery multiplication.
//!
//! 32-bit limbs because WebAssembly multiplies 64 by 64 bits to the low 64 alone: a 32 by 32 bit product is what it has whole.

/// A number below 2^(32 N), least limb first.
pub(super) type Limbs<const N: usize> = [u32; N];

/// A modulus with what Montgomery multiplication needs. R is 2^(32 N).
#[derive(Debug)]
pub(super) struct Modulus<const N: usize> {
    /// The modulus, odd, above R / 2.
    pub(super) modulus: Limbs<N>,
    /// `-modulus^-1 mod 2^32`.
    inverse: u32,
    /// `R^2 mod modulus`.
    square: Limbs<N>,
    /// `R mod modulus`: one, in Montgomery form.
    pub(super) one: Limbs<N>,
}

impl<const N: usize> Modulus<N> {
    /// A modulus in hexadecimal, its highest bit set.
    pub(super) const fn new(modulus: &str) -> Self {
        let modulus = from_hex(modulus);
        // Newton's iteration: each round doubles the number of right bits, from 3.
        let mut inverse = modulus[0];
        let mut round = 0;
        while round < 4 {
            inverse = inverse.wrapping_mul(2_u32.wrapping_sub(modulus[0].wrapping_mul(inverse)));
            round += 1;
        }
        // R - m is below m, since m is above R / 2; doubling it as often as R has bits gives R^2.
        let (one, _) = subtract(&[0; N], &modulus);
        let mut square = one;
        let mut bit = 0;
        while bit < 32 * N {
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

    /// `a b R^-1 mod m`.
    #[inline]
    pub(super) const fn multiply(&self, a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
        multiply(a, b, &self.modulus, self.inverse)
    }

    /// `a + b mod m`, both below m.
    #[inline]
    pub(super) const fn add(&self, a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
        add(a, b, &self.modulus)
    }

    /// `a - b mod m`, both below m.
    #[inline]
    pub(super) const fn subtract(&self, a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
        match subtract(a, b) {
            (difference, false) => difference,
            (difference, true) => add_carry(&difference, &self.modulus).0,
        }
    }

    /// Into Montgomery form.
    pub(super) const fn enter(&self, a: &Limbs<N>) -> Limbs<N> {
        self.multiply(a, &self.square)
    }

    /// A number below R, made less than m.
    pub(super) const fn reduce_once(&self, a: Limbs<N>) -> Limbs<N> {
        if less(&a, &self.modulus) {
            a
        } else {
            subtract(&a, &self.modulus).0
        }
    }

    /// The inverse, both in Montgomery form, by Fermat's little theorem with a window of four bits. Zero stays zero.
    pub(super) const fn invert(&self, a: &Limbs<N>) -> Limbs<N> {
        let mut powers = [self.one; 16];
        let mut at = 1;
        while at < 16 {
            powers[at] = self.multiply(&powers[at - 1], a);
            at += 1;
        }
        let mut two = [0; N];
        two[0] = 2;
        let (exponent, _) = subtract(&self.modulus, &two);
        let mut result = self.one;
        let mut window = 8 * N;
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
const fn multiply<const N: usize>(
    a: &Limbs<N>,
    b: &Limbs<N>,
    modulus: &Limbs<N>,
    inverse: u32,
) -> Limbs<N> {
    let mut sum = [0_u32; N];
    let mut top = 0_u64;
    let mut row = 0;
    while row < N {
        let factor = b[row] as u64;
        let product = a[0] as u64 * factor + sum[0] as u64;
        let quotient = low(product).wrapping_mul(inverse) as u64;
        let mut carry_a = product >> 32;
        let mut carry_m = (quotient * modulus[0] as u64 + low(product) as u64) >> 32;
        let mut at = 1;
        while at < N {
            // Each line stays below 2^64: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
            let product = a[at] as u64 * factor + sum[at] as u64 + carry_a;
            carry_a = product >> 32;
            let reduced = quotient * modulus[at] as u64 + low(product) as u64 + carry_m;
            carry_m = reduced >> 32;
            sum[at - 1] = low(reduced);
            at += 1;
        }
        let last = carry_a + carry_m + top;
        sum[N - 1] = low(last);
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
const fn add<const N: usize>(a: &Limbs<N>, b: &Limbs<N>, modulus: &Limbs<N>) -> Limbs<N> {
    let (sum, carry) = add_carry(a, b);
    if carry || !less(&sum, modulus) {
        subtract(&sum, modulus).0
    } else {
        sum
    }
}

#[inline(always)]
const fn add_carry<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> (Limbs<N>, bool) {
    let mut sum = [0; N];
    let mut carry = 0_u64;
    let mut at = 0;
    while at < N {
        let limb = a[at] as u64 + b[at] as u64 + carry;
        sum[at] = low(limb);
        carry = limb >> 32;
        at += 1;
    }
    (sum, carry != 0)
}

#[inline(always)]
const fn subtract<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> (Limbs<N>, bool) {
    let mut difference = [0; N];
    let mut borrow = 0_u64;
    let mut at = 0;
    while at < N {
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
pub(super) const fn less<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> bool {
    let mut at = N;
    while at > 0 {
        at -= 1;
        if a[at] != b[at] {
            return a[at] < b[at];
        }
    }
    false
}

/// True for zero.
pub(super) const fn is_zero<const N: usize>(a: &Limbs<N>) -> bool {
    let mut at = 0;
    while at < N {
        if a[at] != 0 {
            return false;
        }
        at += 1;
    }
    true
}

/// `a + b` when it is below R.
pub(super) fn add_plain<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> Option<Limbs<N>> {
    match add_carry(a, b) {
        (sum, false) => Some(sum),
        (_, true) => None,
    }
}

/// `a - b`, for `b` not above `a`.
#[cfg(test)]
pub(super) fn subtract_plain<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
    subtract(a, b).0
}

/// Reads a number of just this length, big endian.
pub(super) fn from_bytes<const N: usize>(bytes: &[u8]) -> Option<Limbs<N>> {
    if bytes.len() != 4 * N {
        return None;
    }
    let mut limbs = [0; N];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(4)) {
        *limb = chunk
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    }
    Some(limbs)
}

/// Reads a number written in this program: lower case hexadecimal of just this length.
pub(super) const fn from_hex<const N: usize>(text: &str) -> Limbs<N> {
    let digits = text.as_bytes();
    assert!(digits.len() == 8 * N, "eight digits for each limb");
    let mut limbs = [0; N];
    let mut at = 0;
    while at < digits.len() {
        let digit = match digits[at] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit => digit - b'a' + 10,
        };
        let limb = N - 1 - at / 8;
        limbs[limb] = limbs[limb] << 4 | digit as u32;
        at += 1;
    }
    limbs
}
