//! Points in a few dimensions whose Euclidean distances are near given ones.
//!
//! [`Embedding::classical`] keeps the directions of largest variance; [`Embedding::smacof`] makes the sum of squared errors of
//! all distances small. [`Embedding::place`] puts further points among the embedded ones, from their distances to those.

use codebench_math::eigen;

/// Why distances cannot be embedded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EmbeddingError {
    /// Not one distance for every pair.
    #[error("{given} distances for {points} points: give {needed}, one for every {what}")]
    Shape {
        /// Distances that were given.
        given: usize,
        /// Points.
        points: usize,
        /// Distances that are needed.
        needed: usize,
        /// What each stands for.
        what: &'static str,
    },
    /// A distance that is none.
    #[error("distance {number} is {value}: give finite numbers of at least 0")]
    BadDistance {
        /// Its place in the list.
        number: usize,
        /// Its value.
        value: f64,
    },
    /// The eigenvalues do not converge.
    #[error(
        "the eigenvalues of the distances of {points} points do not converge: scale the distances to about 1"
    )]
    NotConverged {
        /// Points.
        points: usize,
    },
}

/// Embedded points.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    points: usize,
    dimensions: usize,
    coordinates: Vec<f64>,
    /// What [`Embedding::place`] needs.
    extension: Extension,
}

#[derive(Debug, Clone, PartialEq)]
enum Extension {
    /// Rows that turn squared distances, less their means, into coordinates (Gower's interpolation).
    Linear { rows: Vec<f64>, means: Vec<f64> },
    /// By the least sum of squared errors.
    Stress,
}

/// Steps of [`Embedding::place`] for an embedding by stress.
const PLACING_STEPS: usize = 200;

impl Embedding {
    /// Classical (Torgerson's) scaling. `distances` has one number for every pair of the `points` points in the order (0, 1),
    /// (0, 2), ..., (1, 2), ... Directions whose eigenvalue is not positive have coordinates 0.
    ///
    /// # Errors
    /// Distances of another number, below 0 or not finite; eigenvalues that do not converge.
    pub fn classical(points: usize, distances: &[f64], dimensions: usize) -> Result<Self, EmbeddingError> {
        let needed = points * points.saturating_sub(1) / 2;
        check(distances, points, needed, "pair")?;
        let squares = matrix(points, distances, |d| d * d);
        let mean = |row: &[f64]| row.iter().sum::<f64>() / points.max(1) as f64;
        let means: Vec<f64> = squares.chunks_exact(points.max(1)).map(mean).collect();
        let total = mean(&means);
        let mut inner = squares;
        for (row, row_mean) in inner.chunks_exact_mut(points.max(1)).zip(&means) {
            row.iter_mut()
                .zip(&means)
                .for_each(|(x, column_mean)| *x = -0.5 * (*x - row_mean - column_mean + total));
        }
        let (values, vectors) =
            eigen::symmetric(points, &inner).ok_or(EmbeddingError::NotConverged { points })?;
        let mut coordinates = vec![0.0; points * dimensions];
        let mut rows = vec![0.0; points * dimensions];
        // Below this share of the largest, an eigenvalue is rounding.
        let least = 1e-12 * values.first().copied().unwrap_or(0.0).max(0.0);
        for k in (0..dimensions.min(points)).filter(|k| values[*k] > least) {
            let root = values[k].sqrt();
            for (i, v) in vectors[k * points..][..points].iter().enumerate() {
                coordinates[i * dimensions + k] = root * v;
                rows[k * points + i] = -0.5 * v / root;
            }
        }
        Ok(Embedding { points, dimensions, coordinates, extension: Extension::Linear { rows, means } })
    }

    /// Metric scaling by majorisation (SMACOF) from the classical embedding, until the raw stress falls by less than a
    /// millionth of itself in a step, or after `steps`.
    ///
    /// # Errors
    /// As [`Embedding::classical`].
    pub fn smacof(
        points: usize,
        distances: &[f64],
        dimensions: usize,
        steps: usize,
    ) -> Result<Self, EmbeddingError> {
        let mut embedding = Self::classical(points, distances, dimensions)?;
        embedding.extension = Extension::Stress;
        let targets = matrix(points, distances, |d| d);
        let mut before = f64::INFINITY;
        for _ in 0..steps {
            let mut stress = 0.0;
            let mut next = vec![0.0; points * dimensions];
            // Guttman's transform: every point goes to the mean of where the others would have it.
            for (i, to) in next.chunks_exact_mut(dimensions.max(1)).enumerate() {
                for j in (0..points).filter(|j| *j != i) {
                    let target = targets[i * points + j];
                    let distance = embedding.between(i, j);
                    stress += (distance - target) * (distance - target);
                    let ratio = if distance > 1e-300 { target / distance } else { 0.0 };
                    let (a, b) = (embedding.point(i), embedding.point(j));
                    to.iter_mut().zip(a.iter().zip(b)).for_each(|(to, (a, b))| *to += ratio * (a - b));
                }
                to.iter_mut().for_each(|x| *x /= points as f64);
            }
            if before - stress <= 1e-6 * stress {
                break;
            }
            before = stress;
            embedding.coordinates = next;
        }
        Ok(embedding)
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.points == 0
    }

