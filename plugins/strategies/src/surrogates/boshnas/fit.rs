//! How it learns.

use super::super::network::{Flow, Loss, Network, Records, Scalar, Scaling, Schedule, Trained, single};
use super::{Boshnas, Fitted, shapes};
use codebench_sdk::space::Rng;

/// Streams of randomness of one fit.
const STREAMS: u64 = 8;

impl Boshnas {
    /// Learns `rows` records, which have been checked.
    pub(super) fn learn(&mut self, rows: usize, x: &[f64], y: &[f64]) {
        self.fits += 1;
        let before = self.fitted.take().filter(|_| self.settings.warm_start);
        let before = before.and_then(|mut f| f.scaling.goes_on(rows, x, y).then_some(f));
        let fresh = before.is_none();
        let (seed, first) = (self.seed, self.fits * STREAMS);
        let mut streams = first..;
        let mut next = || Rng::new(seed, streams.next().unwrap_or(first));
        let mut fitted = match before {
            Some(fitted) => fitted,
            None => self.fresh(rows, x, y, &mut next()),
        };
        let (scaled, targets) = fitted.scaling.records(x, y);
        let records = Records { rows, x: &scaled, y: &targets };
        let schedule = self.settings.schedule(fresh);
        fitted.teacher.train(Loss::Square, schedule, records, &mut next());
        if let Some(moments) = &mut fitted.moments {
            let loss = Loss::Moments { weight: self.settings.error_weight };
            moments.train(loss, Schedule { rate: 0.5 * schedule.rate, ..schedule }, records, &mut next());
        }
        let mut rng = next();
        fitted.masks = (0..self.settings.samples)
            .map(|_| fitted.teacher.masks(self.settings.dropout, &mut rng))
            .collect();
        if fitted.student.is_some() {
            let points = self.points(records, &mut next());
            let count = points.len() / self.shape.inputs.max(1);
            let count = if self.shape.inputs == 0 { rows } else { count };
            let spreads = fitted.spreads(count, &points, self.shape.outputs);
            fitted.distil(fresh, schedule, count, &points, &spreads, self.shape.outputs, &mut next());
            fitted.masks.clear();
        }
        self.fitted = Some(fitted);
    }

    /// Untrained networks, and the scales of inputs and targets.
    fn fresh(&self, rows: usize, x: &[f64], y: &[f64], rng: &mut Rng) -> Fitted {
        let (inputs, outputs) = (self.shape.inputs, self.shape.outputs);
        let (settings, branches) = (&self.settings, &self.branches);
        let last_variance = if settings.sigmoid { 0.01 } else { 0.05 };
        // The student comes last: the other networks are the same without it.
        let teacher = shapes::teacher(inputs, outputs, branches, settings.sigmoid);
        let teacher = Trained::new(teacher, rng, last_variance);
        let moments = || shapes::moments(inputs, outputs, branches, settings.sigmoid);
        let moments = settings.heteroscedastic.then(|| Trained::new(moments(), rng, last_variance));
        let student = || shapes::student(inputs, outputs, branches);
        let student = settings.student.then(|| Trained::new(student(), rng, last_variance));
        Fitted {
            scaling: Scaling::new(rows, (x, inputs), (y, outputs), settings.sigmoid),
            teacher,
            student,
            spread: vec![1.0; outputs],
            moments,
            masks: Vec::new(),
        }
    }

    /// Where the student learns: the records, and as many points on lines through two of them, drawn anew for each branch.
    fn points(&self, records: Records<'_>, rng: &mut Rng) -> Vec<f32> {
        let mut points = records.x.to_vec();
        if !self.settings.between {
            return points;
        }
        let inputs = self.shape.inputs;
        let whole = [(0..inputs).collect::<Vec<_>>()];
        let branches = if self.branches.is_empty() { &whole[..] } else { &self.branches };
        let mut point = vec![0.0; inputs];
        for _ in 0..records.rows {
            for columns in branches {
                let (a, b) = (rng.index(records.rows) * inputs, rng.index(records.rows) * inputs);
                let share = (1.6 * rng.unit() - 0.3) as f32;
                columns.iter().for_each(|c| {
                    point[*c] = records.x[a + c] + share * (records.x[b + c] - records.x[a + c])
                });
            }
            points.extend_from_slice(&point);
        }
        points
    }
}

