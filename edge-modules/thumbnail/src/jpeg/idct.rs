//! Inverse cosine transforms to 8x8, 4x4, 2x2 and 1x1 pixels. The smaller ones use the lowest frequencies alone, which reduces
//! the picture as it is decoded. The arithmetic is that of libjpeg's accurate integer transform (`jidctint.c`: Loeffler,
//! Ligtenberg and Moschytz, 1989), in lanes of eight so that the compiler can keep them in vector registers. It wraps where a
//! hostile file would overflow.

use super::frame::Scale;

/// Dequantized coefficients in natural order. At smaller scales only the first rows and columns are used.
pub(super) type Block = [i32; 64];

/// Fraction bits of the constants.
const BITS: u32 = 13;
/// Fraction bits kept between the passes.
const PASS: u32 = 2;

/// Writes the pixels of a block at `out`, rows `stride` apart. Does nothing when they do not fit.
pub(super) fn transform(block: &Block, scale: Scale, out: &mut [u8], stride: usize) {
    match scale {
        Scale::One => {
            if let Some(pixel) = out.first_mut() {
                *pixel = clamp((block[0].wrapping_add(4)) >> 3);
            }
        }
        Scale::Two => two(block, out, stride),
        Scale::Four => four(block, out, stride),
        Scale::Eight => eight(block, out, stride),
    }
}

/// A sample around zero as a byte.
#[inline(always)]
fn clamp(value: i32) -> u8 {
    value.wrapping_add(128).clamp(0, 255) as u8
}

fn two(block: &Block, out: &mut [u8], stride: usize) {
    let (a, b, c, d) = (block[0], block[1], block[8], block[9]);
    let sum = |x: i32, y: i32| x.wrapping_add(y);
    let difference = |x: i32, y: i32| x.wrapping_sub(y);
    let (top_left, top_right) = (sum(sum(a, c), sum(b, d)), difference(sum(a, c), sum(b, d)));
    let (left, right) = (
        sum(difference(a, c), difference(b, d)),
        difference(difference(a, c), difference(b, d)),
    );
    let pixel = |value: i32| clamp(value.wrapping_add(4) >> 3);
    if let Some([first, second]) = out.first_chunk_mut::<2>() {
        (*first, *second) = (pixel(top_left), pixel(top_right));
    }
    if let Some([first, second]) = out
        .get_mut(stride..)
        .and_then(|row| row.first_chunk_mut::<2>())
    {
        (*first, *second) = (pixel(left), pixel(right));
    }
}

fn four(block: &Block, out: &mut [u8], stride: usize) {
    /// sqrt(2) * cos(pi / 8) and sqrt(2) * cos(3 pi / 8).
    const C1: i32 = 10_703;
    const C3: i32 = 4_433;
    #[inline(always)]
    fn pass(rows: [[i32; 4]; 4], shift: u32) -> [[i32; 4]; 4] {
        let mut out = [[0; 4]; 4];
        for i in 0..4 {
            let even0 = rows[0][i].wrapping_add(rows[2][i]).wrapping_shl(BITS);
            let even1 = rows[0][i].wrapping_sub(rows[2][i]).wrapping_shl(BITS);
            let odd0 = rows[1][i]
                .wrapping_mul(C1)
                .wrapping_add(rows[3][i].wrapping_mul(C3));
            let odd1 = rows[1][i]
                .wrapping_mul(C3)
                .wrapping_sub(rows[3][i].wrapping_mul(C1));
            let round = 1 << (shift - 1);
            out[0][i] = even0.wrapping_add(odd0).wrapping_add(round) >> shift;
            out[1][i] = even1.wrapping_add(odd1).wrapping_add(round) >> shift;
            out[2][i] = even1.wrapping_sub(odd1).wrapping_add(round) >> shift;
            out[3][i] = even0.wrapping_sub(odd0).wrapping_add(round) >> shift;
        }
        out
    }
    let mut rows = [[0; 4]; 4];
    for (row, source) in rows.iter_mut().zip(block.chunks_exact(8)) {
        row.copy_from_slice(&source[..4]);
    }
    let columns = pass(rows, BITS - PASS);
    let mut turned = [[0; 4]; 4];
    for (y, row) in columns.iter().enumerate() {
        for (x, value) in row.iter().enumerate() {
            turned[x][y] = *value;
        }
    }
    let [left, second, third, right] = pass(turned, BITS + PASS + 3);
    let columns = left.iter().zip(&second).zip(&third).zip(&right);
    for (y, (((a, b), c), d)) in columns.enumerate() {
        if let Some(row) = out
            .get_mut(y * stride..)
            .and_then(|row| row.first_chunk_mut::<4>())
        {
            *row = [clamp(*a), clamp(*b), clamp(*c), clamp(*d)];
        }
    }
}

type Lanes = [i32; 8];

#[inline(always)]
fn zip(a: Lanes, b: Lanes, each: impl Fn(i32, i32) -> i32) -> Lanes {
    let mut out = [0; 8];
    for i in 0..8 {
        out[i] = each(a[i], b[i]);
    }
    out
}

#[inline(always)]
fn add(a: Lanes, b: Lanes) -> Lanes {
    zip(a, b, i32::wrapping_add)
}

