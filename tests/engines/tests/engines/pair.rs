//! One network in both engines, from the same weights.

use codebench_api::{Catalog, MiniBatch, NamedTensor, Network, NetworkOptions};
use codebench_cnn::{CnnError, Language};
use codebench_engines::Pair;
use codebench_model::{CnnGraph, CnnModule, TensorShape, Vertex, WeightRole, Workload};
use codebench_space::Rng;

pub(crate) const CLASSES: u64 = 10;

/// Images and labels.
pub(crate) struct Data {
    images: Vec<f32>,
    labels: Vec<u32>,
    shape: TensorShape,
}

impl Data {
    pub(crate) fn draw(shape: TensorShape, count: usize, seed: u64) -> Data {
        let mut rng = Rng::new(seed, 1);
        let length = count * shape.elements().unwrap() as usize;
        let images = (0..length).map(|_| (4.0 * rng.unit() - 2.0) as f32).collect();
        Data { images, labels: (0..count).map(|_| rng.below(CLASSES) as u32).collect(), shape }
    }

    pub(crate) fn batch(&self) -> MiniBatch<'_> {
        MiniBatch { images: &self.images, labels: &self.labels, shape: self.shape }
    }
}

pub(crate) fn options(optimizer: &str) -> NetworkOptions {
    NetworkOptions {
        seed: 5,
        optimizer: optimizer.into(),
        momentum: 0.9,
        betas: [0.9, 0.999],
        weight_decay: 1e-2,
        label_smoothing: 0.1,
        clip_norm: 0.0,
    }
}

/// The same network in both engines.
pub(crate) fn build(pair: &Pair, workload: &Workload, options: &NetworkOptions) -> [Box<dyn Network>; 2] {
    pair.engines.each_ref().map(|(id, parameters)| {
        let engine = pair.catalog.engine(id, parameters).unwrap();
        engine.build(workload, options).unwrap_or_else(|e| panic!("{id}: {e}"))
    })
}

/// Weights that hide nothing: no batch norm is the identity, no running statistic its initial value.
pub(crate) fn vary(weights: &[NamedTensor], seed: u64) -> Vec<NamedTensor> {
    let mut rng = Rng::new(seed, 2);
    let mut around = |centre: f32| centre + (rng.unit() - 0.5) as f32;
    let varied = weights.iter().map(|tensor| {
        let values = match tensor.role {
            WeightRole::Weight => tensor.values.clone(),
            WeightRole::Gamma | WeightRole::RunningVariance => {
                tensor.values.iter().map(|_| around(1.0)).collect()
            }
            _ => tensor.values.iter().map(|_| around(0.0)).collect(),
        };
        NamedTensor { values, ..tensor.clone() }
    });
    varied.collect()
}

/// What rounding leaves where all values of a row are zero but for it, such as gradients of biases before a batch norm.
const FLOOR: f64 = 1e-6;

/// The largest difference of two rows, in units of `tolerance` x the row's largest value, and [`FLOOR`] beside it.
pub(crate) fn excess(a: &[f32], b: &[f32], tolerance: f64) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0.0f64, |largest, value| largest.max(f64::from(value.abs())));
    let difference = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    // A value that is not a number differs from everything.
    let worst = difference.fold(0.0, |worst: f64, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) });
    worst / (tolerance * largest + FLOOR)
}

#[test]
fn small_values_must_agree_too() {
    assert!(excess(&[1e-4, 0.0], &[2e-4, 0.0], 1e-3) > 10.0);
    assert!(excess(&[2.0001, 0.001], &[2.0, 0.0], 1e-3) < 1.0);
    assert!(excess(&[5e-7], &[0.0], 1e-3) < 1.0);
    assert!(excess(&[f32::NAN], &[0.0], 1e-3).is_infinite());
}

/// A module whose vertices follow one another.
pub(crate) fn chain(labels: &[&str]) -> CnnModule {
    let labels = ["input"].iter().chain(labels).chain(&["output"]);
    let vertices: Vec<Vertex> = labels.map(|label| Vertex::new(*label)).collect();
    let edges = (1..vertices.len()).map(|to| [to - 1, to]).collect();
    CnnModule { vertices, edges }
}

pub(crate) fn lower(catalog: &Catalog, cnn: &CnnGraph, shape: TensorShape) -> Result<Workload, CnnError> {
    Ok(Language::new(catalog).unwrap().lower(cnn, shape, CLASSES)?.workload)
}
