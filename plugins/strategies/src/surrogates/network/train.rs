//! Training in mini-batches: AdamW, one cycle of the learning rate, early stopping.

use super::{Flow, Network};
use codebench_sdk::math::cos;
use codebench_sdk::math::lanes::softplus_f32;
use codebench_sdk::space::Rng;
use std::ops::Range;

/// What is minimised, on average over rows and outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Loss {
    /// Square of the error.
    Square,
    /// `1/2 (weight error^2 / variance + ln variance)` of a natural-parameter network; with weight 10 the released one.
    Moments { weight: f64 },
    /// `1/2 (error^2 / variance + ln variance)` for rows of means, then numbers whose softplus are the variances.
    Normal { outputs: usize },
}

/// The least variance in a loss.
pub(crate) const LEAST_VARIANCE: f64 = 1e-6;

impl Loss {
    /// The loss of a batch, and its derivatives by the outputs.
    pub(crate) fn of(&self, output: &Flow<f32>, targets: &[f32]) -> (f32, Flow<f32>) {
        let share = 1.0 / targets.len().max(1) as f32;
        let least = LEAST_VARIANCE as f32;
        let mut flow = Flow { mean: Vec::with_capacity(output.mean.len()), variance: Vec::new() };
        let mut sum = 0.0;
        match *self {
            Loss::Square => {
                for (o, t) in output.mean.iter().zip(targets) {
                    sum += (o - t) * (o - t);
                    flow.mean.push(2.0 * (o - t) * share);
                }
            }
            Loss::Moments { weight } => {
                let weight = weight as f32;
                for ((o, v), t) in output.mean.iter().zip(&output.variance).zip(targets) {
                    let (e, v) = (o - t, v + least);
                    sum += 0.5 * (weight * e * e / v + ln(v));
                    flow.mean.push(weight * e / v * share);
                    flow.variance.push(0.5 * (1.0 - weight * e * e / v) / v * share);
                }
            }
            Loss::Normal { outputs } => {
                for (row, targets) in output.mean.chunks_exact(2 * outputs).zip(targets.chunks_exact(outputs))
                {
                    let (means, raws) = row.split_at(outputs);
                    let from = flow.mean.len();
                    flow.mean.resize(from + 2 * outputs, 0.0);
                    for (i, ((o, raw), t)) in means.iter().zip(raws).zip(targets).enumerate() {
                        let (v, slope) = softplus_f32(*raw);
                        let (e, v) = (o - t, v + least);
                        sum += 0.5 * (e * e / v + ln(v));
                        flow.mean[from + i] = e / v * share;
                        flow.mean[from + outputs + i] = 0.5 * (1.0 - e * e / v) / v * slope * share;
                    }
                }
            }
        }
        (sum * share, flow)
    }
}

fn ln(x: f32) -> f32 {
    codebench_sdk::math::ln(f64::from(x)) as f32
}

/// How long and how fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
    pub(crate) rate: f64,
    pub(crate) decay: f64,
    /// Share of units that dropout zeroes.
    pub(crate) dropout: f64,
    /// Share of the records that are held out to stop early; none are if that makes fewer than [`FEWEST_HELD`].
    pub(crate) held_out: f64,
    /// Epochs without improvement on the held-out records after which it ends.
    pub(crate) patience: usize,
}

/// Fewer held-out records tell too little.
const FEWEST_HELD: usize = 8;

/// Records: inputs and targets of some rows.
#[derive(Clone, Copy)]
pub(crate) struct Records<'a> {
    pub(crate) rows: usize,
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a [f32],
}

impl Records<'_> {
    fn gather(&self, rows: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let pick = |values: &[f32]| {
            let width = values.len() / self.rows.max(1);
            rows.iter().flat_map(|r| values[r * width..(r + 1) * width].iter().copied()).collect()
        };
        (pick(self.x), pick(self.y))
    }
}

/// Largest norm of a gradient; longer ones are shortened.
const LONGEST: f32 = 2.0;

/// Trains `raw`, the numbers of `network` with variances as what their softplus are, and leaves the best seen.
pub(crate) fn train(
    network: &Network,
    loss: Loss,
    schedule: Schedule,
    raw: &mut Vec<f32>,
    records: Records<'_>,
    rng: &mut Rng,
) {
    let mut order: Vec<usize> = (0..records.rows).collect();
    shuffle(&mut order, rng);
    let held = (records.rows as f64 * schedule.held_out) as usize;
    let held = if held < FEWEST_HELD { 0 } else { held };
    let (watched, rows) = order.split_at(held);
    let (watched_x, watched_y) = records.gather(watched);
    let mut rows = rows.to_vec();
    // Few records make small batches, so that an epoch has several steps.
    let batch = schedule.batch.min((rows.len() / 6).max(8)).max(1);
    let total = schedule.epochs * rows.len().div_ceil(batch);
    let variances = network.variances();
    let mut optimiser = Adam::new(raw.len(), &variances, schedule, total);
    let mut best: Option<(f32, Vec<f32>)> = None;
    let mut since = 0;
    for _ in 0..schedule.epochs {
        shuffle(&mut rows, rng);
        for chunk in rows.chunks(batch) {
            let (x, y) = records.gather(chunk);
            let masks: Vec<Vec<f32>> =
                network.dropouts.iter().map(|w| mask(chunk.len() * w, schedule.dropout, rng)).collect();
            let masks: Vec<&[f32]> = masks.iter().map(Vec::as_slice).collect();
            let (parameters, slopes) = effective(raw, &variances);
            let (output, trace) = network.forward(chunk.len(), &x, &parameters, &masks);
            let (_, of_output) = loss.of(&output, &y);
            let mut gradient = vec![0.0; raw.len()];
            network.backward(&trace, of_output, &parameters, &masks, Some(&mut gradient));
            let mut left = &slopes[..];
            for range in &variances {
                let (own, rest) = left.split_at(range.len());
                left = rest;
                gradient[range.clone()].iter_mut().zip(own).for_each(|(g, slope)| *g *= slope);
            }
            optimiser.step(raw, &mut gradient);
        }
        if held == 0 {
            continue;
        }
        let (parameters, _) = effective(raw, &variances);
        let (output, _) = network.forward(held, &watched_x, &parameters, &[]);
        let (value, _) = loss.of(&output, &watched_y);
        if best.as_ref().is_none_or(|(least, _)| value < *least) {
            best = Some((value, raw.clone()));
            since = 0;
        } else {
            since += 1;
            if since >= schedule.patience {
                break;
            }
        }
    }
    if let Some((_, numbers)) = best {
        *raw = numbers;
    }
}