impl Fitted {
    /// Standard deviations of the teacher's answers under the masks.
    fn spreads(&self, rows: usize, points: &[f32], outputs: usize) -> Vec<f32> {
        let masks: Vec<Vec<Vec<f32>>> =
            self.masks.iter().map(|sample| sample.iter().map(|m| single(m)).collect()).collect();
        let inputs = self.scaling.inputs.shift.len();
        let (parameters, mut all) = (&self.teacher.raw, Vec::with_capacity(rows * outputs));
        for start in (0..rows).step_by(64) {
            let count = 64.min(rows - start);
            let part = &points[start * inputs..][..count * inputs];
            all.extend(spread(&self.teacher.network, parameters, count, part, &masks).1);
        }
        all
    }

    /// The student learns `spreads` at `points`.
    #[allow(clippy::too_many_arguments)]
    fn distil(
        &mut self,
        fresh: bool,
        schedule: Schedule,
        rows: usize,
        points: &[f32],
        spreads: &[f32],
        outputs: usize,
        rng: &mut Rng,
    ) {
        if fresh {
            for (output, unit) in self.spread.iter_mut().enumerate() {
                let sum: f64 = spreads.iter().skip(output).step_by(outputs).map(|s| f64::from(*s)).sum();
                *unit = (sum / rows.max(1) as f64).max(1e-9);
            }
        }
        let units: Vec<f32> = single(&self.spread);
        let targets: Vec<f32> = spreads.iter().zip(units.iter().cycle()).map(|(s, u)| s / u).collect();
        if let Some(student) = &mut self.student {
            let schedule = Schedule { epochs: schedule.epochs.div_ceil(2), ..schedule };
            student.train(Loss::Square, schedule, Records { rows, x: points, y: &targets }, rng);
        }
    }
}

/// Means and standard deviations of the outputs under `masks`; everything before the first dropout is computed once.
pub(super) fn spread<T: Scalar>(
    network: &Network,
    parameters: &[T],
    rows: usize,
    x: &[T],
    masks: &[Vec<Vec<T>>],
) -> (Vec<T>, Vec<T>) {
    let (_, trace) = network.forward(rows, x, parameters, &[]);
    let (from, before) = match network.before_dropout(&trace) {
        Some((from, flow)) => (from, flow.clone()),
        None => (0, Flow { mean: x.to_vec(), variance: Vec::new() }),
    };
    let samples: Vec<Vec<T>> = masks
        .iter()
        .map(|sample| {
            let masks: Vec<&[T]> = sample.iter().map(Vec::as_slice).collect();
            network.rest(from, rows, before.clone(), parameters, &masks).mean
        })
        .collect();
    deviations(&samples)
}

/// Means and standard deviations across `samples`, element by element.
pub(super) fn deviations<T: Scalar>(samples: &[Vec<T>]) -> (Vec<T>, Vec<T>) {
    let share = T::new(1.0 / samples.len().max(1) as f64);
    let count = samples.first().map_or(0, Vec::len);
    let mut means = vec![T::default(); count];
    for sample in samples {
        means.iter_mut().zip(sample).for_each(|(mean, s)| *mean = *mean + *s * share);
    }
    let mut squares = vec![T::new(1e-18); count];
    for sample in samples {
        let each = squares.iter_mut().zip(sample).zip(&means);
        each.for_each(|((sum, s), mean)| *sum = *sum + (*s - *mean) * (*s - *mean) * share);
    }
    (means, squares.into_iter().map(T::root).collect())
}
