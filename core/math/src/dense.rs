//! Products and factorisations of row-major matrices.
//!
//! Every entry of a product is one sum in ascending order of the inner index, whatever the other sizes: a row of a
//! result does not depend on how many rows are asked for at once. No fused multiply-add, no threads.

use std::ops::{Add, Mul};

/// Numbers of a matrix, such as `f64` and `f32`.
pub trait Real: Copy + Default + Add<Output = Self> + Mul<Output = Self> {}

impl<T: Copy + Default + Add<Output = Self> + Mul<Output = Self>> Real for T {}

/// A matrix within a row-major buffer: the buffer, and the distance from one row to the next.
pub type Strided<'a, T> = (&'a [T], usize);

/// Rows of a tile whose sums are kept in registers.
const ROWS: usize = 4;

/// `c += a b` for `a` of `m x k`, `b` of `k x n`, `c` of `m x n`.
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn multiply<T: Real>([m, k, n]: [usize; 3], a: &[T], b: &[T], c: &mut [T]) {
    multiply_strided([m, k, n], (a, k), (b, n), (c, n));
}

/// [`multiply`] on parts of larger matrices.
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn multiply_strided<T: Real>(
    [m, k, n]: [usize; 3],
    (a, a_row): Strided<'_, T>,
    (b, b_row): Strided<'_, T>,
    (c, c_row): (&mut [T], usize),
) {
    let whole_rows = m - m % ROWS;
    for i in (0..whole_rows).step_by(ROWS) {
        let row = |r: usize| &a[(i + r) * a_row..][..k];
        let rows = [row(0), row(1), row(2), row(3)];
        strip(
            [k, n],
            |p| [rows[0][p], rows[1][p], rows[2][p], rows[3][p]],
            (b, b_row),
            (&mut c[i * c_row..], c_row),
        );
    }
    for i in whole_rows..m {
        let row = &a[i * a_row..][..k];
        strip([k, n], |p| [row[p]], (b, b_row), (&mut c[i * c_row..], c_row));
    }
}

/// `c += transpose(a) b` for `a` of `k x m`, `b` of `k x n`, `c` of `m x n`.
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn multiply_transposed<T: Real>([m, k, n]: [usize; 3], a: &[T], b: &[T], c: &mut [T]) {
    let whole_rows = m - m % ROWS;
    for i in (0..whole_rows).step_by(ROWS) {
        let column = |p: usize| {
            let part = &a[p * m + i..][..ROWS];
            [part[0], part[1], part[2], part[3]]
        };
        strip([k, n], column, (b, n), (&mut c[i * n..], n));
    }
    for i in whole_rows..m {
        strip([k, n], |p| [a[p * m + i]], (b, n), (&mut c[i * n..], n));
    }
}

/// Adds the products of `R` rows with `b` to the first `R` rows of `c`; `row(p)` gives their entries of inner index `p`.
#[inline(always)]
fn strip<T: Real, const R: usize>(
    [k, n]: [usize; 2],
    row: impl Fn(usize) -> [T; R],
    (b, b_row): Strided<'_, T>,
    (c, c_row): (&mut [T], usize),
) {
    // As many columns as keep the sums of a tile in the sixteen vector registers of every x86-64.
    let columns = if size_of::<T>() <= 4 { 8 } else { 4 };
    let whole = n - n % columns;
    for j in (0..whole).step_by(columns) {
        let (b, c) = ((&b[j.min(b.len())..], b_row), (&mut c[j..], c_row));
        if size_of::<T>() <= 4 {
            tile::<T, R, 8>(k, &row, b, c);
        } else {
            tile::<T, R, 4>(k, &row, b, c);
        }
    }
    for j in whole..n {
        tile::<T, R, 1>(k, &row, (&b[j.min(b.len())..], b_row), (&mut c[j..], c_row));
    }
}

