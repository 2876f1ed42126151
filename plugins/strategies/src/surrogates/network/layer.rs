//! Layers: what they make of a batch, and how its derivatives flow back.

use super::moments;
use super::scalar::Scalar;
use codebench_sdk::math::dense;

/// A batch of rows between two layers: means, and variances in natural-parameter networks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow<T> {
    pub(crate) mean: Vec<T>,
    pub(crate) variance: Vec<T>,
}

/// A layer. `at` is where its numbers start among those of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    /// Weights `inputs x outputs`, then biases.
    Dense {
        at: usize,
        inputs: usize,
        outputs: usize,
    },
    Softplus,
    Sigmoid,
    /// Multiplies with the mask of this number.
    Dropout(usize),
    /// Means of weights and biases as [`Layer::Dense`], then their variances. The first layer gets inputs without variance.
    Moments {
        at: usize,
        inputs: usize,
        outputs: usize,
        first: bool,
    },
    MomentsRectifier,
    MomentsLogistic,
}

impl Layer {
    /// How many numbers it has.
    pub(crate) fn size(&self) -> usize {
        match *self {
            Layer::Dense { inputs, outputs, .. } => (inputs + 1) * outputs,
            Layer::Moments { inputs, outputs, .. } => 2 * (inputs + 1) * outputs,
            _ => 0,
        }
    }

    /// The result, and the derivatives of an activation by its argument, as [`Layer::backward`] wants them.
    pub(crate) fn forward<T: Scalar>(
        &self,
        rows: usize,
        input: &Flow<T>,
        parameters: &[T],
        masks: &[&[T]],
    ) -> (Flow<T>, Vec<T>) {
        match *self {
            Layer::Dense { at, inputs, outputs } => {
                let (weights, biases) = parameters[at..at + self.size()].split_at(inputs * outputs);
                let mean = affine([rows, inputs, outputs], &input.mean, weights, biases);
                (Flow { mean, variance: Vec::new() }, Vec::new())
            }
            Layer::Softplus => {
                let mut mean = input.mean.clone();
                let mut slopes = vec![T::default(); mean.len()];
                for (x, slope) in mean.iter_mut().zip(&mut slopes) {
                    (*x, *slope) = x.softplus();
                }
                (Flow { mean, variance: Vec::new() }, slopes)
            }
            Layer::Sigmoid => {
                let mean: Vec<T> = input.mean.iter().map(|x| x.sigmoid()).collect();
                let slopes = mean.iter().map(|y| *y * (T::new(1.0) - *y)).collect();
                (Flow { mean, variance: Vec::new() }, slopes)
            }
            Layer::Dropout(number) => {
                let mean = match masks.get(number) {
                    Some(mask) => times(&input.mean, mask),
                    None => input.mean.clone(),
                };
                (Flow { mean, variance: Vec::new() }, Vec::new())
            }
            Layer::Moments { at, inputs, outputs, first } => {
                let own = &parameters[at..at + self.size()];
                (moments_forward([rows, inputs, outputs], first, input, own), Vec::new())
            }
            Layer::MomentsRectifier => activate(input, moments::rectifier),
            Layer::MomentsLogistic => activate(input, moments::logistic),
        }
    }

