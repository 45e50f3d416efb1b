//! Points of a curve `y^2 = x^3 - 3 x + b`, and a sum of two multiples by interleaved combs (Lim and Lee, CRYPTO '94).
//!
//! A scalar is cut into 6 pieces, of 43 bits for P-256 and 64 for P-384. A table holds all 63 sums of the points `2^(43 k) P`, so one
//! look-up adds a bit of every piece at once, and 43 doublings serve all 258 bits of both scalars. The generator's table is worked out
//! at compile time, a key's in about as long as two verifications.

use super::modular::{Limbs, Modulus, from_bytes, is_zero};

/// A curve over a prime field of 32 N bits, with a = -3 and a group of prime order. Its constants are the curve's, not values passed
/// around, so that the compiler sees through every product with them.
pub(super) trait Curve<const N: usize> {
    /// The prime of the field.
    const FIELD: &'static Modulus<N>;
    /// The order of the group.
    const ORDER: &'static Modulus<N>;
    /// Bits in a piece of a scalar.
    const SPACING: usize;
    /// The key as the crate has it that parsed it.
    type Public: Clone;

    /// The table of the generator.
    fn generator() -> &'static Table<N>;
    /// The coordinates of a key, in Montgomery form.
    fn point(public: &Self::Public) -> Affine<N>;
    /// The hash that belongs to the curve, as long as the order.
    fn digest(message: &[u8]) -> Limbs<N>;
}

/// Pieces of a scalar.
const TEETH: usize = 6;

/// A point that is not at infinity, coordinates in Montgomery form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Affine<const N: usize> {
    pub(super) x: Limbs<N>,
    pub(super) y: Limbs<N>,
}

impl<const N: usize> Affine<N> {
    /// The point with these coordinates as big-endian bytes, which a key that was parsed has.
    pub(super) fn of(field: &Modulus<N>, [x, y]: [Option<&[u8]>; 2]) -> Self {
        let enter =
            |bytes: Option<&[u8]>| field.enter(&bytes.and_then(from_bytes).unwrap_or([0; N]));
        Self {
            x: enter(x),
            y: enter(y),
        }
    }
}

/// A point `(x / z^2, y / z^3)`; at infinity when z is zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jacobian<const N: usize> {
    pub(super) x: Limbs<N>,
    pub(super) y: Limbs<N>,
    pub(super) z: Limbs<N>,
}

/// All sums of the points `2^(43 k) P`: entry `j` is the sum over the bits of `j`; entry 0 is not used.
#[derive(Debug, Clone)]
pub(super) struct Table<const N: usize>([Affine<N>; 1 << TEETH]);

impl<const N: usize> Table<N> {
    /// The table of a point. No two sums in it are equal or opposite, since all are multiples of P far below the order, so the additions
    /// meet no special case.
    pub(super) const fn of<C: Curve<N>>(point: &Affine<N>) -> Self {
        let mut sums = [Jacobian {
            x: point.x,
            y: point.y,
            z: C::FIELD.one,
        }; 1 << TEETH];
        let mut tooth = 1;
        while tooth < TEETH {
            let mut base = sums[1 << (tooth - 1)];
            let mut bit = 0;
            while bit < C::SPACING {
                base = base.double::<C>();
                bit += 1;
            }
            sums[1 << tooth] = base;
            tooth += 1;
        }
        let bases = to_affine::<C, N>(&sums);
        let mut at = 3_usize;
        while at < 1 << TEETH {
            let top = 1_usize << at.ilog2();
            if at != top {
                sums[at] = sums[at - top].add::<C>(&bases[top]);
            }
            at += 1;
        }
        Self(to_affine::<C, N>(&sums))
    }
}

/// All points at once, with one inversion (Montgomery's trick). None of them is at infinity.
const fn to_affine<C: Curve<N>, const N: usize>(
    points: &[Jacobian<N>; 1 << TEETH],
) -> [Affine<N>; 1 << TEETH] {
    let mut products = [C::FIELD.one; 1 << TEETH];
    let mut at = 1;
    while at < 1 << TEETH {
        products[at] = C::FIELD.multiply(&products[at - 1], &points[at].z);
        at += 1;
    }
    let mut inverse = C::FIELD.invert(&products[at - 1]);
    let mut out = [Affine {
        x: points[0].x,
        y: points[0].y,
    }; 1 << TEETH];
    while at > 1 {
        at -= 1;
        let z = C::FIELD.multiply(&inverse, &products[at - 1]);
        inverse = C::FIELD.multiply(&inverse, &points[at].z);
        let z2 = C::FIELD.multiply(&z, &z);
        out[at].x = C::FIELD.multiply(&points[at].x, &z2);
        out[at].y = C::FIELD.multiply(&points[at].y, &C::FIELD.multiply(&z2, &z));
    }
    out
}

