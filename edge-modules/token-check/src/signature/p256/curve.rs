//! Points of P-256, and a sum of two multiples by interleaved combs (Lim and Lee, CRYPTO '94).
//!
//! A scalar is cut into 6 pieces of 43 bits. A table holds all 63 sums of the points `2^(43 k) P`, so one look-up adds a bit of every
//! piece at once, and 43 doublings serve all 258 bits of both scalars. The generator's table is worked out at compile time, a key's in
//! about as long as two verifications.

use super::modular::{FIELD, Limbs, is_zero};

/// Bits in a piece.
const SPACING: usize = 43;
/// Pieces.
const TEETH: usize = 6;

/// A point that is not at infinity, coordinates in Montgomery form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Affine {
    pub(super) x: Limbs,
    pub(super) y: Limbs,
}

/// A point `(x / z^2, y / z^3)`; at infinity when z is zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jacobian {
    pub(super) x: Limbs,
    pub(super) y: Limbs,
    pub(super) z: Limbs,
}

/// The generator (SP 800-186 section 3.2.1.3).
const GENERATOR: Affine = Affine {
    x: FIELD.enter(&[
        0xd898_c296,
        0xf4a1_3945,
        0x2deb_33a0,
        0x7703_7d81,
        0x63a4_40f2,
        0xf8bc_e6e5,
        0xe12c_4247,
        0x6b17_d1f2,
    ]),
    y: FIELD.enter(&[
        0x37bf_51f5,
        0xcbb6_4068,
        0x6b31_5ece,
        0x2bce_3357,
        0x7c0f_9e16,
        0x8ee7_eb4a,
        0xfe1a_7f9b,
        0x4fe3_42e2,
    ]),
};

/// The table of the generator.
#[allow(long_running_const_eval)] // About three thousand multiplications, in well under a second.
pub(super) static GENERATOR_TABLE: Table = Table::of(&GENERATOR);

/// All sums of the points `2^(43 k) P`: entry `j` is the sum over the bits of `j`; entry 0 is not used.
#[derive(Debug, Clone)]
pub(super) struct Table([Affine; 1 << TEETH]);

impl Table {
    /// The table of a point. No two sums in it are equal or opposite, since all are multiples of P far below the order, so the additions
    /// meet no special case.
    pub(super) const fn of(point: &Affine) -> Self {
        let mut sums = [Jacobian {
            x: point.x,
            y: point.y,
            z: FIELD.one,
        }; 1 << TEETH];
        let mut tooth = 1;
        while tooth < TEETH {
            let mut base = sums[1 << (tooth - 1)];
            let mut bit = 0;
            while bit < SPACING {
                base = base.double();
                bit += 1;
            }
            sums[1 << tooth] = base;
            tooth += 1;
        }
        let bases = to_affine(&sums);
        let mut at = 3_usize;
        while at < 1 << TEETH {
            let top = 1_usize << at.ilog2();
            if at != top {
                sums[at] = sums[at - top].add(&bases[top]);
            }
            at += 1;
        }
        Self(to_affine(&sums))
    }
}

/// All points at once, with one inversion (Montgomery's trick). None of them is at infinity.
const fn to_affine(points: &[Jacobian; 1 << TEETH]) -> [Affine; 1 << TEETH] {
    let mut products = [FIELD.one; 1 << TEETH];
    let mut at = 1;
    while at < 1 << TEETH {
        products[at] = FIELD.multiply(&products[at - 1], &points[at].z);
        at += 1;
    }
    let mut inverse = FIELD.invert(&products[at - 1]);
    let mut out = [Affine {
        x: points[0].x,
        y: points[0].y,
    }; 1 << TEETH];
    while at > 1 {
        at -= 1;
        let z = FIELD.multiply(&inverse, &products[at - 1]);
        inverse = FIELD.multiply(&inverse, &points[at].z);
        let z2 = FIELD.multiply(&z, &z);
        out[at].x = FIELD.multiply(&points[at].x, &z2);
        out[at].y = FIELD.multiply(&points[at].y, &FIELD.multiply(&z2, &z));
    }
    out
}

