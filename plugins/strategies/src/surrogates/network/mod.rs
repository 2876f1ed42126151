//! Small feed-forward networks with one input or several: plain ones and natural-parameter networks.
//!
//! One generic implementation serves training (`f32`), predictions and gradients (`f64`) and Hessian products ([`Dual`]).

mod layer;
mod moments;
mod scalar;
mod train;
mod trained;

pub(crate) use layer::{Flow, Layer};
pub(crate) use scalar::{Dual, Scalar};
pub(crate) use train::{LEAST_VARIANCE, Loss, Records, Schedule, mask, shuffle, train};
pub(crate) use trained::{Scaling, Trained, single};

use codebench_sdk::prelude::*;
use codebench_sdk::space::Rng;
use std::ops::Range;

/// Branches, each of some columns of the input, whose results are joined and go through the trunk; without branches the
/// trunk gets the input.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    branches: Vec<(Vec<usize>, Vec<Layer>)>,
    trunk: Vec<Layer>,
    inputs: usize,
    /// Numbers of all layers.
    pub(crate) size: usize,
    /// Widths of the dropout layers, by number.
    pub(crate) dropouts: Vec<usize>,
    end: usize,
}

/// What a forward pass leaves for the backward pass: per layer its input and slopes.
pub(crate) struct Trace<T> {
    branches: Vec<Vec<(Flow<T>, Vec<T>)>>,
    trunk: Vec<(Flow<T>, Vec<T>)>,
    /// Columns that each branch gives.
    widths: Vec<usize>,
    rows: usize,
}

/// The columns of each branch: one branch per block that has columns, one for columns in no block; none at all if that makes
/// fewer than two.
pub(crate) fn branches(context: &SurrogateContext) -> Vec<Vec<usize>> {
    let mut branches: Vec<Vec<usize>> = context.blocks.iter().map(|(_, r)| r.clone().collect()).collect();
    branches
        .push((0..context.inputs).filter(|c| !context.blocks.iter().any(|(_, r)| r.contains(c))).collect());
    branches.retain(|b: &Vec<usize>| !b.is_empty());
    if branches.len() < 2 { Vec::new() } else { branches }
}

impl Network {
    /// Without layers yet.
    pub(crate) fn new(inputs: usize) -> Self {
        Network {
            branches: Vec::new(),
            trunk: Vec::new(),
            inputs,
            size: 0,
            dropouts: Vec::new(),
            end: inputs,
        }
    }

    /// Adds a branch; `layers` are made by the methods below with [`Network::layer`].
    pub(crate) fn branch(&mut self, columns: Vec<usize>, make: impl Fn(&mut Stack<'_>)) {
        let mut stack = Stack {
            size: &mut self.size,
            dropouts: &mut self.dropouts,
            layers: Vec::new(),
            width: columns.len(),
        };
        make(&mut stack);
        let (width, layers) = (stack.width, stack.layers);
        if self.branches.is_empty() {
            self.end = 0;
        }
        self.end += width;
        self.branches.push((columns, layers));
    }

    /// The trunk, after all branches.
    pub(crate) fn trunk(&mut self, make: impl Fn(&mut Stack<'_>)) {
        let mut stack =
            Stack { size: &mut self.size, dropouts: &mut self.dropouts, layers: Vec::new(), width: self.end };
        make(&mut stack);
        let (width, layers) = (stack.width, stack.layers);
        self.end = width;
        self.trunk = layers;
    }

    /// All layers.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.branches.iter().flat_map(|(_, layers)| layers).chain(&self.trunk)
    }

    /// The result for `rows` rows of `x`, with what a backward pass needs.
    pub(crate) fn forward<T: Scalar>(
        &self,
        rows: usize,
        x: &[T],
        parameters: &[T],
        masks: &[&[T]],
    ) -> (Flow<T>, Trace<T>) {
        let mut trace = Trace { branches: Vec::new(), trunk: Vec::new(), widths: Vec::new(), rows };
        let mut flow = Flow { mean: Vec::new(), variance: Vec::new() };
        if self.branches.is_empty() {
            flow.mean = x.to_vec();
        } else {
            let mut ends = Vec::new();
            for (columns, layers) in &self.branches {
                let part =
                    x.chunks_exact(self.inputs).take(rows).flat_map(|row| columns.iter().map(|c| row[*c]));
                let mut steps = Vec::new();
                let start = Flow { mean: part.collect(), variance: Vec::new() };
                ends.push(run(layers, rows, start, parameters, masks, &mut steps));
                trace.branches.push(steps);
            }
            trace.widths = ends.iter().map(|e| e.mean.len() / rows.max(1)).collect();
            flow.mean = join(&ends, rows, |f| &f.mean);
            flow.variance = join(&ends, rows, |f| &f.variance);
        }
        let end = run(&self.trunk, rows, flow, parameters, masks, &mut trace.trunk);
        (end, trace)
    }

    /// The trunk from its layer `from` on, for `flow` before it.
    pub(crate) fn rest<T: Scalar>(
        &self,
        from: usize,
        rows: usize,
        flow: Flow<T>,
        parameters: &[T],
        masks: &[&[T]],
    ) -> Flow<T> {
        run(&self.trunk[from..], rows, flow, parameters, masks, &mut Vec::new())
    }

    /// The first dropout layer of the trunk, and what goes into it.
    pub(crate) fn before_dropout<'t, T>(&self, trace: &'t Trace<T>) -> Option<(usize, &'t Flow<T>)> {
        let at = self.trunk.iter().position(|l| matches!(l, Layer::Dropout(_)))?;
        Some((at, &trace.trunk.get(at)?.0))
    }