/// `a A + b B` for the points of two tables.
pub(super) fn sum<C: Curve<N>, const N: usize>(
    a: &Limbs<N>,
    table_a: &Table<N>,
    b: &Limbs<N>,
    table_b: &Table<N>,
) -> Jacobian<N> {
    let mut total = Jacobian {
        x: C::FIELD.one,
        y: C::FIELD.one,
        z: [0; N],
    };
    for row in (0..C::SPACING).rev() {
        total = total.double::<C>();
        for (scalar, table) in [(a, table_a), (b, table_b)] {
            let digit = digit::<C, N>(scalar, row);
            if digit != 0 {
                total = total.add::<C>(&table.0[digit]);
            }
        }
    }
    total
}

/// One bit of every piece.
fn digit<C: Curve<N>, const N: usize>(scalar: &Limbs<N>, row: usize) -> usize {
    let mut digit = 0;
    for tooth in 0..TEETH {
        let bit = tooth * C::SPACING + row;
        if bit < 32 * N {
            digit |= ((scalar[bit / 32] >> (bit % 32) & 1) as usize) << tooth;
        }
    }
    digit
}

impl<const N: usize> Jacobian<N> {
    pub(super) const fn is_infinity(&self) -> bool {
        is_zero(&self.z)
    }

    /// Doubling for a = -3 (Bernstein and Lange's `dbl-2001-b`). Infinity stays: z3 = 2 y z.
    const fn double<C: Curve<N>>(&self) -> Self {
        let delta = C::FIELD.multiply(&self.z, &self.z);
        let gamma = C::FIELD.multiply(&self.y, &self.y);
        let beta = C::FIELD.multiply(&self.x, &gamma);
        let slope = C::FIELD.multiply(
            &C::FIELD.subtract(&self.x, &delta),
            &C::FIELD.add(&self.x, &delta),
        );
        let alpha = C::FIELD.add(&C::FIELD.add(&slope, &slope), &slope);
        let beta2 = C::FIELD.add(&beta, &beta);
        let beta4 = C::FIELD.add(&beta2, &beta2);
        let x = C::FIELD.subtract(
            &C::FIELD.multiply(&alpha, &alpha),
            &C::FIELD.add(&beta4, &beta4),
        );
        let yz = C::FIELD.multiply(&self.y, &self.z);
        let gamma2 = C::FIELD.multiply(&gamma, &gamma);
        let gamma4 = C::FIELD.add(&gamma2, &gamma2);
        let gamma4 = C::FIELD.add(&gamma4, &gamma4);
        let y = C::FIELD.multiply(&alpha, &C::FIELD.subtract(&beta4, &x));
        Self {
            x,
            y: C::FIELD.subtract(&y, &C::FIELD.add(&gamma4, &gamma4)),
            z: C::FIELD.add(&yz, &yz),
        }
    }

    /// Adds a point that is not at infinity, whatever this one is.
    const fn add<C: Curve<N>>(&self, other: &Affine<N>) -> Self {
        if self.is_infinity() {
            return Self {
                x: other.x,
                y: other.y,
                z: C::FIELD.one,
            };
        }
        let z2 = C::FIELD.multiply(&self.z, &self.z);
        let u = C::FIELD.multiply(&other.x, &z2);
        let s = C::FIELD.multiply(&other.y, &C::FIELD.multiply(&z2, &self.z));
        let h = C::FIELD.subtract(&u, &self.x);
        let r = C::FIELD.subtract(&s, &self.y);
        if is_zero(&h) {
            // The same point, or its opposite.
            return if is_zero(&r) {
                self.double::<C>()
            } else {
                Self {
                    x: C::FIELD.one,
                    y: C::FIELD.one,
                    z: [0; N],
                }
            };
        }
        let h2 = C::FIELD.multiply(&h, &h);
        let h3 = C::FIELD.multiply(&h, &h2);
        let v = C::FIELD.multiply(&self.x, &h2);
        let x = C::FIELD.subtract(
            &C::FIELD.multiply(&r, &r),
            &C::FIELD.add(&h3, &C::FIELD.add(&v, &v)),
        );
        let y = C::FIELD.multiply(&r, &C::FIELD.subtract(&v, &x));
        let y = C::FIELD.subtract(&y, &C::FIELD.multiply(&self.y, &h3));
        Self {
            x,
            y,
            z: C::FIELD.multiply(&self.z, &h),
        }
    }

    #[cfg(test)]
    pub(super) fn to_affine<C: Curve<N>>(self) -> Affine<N> {
        let z = C::FIELD.invert(&self.z);
        let z2 = C::FIELD.multiply(&z, &z);
        Affine {
            x: C::FIELD.multiply(&self.x, &z2),
            y: C::FIELD.multiply(&self.y, &C::FIELD.multiply(&z2, &z)),
        }
    }
}