/// The numbers that layers compute with, and the slopes of the softplus at those that are variances.
pub(crate) fn effective(raw: &[f32], variances: &[Range<usize>]) -> (Vec<f32>, Vec<f32>) {
    let mut all = raw.to_vec();
    let mut slopes = vec![0.0; variances.iter().map(Range::len).sum()];
    let mut from = 0;
    for range in variances {
        let to = &mut slopes[from..from + range.len()];
        from += range.len();
        for (number, slope) in all[range.clone()].iter_mut().zip(to) {
            (*number, *slope) = softplus_f32(*number);
        }
    }
    (all, slopes)
}

/// Zeros for a share of `dropout`, and for the others what keeps the mean.
pub(crate) fn mask(count: usize, dropout: f64, rng: &mut Rng) -> Vec<f32> {
    let kept = (1.0 / (1.0 - dropout)) as f32;
    let below = (dropout * 65536.0) as u64;
    let mut word = 0;
    let draw = |i| {
        word = if i % 4 == 0 { rng.word() } else { word >> 16 };
        if word & 0xffff < below { 0.0 } else { kept }
    };
    (0..count).map(draw).collect()
}

/// In an order in which every one is as likely.
pub(crate) fn shuffle(list: &mut [usize], rng: &mut Rng) {
    for i in (1..list.len()).rev() {
        list.swap(i, rng.index(i + 1));
    }
}

/// How much faster variances learn.
const FASTER: f32 = 5.0;

/// AdamW with one cycle of the rate: up over a tenth of the steps, down along a cosine.
struct Adam {
    means: Vec<f32>,
    squares: Vec<f32>,
    /// Neighbouring numbers, and whether they are variances: those learn faster, as they have far to go, and do not decay.
    parts: Vec<(Range<usize>, bool)>,
    schedule: Schedule,
    taken: usize,
    total: usize,
}

impl Adam {
    fn new(size: usize, variances: &[Range<usize>], schedule: Schedule, total: usize) -> Self {
        let mut parts = Vec::new();
        let mut from = 0;
        for range in variances {
            parts.extend([(from..range.start, false), (range.clone(), true)]);
            from = range.end;
        }
        parts.push((from..size, false));
        Adam {
            means: vec![0.0; size],
            squares: vec![0.0; size],
            parts,
            schedule,
            taken: 0,
            total: total.max(1),
        }
    }

    fn step(&mut self, numbers: &mut [f32], gradient: &mut [f32]) {
        let norm = dot_f32(gradient).sqrt();
        if !norm.is_finite() {
            return;
        }
        if norm > LONGEST {
            let shorten = LONGEST / norm;
            gradient.iter_mut().for_each(|g| *g *= shorten);
        }
        let progress = self.taken as f64 / self.total as f64;
        self.taken += 1;
        let wave = (1.0 + cos(std::f64::consts::PI * ((progress - 0.1) / 0.9).max(0.0))) / 2.0;
        let rate = self.schedule.rate * (progress / 0.1 + 0.05).min(1.0) * wave.max(0.01);
        let power = |base: f64| 1.0 - codebench_sdk::math::pow(base, self.taken as f64);
        let step = (rate / power(0.9)) as f32;
        let of_squares = (1.0 / power(0.999)) as f32;
        let shrink = (1.0 - rate * self.schedule.decay) as f32;
        for (range, variance) in &self.parts {
            let (step, shrink) = if *variance { (FASTER * step, 1.0) } else { (step, shrink) };
            let moments = self.means[range.clone()].iter_mut().zip(&mut self.squares[range.clone()]);
            let numbers = numbers[range.clone()].iter_mut().zip(&gradient[range.clone()]);
            for ((number, g), (mean, square)) in numbers.zip(moments) {
                *mean = 0.9 * *mean + 0.1 * g;
                *square = 0.999 * *square + 0.001 * g * g;
                *number = *number * shrink - step * *mean / ((*square * of_squares).sqrt() + 1e-8);
            }
        }
    }
}

/// The sum of squares, in eight interleaved sums.
fn dot_f32(values: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let mut parts = values.chunks_exact(8);
    for part in parts.by_ref() {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += x * x;
        }
    }
    sums.iter().sum::<f32>() + parts.remainder().iter().map(|x| x * x).sum::<f32>()
}