    /// The derivatives by the input, from those by the output; adds those by the layer's numbers to `gradient`, if asked.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn backward<T: Scalar>(
        &self,
        rows: usize,
        input: &Flow<T>,
        slopes: &[T],
        of_output: &Flow<T>,
        parameters: &[T],
        masks: &[&[T]],
        gradient: Option<&mut [T]>,
        wanted: bool,
    ) -> Flow<T> {
        match *self {
            Layer::Dense { at, inputs, outputs } => {
                let shape = [rows, inputs, outputs];
                if let Some(gradient) = gradient {
                    add_gradient(shape, &input.mean, &of_output.mean, &mut gradient[at..at + self.size()]);
                }
                let mean = match wanted {
                    true => back_through(shape, &of_output.mean, &parameters[at..at + inputs * outputs]),
                    false => Vec::new(),
                };
                Flow { mean, variance: Vec::new() }
            }
            Layer::Softplus | Layer::Sigmoid => {
                Flow { mean: times(&of_output.mean, slopes), variance: Vec::new() }
            }
            Layer::Dropout(number) => match masks.get(number) {
                Some(mask) => Flow { mean: times(&of_output.mean, mask), variance: Vec::new() },
                None => of_output.clone(),
            },
            Layer::Moments { at, inputs, outputs, first } => {
                let range = at..at + self.size();
                let own = &parameters[range.clone()];
                let gradient = gradient.map(|g| &mut g[range]);
                moments_backward([rows, inputs, outputs], first, input, of_output, own, gradient, wanted)
            }
            Layer::MomentsRectifier | Layer::MomentsLogistic => {
                let count = of_output.mean.len();
                let derivatives = |part: usize| &slopes[part * count..][..count];
                let combine = |of_mean: &[T], of_variance: &[T]| -> Vec<T> {
                    let flows = of_output.mean.iter().zip(&of_output.variance);
                    flows
                        .zip(of_mean.iter().zip(of_variance))
                        .map(|((m, v), (a, b))| *m * *a + *v * *b)
                        .collect()
                };
                let mean = combine(derivatives(0), derivatives(2));
                let variance = combine(derivatives(1), derivatives(3));
                Flow { mean, variance }
            }
        }
    }
}

/// Applies an activation; its derivatives come one kind after the other.
#[inline(always)]
fn activate<T: Scalar>(
    input: &Flow<T>,
    function: impl Fn(T, T) -> moments::Activated<T>,
) -> (Flow<T>, Vec<T>) {
    let count = input.mean.len();
    let least = T::new(moments::LEAST_VARIANCE);
    let mut flow = Flow { mean: vec![T::default(); count], variance: vec![T::default(); count] };
    let mut slopes = vec![T::default(); 4 * count];
    let (first, second) = slopes.split_at_mut(2 * count);
    let ((a, b), (c, d)) = (first.split_at_mut(count), second.split_at_mut(count));
    let (means, variances) = (&input.mean[..count], &input.variance[..count]);
    let (to_mean, to_variance) = (&mut flow.mean[..count], &mut flow.variance[..count]);
    let (c, d) = (&mut c[..count], &mut d[..count]);
    for i in 0..count {
        let (mean, variance, partial) = function(means[i], variances[i] + least);
        to_mean[i] = mean;
        to_variance[i] = variance;
        (a[i], b[i], c[i], d[i]) = (partial[0], partial[1], partial[2], partial[3]);
    }
    (flow, slopes)
}

/// The products of each element with the mask, which repeats row by row where it is shorter.
fn times<T: Scalar>(values: &[T], mask: &[T]) -> Vec<T> {
    if mask.len() == values.len() {
        return values.iter().zip(mask).map(|(x, m)| *x * *m).collect();
    }
    values.iter().zip(mask.iter().cycle()).map(|(x, m)| *x * *m).collect()
}

/// `x weights + biases`.
fn affine<T: Scalar>([rows, inputs, outputs]: [usize; 3], x: &[T], weights: &[T], biases: &[T]) -> Vec<T> {
    let mut sums = Vec::with_capacity(rows * outputs);
    (0..rows).for_each(|_| sums.extend_from_slice(biases));
    dense::multiply([rows, inputs, outputs], x, weights, &mut sums);
    sums
}

/// `of_output transpose(weights)`.
fn back_through<T: Scalar>([rows, inputs, outputs]: [usize; 3], of_output: &[T], weights: &[T]) -> Vec<T> {
    if rows == 1 {
        return weights.chunks_exact(outputs).map(|row| product(row, of_output)).collect();
    }
    let mut turned = vec![T::default(); inputs * outputs];
    dense::transpose(inputs, outputs, weights, &mut turned);
    let mut sums = vec![T::default(); rows * inputs];
    dense::multiply([rows, outputs, inputs], of_output, &turned, &mut sums);
    sums
}