    /// Adds the derivatives by the parameters to `gradient`; gives those by the input, if there is no `gradient` to add to.
    pub(crate) fn backward<T: Scalar>(
        &self,
        trace: &Trace<T>,
        of_output: Flow<T>,
        parameters: &[T],
        masks: &[&[T]],
        mut gradient: Option<&mut [T]>,
    ) -> Vec<T> {
        let (rows, by_input) = (trace.rows, gradient.is_none());
        let wanted = by_input || !self.branches.is_empty();
        let joined = back(
            &self.trunk,
            trace,
            &trace.trunk,
            of_output,
            parameters,
            masks,
            gradient.as_deref_mut(),
            wanted,
        );
        if self.branches.is_empty() {
            return joined.mean;
        }
        let mut of_input = vec![T::default(); if by_input { rows * self.inputs } else { 0 }];
        let total: usize = trace.widths.iter().sum();
        let mut start = 0;
        for (((columns, layers), steps), width) in
            self.branches.iter().zip(&trace.branches).zip(&trace.widths)
        {
            let part = |values: &[T]| -> Vec<T> {
                values.chunks_exact(total).flat_map(|row| row[start..start + width].iter().copied()).collect()
            };
            let flow = Flow { mean: part(&joined.mean), variance: part(&joined.variance) };
            let part = back(layers, trace, steps, flow, parameters, masks, gradient.as_deref_mut(), by_input);
            for (to, from) in
                of_input.chunks_exact_mut(self.inputs).zip(part.mean.chunks_exact(columns.len()))
            {
                columns.iter().zip(from).for_each(|(c, d)| to[*c] = *d);
            }
            start += width;
        }
        of_input
    }

    /// First numbers of all layers. Plain weights as usual for dense layers; natural parameters as the released surrogate
    /// draws them, except the variances of the last layer's biases, which start at `last_variance`.
    pub(crate) fn initial(&self, rng: &mut Rng, last_variance: f64) -> Vec<f32> {
        let mut all = vec![0.0; self.size];
        let mut last = None;
        for layer in self.layers() {
            let mut even = |size: f64| ((2.0 * rng.unit() - 1.0) * size) as f32;
            match *layer {
                Layer::Dense { at, inputs, .. } => {
                    let bound = 1.0 / (inputs.max(1) as f64).sqrt();
                    all[at..at + layer.size()].iter_mut().for_each(|w| *w = even(bound));
                }
                Layer::Moments { at, inputs, outputs, .. } => {
                    let bound = (6.0 / (inputs + outputs) as f64).sqrt();
                    let (weights, half) = (inputs * outputs, (inputs + 1) * outputs);
                    all[at..at + weights].iter_mut().for_each(|w| *w = even(bound));
                    let raw =
                        |variance: f64| codebench_sdk::math::ln(codebench_sdk::math::exp_m1(variance)) as f32;
                    let variances = &mut all[at + half..at + 2 * half];
                    variances[..weights]
                        .iter_mut()
                        .for_each(|w| *w = raw(0.05 * bound * (1e-3 + f64::from(even(0.5) + 0.5))));
                    variances[weights..].fill(-10.0);
                    last = Some((at + half + weights..at + 2 * half, raw(last_variance)));
                }
                _ => {}
            }
        }
        if let Some((range, raw)) = last {
            all[range].fill(raw);
        }
        all
    }

