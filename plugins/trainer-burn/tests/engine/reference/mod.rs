//! Every primitive in plain loops over f64: slow, obvious, and independent of the engine.

use codebench_sdk::api::NamedTensor;
use codebench_sdk::model::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

mod norm;
pub(crate) use norm::statistics;
mod window;

/// A tensor N x C x H x W.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Map {
    pub(crate) n: usize,
    pub(crate) c: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) v: Vec<f64>,
}

impl Map {
    pub(crate) fn zeros(n: usize, c: usize, h: usize, w: usize) -> Map {
        Map { n, c, h, w, v: vec![0.0; n * c * h * w] }
    }

    /// A tensor whose value at (n, c, y, x) is `f` of it.
    pub(crate) fn from_fn(
        [n, c, h, w]: [usize; 4],
        mut f: impl FnMut(usize, usize, usize, usize) -> f64,
    ) -> Map {
        let mut map = Map::zeros(n, c, h, w);
        let mut values = Vec::with_capacity(map.v.len());
        for i in 0..n {
            for j in 0..c {
                for y in 0..h {
                    for x in 0..w {
                        values.push(f(i, j, y, x));
                    }
                }
            }
        }
        map.v = values;
        map
    }

    pub(crate) fn dims(&self) -> [usize; 4] {
        [self.n, self.c, self.h, self.w]
    }

    pub(crate) fn at(&self, n: usize, c: usize, y: usize, x: usize) -> f64 {
        self.v[((n * self.c + c) * self.h + y) * self.w + x]
    }

    /// Zero outside.
    pub(crate) fn padded(&self, n: usize, c: usize, y: i64, x: i64) -> f64 {
        let inside = (0..self.h as i64).contains(&y) && (0..self.w as i64).contains(&x);
        if inside { self.at(n, c, y as usize, x as usize) } else { 0.0 }
    }

    pub(crate) fn shape(&self) -> TensorShape {
        TensorShape::new(self.c as u64, self.h as u64, self.w as u64)
    }
}

/// How to run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Train { seed: u64, step: u64 },
    Inference,
}

/// One layer; `layer` is its index, which seeds dropout.
pub(crate) fn apply(
    primitive: &Primitive,
    inputs: &[&Map],
    weights: &[Vec<f64>],
    mode: Mode,
    layer: usize,
) -> Map {
    let x = inputs[0];
    let [n, c, h, w] = x.dims();
    match primitive {
        Primitive::Conv { .. } => window::conv(primitive, x, weights),
        Primitive::MaxPool { .. } | Primitive::AveragePool { .. } => window::pool(primitive, x),
        Primitive::Dense { out_features, .. } => {
            Map::from_fn([n, *out_features as usize, 1, 1], |i, o, _, _| {
                let sum: f64 = (0..c).map(|j| weights[0][o * c + j] * x.at(i, j, 0, 0)).sum();
                sum + weights.get(1).map_or(0.0, |bias| bias[o])
            })
        }
        Primitive::GlobalAveragePool => Map::from_fn([n, c, 1, 1], |i, j, _, _| {
            let sum: f64 = (0..h * w).map(|p| x.at(i, j, p / w, p % w)).sum();
            sum / (h * w) as f64
        }),
        Primitive::BatchNorm { epsilon, .. } => norm::batch(x, weights, *epsilon, mode),
        Primitive::LocalResponseNorm { size, alpha, beta, k } => {
            norm::local_response(x, *size as i64, *alpha, *beta, *k)
        }
        Primitive::Activation { function } => {
            Map::from_fn(x.dims(), |i, j, y, z| activate(*function, x.at(i, j, y, z)))
        }
        Primitive::Add => broadcast(inputs, |a, b| a + b),
        Primitive::Multiply => broadcast(inputs, |a, b| a * b),
        Primitive::Concat => {
            let all: Vec<(&Map, usize)> =
                inputs.iter().flat_map(|m| (0..m.c).map(move |j| (*m, j))).collect();
            Map::from_fn([n, all.len(), h, w], |i, j, y, z| all[j].0.at(i, all[j].1, y, z))
        }
        Primitive::Slice { start, end } => {
            Map::from_fn([n, (end - start) as usize, h, w], |i, j, y, z| x.at(i, j + *start as usize, y, z))
        }
        Primitive::Shuffle { groups } => {
            let g = *groups as usize;
            // Channel (a, b) of a groups x rest grid moves to (b, a).
            Map::from_fn(x.dims(), |i, j, y, z| x.at(i, (j % g) * (c / g) + j / g, y, z))
        }
        Primitive::Resize { mode, height, width } => {
            window::resize(x, *mode, *height as usize, *width as usize)
        }
        Primitive::Flatten => Map { n, c: c * h * w, h: 1, w: 1, v: x.v.clone() },
        Primitive::Dropout { probability } => dropout(x, *probability, mode, layer),
        Primitive::Softmax => Map::from_fn(x.dims(), |i, j, y, z| {
            let sum: f64 = (0..c).map(|k| libm_exp(x.at(i, k, y, z))).sum();
            libm_exp(x.at(i, j, y, z)) / sum
        }),
    }
}

