//! Each proxy against its formula in plain loops, on networks that are small enough to write out.

use super::proxies::{Setting, gradient_norm, log_synflow, naswot};
use crate::{CheckedRecipe, Standing, Training};
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

/// Calls `call` with the embedded engine.
fn with_engine<T>(call: impl Fn(&dyn Engine) -> T) -> T {
    let mut catalog = Catalog::default();
    catalog.add_all("trainer-burn", codebench_trainer_burn::PLUGINS).unwrap();
    call(catalog.engine("codebench/burn", &Parameters::new()).unwrap().as_ref())
}

/// Calls `check` with the setting of a workload, and its weight tensors as the engine initialises them.
fn with<T>(workload: &Workload, check: impl Fn(&Setting<'_>, &[Vec<f64>]) -> T) -> T {
    with_engine(|engine| with_setting(engine, workload, &check))
}

fn with_setting<T>(
    engine: &dyn Engine,
    workload: &Workload,
    check: impl Fn(&Setting<'_>, &[Vec<f64>]) -> T,
) -> T {
    let mut rng = Rng::new(3, 0);
    let images: Vec<f32> = (0..IMAGES * PIXELS).map(|_| (2.0 * rng.unit() - 1.0) as f32).collect();
    let labels = [0, 1, 2, 1, 0];
    let batch = MiniBatch { images: &images, labels: &labels, shape: SHAPE };
    let setting = Setting { engine, workload, batch, seed: 4 };
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

/// An engine whose answers are changed after they were computed.
struct Liar<'a> {
    honest: &'a dyn Engine,
    lie: fn(&mut Answers),
}

/// What may be changed of an answer.
enum Answers {
    Logits(Vec<f32>),
    Tensors(Vec<NamedTensor>),
    Densities(Vec<f64>),
    Correct(u64),
}

struct Lies {
    honest: Box<dyn Network>,
    lie: fn(&mut Answers),
}

impl Engine for Liar<'_> {
    fn build(&self, workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError> {
        Ok(Box::new(Lies { honest: self.honest.build(workload, options)?, lie: self.lie }))
    }
}

impl Lies {
    fn told(&self, mut answer: Answers) -> Answers {
        (self.lie)(&mut answer);
        answer
    }
}

impl Network for Lies {
    fn train_step(&mut self, batch: &MiniBatch<'_>, step: &StepOptions) -> Result<StepResult, PluginError> {
        let result = self.honest.train_step(batch, step)?;
        let Answers::Correct(correct) = self.told(Answers::Correct(result.correct)) else { unreachable!() };
        Ok(StepResult { correct, ..result })
    }

    fn evaluate(&mut self, batch: &MiniBatch<'_>) -> Result<EvaluateResult, PluginError> {
        let logits = self.honest.evaluate(batch)?.logits;
        let Answers::Logits(logits) = self.told(Answers::Logits(logits)) else { unreachable!() };
        Ok(EvaluateResult { logits })
    }

    fn densities(&mut self, batch: &MiniBatch<'_>) -> Result<Vec<f64>, PluginError> {
        let densities = self.honest.densities(batch)?;
        let Answers::Densities(densities) = self.told(Answers::Densities(densities)) else { unreachable!() };
        Ok(densities)
    }

    fn gradients(&mut self, batch: &MiniBatch<'_>, step: u64) -> Result<GradientsResult, PluginError> {
        let GradientsResult { loss, gradients } = self.honest.gradients(batch, step)?;
        let Answers::Tensors(gradients) = self.told(Answers::Tensors(gradients)) else { unreachable!() };
        Ok(GradientsResult { loss, gradients })
    }

    fn weights(&self) -> Result<Vec<NamedTensor>, PluginError> {
        self.honest.weights()
    }

    fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<(), PluginError> {
        self.honest.set_weights(weights)
    }
}

#[test]
fn answers_that_do_not_fit_are_the_fault_of_the_engine() {
    type Score = fn(&Setting<'_>) -> Result<f64, PluginError>;
    let message = |score: Score, lie: fn(&mut Answers)| {
        with(&dense(&[4, CLASSES as u64]), |setting, _| {
            let liar = Liar { honest: setting.engine, lie };
            let setting = Setting {
                engine: &liar,
                workload: setting.workload,
                batch: setting.batch,
                seed: setting.seed,
            };
            let error = score(&setting).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Contract, "{error}");
            error.message
        })
    };
    let fewer: fn(&mut Answers) = |answer| {
        if let Answers::Logits(logits) = answer {
            logits.truncate(3);
        }
    };
    assert_eq!(message(naswot, fewer), "the engine gave 3 logits for 5 images and 4 classes");
    let none: fn(&mut Answers) = |answer| {
        if let Answers::Logits(logits) = answer {
            logits.clear();
        }
    };
    assert_eq!(message(log_synflow, none), "the engine gave 0 logits for 1 images and 2 classes");
    let swapped: fn(&mut Answers) = |answer| {
        if let Answers::Tensors(tensors) = answer {
            tensors.reverse();
        }
    };
    let said = "the engine gave 3 gradients of `l3.bias` [3] instead of 24 of `l1.weight` [4, 6]";
    assert_eq!(message(gradient_norm, swapped), said);
    let sum = said.replace("3 gradients of `l3.bias` [3]", "6 gradients of `sum of the logits` [2, 3]");
    assert_eq!(message(log_synflow, swapped), sum);
    let short: fn(&mut Answers) = |answer| {
        if let Answers::Tensors(tensors) = answer {
            tensors.pop();
        }
    };
    assert_eq!(message(gradient_norm, short), "the engine gave no gradients of `l3.bias`");
    let cut: fn(&mut Answers) = |answer| {
        if let Answers::Tensors(tensors) = answer {
            tensors[0].values.pop();
        }
    };
    let said = "the engine gave 23 gradients of `l1.weight` [4, 6] instead of 24 of `l1.weight` [4, 6]";
    assert_eq!(message(log_synflow, cut), said);
}

#[test]
fn measurements_that_do_not_fit_are_the_fault_of_the_engine() {
    let message = |lie: fn(&mut Answers)| {
        let digits = DataSource { id: "digits".into(), parameters: Parameters::new() };
        let splits = crate::data::load(&digits).unwrap();
        let recipe = CheckedRecipe::new(&Recipe { epochs: 1, ..Recipe::default() }).unwrap();
        let (seed, purpose, wall_limit_s) = (1, Purpose::Search, None);
        let training = Training { splits: &splits, recipe: &recipe, seed, purpose, wall_limit_s };
        let mut workload = dense(&[10]);
        let (input, features) = (splits.shape().input, splits.shape().input.elements().unwrap());
        workload.tensors[..2].copy_from_slice(&[input, TensorShape::new(features, 1, 1)]);
        let last = workload.layers.last_mut().unwrap();
        last.primitive = Primitive::Dense { in_features: features, out_features: 10, bias: true };
        last.weights[0].shape[1] = features;
        with_engine(|honest| {
            let mut network = training.network(&Liar { honest, lie }, &workload).unwrap();
            let error = training.run(network.as_mut(), Standing::default(), |_, _, _| Ok(())).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Contract, "{error}");
            error.message
        })
    };
    let all_and_one: fn(&mut Answers) = |answer| {
        if let Answers::Correct(correct) = answer {
            *correct = 65;
        }
    };
    assert_eq!(message(all_and_one), "the engine told 65 of 64 images apart");
    let fewer: fn(&mut Answers) = |answer| {
        if let Answers::Logits(logits) = answer {
            logits.pop();
        }
    };
    assert_eq!(message(fewer), "the engine gave 639 logits for 64 images and 10 classes");
    let dense: fn(&mut Answers) = |answer| {
        if let Answers::Densities(densities) = answer {
            densities[1] = 1.5;
        }
    };
    assert_eq!(message(dense), "the engine gave a density of 1.5: it must be 0 to 1");
}
