//! A network with its numbers, and the scales that it was trained in.

use super::super::columns::Columns;
use super::{Dual, Loss, Network, Records, Scalar, Schedule, mask, train};
use codebench_sdk::space::Rng;

/// A network and its numbers, in every precision that they are needed in.
#[derive(Debug)]
pub(crate) struct Trained {
    pub(crate) network: Network,
    /// As training stores them.
    pub(crate) raw: Vec<f32>,
    pub(crate) wide: Vec<f64>,
    pub(crate) dual: Vec<Dual>,
}

impl Trained {
    /// Untrained: [`Network::initial`].
    pub(crate) fn new(network: Network, rng: &mut Rng, last_variance: f64) -> Self {
        let raw = network.initial(rng, last_variance);
        Trained { network, raw, wide: Vec::new(), dual: Vec::new() }
    }

    /// Trains, and makes the other precisions anew.
    pub(crate) fn train(&mut self, loss: Loss, schedule: Schedule, records: Records<'_>, rng: &mut Rng) {
        train(&self.network, loss, schedule, &mut self.raw, records, rng);
        let wide = self.network.wide(&self.raw);
        self.dual = wide.iter().map(|w| Dual::new(*w)).collect();
        self.wide = wide;
    }

    /// One sample of masks, one for each dropout layer.
    pub(crate) fn masks(&self, dropout: f64, rng: &mut Rng) -> Vec<Vec<f64>> {
        let widths = self.network.dropouts.iter();
        widths.map(|width| mask(*width, dropout, rng).into_iter().map(f64::from).collect()).collect()
    }
}

/// How far scaled inputs may lie outside -1..1, and scaled targets from 0, before a fit starts afresh.
const FAR_INPUT: f64 = 3.0;
const FAR_TARGET: f64 = 20.0;
/// With a logistic head, targets are scaled to this share in the middle of 0..1.
const MIDDLE: f64 = 0.6;

/// The scales of inputs and targets since the last fresh start.
#[derive(Debug)]
pub(crate) struct Scaling {
    /// To -1..1.
    pub(crate) inputs: Columns,
    /// To mean 0 and deviation 1, or for a logistic head to the middle of 0..1.
    pub(crate) targets: Columns,
    logistic: bool,
    fresh_records: usize,
    records: usize,
}

impl Scaling {
    /// That of `rows` records of `inputs` and `outputs` columns.
    pub(crate) fn new(
        rows: usize,
        (x, inputs): (&[f64], usize),
        (y, outputs): (&[f64], usize),
        logistic: bool,
    ) -> Self {
        let mut scaled = Columns::unit(x, inputs);
        for (shift, scale) in scaled.shift.iter_mut().zip(&mut scaled.scale) {
            *scale *= 0.5;
            *shift += *scale;
        }
        let mut targets = if logistic { Columns::unit(y, outputs) } else { Columns::standard(y, outputs) };
        if logistic {
            for (shift, scale) in targets.shift.iter_mut().zip(&mut targets.scale) {
                *scale /= MIDDLE;
                *shift -= *scale * (1.0 - MIDDLE) / 2.0;
            }
        }
        Scaling { inputs: scaled, targets, logistic, fresh_records: rows, records: rows }
    }

    /// Whether a fit to these records may go on from the one before, which is then noted: they are no fewer, have not doubled
    /// since the last fresh start, and lie within the scales.
    pub(crate) fn goes_on(&mut self, rows: usize, x: &[f64], y: &[f64]) -> bool {
        let within = |values: Vec<f64>, low: f64, high: f64| values.iter().all(|v| (low..=high).contains(v));
        let (low, high) = if self.logistic { (0.05, 0.95) } else { (-FAR_TARGET, FAR_TARGET) };
        let on = rows >= self.records
            && rows < 2 * self.fresh_records
            && within(self.targets.apply(y), low, high)
            && within(self.inputs.apply(x), -FAR_INPUT, FAR_INPUT);
        self.records = rows;
        on
    }

    /// The scaled records, for training.
    pub(crate) fn records(&self, x: &[f64], y: &[f64]) -> (Vec<f32>, Vec<f32>) {
        (single(&self.inputs.apply(x)), single(&self.targets.apply(y)))
    }
}

/// In single precision.
pub(crate) fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}
