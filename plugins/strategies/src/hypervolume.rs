//! The hypervolume of a front, and what one more point would add to it.

/// Objectives up to which hypervolumes are computed; beyond, their cost grows too fast.
pub(crate) const MOST_OBJECTIVES: usize = 4;
/// Points of a front that count, so that the cost of a proposal stays bounded: of two, three and four objectives.
const MOST_POINTS: [usize; 3] = [1000, 100, 40];

/// Points of which none is better than another everywhere, larger being better, above a reference point.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    points: Vec<Vec<f64>>,
    reference: Vec<f64>,
}

impl Front {
    /// The best of `points`, one objective vector each. The reference lies a tenth of the front's range below its least values.
    pub(crate) fn new(points: impl IntoIterator<Item = Vec<f64>>) -> Front {
        let mut front = best_of(points.into_iter().collect());
        let objectives = front.first().map_or(0, Vec::len);
        let reference = (0..objectives).map(|m| {
            let (low, high) = crate::history::range(front.iter().map(|p| p[m]));
            low - 0.1 * if high > low { high - low } else { 1.0 }
        });
        let reference = reference.collect();
        let most = MOST_POINTS.get(objectives.saturating_sub(2)).copied().unwrap_or(MOST_POINTS[2]);
        if front.len() > most {
            front.sort_by(|a, b| a[0].total_cmp(&b[0]));
            let (count, last) = (front.len(), most - 1);
            front = (0..most).map(|i| front[i * (count - 1) / last].clone()).collect();
        }
        Front { points: front, reference }
    }

    /// What `point` would add to the hypervolume; negative, by how far the nearest better point is ahead, if it adds nothing.
    pub(crate) fn gain(&self, point: &[f64]) -> f64 {
        let own: f64 = point.iter().zip(&self.reference).map(|(x, r)| (x - r).max(0.0)).product();
        let gain = own - volume(limited(&self.points, point), &self.reference);
        if gain > 1e-12 * own && own > 0.0 {
            return gain;
        }
        let below: f64 = point.iter().zip(&self.reference).map(|(x, r)| (r - x).max(0.0)).sum();
        let behind = self
            .points
            .iter()
            .filter(|q| covers(q, point))
            .map(|q| q.iter().zip(point).map(|(q, p)| 1.0 + (q - p).max(0.0)).product::<f64>() - 1.0);
        -behind.fold(below, f64::max)
    }

    /// Takes a point in.
    pub(crate) fn add(&mut self, point: Vec<f64>) {
        if !self.points.iter().any(|q| covers(q, &point)) {
            self.points.retain(|q| !covers(&point, q));
            self.points.push(point);
        }
    }

    /// The hypervolume between the front and its reference point.
    #[cfg(test)]
    pub(crate) fn volume(&self) -> f64 {
        volume(self.points.clone(), &self.reference)
    }
}

/// Whether `a` is at least as good as `b` in every objective.
fn covers(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| x >= y)
}

/// The points that no other covers, the first of equals.
fn best_of(points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut best: Vec<Vec<f64>> = Vec::new();
    for point in points {
        if !best.iter().any(|q| covers(q, &point)) {
            best.retain(|q| !covers(&point, q));
            best.push(point);
        }
    }
    best
}

/// The part of `points` that lies within the box of `point`.
fn limited(points: &[Vec<f64>], point: &[f64]) -> Vec<Vec<f64>> {
    let within = |q: &Vec<f64>| q.iter().zip(point).map(|(x, y)| x.min(*y)).collect();
    best_of(points.iter().map(within).collect())
}

/// The volume that a front covers above `reference` (While, Bradstreet and Barone, 2012: the sum over its points of what each
/// covers alone, which is its own box without that of the later points limited to it).
fn volume(mut front: Vec<Vec<f64>>, reference: &[f64]) -> f64 {
    front.retain(|p| p.iter().zip(reference).all(|(x, r)| x > r));
    front.sort_by(|a, b| b[0].total_cmp(&a[0]));
    if let [low_x, low_y] = reference {
        // Along falling x, every point adds the strip above the highest y so far.
        let mut highest = *low_y;
        let strip = |p: &Vec<f64>| {
            let area = (p[0] - low_x) * (p[1] - highest).max(0.0);
            highest = highest.max(p[1]);
            area
        };
        return front.iter().map(strip).sum();
    }
    let alone = |(i, point): (usize, &Vec<f64>)| {
        let own: f64 = point.iter().zip(reference).map(|(x, r)| x - r).product();
        own - volume(limited(&front[i + 1..], point), reference)
    };
    front.iter().enumerate().map(alone).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::Rng;

    fn front(points: &[Vec<f64>], reference: &[f64]) -> Front {
        Front { points: best_of(points.to_vec()), reference: reference.to_vec() }
    }

    #[test]
    fn volumes_are_those_of_boxes_counted_one_by_one() {
        let mut rng = Rng::new(5, 0);
        for objectives in [1, 2, 3, 4] {
            for count in 1..7 {
                let points: Vec<Vec<f64>> = (0..count)
                    .map(|_| (0..objectives).map(|_| f64::from(rng.below(5) as u32)).collect())
                    .collect();
                let front = front(&points, &vec![0.0; objectives]);
                // Unit boxes below at least one point.
                let boxes = (0..5usize.pow(objectives as u32)).filter(|n| {
                    let corner: Vec<f64> =
                        (0..objectives as u32).map(|m| (n / 5usize.pow(m) % 5) as f64 + 1.0).collect();
                    points.iter().any(|p| covers(p, &corner))
                });
                assert_eq!(front.volume(), boxes.count() as f64, "{points:?}");
                let extra: Vec<f64> = (0..objectives).map(|_| f64::from(rng.below(6) as u32)).collect();
                let mut more = front.clone();
                more.add(extra.clone());
                assert_eq!(
                    front.gain(&extra).max(0.0),
                    more.volume() - front.volume(),
                    "{points:?} {extra:?}"
                );
            }
        }
    }

    #[test]
    fn what_adds_nothing_is_worse_the_farther_behind_it_is() {
        let front = Front::new([vec![0.0, 3.0], vec![2.0, 2.0], vec![3.0, 0.0], vec![1.0, 1.0]]);
        assert_eq!(front.points.len(), 3);
        assert!(front.gain(&[2.5, 2.5]) > front.gain(&[2.1, 2.1]) && front.gain(&[2.1, 2.1]) > 0.0);
        assert!(front.gain(&[2.0, 2.0]) == 0.0 && front.gain(&[1.5, 1.5]) < 0.0);
        assert!(front.gain(&[1.5, 1.5]) > front.gain(&[1.0, 1.0]));
        assert!(front.gain(&[-9.0, -9.0]) < front.gain(&[0.0, 0.0]));
    }

    #[test]
    fn large_fronts_are_thinned_out() {
        let points = (0..5000).map(f64::from).map(|x| vec![x, 5000.0 - x, 1.0]);
        let front = Front::new(points);
        assert_eq!(front.points.len(), 100);
        assert!(front.gain(&[2500.5, 2500.5, 2.0]) > 0.0);
    }
}