#[inline(always)]
fn tile<T: Real, const R: usize, const C: usize>(
    k: usize,
    row: &impl Fn(usize) -> [T; R],
    (b, b_row): Strided<'_, T>,
    (c, c_row): (&mut [T], usize),
) {
    let mut sums = [[T::default(); C]; R];
    for p in 0..k {
        let left = row(p);
        let right = &b[p * b_row..][..C];
        for r in 0..R {
            for q in 0..C {
                sums[r][q] = sums[r][q] + left[r] * right[q];
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let out = &mut c[r * c_row..][..C];
        for q in 0..C {
            out[q] = out[q] + sums[q];
        }
    }
}

/// The transpose of `a`, which is `rows x columns`, into `to`.
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn transpose<T: Real>(rows: usize, columns: usize, a: &[T], to: &mut [T]) {
    for (i, row) in a.chunks_exact(columns.max(1)).take(rows).enumerate() {
        for (j, value) in row.iter().enumerate() {
            to[j * rows + i] = *value;
        }
    }
}

/// The inner product, in four interleaved sums that are added at the end.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut sums = [0.0; 4];
    let (mut left, mut right) = (a.chunks_exact(4), b.chunks_exact(4));
    for (a, b) in left.by_ref().zip(right.by_ref()) {
        for q in 0..4 {
            sums[q] += a[q] * b[q];
        }
    }
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    ((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest
}

/// `y += factor x`.
pub fn add_scaled(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// Rows of a block of a factorisation.
const BLOCK: usize = 32;

/// Replaces the lower triangle of the symmetric `a` (`n x n`) by its Cholesky factor `L`, `a = L transpose(L)`, and the
/// upper triangle by zeros; `false`, and `a` is spoilt, if `a` is not positive definite.
///
/// # Panics
/// If `a` is shorter than `n * n`.
#[must_use]
pub fn cholesky(n: usize, a: &mut [f64]) -> bool {
    let mut panel = Vec::new();
    let mut negative = Vec::new();
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let width = end - start;
        if !cholesky_of_block(n, a, start, end) {
            return false;
        }
        let below = n - end;
        // The panel under the block, transposed: solved column by column, vectorised along its rows.
        panel.clear();
        panel.resize(width * below, 0.0);
        for i in 0..below {
            for j in 0..width {
                panel[j * below + i] = a[(end + i) * n + start + j];
            }
        }
        for j in 0..width {
            let (done, rest) = panel.split_at_mut(j * below);
            let column = &mut rest[..below];
            for p in 0..j {
                add_scaled(-a[(start + j) * n + start + p], &done[p * below..][..below], column);
            }
            let pivot = a[(start + j) * n + start + j];
            column.iter_mut().for_each(|x| *x /= pivot);
        }
        for i in 0..below {
            for j in 0..width {
                a[(end + i) * n + start + j] = panel[j * below + i];
            }
        }
        for from in (0..below).step_by(BLOCK) {
            let rows = BLOCK.min(below - from);
            negative.clear();
            for i in from..from + rows {
                negative.extend(a[(end + i) * n + start..][..width].iter().map(|x| -x));
            }
            let corner = &mut a[(end + from) * n + end..];
            multiply_strided([rows, width, from + rows], (&negative, width), (&panel, below), (corner, n));
        }
    }
    for i in 0..n {
        a[i * n + i + 1..(i + 1) * n].fill(0.0);
    }
    true
}

fn cholesky_of_block(n: usize, a: &mut [f64], start: usize, end: usize) -> bool {
    for i in start..end {
        for j in start..=i {
            let mut sum = a[i * n + j];
            for p in start..j {
                sum -= a[i * n + p] * a[j * n + p];
            }
            if i != j {
                a[i * n + j] = sum / a[j * n + j];
            } else if sum > 0.0 && sum.is_finite() {
                a[i * n + i] = sum.sqrt();
            } else {
                return false;
            }
        }
    }
    true
}

/// Solves `L x = b` in place for the lower triangular `l` (`n x n`) and `b` of `n x columns`.
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn solve_lower(n: usize, columns: usize, l: &[f64], b: &mut [f64]) {
    let mut negative = Vec::new();
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let (done, rest) = b.split_at_mut(start * columns);
        negative.clear();
        for i in start..end {
            negative.extend(l[i * n..][..start].iter().map(|x| -x));
        }
        multiply([end - start, start, columns], &negative, done, rest);
        for i in start..end {
            let (above, row) = rest.split_at_mut((i - start) * columns);
            let row = &mut row[..columns];
            for p in start..i {
                add_scaled(-l[i * n + p], &above[(p - start) * columns..][..columns], row);
            }
            let pivot = l[i * n + i];
            row.iter_mut().for_each(|x| *x /= pivot);
        }
    }
}

/// Solves `transpose(L) x = b` in place for the lower triangular `l` (`n x n`) and one column `b`.
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn solve_lower_transposed(n: usize, l: &[f64], b: &mut [f64]) {
    for i in (0..n).rev() {
        let (above, rest) = b.split_at_mut(i);
        rest[0] /= l[i * n + i];
        add_scaled(-rest[0], &l[i * n..][..i], above);
    }
}

/// The inverse of `L transpose(L)` for the lower triangular `l` (`n x n`).
///
/// # Panics
/// If `l` is shorter than `n * n`.
pub fn inverse_of_factored(n: usize, l: &[f64]) -> Vec<f64> {
    let mut root = vec![0.0; n * n];
    (0..n).for_each(|i| root[i * n + i] = 1.0);
    solve_lower(n, n, l, &mut root);
    let mut turned = vec![0.0; n * n];
    transpose(n, n, &root, &mut turned);
    let mut inverse = vec![0.0; n * n];
    // The inverse is the product of both roots; of each block of rows the part up to the diagonal, where nothing before it counts.
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let (left, right) = (&turned[start * n + start..], &root[start * n..]);
        multiply_strided(
            [end - start, n - start, end],
            (left, n),
            (right, n),
            (&mut inverse[start * n..], n),
        );
    }
    for i in 0..n {
        for j in 0..i {
            inverse[j * n + i] = inverse[i * n + j];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, from a linear congruential generator.
    fn numbers(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1u32 << 31) - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    fn naive([m, k, n]: [usize; 3], a: impl Fn(usize, usize) -> f64, b: &[f64]) -> Vec<f64> {
        let entry = |i: usize, j: usize| (0..k).fold(0.0, |sum, p| sum + a(i, p) * b[p * n + j]);
        (0..m * n).map(|at| entry(at / n, at % n)).collect()
    }

    #[test]
    fn products_are_sums_in_ascending_order_bit_for_bit() {
        for shape @ [m, k, n] in [[1, 1, 1], [4, 7, 4], [5, 3, 9], [13, 32, 17], [3, 0, 2], [64, 65, 66]] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let mut c = vec![0.0; m * n];
            multiply(shape, &a, &b, &mut c);
            assert_eq!(c, naive(shape, |i, p| a[i * k + p], &b), "{shape:?}");
            let mut turned = vec![0.0; m * k];
            transpose(m, k, &a, &mut turned);
            c.fill(0.0);
            multiply_transposed(shape, &turned, &b, &mut c);
            assert_eq!(c, naive(shape, |i, p| a[i * k + p], &b), "{shape:?}");
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_batch() {
        let [m, k, n] = [11, 23, 6];
        let (a, b) = (numbers(m * k, 3), numbers(k * n, 4));
        let mut whole = vec![0.0; m * n];
        multiply([m, k, n], &a, &b, &mut whole);
        for i in 0..m {
            let mut row = vec![0.0; n];
            multiply([1, k, n], &a[i * k..], &b, &mut row);
            assert_eq!(row, whole[i * n..][..n]);
        }
    }

    #[test]
    fn cholesky_factors_and_solves() {
        for n in [1, 2, 31, 32, 33, 97] {
            let a = numbers(n * n, 5);
            // a transpose(a) + n: positive definite.
            let mut square = vec![0.0; n * n];
            let mut turned = vec![0.0; n * n];
            transpose(n, n, &a, &mut turned);
            multiply([n, n, n], &a, &turned, &mut square);
            (0..n).for_each(|i| square[i * n + i] += 1.0);
            let mut l = square.clone();
            assert!(cholesky(n, &mut l));
            let (b, mut x) = (numbers(n, 6), numbers(n, 6));
            solve_lower(n, 1, &l, &mut x);
            solve_lower_transposed(n, &l, &mut x);
            for i in 0..n {
                let sum = dot(&square[i * n..][..n], &x);
                assert!((sum - b[i]).abs() < 1e-10, "n {n}: {sum} instead of {}", b[i]);
            }
            let inverse = inverse_of_factored(n, &l);
            for i in 0..n {
                for j in 0..n {
                    let entry = dot(&square[i * n..][..n], &inverse[j * n..][..n]);
                    assert!((entry - f64::from(u8::from(i == j))).abs() < 1e-9, "n {n}: {i}, {j}: {entry}");
                }
            }
            // Several right-hand sides at once, each as if alone.
            let many = numbers(n * 5, 7);
            let mut together = many.clone();
            solve_lower(n, 5, &l, &mut together);
            let mut alone: Vec<f64> = (0..n).map(|i| many[i * 5 + 3]).collect();
            solve_lower(n, 1, &l, &mut alone);
            assert_eq!(alone, (0..n).map(|i| together[i * 5 + 3]).collect::<Vec<_>>());
        }
    }

    #[test]
    fn cholesky_refuses_what_is_not_positive_definite() {
        assert!(!cholesky(2, &mut [1.0, 2.0, 2.0, 1.0]));
        assert!(!cholesky(1, &mut [f64::NAN]));
        assert!(!cholesky(1, &mut [0.0]));
    }
}
