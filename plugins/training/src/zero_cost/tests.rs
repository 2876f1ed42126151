//! Each proxy against its formula in plain loops, on networks that are small enough to write out.

use super::proxies::{Setting, gradient_norm, log_synflow, naswot};
use codebench_sdk::api::{Catalog, ErrorKind};
use codebench_sdk::prelude::*;
use codebench_sdk::space::rng::Rng;

const SHAPE: TensorShape = TensorShape { channels: 1, height: 2, width: 3 };
const PIXELS: usize = 6;
const CLASSES: usize = 3;
const IMAGES: usize = 5;

/// Dense layers of these widths behind each other, each but the last with a ReLU.
fn dense(widths: &[u64]) -> Workload {
    let mut workload =
        Workload { v: Workload::VERSION, tensors: vec![SHAPE], input: 0, output: 0, layers: vec![] };
    let add = |workload: &mut Workload, primitive: Primitive| {
        let name = format!("l{}", workload.layers.len());
        let shape = primitive.output_shape(&[workload.tensors[workload.output]]).unwrap();
        let weights = primitive.weight_shapes().into_iter();
        let weights = weights
            .map(|(tail, role, shape)| WeightTensor { name: format!("{name}.{tail}"), role, shape })
            .collect();
        workload.tensors.push(shape);
        let (input, output) = (workload.output, workload.tensors.len() - 1);
        workload.layers.push(Layer {
            name,
            module: 0,
            vertex: 0,
            primitive,
            inputs: vec![input],
            output,
            weights,
            macs: 0,
            parameters: 0,
        });
        workload.output = output;
    };
    add(&mut workload, Primitive::Flatten);
    for (index, out_features) in widths.iter().enumerate() {
        let in_features = workload.tensors[workload.output].channels;
        add(&mut workload, Primitive::Dense { in_features, out_features: *out_features, bias: true });
        if index + 1 < widths.len() {
            add(&mut workload, Primitive::Activation { function: Activation::Relu });
        }
    }
    workload
}

/// Calls `check` with the setting of a workload, and its weight tensors as the engine initialises them.
fn with<T>(workload: &Workload, check: impl Fn(&Setting<'_>, &[Vec<f64>]) -> T) -> T {
    let mut catalog = Catalog::default();
    catalog.add_all("trainer-burn", codebench_trainer_burn::PLUGINS).unwrap();
    let engine = catalog.engine("codebench/burn", &Parameters::new()).unwrap();
    let mut rng = Rng::new(3, 0);
    let images: Vec<f32> = (0..IMAGES * PIXELS).map(|_| (2.0 * rng.unit() - 1.0) as f32).collect();
    let labels = [0, 1, 2, 1, 0];
    let batch = MiniBatch { images: &images, labels: &labels, shape: SHAPE };
    let setting = Setting { engine: engine.as_ref(), workload, batch, seed: 4 };
    let weights = setting.build(workload).unwrap().weights().unwrap();
    let wide: Vec<Vec<f64>> =
        weights.iter().map(|t| t.values.iter().map(|v| f64::from(*v)).collect()).collect();
    check(&setting, &wide)
}

/// Weights times inputs plus biases.
fn apply(weights: &[f64], bias: &[f64], x: &[f64]) -> Vec<f64> {
    let row = |(row, bias): (&[f64], &f64)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + bias;
    weights.chunks(x.len()).zip(bias).map(row).collect()
}

fn image(setting: &Setting<'_>, index: usize) -> Vec<f64> {
    setting.batch.images[index * PIXELS..][..PIXELS].iter().map(|v| f64::from(*v)).collect()
}

#[test]
fn the_gradient_norm_of_a_linear_classifier() {
    let (got, expected) = with(&dense(&[CLASSES as u64]), |setting, weights| {
        // Mean over images of (softmax - target) x image.
        let mut gradient = [0.0; CLASSES * PIXELS];
        for (index, label) in setting.batch.labels.iter().enumerate() {
            let x = image(setting, index);
            let exps: Vec<f64> =
                apply(&weights[0], &weights[1], &x).into_iter().map(codebench_sdk::math::exp).collect();
            for class in 0..CLASSES {
                let target = if class == *label as usize { 1.0 } else { 0.0 };
                let error = exps[class] / exps.iter().sum::<f64>() - target;
                for (pixel, x) in x.iter().enumerate() {
                    gradient[class * PIXELS + pixel] += error * x / IMAGES as f64;
                }
            }
        }
        let expected = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        (gradient_norm(setting).unwrap(), expected)
    });
    assert!((got - expected).abs() < 1e-5, "{got} against {expected}");
}

#[test]
fn synflow_counts_every_path_once_for_each_layer() {
    let (got, expected) = with(&dense(&[4, CLASSES as u64]), |setting, weights| {
        let positive = |index: usize| weights[index].iter().map(|w| w.abs()).collect::<Vec<f64>>();
        let hidden = apply(&positive(0), &[0.0; 4], &[1.0; PIXELS]);
        let sum: f64 = apply(&positive(2), &[0.0; CLASSES], &hidden).iter().sum();
        (log_synflow(setting).unwrap(), codebench_sdk::math::ln(2.0 * sum))
    });
    assert!((got - expected).abs() < 1e-5, "{got} against {expected}");
}

/// The determinant by Gaussian elimination.
fn determinant(mut a: Vec<Vec<f64>>) -> f64 {
    let mut product = 1.0;
    for k in 0..a.len() {
        let pivot = (k..a.len()).max_by(|i, j| a[*i][k].abs().total_cmp(&a[*j][k].abs())).unwrap();
        if pivot != k {
            a.swap(k, pivot);
            product = -product;
        }
        product *= a[k][k];
        let (done, rest) = a.split_at_mut(k + 1);
        for row in rest {
            let factor = row[k] / done[k][k];
            row.iter_mut().zip(&done[k]).skip(k).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    product
}

#[test]
fn naswot_compares_which_units_switch() {
    let (got, expected) = with(&dense(&[70, 16, CLASSES as u64]), |setting, weights| {
        let codes: Vec<Vec<bool>> = (0..IMAGES)
            .map(|index| {
                let first = apply(&weights[0], &weights[1], &image(setting, index));
                let hidden: Vec<f64> = first.iter().map(|v| v.max(0.0)).collect();
                let second = apply(&weights[2], &weights[3], &hidden);
                first.iter().chain(&second).map(|v| *v > 0.0).collect()
            })
            .collect();
        let alike = |a: &Vec<bool>, b: &Vec<bool>| a.iter().zip(b).filter(|(a, b)| a == b).count() as f64;
        let kernel = codes.iter().map(|a| codes.iter().map(|b| alike(a, b)).collect()).collect();
        (naswot(setting).unwrap(), codebench_sdk::math::ln(determinant(kernel)))
    });
    assert!((got - expected).abs() < 1e-9, "{got} against {expected}");
}

#[test]
fn a_network_without_switches_has_no_naswot() {
    let error = with(&dense(&[CLASSES as u64]), |setting, _| naswot(setting).unwrap_err());
    assert_eq!(error.kind, ErrorKind::Infeasible, "{error}");
}
