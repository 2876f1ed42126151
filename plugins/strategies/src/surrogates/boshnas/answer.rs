//! What it answers between two fits.

use super::super::Shape;
use super::super::network::{Flow, LEAST_VARIANCE, Scalar, Trained};
use super::Fitted;
use super::fit::{deviations, spread};
use super::settings::Settings;
use codebench_sdk::prelude::*;

/// Rows that are computed at once.
const ROWS: usize = 64;

impl Fitted {
    pub(super) fn predict(&self, settings: &Settings, shape: Shape, x: &[f64], count: usize) -> Prediction {
        let scaled = self.scaling.inputs.apply(x);
        let outputs = shape.outputs;
        let mut answer = Prediction::default();
        for start in (0..count).step_by(ROWS) {
            let rows = ROWS.min(count - start);
            let part = &scaled[start * shape.inputs..][..rows * shape.inputs];
            let mut means = vec![0.0; rows * outputs];
            let mut variances = vec![-LEAST_VARIANCE; rows * outputs];
            if let Some(moments) = &self.moments {
                let (flow, _) = moments.network.forward(rows, part, &moments.wide, &[]);
                means.iter_mut().zip(&flow.mean).for_each(|(sum, m)| *sum += settings.shares[0] * m);
                variances = flow.variance;
            }
            if settings.shares[1] > 0.0 {
                let (flow, _) = self.teacher.network.forward(rows, part, &self.teacher.wide, &[]);
                means.iter_mut().zip(&flow.mean).for_each(|(sum, m)| *sum += settings.shares[1] * m);
            }
            let epistemic = match &self.student {
                Some(student) => {
                    let (flow, _) = student.network.forward(rows, part, &student.wide, &[]);
                    flow.mean.iter().zip(self.spread.iter().cycle()).map(|(s, unit)| s * unit).collect()
                }
                None => spread(&self.teacher.network, &self.teacher.wide, rows, part, &self.masks).1,
            };
            let scales = self.scaling.targets.shift.iter().zip(&self.scaling.targets.scale);
            let each = means.iter().zip(&variances).zip(&epistemic).zip(scales.cycle());
            for (((mean, variance), epistemic), (shift, scale)) in each {
                answer.mean.push(shift + scale * mean);
                answer.epistemic.push(scale * epistemic);
                let variance = (variance + LEAST_VARIANCE).max(0.0);
                answer.aleatoric.push(scale * (variance / settings.error_weight).sqrt());
            }
        }
        answer
    }

    /// The gradient by the scaled input `at` of the weighted sum of predictions.
    pub(super) fn gradient<'a, T: Scalar + 'a>(
        &'a self,
        settings: &Settings,
        shape: Shape,
        at: &[T],
        coefficients: &[f64],
        numbers: impl Fn(&'a Trained) -> &'a Vec<T>,
    ) -> Vec<T> {
        let outputs = shape.outputs;
        let scale = |part: usize, factor: f64| -> Vec<T> {
            let coefficients = &coefficients[part * outputs..][..outputs];
            coefficients
                .iter()
                .zip(&self.scaling.targets.scale)
                .map(|(c, s)| T::new(c * s * factor))
                .collect()
        };
        let mut sum = vec![T::default(); shape.inputs];
        let mut add = |part: Vec<T>| sum.iter_mut().zip(part).for_each(|(s, d)| *s = *s + d);
        if let Some(moments) = &self.moments {
            let parameters = numbers(moments);
            let (flow, trace) = moments.network.forward(1, at, parameters, &[]);
            let weight = T::new(1.0 / settings.error_weight);
            let least = T::new(LEAST_VARIANCE);
            let variance = flow.variance.iter().zip(scale(2, 0.5));
            // The derivative of the root of the weighted variance.
            let variance = variance.map(|(v, c)| c * weight / ((*v + least) * weight).root()).collect();
            let of_output = Flow { mean: scale(0, settings.shares[0]), variance };
            add(moments.network.backward(&trace, of_output, parameters, &[], None));
        }
        if settings.shares[1] > 0.0 {
            let parameters = numbers(&self.teacher);
            let (_, trace) = self.teacher.network.forward(1, at, parameters, &[]);
            let of_output = Flow { mean: scale(0, settings.shares[1]), variance: Vec::new() };
            add(self.teacher.network.backward(&trace, of_output, parameters, &[], None));
        }
        match &self.student {
            Some(student) => {
                let parameters = numbers(student);
                let (_, trace) = student.network.forward(1, at, parameters, &[]);
                let units = scale(1, 1.0).into_iter().zip(&self.spread);
                let of_output =
                    Flow { mean: units.map(|(c, u)| c * T::new(*u)).collect(), variance: Vec::new() };
                add(student.network.backward(&trace, of_output, parameters, &[], None));
            }
            None => self.gradient_of_spread(at, &scale(1, 1.0), numbers(&self.teacher), add),
        }
        sum
    }

    /// Without a student: through every sample of the dropout.
    fn gradient_of_spread<T: Scalar>(
        &self,
        at: &[T],
        weights: &[T],
        parameters: &[T],
        mut add: impl FnMut(Vec<T>),
    ) {
        let network = &self.teacher.network;
        let mut samples = Vec::new();
        let mut passes = Vec::new();
        for sample in &self.masks {
            let masks: Vec<Vec<T>> = sample.iter().map(|m| m.iter().map(|x| T::new(*x)).collect()).collect();
            let views: Vec<&[T]> = masks.iter().map(Vec::as_slice).collect();
            let (flow, trace) = network.forward(1, at, parameters, &views);
            samples.push(flow.mean);
            passes.push((masks, trace));
        }
        let (means, spreads) = deviations(&samples);
        let share = T::new(1.0 / samples.len().max(1) as f64);
        for (sample, (masks, trace)) in samples.iter().zip(&passes) {
            let each = sample.iter().zip(&means).zip(&spreads).zip(weights);
            let mean = each.map(|(((s, mean), spread), w)| *w * (*s - *mean) * share / *spread).collect();
            let views: Vec<&[T]> = masks.iter().map(Vec::as_slice).collect();
            add(network.backward(trace, Flow { mean, variance: Vec::new() }, parameters, &views, None));
        }
    }
}