#[inline(always)]
fn sub(a: Lanes, b: Lanes) -> Lanes {
    zip(a, b, i32::wrapping_sub)
}

#[inline(always)]
fn times(a: Lanes, factor: i32) -> Lanes {
    zip(a, a, |value, _| value.wrapping_mul(factor))
}

/// One dimension of the 8-point transform over eight columns at once.
#[inline(always)]
fn pass(rows: [Lanes; 8], shift: u32) -> [Lanes; 8] {
    // Even part.
    let z1 = times(add(rows[2], rows[6]), 4_433);
    let t2 = sub(z1, times(rows[6], 15_137));
    let t3 = add(z1, times(rows[2], 6_270));
    let t0 = times(add(rows[0], rows[4]), 1 << BITS);
    let t1 = times(sub(rows[0], rows[4]), 1 << BITS);
    let (e0, e3) = (add(t0, t3), sub(t0, t3));
    let (e1, e2) = (add(t1, t2), sub(t1, t2));
    // Odd part.
    let z1 = add(rows[7], rows[1]);
    let z2 = add(rows[5], rows[3]);
    let z3 = add(rows[7], rows[3]);
    let z4 = add(rows[5], rows[1]);
    let z5 = times(add(z3, z4), 9_633);
    let z1 = times(z1, -7_373);
    let z2 = times(z2, -20_995);
    let z3 = add(times(z3, -16_069), z5);
    let z4 = add(times(z4, -3_196), z5);
    let o0 = add(add(times(rows[7], 2_446), z1), z3);
    let o1 = add(add(times(rows[5], 16_819), z2), z4);
    let o2 = add(add(times(rows[3], 25_172), z2), z3);
    let o3 = add(add(times(rows[1], 12_299), z1), z4);
    let round = 1 << (shift - 1);
    let up = |a: Lanes, b: Lanes| zip(a, b, |a, b| a.wrapping_add(b).wrapping_add(round) >> shift);
    let down =
        |a: Lanes, b: Lanes| zip(a, b, |a, b| a.wrapping_sub(b).wrapping_add(round) >> shift);
    [
        up(e0, o3),
        up(e1, o2),
        up(e2, o1),
        up(e3, o0),
        down(e3, o0),
        down(e2, o1),
        down(e1, o2),
        down(e0, o3),
    ]
}

#[inline(always)]
fn transposed(rows: [Lanes; 8]) -> [Lanes; 8] {
    let mut out = [[0; 8]; 8];
    for y in 0..8 {
        for x in 0..8 {
            out[x][y] = rows[y][x];
        }
    }
    out
}

fn eight(block: &Block, out: &mut [u8], stride: usize) {
    let mut rows = [[0; 8]; 8];
    for (row, source) in rows.iter_mut().zip(block.chunks_exact(8)) {
        row.copy_from_slice(source);
    }
    let done = transposed(pass(transposed(pass(rows, BITS - PASS)), BITS + PASS + 3));
    for (y, row) in done.iter().enumerate() {
        if let Some(target) = out
            .get_mut(y * stride..)
            .and_then(|row| row.first_chunk_mut::<8>())
        {
            for (pixel, value) in target.iter_mut().zip(row) {
                *pixel = clamp(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// The transform as the standard writes it (T.81 section A.3.3), reduced to `n` points by leaving frequencies out.
    fn exact(block: &Block, n: usize) -> Vec<f64> {
        let c = |u: usize| if u == 0 { 0.5f64.sqrt() } else { 1.0 };
        let wave = |x: usize, u: usize| ((2 * x + 1) as f64 * u as f64 * PI / (2 * n) as f64).cos();
        let mut out = Vec::new();
        for y in 0..n {
            for x in 0..n {
                let mut sum = 0.0;
                for v in 0..n {
                    for u in 0..n {
                        sum += c(u) * c(v) * f64::from(block[v * 8 + u]) * wave(x, u) * wave(y, v);
                    }
                }
                out.push(sum / 4.0 + 128.0);
            }
        }
        out
    }

    #[test]
    fn every_size_follows_the_formula() {
        let mut seed = 7u32;
        let mut random = |spread: i32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as i32 % (2 * spread + 1) - spread
        };
        for round in 0..200 {
            let mut block = [0; 64];
            for (k, value) in block.iter_mut().enumerate() {
                let spread = if k == 0 {
                    900
                } else if round % 2 == 0 {
                    60 / (1 + k as i32 / 6)
                } else {
                    30
                };
                *value = random(spread);
            }
            for scale in [Scale::One, Scale::Two, Scale::Four, Scale::Eight] {
                let n = scale.side() as usize;
                let mut out = vec![0; n * 11];
                transform(&block, scale, &mut out, 11);
                for (i, value) in exact(&block, n).iter().enumerate() {
                    let got = f64::from(out[i / n * 11 + i % n]);
                    assert!(
                        (got - value.clamp(0.0, 255.0)).abs() <= 1.01,
                        "{scale:?} {i}: {got} {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn hostile_coefficients_do_not_panic() {
        for value in [i32::MAX, i32::MIN, 1 << 30] {
            for scale in [Scale::One, Scale::Two, Scale::Four, Scale::Eight] {
                transform(&[value; 64], scale, &mut [0; 64], 8);
                transform(&[value; 64], scale, &mut [], 8);
            }
        }
    }
}