    /// The numbers that layers compute with, in double precision.
    pub(crate) fn wide(&self, raw: &[f32]) -> Vec<f64> {
        let mut wide: Vec<f64> = raw.iter().map(|w| f64::from(*w)).collect();
        for range in self.variances() {
            wide[range].iter_mut().for_each(|v| *v = v.softplus().0);
        }
        wide
    }

    /// Where the numbers are variances: in training, each is the softplus of what is stored.
    pub(crate) fn variances(&self) -> Vec<Range<usize>> {
        let range = |layer: &Layer| match *layer {
            Layer::Moments { at, .. } => Some(at + layer.size() / 2..at + layer.size()),
            _ => None,
        };
        self.layers().filter_map(range).collect()
    }
}

/// A branch or the trunk while it is put together.
pub(crate) struct Stack<'a> {
    size: &'a mut usize,
    dropouts: &'a mut Vec<usize>,
    layers: Vec<Layer>,
    width: usize,
}

impl Stack<'_> {
    /// A dense layer.
    pub(crate) fn dense(&mut self, outputs: usize) -> &mut Self {
        let layer = Layer::Dense { at: *self.size, inputs: self.width, outputs };
        self.put(layer, outputs)
    }

    /// A dense layer of natural parameters; the first of a stack that starts at the input is `first`.
    pub(crate) fn moments(&mut self, outputs: usize, first: bool) -> &mut Self {
        let layer = Layer::Moments { at: *self.size, inputs: self.width, outputs, first };
        self.put(layer, outputs)
    }

    /// An activation.
    pub(crate) fn then(&mut self, layer: Layer) -> &mut Self {
        self.layers.push(layer);
        self
    }

    /// Dropout.
    pub(crate) fn dropout(&mut self) -> &mut Self {
        self.dropouts.push(self.width);
        let number = self.dropouts.len() - 1;
        self.then(Layer::Dropout(number))
    }

    fn put(&mut self, layer: Layer, outputs: usize) -> &mut Self {
        *self.size += layer.size();
        self.width = outputs;
        self.then(layer)
    }
}

fn run<T: Scalar>(
    layers: &[Layer],
    rows: usize,
    mut flow: Flow<T>,
    parameters: &[T],
    masks: &[&[T]],
    steps: &mut Vec<(Flow<T>, Vec<T>)>,
) -> Flow<T> {
    for layer in layers {
        let (next, slopes) = layer.forward(rows, &flow, parameters, masks);
        steps.push((flow, slopes));
        flow = next;
    }
    flow
}

#[allow(clippy::too_many_arguments)]
fn back<T: Scalar>(
    layers: &[Layer],
    trace: &Trace<T>,
    steps: &[(Flow<T>, Vec<T>)],
    mut flow: Flow<T>,
    parameters: &[T],
    masks: &[&[T]],
    mut gradient: Option<&mut [T]>,
    wanted: bool,
) -> Flow<T> {
    for (number, (layer, (input, slopes))) in layers.iter().zip(steps).enumerate().rev() {
        let gradient = gradient.as_deref_mut();
        flow = layer.backward(
            trace.rows,
            input,
            slopes,
            &flow,
            parameters,
            masks,
            gradient,
            wanted || number > 0,
        );
    }
    flow
}

fn join<T: Scalar>(flows: &[Flow<T>], rows: usize, part: impl Fn(&Flow<T>) -> &Vec<T>) -> Vec<T> {
    let parts: Vec<(&Vec<T>, usize)> = flows.iter().map(|f| (part(f), part(f).len() / rows.max(1))).collect();
    (0..rows)
        .flat_map(|r| parts.iter().flat_map(move |(p, w)| p[r * w..(r + 1) * w].iter().copied()))
        .collect()
}
