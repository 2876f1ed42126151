//! Eigenvalues of symmetric matrices.

/// Eigenvalues in descending order, and their eigenvectors as the rows of an `n x n` matrix, of the symmetric `a` (`n x n`).
///
/// Householder reduction to a tridiagonal matrix, then implicit QL steps; the order of every sum is fixed. `None` if the
/// steps do not converge or `a` holds a number that is not finite.
///
/// # Panics
/// If `a` is shorter than `n * n`.
pub fn symmetric(n: usize, a: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
    if a[..n * n].iter().any(|x| !x.is_finite()) {
        return None;
    }
    // Rows of `q` are columns of the orthogonal matrix: rotations then work along memory.
    let (mut diagonal, mut beside, mut q) = tridiagonal(n, a);
    diagonalise(n, &mut diagonal, &mut beside, &mut q)?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| diagonal[*j].total_cmp(&diagonal[*i]).then(i.cmp(j)));
    let values = order.iter().map(|i| diagonal[*i]).collect();
    let mut vectors = Vec::with_capacity(n * n);
    for i in order {
        let row = &q[i * n..][..n];
        // The first of the largest entries is positive, so that the sign is a function of the matrix.
        let largest = row.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let sign = row.iter().find(|x| x.abs() > 0.999_999 * largest).map_or(1.0, |x| x.signum());
        vectors.extend(row.iter().map(|x| sign * x));
    }
    Some((values, vectors))
}

/// Diagonal, entries beside it, and the transposed orthogonal matrix `q` with `a = transpose(q) T q`.
fn tridiagonal(n: usize, a: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut m = a[..n * n].to_vec();
    let mut q = vec![0.0; n * n];
    (0..n).for_each(|i| q[i * n + i] = 1.0);
    let mut reflections: Vec<(usize, Vec<f64>)> = Vec::new();
    for k in 0..n.saturating_sub(2) {
        // The reflection that zeroes column k below the entry beside the diagonal.
        let mut v: Vec<f64> = (k + 1..n).map(|i| m[i * n + k]).collect();
        let largest = v.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        if v[1..].iter().all(|x| *x == 0.0) {
            continue;
        }
        v.iter_mut().for_each(|x| *x /= largest);
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v[0] += if v[0] >= 0.0 { norm } else { -norm };
        let square = v.iter().map(|x| x * x).sum::<f64>();
        let scale = 2.0 / square;
        // p = scale M v, then M -= v w' + w v' with w = p - (scale / 2 p'v) v.
        let size = n - k - 1;
        let mut p: Vec<f64> =
            (0..size).map(|i| scale * super::dense::dot(&m[(k + 1 + i) * n + k + 1..][..size], &v)).collect();
        let half = 0.5 * scale * super::dense::dot(&p, &v);
        p.iter_mut().zip(&v).for_each(|(p, v)| *p -= half * v);
        for i in 0..size {
            let row = &mut m[(k + 1 + i) * n + k + 1..][..size];
            super::dense::add_scaled(-v[i], &p, row);
            super::dense::add_scaled(-p[i], &v, row);
        }
        let head = -(if v[0] >= 0.0 { norm } else { -norm }) * largest;
        m[(k + 1) * n + k] = head;
        m[k * n + k + 1] = head;
        for i in k + 2..n {
            m[i * n + k] = 0.0;
            m[k * n + i] = 0.0;
        }
        v.iter_mut().for_each(|x| *x *= scale.sqrt());
        reflections.push((k + 1, v));
    }
    // Rows of q are the eigenvector columns' coordinates: apply the reflections from the right to the identity.
    for (from, v) in reflections.iter().rev() {
        let size = n - from;
        // q = H q, row by row of the product.
        let mut product = vec![0.0; n];
        for (i, x) in v.iter().enumerate() {
            super::dense::add_scaled(*x, &q[(from + i) * n..][..n], &mut product);
        }
        for i in 0..size {
            super::dense::add_scaled(-v[i], &product, &mut q[(from + i) * n..][..n]);
        }
    }
    let mut turned = vec![0.0; n * n];
    super::dense::transpose(n, n, &q, &mut turned);
    let diagonal = (0..n).map(|i| m[i * n + i]).collect();
    let beside = (0..n).map(|i| if i + 1 < n { m[(i + 1) * n + i] } else { 0.0 }).collect();
    (diagonal, beside, turned)
}

/// Implicit QL steps on the tridiagonal matrix; `q` is turned along.
fn diagonalise(n: usize, d: &mut [f64], e: &mut [f64], q: &mut [f64]) -> Option<()> {
    for l in 0..n {
        let mut steps = 0;
        loop {
            let small =
                |i: usize, d: &[f64], e: &[f64]| e[i].abs() <= f64::EPSILON * (d[i].abs() + d[i + 1].abs());
            let m = (l..n.saturating_sub(1)).find(|i| small(*i, d, e)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            steps += 1;
            if steps > 60 {
                return None;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut r = hypotenuse(g, 1.0);
            g = d[m] - d[l] + e[l] / (g + if g >= 0.0 { r } else { -r });
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut whole = true;
            for i in (l..m).rev() {
                let f = s * e[i];
                let b = c * e[i];
                r = hypotenuse(f, g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    whole = false;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                let (above, below) = q.split_at_mut((i + 1) * n);
                for (x, y) in above[i * n..].iter_mut().zip(&mut below[..n]) {
                    (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                }
            }
            if whole {
                d[l] -= p;
                e[l] = g;
                e[m] = 0.0;
            }
        }
    }
    Some(())
}

fn hypotenuse(a: f64, b: f64) -> f64 {
    let (a, b) = (a.abs().max(b.abs()), a.abs().min(b.abs()));
    if a == 0.0 { 0.0 } else { a * (1.0 + (b / a) * (b / a)).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense;

    fn numbers(count: usize) -> Vec<f64> {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1u32 << 31) - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn vectors_are_orthonormal_and_scaled_by_their_values() {
        for n in [1, 2, 3, 10, 41] {
            let random = numbers(n * n);
            for low_rank in [false, true] {
                let a: Vec<f64> = (0..n * n)
                    .map(|at| {
                        let (i, j) = (at / n, at % n);
                        if low_rank { random[i] * random[j] } else { random[i * n + j] + random[j * n + i] }
                    })
                    .collect();
                let (values, vectors) = symmetric(n, &a).unwrap();
                assert!(values.windows(2).all(|w| w[0] >= w[1]));
                for i in 0..n {
                    let v = &vectors[i * n..][..n];
                    for j in 0..n {
                        let product = dense::dot(v, &vectors[j * n..][..n]);
                        assert!((product - f64::from(i == j)).abs() < 1e-12, "n {n}: {i} {j} {product}");
                    }
                    for row in 0..n {
                        let image = dense::dot(&a[row * n..][..n], v);
                        assert!((image - values[i] * v[row]).abs() < 1e-12 * n as f64, "n {n}: {image}");
                    }
                }
            }
        }
        assert!(symmetric(1, &[f64::NAN]).is_none());
        assert_eq!(symmetric(0, &[]), Some((vec![], vec![])));
    }
}