/// The inner product, in four interleaved sums.
#[inline(always)]
fn product<T: Scalar>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::default(); 4];
    let (mut left, mut right) = (a.chunks_exact(4), b.chunks_exact(4));
    for (a, b) in left.by_ref().zip(right.by_ref()) {
        for q in 0..4 {
            sums[q] = sums[q] + a[q] * b[q];
        }
    }
    for (a, b) in left.remainder().iter().zip(right.remainder()) {
        sums[0] = sums[0] + *a * *b;
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Adds `transpose(x) of_output` and the column sums of `of_output` to the gradient of weights and biases.
fn add_gradient<T: Scalar>(
    [rows, inputs, outputs]: [usize; 3],
    x: &[T],
    of_output: &[T],
    gradient: &mut [T],
) {
    let (weights, biases) = gradient.split_at_mut(inputs * outputs);
    dense::multiply_transposed([inputs, rows, outputs], x, of_output, weights);
    for row in of_output.chunks_exact(outputs) {
        biases.iter_mut().zip(row).for_each(|(sum, d)| *sum = *sum + *d);
    }
}

/// Four parts: means of weights and biases, variances of weights and biases.
fn parts<T>(own: &[T], inputs: usize, outputs: usize) -> [&[T]; 4] {
    let (means, variances) = own.split_at((inputs + 1) * outputs);
    let ((a, b), (c, d)) = (means.split_at(inputs * outputs), variances.split_at(inputs * outputs));
    [a, b, c, d]
}

fn squares<T: Scalar>(values: &[T]) -> Vec<T> {
    values.iter().map(|x| *x * *x).collect()
}

/// Variances of weights plus squares of their means: what the variance of an input is multiplied with.
fn second_moments<T: Scalar>(means: &[T], variances: &[T]) -> Vec<T> {
    means.iter().zip(variances).map(|(m, v)| *v + *m * *m).collect()
}

/// Mean `x W + b`; variance `x_v (W_v + W^2) + x^2 W_v + b_v`.
fn moments_forward<T: Scalar>(shape: [usize; 3], first: bool, input: &Flow<T>, own: &[T]) -> Flow<T> {
    let [_, inputs, outputs] = shape;
    let [means, biases, variances, bias_variances] = parts(own, inputs, outputs);
    let mean = affine(shape, &input.mean, means, biases);
    let mut variance = affine(shape, &squares(&input.mean), variances, bias_variances);
    if !first {
        dense::multiply(shape, &input.variance, &second_moments(means, variances), &mut variance);
    }
    Flow { mean, variance }
}

fn moments_backward<T: Scalar>(
    shape: [usize; 3],
    first: bool,
    input: &Flow<T>,
    of_output: &Flow<T>,
    own: &[T],
    gradient: Option<&mut [T]>,
    wanted: bool,
) -> Flow<T> {
    let [rows, inputs, outputs] = shape;
    let [means, _, variances, _] = parts(own, inputs, outputs);
    let two = T::new(2.0);
    if let Some(gradient) = gradient {
        let (of_means, of_variances) = gradient.split_at_mut((inputs + 1) * outputs);
        add_gradient(shape, &input.mean, &of_output.mean, of_means);
        let mut moments = squares(&input.mean);
        if !first {
            moments.iter_mut().zip(&input.variance).for_each(|(x, v)| *x = *x + *v);
            let mut by_square = vec![T::default(); inputs * outputs];
            dense::multiply_transposed(
                [inputs, rows, outputs],
                &input.variance,
                &of_output.variance,
                &mut by_square,
            );
            let each = of_means.iter_mut().zip(means).zip(&by_square);
            each.for_each(|((sum, mean), d)| *sum = *sum + two * *mean * *d);
        }
        add_gradient(shape, &moments, &of_output.variance, of_variances);
    }
    if !wanted {
        return Flow::default();
    }
    let mut mean = back_through(shape, &of_output.mean, means);
    let of_square = back_through(shape, &of_output.variance, variances);
    let each = mean.iter_mut().zip(&input.mean).zip(&of_square);
    each.for_each(|((sum, x), d)| *sum = *sum + two * *x * *d);
    let variance = match first {
        true => Vec::new(),
        false => back_through(shape, &of_output.variance, &second_moments(means, variances)),
    };
    Flow { mean, variance }
}