    /// Numbers of each point.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The coordinates of point `i`.
    pub fn point(&self, i: usize) -> &[f64] {
        &self.coordinates[i * self.dimensions..][..self.dimensions]
    }

    fn between(&self, i: usize, j: usize) -> f64 {
        distance(self.point(i), self.point(j))
    }

    /// Kruskal's stress of `distances`, those that were embedded: the root of the sum of squared errors as a share of the sum
    /// of squared distances; 0 is perfect.
    pub fn stress(&self, distances: &[f64]) -> f64 {
        let pairs = (0..self.points).flat_map(|i| (i + 1..self.points).map(move |j| (i, j)));
        let (mut errors, mut squares) = (0.0, 0.0);
        for ((i, j), target) in pairs.zip(distances) {
            let distance = self.between(i, j);
            errors += (distance - target) * (distance - target);
            squares += target * target;
        }
        if squares > 0.0 { (errors / squares).sqrt() } else { 0.0 }
    }

    /// Where a further point lies, from its distances to all embedded points: by Gower's interpolation in a classical
    /// embedding, by the least sum of squared errors in the other.
    ///
    /// # Errors
    /// Distances of another number, below 0 or not finite.
    pub fn place(&self, distances: &[f64]) -> Result<Vec<f64>, EmbeddingError> {
        check(distances, self.points, self.points, "point")?;
        Ok(match &self.extension {
            Extension::Linear { rows, means } => {
                let row = |row: &[f64]| {
                    let terms = row.iter().zip(distances.iter().zip(means));
                    terms.map(|(r, (d, mean))| r * (d * d - mean)).sum()
                };
                match self.points {
                    0 => vec![0.0; self.dimensions],
                    points => rows.chunks_exact(points).map(row).collect(),
                }
            }
            Extension::Stress => self.settle(distances),
        })
    }

    /// By majorisation, from the nearest point, moved a little so that its own distance has a direction.
    fn settle(&self, distances: &[f64]) -> Vec<f64> {
        let nearest = (0..self.points).min_by(|i, j| distances[*i].total_cmp(&distances[*j]));
        let Some(nearest) = nearest else { return vec![0.0; self.dimensions] };
        if distances[nearest] == 0.0 {
            return self.point(nearest).to_vec();
        }
        let centre = |k: usize| (0..self.points).map(|i| self.point(i)[k]).sum::<f64>() / self.points as f64;
        let mut at: Vec<f64> =
            self.point(nearest).iter().enumerate().map(|(k, x)| 0.9 * x + 0.1 * centre(k)).collect();
        if self.points == 1 && self.dimensions > 0 {
            at[0] += distances[0];
            return at;
        }
        for _ in 0..PLACING_STEPS {
            let mut next = vec![0.0; self.dimensions];
            for (i, target) in distances.iter().enumerate() {
                let other = self.point(i);
                let length = distance(&at, other);
                let ratio = if length > 1e-300 { target / length } else { 0.0 };
                next.iter_mut().zip(at.iter().zip(other)).for_each(|(to, (x, y))| *to += y + ratio * (x - y));
            }
            next.iter_mut().for_each(|x| *x /= self.points as f64);
            let moved = distance(&at, &next);
            at = next;
            if moved <= 1e-9 * distances[nearest] {
                break;
            }
        }
        at
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn check(distances: &[f64], points: usize, needed: usize, what: &'static str) -> Result<(), EmbeddingError> {
    if distances.len() != needed {
        return Err(EmbeddingError::Shape { given: distances.len(), points, needed, what });
    }
    match distances.iter().position(|d| !(*d >= 0.0 && d.is_finite())) {
        Some(number) => Err(EmbeddingError::BadDistance { number, value: distances[number] }),
        None => Ok(()),
    }
}

/// The symmetric matrix of a list of pairs.
fn matrix(points: usize, distances: &[f64], entry: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut whole = vec![0.0; points * points];
    let pairs = (0..points).flat_map(|i| (i + 1..points).map(move |j| (i, j)));
    for ((i, j), d) in pairs.zip(distances) {
        whole[i * points + j] = entry(*d);
        whole[j * points + i] = entry(*d);
    }
    whole
}