fn libm_exp(x: f64) -> f64 {
    codebench_sdk::math::exp(x)
}

fn broadcast(inputs: &[&Map], op: impl Fn(f64, f64) -> f64) -> Map {
    let h = inputs.iter().map(|m| m.h).max().unwrap();
    let w = inputs.iter().map(|m| m.w).max().unwrap();
    let read = |m: &Map, i, j, y, x| if (m.h, m.w) == (1, 1) { m.at(i, j, 0, 0) } else { m.at(i, j, y, x) };
    Map::from_fn([inputs[0].n, inputs[0].c, h, w], |i, j, y, x| {
        let first = read(inputs[0], i, j, y, x);
        inputs[1..].iter().fold(first, |joined, m| op(joined, read(m, i, j, y, x)))
    })
}

fn activate(function: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + libm_exp(-x));
    let hsigmoid = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    match function {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Silu => x * sigmoid(x),
        Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
        Activation::Hswish => x * hsigmoid(x),
        Activation::Hsigmoid => hsigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => codebench_sdk::math::tanh(x),
        Activation::LeakyRelu => {
            if x < 0.0 {
                0.01 * x
            } else {
                x
            }
        }
    }
}

/// The mask as the engine documents it: ChaCha8 keyed by (seed, 2, layer, step), 24 bits an element.
fn dropout(x: &Map, probability: f64, mode: Mode, layer: usize) -> Map {
    let Mode::Train { seed, step } = mode else { return x.clone() };
    let mut key = [0u8; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([seed, 2, layer as u64, step]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    let mut generator = ChaCha8Rng::from_seed(key);
    let mut out = x.clone();
    for value in &mut out.v {
        let uniform = f64::from(generator.next_u32() >> 8) / 16_777_216.0;
        *value = if uniform < probability { 0.0 } else { *value / (1.0 - probability) };
    }
    out
}

/// Logits N x classes; `weights` are all tensors in the workload's order.
pub(crate) fn forward(workload: &Workload, weights: &[Vec<f64>], images: &Map, mode: Mode) -> Map {
    let mut tensors: Vec<Option<Map>> = vec![None; workload.tensors.len()];
    tensors[workload.input] = Some(images.clone());
    let mut next = 0;
    for (index, layer) in workload.layers.iter().enumerate() {
        let inputs: Vec<&Map> = layer.inputs.iter().map(|id| tensors[*id].as_ref().unwrap()).collect();
        let own = &weights[next..next + layer.weights.len()];
        next += layer.weights.len();
        let output = apply(&layer.primitive, &inputs, own, mode, index);
        tensors[layer.output] = Some(output);
    }
    tensors[workload.output].take().unwrap()
}

/// Mean cross-entropy with label smoothing.
pub(crate) fn loss(logits: &Map, labels: &[u32], smoothing: f64) -> f64 {
    let classes = logits.c;
    let mut sum = 0.0;
    for (i, label) in labels.iter().enumerate() {
        let total: f64 = (0..classes).map(|j| libm_exp(logits.at(i, j, 0, 0))).sum();
        for j in 0..classes {
            let certain = if j == *label as usize { 1.0 - smoothing } else { 0.0 };
            let target = certain + smoothing / classes as f64;
            sum -= target * (logits.at(i, j, 0, 0) - codebench_sdk::math::ln(total));
        }
    }
    sum / labels.len() as f64
}

/// The values of weight tensors in f64.
pub(crate) fn widen(weights: &[NamedTensor]) -> Vec<Vec<f64>> {
    weights.iter().map(|t| t.values.iter().map(|v| f64::from(*v)).collect()).collect()
}