/// `a A + b B` for the points of two tables.
pub(super) fn sum(a: &Limbs, table_a: &Table, b: &Limbs, table_b: &Table) -> Jacobian {
    let mut total = Jacobian {
        x: FIELD.one,
        y: FIELD.one,
        z: [0; 8],
    };
    for row in (0..SPACING).rev() {
        total = total.double();
        for (scalar, table) in [(a, table_a), (b, table_b)] {
            let digit = digit(scalar, row);
            if digit != 0 {
                total = total.add(&table.0[digit]);
            }
        }
    }
    total
}

/// One bit of every piece.
fn digit(scalar: &Limbs, row: usize) -> usize {
    let mut digit = 0;
    for tooth in 0..TEETH {
        let bit = tooth * SPACING + row;
        if bit < 256 {
            digit |= ((scalar[bit / 32] >> (bit % 32) & 1) as usize) << tooth;
        }
    }
    digit
}

impl Jacobian {
    pub(super) const fn is_infinity(&self) -> bool {
        is_zero(&self.z)
    }

    /// Doubling for a = -3 (Bernstein and Lange's `dbl-2001-b`). Infinity stays: z3 = 2 y z.
    const fn double(&self) -> Self {
        let delta = FIELD.multiply(&self.z, &self.z);
        let gamma = FIELD.multiply(&self.y, &self.y);
        let beta = FIELD.multiply(&self.x, &gamma);
        let slope = FIELD.multiply(
            &FIELD.subtract(&self.x, &delta),
            &FIELD.add(&self.x, &delta),
        );
        let alpha = FIELD.add(&FIELD.add(&slope, &slope), &slope);
        let beta2 = FIELD.add(&beta, &beta);
        let beta4 = FIELD.add(&beta2, &beta2);
        let x = FIELD.subtract(&FIELD.multiply(&alpha, &alpha), &FIELD.add(&beta4, &beta4));
        let yz = FIELD.multiply(&self.y, &self.z);
        let gamma2 = FIELD.multiply(&gamma, &gamma);
        let gamma4 = FIELD.add(&gamma2, &gamma2);
        let gamma4 = FIELD.add(&gamma4, &gamma4);
        let y = FIELD.multiply(&alpha, &FIELD.subtract(&beta4, &x));
        Self {
            x,
            y: FIELD.subtract(&y, &FIELD.add(&gamma4, &gamma4)),
            z: FIELD.add(&yz, &yz),
        }
    }

    /// Adds a point that is not at infinity, whatever this one is.
    const fn add(&self, other: &Affine) -> Self {
        if self.is_infinity() {
            return Self {
                x: other.x,
                y: other.y,
                z: FIELD.one,
            };
        }
        let z2 = FIELD.multiply(&self.z, &self.z);
        let u = FIELD.multiply(&other.x, &z2);
        let s = FIELD.multiply(&other.y, &FIELD.multiply(&z2, &self.z));
        let h = FIELD.subtract(&u, &self.x);
        let r = FIELD.subtract(&s, &self.y);
        if is_zero(&h) {
            // The same point, or its opposite.
            return if is_zero(&r) {
                self.double()
            } else {
                Self {
                    x: FIELD.one,
                    y: FIELD.one,
                    z: [0; 8],
                }
            };
        }
        let h2 = FIELD.multiply(&h, &h);
        let h3 = FIELD.multiply(&h, &h2);
        let v = FIELD.multiply(&self.x, &h2);
        let x = FIELD.subtract(&FIELD.multiply(&r, &r), &FIELD.add(&h3, &FIELD.add(&v, &v)));
        let y = FIELD.multiply(&r, &FIELD.subtract(&v, &x));
        let y = FIELD.subtract(&y, &FIELD.multiply(&self.y, &h3));
        Self {
            x,
            y,
            z: FIELD.multiply(&self.z, &h),
        }
    }

    #[cfg(test)]
    pub(super) fn to_affine(self) -> Affine {
        let z = FIELD.invert(&self.z);
        let z2 = FIELD.multiply(&z, &z);
        Affine {
            x: FIELD.multiply(&self.x, &z2),
            y: FIELD.multiply(&self.y, &FIELD.multiply(&z2, &z)),
        }
    }
}
